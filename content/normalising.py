"""One writing for the many ways customers type: width, case, script, symbols.

Pure. Used by matching, signals and the wording check; the wording check adds harder views of its own.
"""

from __future__ import annotations

import functools
import re
import unicodedata
import warnings

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_NOT_WORD = re.compile(r"[^\w.%]+|_+")
_LOOSE_POINT = re.compile(r"(?<!\d)[.%]+|\.(?!\d)")


@functools.cache
def simplified_table() -> dict[int, str]:
    """Return the traditional-to-simplified table for str.translate, one character to one character.

    zhconv's phrase rules are left out: they cost 200 times more and both sides of a comparison go through
    the same table. Takes 0.2 s the first time (2026-11-21).
    """
    with warnings.catch_warnings():
        # zhconv leaves its dictionary file open for the collector.
        warnings.simplefilter("ignore", ResourceWarning)
        from zhconv import zhconv

        pairs = zhconv.getdict("zh-hans")
    return {ord(old): new for old, new in pairs.items() if len(old) == 1 and len(new) == 1 and old.isalpha()}


def simplified(text: str) -> str:
    """Return the text in simplified characters, same length."""
    return text.translate(simplified_table())


def folded(text: str) -> str:
    """Return the text in one width, case and script, without invisible characters; punctuation stays."""
    wide = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    # Case folding can undo NFKC for a few letters, so it is repeated; the second pass settles it.
    low = unicodedata.normalize("NFKC", _INVISIBLE.sub("", wide).lower())
    return simplified(low)


def normalise(text: str) -> str:
    """Return the words of a text: folded, every run of symbols, emoji and spaces one space.

    Points and percent signs stay inside numbers ("7.2%"). Idempotent.
    """
    words = _NOT_WORD.sub(" ", folded(text))
    return " ".join(_LOOSE_POINT.sub(" ", words).split())

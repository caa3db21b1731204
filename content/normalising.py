"""One writing for the many ways customers type: width, case, script, symbols.

Pure. Used by matching, signals and the wording check; the wording check adds harder views of its own.
"""

from __future__ import annotations

import functools
import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_NOT_WORD = re.compile(r"[^\w.%]+|_+")
_LOOSE_POINT = re.compile(r"(?<!\d)[.%]+|\.(?!\d)")


# Every block of Han characters that a keyboard can produce: Extension A, the unified block, compatibility.
_HAN = (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000), *range(0xF900, 0xFB00))


@functools.cache
def simplified_table() -> dict[int, str]:
    """Return the traditional-to-simplified table for str.translate, one character to one character.

    OpenCC's phrase rules are left out: both sides of a comparison go through the same table, and a text keeps its
    length, so that a place found in it is a place in the original. Takes 0.03 s the first time (2026-11-21).
    """
    from opencc import OpenCC

    written = [chr(code) for code in _HAN]
    plain = OpenCC("t2s").convert("\n".join(written)).split("\n")
    return {ord(old): new for old, new in zip(written, plain, strict=True) if old != new and len(new) == 1}


def simplified(text: str) -> str:
    """Return the text in simplified characters, same length."""
    return text.translate(simplified_table())


@functools.lru_cache(maxsize=4096)  # Several looks at one message fold it once (the audit: five).
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

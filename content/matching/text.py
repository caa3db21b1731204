"""A text as the layers see it: characters, words, meanings of words, syllables, kind of question, numbers.

Pure. Reading is the same for entries and for questions, so what is undone here (width, script, emoji, politeness) makes
no difference anywhere.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from content import normalising
from content.matching import language, numbers, pinyin

# One asking; what is longer is cut, the question is found by content/matching/splitting.py.
LIMIT_CHARACTERS = 120
_REMEMBERED = 20_000  # Phrases, about 3 KB each at most.
_FACE = re.compile(r"\[[\u4e00-\u9fff]{1,4}\]|\[(?:ok|emm|666)\]")
_SYMBOL = re.compile(
    "[\U0001f000-\U0001faff\u2190-\u2bff\u3030\u303d\u3297\u3299\U000e0020-\U000e007f\u20e3\ufffd]"
)
_HAN = "\u3400-\u9fff\uf900-\ufaff"
_GAP = re.compile(rf"(?<=[{_HAN}])[ \t\u3000]+(?=[{_HAN}])")
_UNIT = re.compile(rf"[{_HAN}]|[a-z]+|\d+(?:\.\d+)?%?")
_MASK = re.compile(r"\*+")


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What one text holds for each layer. Tokens of a layer are distinct, in order of appearance.

    `units`: Han characters, and runs of letters or digits as one; `heard`: a syllable per unit, several for typed
    pinyin. `kinds`, `negations`: bits of language.kinds and language.negations. `names`: of language.GROUP_OF.
    """

    plain: str
    units: tuple[str, ...]
    heard: tuple[str, ...]
    words: tuple[str, ...]
    meanings: tuple[str, ...]
    singles: tuple[str, ...]
    pairs: tuple[str, ...]
    triples: tuple[str, ...]
    sounds: tuple[str, ...]
    kinds: int
    negations: int
    numbers: frozenset[str]
    names: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A question as it was read, with slips corrected. `changed`: (typed, meant); `sentence`: for the meaning."""

    view: View
    sentence: str
    changed: tuple[tuple[str, str], ...]


def clean(text: str) -> str:
    """Return a text in one width, case and script, with punctuation, without emoji and gaps inside Chinese."""
    folded = normalising.folded(text)
    folded = _MASK.sub(" ", _SYMBOL.sub("", _FACE.sub("", folded)))
    return _GAP.sub("", folded).strip()


def unwrapped(cleaned: str) -> str:
    """Return a cleaned text without greeting and thanks; the text itself when nothing else is in it."""
    rest = language.OPENING.sub("", cleaned)
    rest = language.CLOSING.sub("", rest)
    return rest or cleaned


class Reader:
    """Reads texts with one segmenter and one set of synonyms."""

    def __init__(self, cut: Callable[[str], list[str]], synonyms: Mapping[str, str]) -> None:
        self._cut = cut
        self._known: dict[str, View] = {}
        self._synonyms = {normalising.normalise(said): word for said, word in synonyms.items()}
        # Our own words stand for themselves, so that "提前还" is not replaced inside "提前还款".
        for word in map(normalising.normalise, synonyms.values()):
            self._synonyms.setdefault(word, word)
        said = sorted(map(re.escape, filter(None, self._synonyms)), key=len, reverse=True)
        self._said = re.compile("|".join(said)) if said else None

    def read(self, text: str) -> View:
        """Return the view of a phrase of an entry. Remembered, so that a reload reads only what is new."""
        view = self._known.get(text)
        if view is None:
            view = self.view(units(unwrapped(clean(text[:LIMIT_CHARACTERS]))))
            if len(self._known) < _REMEMBERED:
                self._known[text] = view
        return view

    def words(self, units: tuple[str, ...]) -> list[str]:
        """Return the words of units as they stand, synonyms not replaced."""
        return [word for part in self._cut(_joined(units)) for word in part.split()]

    def view(self, units: tuple[str, ...]) -> View:
        """Return the view of units, as `units` cuts them or as spelling.py corrected them."""
        plain = _joined(units)
        heard = _heard(units)
        words = [word for part in self._cut(self._alike(plain)) for word in part.split()]
        return View(
            plain=plain,
            units=units,
            heard=heard,
            words=tuple(dict.fromkeys(words)),
            meanings=tuple(dict.fromkeys(_meanings(words))),
            singles=tuple(dict.fromkeys(units)),
            pairs=_grams(units, 2),
            triples=_grams(units, 3),
            sounds=_sounds(units, heard),
            kinds=language.kinds(plain),
            negations=language.negations(plain),
            numbers=frozenset(numbers.NUMBER.findall(plain)),
            names=frozenset(language.NAME.findall(plain)),
        )

    def _alike(self, plain: str) -> str:
        if self._said is None:
            return plain
        return self._said.sub(lambda found: self._synonyms[found[0]], plain)


def sentence(unwrapped: str) -> str:
    """Return a text as the semantic channel reads it: every one ends alike, so that the ending makes no difference."""
    return unwrapped.replace(" ", "").rstrip("?？!！。.,，、~～") + "？"


def units(cleaned: str) -> tuple[str, ...]:
    """Return the characters that are read: Han one by one, letters and digits in runs; punctuation is gone."""
    return tuple(_UNIT.findall(numbers.unified(cleaned)))


def _joined(units: tuple[str, ...]) -> str:
    parts: list[str] = []
    for unit in units:
        if (
            parts
            and unit[0].isascii()
            and unit[0].isalpha()
            and parts[-1][-1].isascii()
            and parts[-1][-1].isalpha()
        ):
            parts.append(" ")
        parts.append(unit)
    return "".join(parts)


def _grams(units: tuple[str, ...], size: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(units[at : at + size]) for at in range(len(units) - size + 1)))


def _heard(units: tuple[str, ...]) -> tuple[str, ...]:
    heard: list[str] = []
    for unit in units:
        if unit.isascii():
            ways = pinyin.cuts(unit) if unit.isalpha() else ()
            heard.extend(ways[0] if ways else (unit,))
        else:
            heard.extend(pinyin.readings(unit)[:1] or (unit,))
    return tuple(heard)


def _sounds(units: tuple[str, ...], heard: tuple[str, ...]) -> tuple[str, ...]:
    """Return pairs of neighbouring syllables, with every reading of a character that has several."""
    if len(heard) == len(units):
        ways = [
            pinyin.readings(unit) if not unit.isascii() else (said,)
            for unit, said in zip(units, heard, strict=True)
        ]
        found = [
            f"{left}'{right}"
            for before, after in itertools.pairwise(ways)
            for left in before or ("",)
            for right in after or ("",)
        ]
        return tuple(dict.fromkeys(found))
    return tuple(dict.fromkeys(f"{left}'{right}" for left, right in itertools.pairwise(heard)))


def _meanings(words: list[str]) -> list[str]:
    """Return the words by their meaning (language.CLASSES); neighbouring words that mean something together are one."""
    found: list[str] = []
    at = 0
    while at < len(words):
        for end in range(min(len(words), at + 3), at, -1):
            meant = language.CLASSES.get("".join(words[at:end]))
            if meant is not None:
                found.append(meant)
                at = end
                break
        else:
            found.append(words[at])
            at += 1
    return found

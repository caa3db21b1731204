"""Search among quick phrases by what somebody types in a hurry: characters, pinyin, its initials, or any mix of them.

Pure. "tqhk", "tiqianhk", "提前hk" and "提前" all find 提前还款. About 0.3 ms for a hundred phrases (2026-11-22).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from content import normalising
from content.matching import pinyin
from domain.quick import QuickPhrase

# How much a hit counts by where it stands; what begins with the words counts a little more.
_TITLE, _KEYWORD, _ASK, _TEXT = 1.0, 0.7, 0.5, 0.3
_AT_START = 0.15
_LONGEST = 24  # Characters of a query that are read.
_COMPARED = 200  # Of a phrase's text.


@dataclass(frozen=True, kw_only=True)
class Found:
    """A phrase that fits. `score`: for the order only."""

    phrase: QuickPhrase
    score: float


class Index:
    """The phrases, read once."""

    def __init__(self, phrases: Iterable[QuickPhrase]) -> None:
        self._fields = [(one, _fields(one)) for one in phrases]

    def search(self, words: str, limit: int) -> list[Found]:
        """Return the phrases that fit every word of a query, the best first; all in their order for an empty query."""
        terms = normalising.normalise(words).lower().split()[:4]
        terms = [term[:_LONGEST] for term in terms]
        found = []
        for place, (phrase, fields) in enumerate(self._fields):
            scores = [_score(term, fields) for term in terms]
            if all(scores):
                score = sum(scores) / len(scores) if scores else 0.0
                found.append((-score, place, Found(phrase=phrase, score=score)))
        return [one for _, _, one in sorted(found, key=lambda hit: hit[:2])][:limit]


def _fields(phrase: QuickPhrase) -> list[tuple[float, str, bool]]:
    """Return what a phrase is found by: weight, plain words, whether letters may stand for its sounds."""
    fields = [(_TITLE, _plain(phrase.title), True)]
    fields += [(_KEYWORD, _plain(word), True) for word in phrase.keywords]
    fields += [(_ASK, _plain(said), False) for said in phrase.asks]
    fields.append((_TEXT, _plain(phrase.text)[:_COMPARED], False))
    return fields


def _plain(text: str) -> str:
    return normalising.normalise(text).replace(" ", "").lower()


def _score(term: str, fields: Sequence[tuple[float, str, bool]]) -> float:
    best = 0.0
    has_letters = any(char.isascii() and char.isalpha() for char in term)
    for weight, words, may_sound in fields:
        if weight + _AT_START <= best:
            continue
        at = words.find(term)
        if at < 0 and may_sound and has_letters:
            at = _sounds_at(term, words)
        if at >= 0:
            best = max(best, weight + (_AT_START if at == 0 else 0.0))
    return best


def _sounds_at(term: str, words: str) -> int:
    """Return where characters that sound like a term begin, -1 for nowhere."""
    return next((at for at in range(len(words)) if _sounds(term, words[at : at + len(term)])), -1)


@functools.lru_cache(maxsize=8192)
def _sounds(term: str, words: str) -> bool:
    """Say whether a term is the beginning of words in characters, syllables, parts of the last one, or initials."""
    if not term:
        return True
    if not words:
        return False
    char, rest = words[0], words[1:]
    if term[0] == char:
        return _sounds(term[1:], rest)
    for sound in pinyin.readings(char):
        if sound.startswith(term):
            return True
        if term.startswith(sound) and _sounds(term[len(sound) :], rest):
            return True
        if sound[:1] == term[0] and _sounds(term[1:], rest):
            return True
        # The initial of two letters counts as one: "zh" for 账.
        if sound[1:2] == "h" and term.startswith(sound[:2]) and _sounds(term[2:], rest):
            return True
    return False

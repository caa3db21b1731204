"""Typed pinyin and homophones turned back into the characters the entries use.

A question is a row of places; each place has the character that was typed and, where it looks wrong beside its
neighbours, the index's characters of the same sound. The row that makes the most neighbours known wins (Viterbi). What
no entry knows stays as typed, so a text of another subject is not bent towards ours.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from content.matching import pinyin
from content.matching.text import View

_IN_WORD, _SIDE_BY_SIDE = (
    1.2,
    0.35,
)  # Gain of two neighbours that are known inside a word, or next to each other,
_OFTEN = 0.1  # and this for each doubling of how often.
_KNOWN_CHARACTER = 0.3
# Cost of another character: for one the index does not know, in a word it does not know, for one that stands alone,
# for one that stands alone in the index as well.
_UNKNOWN, _IN_STRANGE_WORD, _ALONE, _USUALLY_ALONE = 0.7, 0.7, 1.1, 1.5
_UNHEARD = 0.5  # Cost of leaving typed pinyin as letters.
_CHOICES = 10
_CUTS = 3
_SYLLABLE = 1.3  # Cost of each syllable, so that "huan" is cut in two only for something much better.


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """Units after correction, and what was changed as (typed, meant)."""

    units: tuple[str, ...]
    changed: tuple[tuple[str, str], ...]


class Speller:
    """Knows which characters stand together in the phrases of an index."""

    def __init__(self, views: Iterable[View], general: Iterable[str] = ()) -> None:
        """`general`: words of the language, so that they are not taken for slips of ours."""
        self._gains: dict[str, float] = {}
        self._singles: dict[str, int] = {}
        beside: dict[str, int] = {}
        inside: dict[str, int] = {}
        known: set[str] = set()
        for view in views:
            for unit in view.units:
                self._singles[unit] = self._singles.get(unit, 0) + 1
            for pair in view.pairs:
                beside[pair] = beside.get(pair, 0) + 1
            for word in view.words:
                known.add(word)
                _count(word, inside)
        for word in general:
            known.add(word)
            for unit in word:
                self._singles.setdefault(unit, 1)
            _count(word, inside)
        for gain, counts in ((_SIDE_BY_SIDE, beside), (_IN_WORD, inside)):
            for pair, count in counts.items():
                self._gains[pair] = gain + _OFTEN * math.log2(count)
        self._said: dict[str, list[str]] = {}
        for unit in sorted(self._singles, key=lambda unit: (-self._singles[unit], unit)):
            if not unit.isascii():
                for sound in pinyin.readings(unit):
                    same = self._said.setdefault(sound, [])
                    if len(same) < _CHOICES:
                        same.append(unit)
        self._words = frozenset(known)

    def correct(self, units: tuple[str, ...], words: Iterable[str]) -> Correction | None:
        """Return the units as they were probably meant; None when nothing looks wrong. `words`: of the same text."""
        costs = self._doubts(units, words)
        if not any(cost is not None for cost in costs):
            return None
        places: list[tuple[str, list[tuple[str, float]]]] = []  # (typed, [(meant, cost)])
        for unit, cost in zip(units, costs, strict=True):
            if cost is None:
                places.append((unit, [(unit, 0.0)]))
            elif unit.isascii():
                places.extend(self._letters(unit))
            else:
                places.append((unit, self._homophones(unit, cost)))
        best = self._likeliest([choices for _, choices in places])
        changed = tuple(
            (typed, meant) for (typed, _), meant in zip(places, best, strict=True) if typed != meant
        )
        return Correction(units=tuple(best), changed=changed) if changed else None

    def _doubts(self, units: tuple[str, ...], words: Iterable[str]) -> list[float | None]:
        """Return per unit what it costs to swap it; None where nothing looks wrong."""
        strange = [len(word) > 1 and word not in self._words for word in words for _ in word]
        inside = [len(word) > 1 for word in words for _ in word]
        costs: list[float | None] = []
        place = 0
        for at, unit in enumerate(units):
            if unit.isascii():
                costs.append(
                    0.0 if unit.isalpha() and unit not in self._words and pinyin.cuts(unit) else None
                )
            elif unit not in self._singles:
                costs.append(_UNKNOWN)
            elif place < len(inside) and inside[place]:
                costs.append(_IN_STRANGE_WORD if strange[place] else None)
            elif unit not in self._words:
                costs.append(_ALONE)
            else:
                costs.append(None if self._fits(units, at) else _USUALLY_ALONE)
            place += len(unit)
        return costs

    def _fits(self, units: tuple[str, ...], at: int) -> bool:
        unit = units[at]
        before = at > 0 and f"{units[at - 1]} {unit}" in self._gains
        return before or (at + 1 < len(units) and f"{unit} {units[at + 1]}" in self._gains)

    def _homophones(self, unit: str, cost: float) -> list[tuple[str, float]]:
        same = [
            other for sound in pinyin.readings(unit) for other in self._said.get(sound, ()) if other != unit
        ]
        return [(unit, 0.0), *((other, cost) for other in dict.fromkeys(same))]

    def _letters(self, letters: str) -> list[tuple[str, list[tuple[str, float]]]]:
        """Return the places of typed pinyin: of the ways to cut it, the one whose syllables fit the index best."""
        ways = pinyin.cuts(letters)[:_CUTS]
        options = [
            [
                (sound, [*((char, 0.0) for char in self._said.get(sound, ())), (sound, _UNHEARD)])
                for sound in way
            ]
            for way in ways
        ]
        if len(options) == 1:
            return options[0]
        return max(options, key=lambda places: self._value([choices for _, choices in places]))

    def _gain(self, left: str, right: str) -> float:
        return self._gains.get(f"{left} {right}", 0.0)

    def _value(self, places: list[list[tuple[str, float]]]) -> float:
        best = self._likeliest(places)
        pairs = sum(self._gain(left, right) for left, right in itertools.pairwise(best))
        return (
            pairs + _KNOWN_CHARACTER * sum(unit in self._singles for unit in best) - _SYLLABLE * len(places)
        )

    def _likeliest(self, places: list[list[tuple[str, float]]]) -> list[str]:
        rows: list[list[tuple[float, int]]] = []
        for at, choices in enumerate(places):
            row = []
            for unit, cost in choices:
                own = (_KNOWN_CHARACTER if unit in self._singles else 0.0) - cost
                if at == 0:
                    row.append((own, 0))
                    continue
                before = places[at - 1]
                value, back = max(
                    (rows[-1][place][0] + self._gain(left, unit), -place)
                    for place, (left, _) in enumerate(before)
                )
                row.append((value + own, -back))
            rows.append(row)
        if not rows:
            return []
        place = max(range(len(rows[-1])), key=lambda at: rows[-1][at][0])
        found: list[str] = []
        for at in range(len(places) - 1, -1, -1):
            found.append(places[at][place][0])
            place = rows[at][place][1]
        return found[::-1]


def _count(word: str, counts: dict[str, int]) -> None:
    for left, right in itertools.pairwise(word):
        pair = f"{left} {right}"
        counts[pair] = counts.get(pair, 0) + 1

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
_SWAPPED, _SWAPPED_UNKNOWN = 1.75, 0.9  # Cost of another character for one the index knows, or does not know.
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
        for view in views:
            for unit in view.units:
                self._singles[unit] = self._singles.get(unit, 0) + 1
            for pair in view.pairs:
                beside[pair] = beside.get(pair, 0) + 1
            for word in view.words:
                _count(word, inside)
        for word in general:
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
        self._words = frozenset(unit for unit in self._singles if unit.isascii())

    def correct(self, units: tuple[str, ...]) -> Correction | None:
        """Return the units as they were probably meant; None when nothing looks wrong."""
        doubtful = [self._is_doubtful(units, at) for at in range(len(units))]
        if not any(doubtful):
            return None
        places: list[tuple[str, list[tuple[str, float]]]] = []  # (typed, [(meant, cost)])
        for at, unit in enumerate(units):
            if unit.isascii():
                places.extend(self._letters(unit) if doubtful[at] else [(unit, [(unit, 0.0)])])
            elif doubtful[at]:
                places.append((unit, self._homophones(unit)))
            else:
                places.append((unit, [(unit, 0.0)]))
        best = self._likeliest([choices for _, choices in places])
        changed = tuple(
            (typed, meant) for (typed, _), meant in zip(places, best, strict=True) if typed != meant
        )
        return Correction(units=tuple(best), changed=changed) if changed else None

    def _is_doubtful(self, units: tuple[str, ...], at: int) -> bool:
        unit = units[at]
        if unit.isascii():
            return unit.isalpha() and unit not in self._words and bool(pinyin.cuts(unit))
        if unit not in self._singles:
            return True
        before = at > 0 and f"{units[at - 1]} {unit}" in self._gains
        after = at + 1 < len(units) and f"{unit} {units[at + 1]}" in self._gains
        return not before and not after

    def _homophones(self, unit: str) -> list[tuple[str, float]]:
        cost = _SWAPPED if unit in self._singles else _SWAPPED_UNKNOWN
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

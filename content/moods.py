"""How a customer feels, read from words and emoji with their negations: -2 very unhappy to 2 very happy.

Pure. The words are content/rubric/moods.toml. It is a trend and a reason to look, never a verdict by itself.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from content import normalising, tables

_REACH = 3  # Characters before a word in which a negation counts.
_LIMIT = 2.0
_FLIPPED = -0.5  # "不满意" is in the list; "不太失望" is only half the opposite.


@dataclass(frozen=True, kw_only=True)
class Moods:
    """The words with their values; `wanted` finds any of them, the longest first."""

    values: Mapping[str, float]
    wanted: re.Pattern[str]
    negated: re.Pattern[str]

    def of(self, text: str) -> float:
        """Return the mood of a text, 0 where nothing tells."""
        return _mood(self, text) if len(text) <= _REMEMBERED else self._read(text)

    def _read(self, text: str) -> float:
        folded = normalising.folded(text)
        total = 0.0
        for hit in self.wanted.finditer(folded):
            value = self.values[hit[0]]
            before = folded[max(0, hit.start() - _REACH) : hit.start()]
            total += value * _FLIPPED if self.negated.search(before) else value
        return max(-_LIMIT, min(_LIMIT, total))

    def __hash__(self) -> int:
        return id(self)


_REMEMBERED = 80  # Longer texts hardly repeat.


@functools.lru_cache(maxsize=8192)
def _mood(moods: Moods, text: str) -> float:
    return moods._read(text)


def parse_moods(found: Sequence[tables.Table], negations: Sequence[tables.Table]) -> Moods:
    """Return the moods of these tables; what is wrong is noted in their mistakes."""
    values: dict[str, float] = {}
    for table in found:
        table.check_keys({"id", "value", "words"})
        value = table.values.get("value")
        if not isinstance(value, int | float) or isinstance(value, bool) or not -_LIMIT <= value <= _LIMIT:
            table.wrong("needs a value from -2 to 2", "value", "的 value 要在 -2 到 2 之间")
            continue
        values |= {normalising.folded(word): float(value) for word in table.texts("words", at_least=1)}
    words = []
    for table in negations:
        table.check_keys({"id", "words"})
        words += [normalising.folded(word) for word in table.texts("words", at_least=1)]
    values.pop("", None)
    return Moods(
        values=values,
        wanted=_any_of(values),
        negated=re.compile(f"(?:{_any_of(words).pattern})[^,。!?]?$") if words else re.compile(r"(?!)"),
    )


def _any_of(words: Sequence[str] | Mapping[str, float]) -> re.Pattern[str]:
    ordered = sorted(words, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered)) or r"(?!)")

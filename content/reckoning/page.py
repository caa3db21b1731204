"""The text under reading, and what its readers share: figures, the words beside them, the nearest label.

Who reads what: rates.py, counts.py, sums.py, and reading.py for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from content.reckoning import labels, numerals
from content.reckoning.slots import Value

FILLED = "■"
FILLER = " 是为了有约:=的共大概将近差不多款一个按要"
HAN = "[一二两三四五六七八九]"
COUNT_UNIT = re.compile(
    r"(?: ?(?P<spaced>期|个月|天)|(?P<unit>个半月|年半|年期?(?!化)|周|个?星期|日(?![利息])))"
)
VAGUE_BEFORE = re.compile(r"(?:几|第|不是|\d\s*[-~至到—])\s*$")
VAGUE_AFTER = re.compile(r"\s*(?:多|来|几|余|[-~至到—]\s*[\d一二三四五六七八九十])")
_FEE = "(?:手续费|服务费|担保费|增信费)"
# Without a period a rate is a year's only where it can be nothing else: 3 % a month no lender may charge.
YEARLY = (Decimal("0.03"), Decimal("0.36"))


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number with its place and what stands directly behind it."""

    start: int
    end: int
    value: Decimal


@dataclass(kw_only=True)
class Page:
    """The text being read: what was taken is blanked, what was found is gathered."""

    text: str
    today: date
    found: dict[str, set[Value]] = field(default_factory=dict)
    # Kind and value of figures without a name.
    loose: list[tuple[str, Decimal]] = field(default_factory=list)

    def take(self, start: int, end: int) -> None:
        """Blank a stretch; it bounds its neighbours from now on."""
        self.text = self.text[:start] + FILLED * (end - start) + self.text[end:]

    def add(self, slot: str, value: Value) -> None:
        """Gather a reading of a slot."""
        self.found.setdefault(slot, set()).add(value)

    def left(self, start: int) -> str:
        """Return the words before a place, back to a break or another figure."""
        return re.split(f"[{FILLED}。;；!?！？\n,、，]", self.text[max(0, start - 24) : start])[-1]

    def right(self, end: int) -> str:
        """Return the words behind a place, up to a break or another figure."""
        return re.split(f"[{FILLED}。;；!?！？\n,、，]", self.text[end : end + 16])[0]


def figures(text: str) -> Iterator[Figure]:
    """Yield the numbers of a text that are certain."""
    for number in numerals.find_numbers(text):
        if number.value is not None:
            yield Figure(start=number.start, end=number.end, value=number.value)


def nearest_label(table: Sequence[labels.Label], left: str, right: str, reach: int) -> str | None:
    """Return the slot of the label nearest to a figure, None where there is none within reach."""
    near, after = left.rstrip(FILLER), right.lstrip(" 的")
    best: tuple[int, bool, int] | None = None
    slot = None
    for label in table:
        if label.is_behind:
            founds = [found] if (found := label.pattern.match(after)) else []
        else:
            founds = list(label.pattern.finditer(left))
        for found in founds:
            gap = 0 if label.is_behind else max(0, len(near) - found.end())
            place = (gap, label.is_behind, found.start() - found.end())
            if found[0] and gap <= reach and (best is None or place < best):
                best, slot = place, label.slot
    return slot


def is_fee(left: str, right: str) -> bool:
    """Tell of a fee whose name and period stand on both sides: 手续费0.6%每期, 每期72元手续费."""
    named = re.search(f"{_FEE}率?$", left.rstrip(FILLER)) and re.match(
        "/期|/月|每期|一期|每个?月|一个月", right
    )
    return bool(
        named
        or (re.search("(?:每期|每个?月|一期)(?:要|收|交|付|扣)*$", left) and re.match(f"的?{_FEE}", right))
    )


def small(text: str) -> Decimal:
    """Return the value of one digit in either writing; 半 is a half of ten."""
    return Decimal("0.5") * 10 if text == "半" else numerals.parse(text) or Decimal(0)

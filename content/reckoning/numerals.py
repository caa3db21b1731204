"""Numbers as customers write them: 120000, 12,000.50, 1.5w, 十二万, 3万5, 两千零五, 三点五.

Pure, exact decimals. cn2an (MIT, kept, 8 kB) was tried and left: it goes through floats, knows no "w", no thousands
commas, and takes a digit for a shorthand that belongs to the next word ("12万一年" is 12万 for 一年, not 12万1千).
Texts are expected folded (content.normalising.folded).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

_DIGITS = {
    **{char: value for value, char in enumerate("零一二三四五六七八九")},
    **{char: value for value, char in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    "两": 2,
    "俩": 2,
}
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_UNITS |= {"拾": 10, "佰": 100, "仟": 1000, "k": 1000, "w": 10_000}
_HAN_DIGITS = "".join(_DIGITS)
_ARABIC = r"\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?"
_HAN_DECIMAL = f"[{_HAN_DIGITS}十百]+点[{_HAN_DIGITS}]+"
_PART = re.compile(rf"{_ARABIC}|{_HAN_DECIMAL}|[{_HAN_DIGITS}十百千万亿拾佰仟]|[wk](?![a-z])")
# A "w" or "k" counts only behind a digit; "." and "," around a run belong to the sentence.
_RUN = re.compile(rf"(?:(?:{_ARABIC})(?:[wk](?![a-z]))?|{_HAN_DECIMAL}|[{_HAN_DIGITS}十百千万亿拾佰仟])+")
# What follows a count: its number is small, so a run too large for it is two numbers ("12万36期").
_COUNTED = re.compile(r"期|个月|个半|年(?!化)|周|星期|天|日(?!息|利)|%|‰|成|个点|厘|份")
_COUNT_LIMIT = 480
_YEARLY_RATE = re.compile("年(?:利率|息)")


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number in a text. `value` None: digits that are no number we can be sure of ("三五", "1.5万3")."""

    start: int
    end: int
    value: Decimal | None


def find_numbers(text: str) -> Iterator[Number]:
    """Yield the numbers of a folded text from left to right.

    Before a counted unit a run that is too large for a count is cut in two where that makes sense of it:
    "12万一年" gives 12万 and 一, "5000三个月" 5000 and 三.
    """
    for found in _RUN.finditer(text):
        start, end, run = found.start(), found.end(), found[0]
        whole = parse(run)
        if not _COUNTED.match(text, end) or (whole is not None and whole <= _COUNT_LIMIT):
            yield Number(start=start, end=end, value=whole)
            continue
        cut = _cut(run)
        if cut is not None and whole is not None and _YEARLY_RATE.match(text, end):
            # "3万5年利率": 3万 for 5 years, or 3万5 at a yearly rate.
            yield Number(start=start, end=end, value=None)
            continue
        if cut is None:
            yield Number(start=start, end=end, value=whole)
            continue
        yield Number(start=start, end=start + cut, value=parse(run[:cut]))
        yield Number(start=start + cut, end=end, value=parse(run[cut:]))


def _cut(run: str) -> int | None:
    """Return where a run falls into an amount and a count, None where it does not."""
    places = [run.rfind(unit) + 1 for unit in "万w千k仟百佰" if unit in run]
    places += [found.end() for found in re.finditer(r"\d(?=\D)", run)]
    for place in places:
        head, tail = parse(run[:place]), parse(run[place:])
        if head is not None and tail is not None and tail <= _COUNT_LIMIT:
            return place
    return None


def parse(run: str) -> Decimal | None:
    """Return the value of a run of number signs, None when it is not one number.

    Shorthands are read ("三万五" 35,000; "1千2" 1,200; "一百二" 120); a row of Chinese digits without units
    ("三五", "二〇二六"), and anything behind a decimal but units ("1.5万3"), is refused.
    """
    parts = _PART.findall(run)
    if "".join(parts) != run or not parts:
        return None
    reading = _Reading()
    for part in parts:
        if part in _UNITS:
            if not reading.unit(_UNITS[part]):
                return None
        elif not reading.number(part):
            return None
    return reading.end()


class _Reading:
    """The state of reading one number: sections of ten thousand, each of digits and units in falling order."""

    def __init__(self) -> None:
        self.total = Decimal(0)
        self.section = Decimal(0)
        self.pending: Decimal | None = None
        self.width = 0  # Digits of the pending number.
        self.last_unit = 0  # 0 before the first unit.
        self.big_unit = 0
        self.had_zero = False
        self.is_closed = False  # A decimal was read: only units may follow.

    def number(self, part: str) -> bool:
        """Take a number part."""
        if self.is_closed:
            return False
        if part in _DIGITS and _DIGITS[part] == 0 and (self.last_unit or self.pending is not None):
            self.had_zero = True
            return self.pending is None
        if self.pending is not None:
            return False
        self.pending = _value(part)
        self.is_closed = self.pending != self.pending.to_integral_value()
        self.width = len(part.replace(",", ""))
        return not (self.is_closed and self.last_unit)

    def unit(self, unit: int) -> bool:
        """Take a unit."""
        if unit >= 10_000:
            return self._big(unit)
        if self.last_unit and unit >= self.last_unit:
            return False
        if self.pending is None:
            if unit != 10 or (self.last_unit and not self.had_zero):
                return False
            self.pending = Decimal(1)
        self.section += self.pending * unit
        self._settle(unit)
        return True

    def _big(self, unit: int) -> bool:
        value = self.section + (self.pending or 0)
        if value <= 0 or (self.big_unit and unit >= self.big_unit):
            return False
        self.total += value * unit
        self.section = Decimal(0)
        self.big_unit = unit
        self._settle(unit)
        return True

    def _settle(self, unit: int) -> None:
        self.pending, self.width, self.had_zero, self.last_unit = None, 0, False, unit

    def end(self) -> Decimal | None:
        """Return the value when the run is over."""
        rest = self._rest()
        return None if rest is None else self.total + self.section + rest

    def _rest(self) -> Decimal | None:
        if self.pending is None:
            return None if self.had_zero else Decimal(0)
        if not self.last_unit or self.last_unit == 10 or self.had_zero:
            return self.pending if self.pending < (self.last_unit or self.pending + 1) else None
        if self.width == 1:
            return self.pending * self.last_unit / 10
        return self.pending if self.width == len(str(self.last_unit)) - 1 else None


def _value(part: str) -> Decimal:
    if part in _DIGITS:
        return Decimal(_DIGITS[part])
    if "点" in part:
        whole, _, decimals = part.partition("点")
        figures = "".join(str(_DIGITS[char]) for char in decimals)
        return (parse(whole) or Decimal(0)) + Decimal(f"0.{figures}")
    return Decimal(part.replace(",", ""))

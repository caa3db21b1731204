"""Dates as customers write them: 2026-11-01, 11月1号, 昨天, 上个月15号, 3天前, 去年3月5号, 上周五.

Pure; "today" is given. A date without a year is the one in the last half year; an older one counts only where the words
beside it tell of the past ("3月5号还清的"), for it could be next year's. A day of the month alone ("15号") is not read.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from content.reckoning import numerals

_N = "[零〇一二两三四五六七八九十]{1,3}"
_YEAR = r"(?<!\d)(?P<year>(?:19|20)\d{2}(?=\s*[-年/.])|去年|今年|明年|前年)"
_FULL = re.compile(
    rf"{_YEAR}\s*(?:年|[-/.])?\s*(?P<month>\d{{1,2}}|{_N})\s*(?:月(?:份)?|[-/.])\s*(?P<day>\d{{1,2}}|{_N})(?:日|号)?(?!\d|\.\d)"
)
_MONTH_DAY = re.compile(
    rf"(?<![\d年.])(?P<month>\d{{1,2}}|{_N})月(?:份)?(?P<day>\d{{1,2}}|{_N})(?:日|号)(?!\d)"
)
_THIS_MONTH = re.compile(rf"(?P<which>上个?月|这个?月|本月|当月)的?(?P<day>\d{{1,2}}|{_N})(?:日|号)")
_AGO = re.compile(rf"(?P<count>\d{{1,4}}|{_N}|半)\s*(?P<unit>天|日|周|个?星期|个?礼拜|个月|年)(?:之|以)?前")
_WORD = re.compile("大前天|前天|昨天|昨日|昨晚|今天(?=刚|才|签|收|交|提|还清|结清|出险)")
_WEEKDAY = re.compile("上(?:个)?(?:周|星期|礼拜)(?P<day>[一二三四五六日天])")
# A month or day that is no whole date, kept from being read as a term or an amount.
_PARTIAL = re.compile(
    rf"(?<![\d.,])(?:(?:(?:\d{{2}}|(?:19|20)\d{{2}}|[一二〇零]{{4}}|去年|今年)年?)?(?:\d{{1,2}}|{_N})月(?:份|底|初|中)?"
    rf"|(?:19|20)\d{{2}}年|(?:\d{{1,2}}|{_N})号)"
)
_WORDS = {"大前天": 3, "前天": 2, "昨天": 1, "昨日": 1, "昨晚": 1}
_YEARS = {"去年": -1, "今年": 0, "明年": 1, "前年": -2}
_RECENT = timedelta(days=183)


@dataclass(frozen=True, kw_only=True)
class Day:
    """A date in a text; `on` None where the words do not make one certain day.

    `past`: the last such day, for a date without a year that may also lie ahead.
    """

    start: int
    end: int
    on: date | None
    past: date | None = None


def find_days(text: str, today: date) -> Iterator[Day]:
    """Yield the dates of a folded text, and the scraps of dates, none overlapping; in no certain order."""
    rest = text
    for pattern in (_FULL, _MONTH_DAY, _THIS_MONTH, _AGO, _WORD, _WEEKDAY, _PARTIAL):
        for found in pattern.finditer(rest):
            on = _read(pattern, found, today)
            is_near = on is None or pattern is not _MONTH_DAY or today - on <= _RECENT
            yield Day(start=found.start(), end=found.end(), on=on if is_near else None, past=on)
        rest = pattern.sub(lambda found: "■" * len(found[0]), rest)


def _read(pattern: re.Pattern[str], found: re.Match[str], today: date) -> date | None:
    try:
        if pattern is _FULL:
            return date(_year(found["year"], today), _count(found["month"]), _count(found["day"]))
        if pattern is _MONTH_DAY:
            return _last(_count(found["month"]), _count(found["day"]), today)
        if pattern is _THIS_MONTH:
            return _of_month(found["which"], _count(found["day"]), today)
        if pattern is _AGO:
            return _ago(found["count"], found["unit"], today)
        if pattern is _WORD:
            return today - timedelta(days=_WORDS.get(found[0], 0))
        if pattern is _WEEKDAY:
            monday = today - timedelta(days=today.weekday() + 7)
            return monday + timedelta(
                days="一二三四五六日天".index(found["day"]) if found["day"] != "天" else 6
            )
    except (ValueError, OverflowError):
        return None
    return None


def _count(text: str) -> int:
    value = numerals.parse(text)
    if value is None:
        raise ValueError(text)
    return int(value)


def _year(text: str, today: date) -> int:
    return today.year + _YEARS[text] if text in _YEARS else int(text)


def _last(month: int, day: int, today: date) -> date:
    this_year = date(today.year, month, day)
    return this_year if this_year <= today else date(today.year - 1, month, day)


def _of_month(which: str, day: int, today: date) -> date:
    first = today.replace(day=1)
    month = (first - timedelta(days=1)).replace(day=1) if which.startswith("上") else first
    return month.replace(day=day)


def _ago(count: str, unit: str, today: date) -> date | None:
    if count == "半":
        return None
    number = _count(count)
    if unit.endswith(("天", "日")):
        return today - timedelta(days=number)
    if unit.endswith(("周", "星期", "礼拜")):
        return today - timedelta(weeks=number)
    months = number * (12 if unit == "年" else 1)
    index = today.year * 12 + today.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(today.day, calendar.monthrange(year, month + 1)[1]))

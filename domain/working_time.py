"""Working time: minutes count only while people serve. Pure.

`after` and `between` for a question now and then, WorkingCalendar for many of them (the audit asks millions of times).
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from domain.hours import ServiceHours

# A company that serves less than this in two months has other worries.
_MOST_OPENINGS = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)
# How far ahead an opening is looked for at least before the plain distance is taken.
_HORIZON = timedelta(days=60)


def after(hours: ServiceHours, start: datetime, span: timedelta) -> datetime:
    """Return the moment by which people have served for `span` since `start`.

    Where they never serve again, or not for so long, the plain distance: somebody shall be told.
    """
    left, at = span, start
    for _ in range(_MOST_OPENINGS):
        opening = hours.next_opening(at)
        closes = None if opening is None else hours.closes_at(opening)
        if opening is None or closes is None:
            break
        if opening + left <= closes:
            return opening + left
        left -= closes - opening
        at = closes
    return start + span


def between(hours: ServiceHours, start: datetime, end: datetime) -> timedelta:
    """Return how long people served between two moments; nothing where `end` is not later."""
    served, at = timedelta(0), start
    for _ in range(_MOST_OPENINGS):
        opening = hours.next_opening(at)
        closes = None if opening is None else hours.closes_at(opening)
        if opening is None or closes is None or opening >= end:
            break
        served += min(closes, end) - opening
        at = closes
    return served


def days_after(hours: ServiceHours, start: datetime, days: int) -> datetime:
    """Return the end of the last of `days` working days after the one `start` lies in (UTC).

    The day itself does not count. A working day is one on which people serve; where no opening is known, any day.
    """
    day, left = hours.today(start), days
    weekdays = {period.weekday for period in hours.periods} or set(range(7))
    for _ in range(_MOST_OPENINGS):
        if left <= 0:
            break
        day += timedelta(days=1)
        left -= day.weekday() in weekdays and day not in hours.closed_on
    return datetime.combine(day + timedelta(days=1), time.min, hours.zone).astimezone(UTC)


class WorkingCalendar:
    """The same two questions answered fast: openings are laid out once, a question is two look-ups.

    Openings are laid out by the year, as far as they are asked for, in microseconds since the epoch. Differences from
    `after` and `between`: an opening until midnight ends at midnight sharp, not a microsecond earlier; a distance of
    years counts whole; outside the years 2000 to 2099 (a clock that went mad) nobody serves.
    """

    def __init__(self, hours: ServiceHours) -> None:
        self.hours = hours
        self._first = self._beyond = date(1970, 1, 1)
        self._opens: list[int] = []
        self._closes: list[int] = []
        # How much was served before each opening.
        self._before: list[int] = []
        self._from = self._until = 0

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how long people served between two moments; nothing where `end` is not later."""
        if end <= start or not _is_sane(start, end):
            return timedelta(0)
        self._reach(start, end)
        return timedelta(microseconds=self._served(_micro(end)) - self._served(_micro(start)))

    def after(self, start: datetime, span: timedelta) -> datetime:
        """Return the moment by which people have served for `span` (above 0); the plain distance if never."""
        beyond = start + _HORIZON + 6 * span
        if not _is_sane(start, beyond):
            return start + span
        self._reach(start, beyond)
        wanted = self._served(_micro(start)) + span // _MICROSECOND
        place = bisect.bisect_left(self._before, wanted) - 1
        if place >= 0:
            found = self._opens[place] + wanted - self._before[place]
            if found <= self._closes[place]:
                return _EPOCH + timedelta(microseconds=found)
        return start + span

    def _served(self, moment: int) -> int:
        """Return how long was served from the first day laid out until `moment`."""
        place = bisect.bisect_right(self._opens, moment) - 1
        if place < 0:
            return 0
        return self._before[place] + min(moment, self._closes[place]) - self._opens[place]

    def _reach(self, start: datetime, end: datetime) -> None:
        """Lay out what is missing of the years around these moments."""
        if self._from <= _micro(start) and _micro(end) < self._until:
            return
        first, beyond = date(start.year - 1, 12, 1), date(end.year + 1, 2, 1)
        if self._until:
            first, beyond = min(first, self._first), max(beyond, self._beyond)
        self._lay(first, beyond)

    def _lay(self, first: date, beyond: date) -> None:
        opens: list[int] = []
        closes: list[int] = []
        before: list[int] = []
        served = 0
        for opening, closing in _openings(self.hours, first, beyond):
            opens.append(opening)
            closes.append(closing)
            before.append(served)
            served += closing - opening
        self._opens, self._closes, self._before = opens, closes, before
        self._first, self._beyond = first, beyond
        # The days at both ends belong to two dates in other zones.
        self._from = _micro(datetime.combine(first + _DAY, time.min, UTC))
        self._until = _micro(datetime.combine(beyond - _DAY, time.min, UTC))


def _openings(hours: ServiceHours, first: date, beyond: date) -> Iterator[tuple[int, int]]:
    by_day: dict[int, list[tuple[time, time]]] = {}
    for period in sorted(hours.periods, key=lambda one: one.opens):
        by_day.setdefault(period.weekday, []).append((period.opens, period.closes))
    for days in range((beyond - first).days):
        day = first + days * _DAY
        if day in hours.closed_on:
            continue
        for opens, closes in by_day.get(day.weekday(), ()):
            ends_on, ends = (day + _DAY, time.min) if closes == time.max else (day, closes)
            opening = _micro(datetime.combine(day, opens, hours.zone))
            closing = _micro(datetime.combine(ends_on, ends, hours.zone))
            if closing > opening:
                yield opening, closing


def _is_sane(start: datetime, end: datetime) -> bool:
    return start.year >= 2000 and end.year < 2100


def _micro(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND

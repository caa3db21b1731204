"""Working time: minutes count only while people serve. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from domain.hours import ServiceHours

# A company that serves less than this in two months has other worries.
_MOST_OPENINGS = 500


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

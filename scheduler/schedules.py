"""The times at which a schedule stands as written, before anything moves it. Pure; called by scheduler/timetable.py."""

from __future__ import annotations

import calendar as months
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.sop import At, Dates, Day, Every, Monthly, Offset, PastPolicy, Step, Weekly

_DAY = timedelta(days=1)


def nominal_times(step: Step, anchor_at: datetime, zone: ZoneInfo, until: datetime) -> list[datetime]:
    """Return the times as written, ascending, in UTC, before `until`; nothing is moved but a day 0 that has passed."""
    end = until if step.repeats_for is None else min(until, anchor_at + step.repeats_for)
    return [moment for moment in _moments(step, anchor_at, zone, end) if moment < end]


def _moments(step: Step, anchor_at: datetime, zone: ZoneInfo, end: datetime) -> Iterator[datetime]:
    schedule = step.schedule
    first = anchor_at.astimezone(zone).date()

    def at(day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, zone).astimezone(UTC)

    match schedule:
        case Offset():
            yield anchor_at.astimezone(UTC) + schedule.after
        case Day():
            moment = at(first + timedelta(days=schedule.day), schedule.at)
            if schedule.day == 0 and moment < anchor_at:
                is_now = step.past_policy is PastPolicy.IMMEDIATELY
                moment = anchor_at.astimezone(UTC) if is_now else at(first + _DAY, schedule.at)
            yield moment
        case At():
            yield from _after(anchor_at, [at(schedule.moment.date(), schedule.moment.time())])
        case Dates():
            yield from _after(anchor_at, [at(each.date(), each.time()) for each in schedule.moments])
        case Every():
            moment = anchor_at.astimezone(UTC)
            while moment < end:
                if schedule.opens <= moment.astimezone(zone).time() <= schedule.closes:
                    yield moment
                moment += schedule.interval
        case Weekly() | Monthly():
            day = first
            while (moment := at(day, schedule.at)) < end:
                if moment >= anchor_at and _is_meant(schedule, day):
                    yield moment
                day += _DAY


def _after(anchor_at: datetime, moments: list[datetime]) -> list[datetime]:
    return [moment for moment in moments if moment >= anchor_at]


def _is_meant(schedule: Weekly | Monthly, day: date) -> bool:
    if isinstance(schedule, Weekly):
        return day.weekday() in schedule.weekdays
    return day.day == min(schedule.day, months.monthrange(day.year, day.month)[1])

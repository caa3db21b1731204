"""Minutes of a question count only while people serve."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain import working_time
from domain.hours import Period, ServiceHours
from tests.sop.factory import local, shanghai

HOURS = ServiceHours(
    zone=ZoneInfo("Asia/Shanghai"),
    periods=tuple(
        period
        for weekday in range(5)
        for period in (
            Period(weekday=weekday, opens=time(9), closes=time(12)),
            Period(weekday=weekday, opens=time(13, 30), closes=time(18)),
        )
    ),
)
_MINUTE = timedelta(minutes=1)
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
moments = st.integers(0, 90 * 24 * 3600).map(lambda seconds: FIRST + timedelta(seconds=seconds))
spans = st.integers(0, 60 * 24).map(lambda minutes: timedelta(minutes=minutes))


def due(asked_at: str, minutes: int) -> str:
    return local(working_time.after(HOURS, shanghai(asked_at), timedelta(minutes=minutes)))


def test_minutes_run_while_people_serve() -> None:
    assert due("2026-11-23 10:00", 5) == "2026-11-23 10:05"
    assert due("2026-11-23 11:50", 15) == "2026-11-23 13:35"  # The noon break does not count,
    assert due("2026-11-23 17:50", 30) == "2026-11-24 09:20"  # nor the night,
    assert due("2026-11-20 22:00", 5) == "2026-11-23 09:05"  # nor the weekend.
    assert due("2026-11-23 11:55", 5) == "2026-11-23 12:00"


def test_a_company_that_never_serves_lets_nobody_wait_for_ever() -> None:
    closed = ServiceHours(zone=HOURS.zone, periods=())

    moment = shanghai("2026-11-23 10:00")
    assert working_time.after(closed, moment, timedelta(minutes=5)) == moment + timedelta(minutes=5)
    assert working_time.between(closed, moment, moment + timedelta(days=1)) == timedelta(0)


@given(moments, spans)
def test_what_was_waited_for_is_what_was_served(start: datetime, span: timedelta) -> None:
    end = working_time.after(HOURS, start, span)

    assert end >= start
    assert working_time.between(HOURS, start, end) == span


@given(moments, spans, spans)
def test_longer_waits_end_later(start: datetime, short: timedelta, more: timedelta) -> None:
    assert working_time.after(HOURS, start, short) <= working_time.after(HOURS, start, short + more)


@given(moments, moments, spans)
def test_the_fast_calendar_says_the_same(start: datetime, end: datetime, span: timedelta) -> None:
    calendar = working_time.WorkingCalendar(HOURS)

    assert calendar.between(start, end) == working_time.between(HOURS, start, end)
    assert calendar.after(start, span + _MINUTE) == working_time.after(HOURS, start, span + _MINUTE)


def test_the_fast_calendar_knows_holidays_midnight_and_mad_clocks() -> None:
    always = tuple(Period(weekday=day, opens=time(0), closes=time.max) for day in range(7))
    closed = frozenset([date(2026, 11, 24)])
    calendar = working_time.WorkingCalendar(ServiceHours(zone=HOURS.zone, periods=always, closed_on=closed))
    monday, wednesday = shanghai("2026-11-23 23:59"), shanghai("2026-11-25 00:01")

    assert calendar.between(monday, wednesday) == 2 * _MINUTE
    assert calendar.after(monday, 2 * _MINUTE) == wednesday
    mad = datetime(9998, 1, 1, tzinfo=UTC)
    assert calendar.between(monday, mad) == timedelta(0)
    assert calendar.after(mad, _MINUTE) == mad + _MINUTE


def test_the_fast_calendar_of_a_company_that_never_serves_counts_plainly() -> None:
    calendar = working_time.WorkingCalendar(ServiceHours(zone=HOURS.zone, periods=()))

    assert calendar.after(FIRST, _MINUTE) == FIRST + _MINUTE
    assert calendar.between(FIRST, FIRST + timedelta(days=9)) == timedelta(0)

"""Days off: legal holidays, make-up workdays, trading days, years nobody knows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.sop_files import HolidayYear
from domain.sop import CalendarPolicy, SopDays
from scheduler import calendars

CALENDAR = calendars.packaged()
KNOWN = st.dates(date(2024, 1, 15), date(2026, 12, 1))


@pytest.mark.parametrize(
    ("day", "not_holiday", "workday", "trading"),
    [
        (date(2026, 10, 1), False, False, False),  # National Day, a Thursday.
        (
            date(2026, 10, 10),
            True,
            True,
            False,
        ),  # A Saturday worked for it: offices open, the exchange closed.
        (date(2026, 11, 21), True, False, False),  # A plain Saturday.
        (date(2026, 11, 23), True, True, True),  # A plain Monday.
    ],
)
def test_day_is_on_by_its_calendar(day: date, not_holiday: bool, workday: bool, trading: bool) -> None:
    assert CALENDAR.is_on(day, SopDays.ANY)
    assert CALENDAR.is_on(day, SopDays.NOT_HOLIDAY) is not_holiday
    assert CALENDAR.is_on(day, SopDays.WORKDAY) is workday
    assert CALENDAR.is_on(day, SopDays.TRADING_DAY) is trading


def test_holiday_moves_a_step_by_its_policy() -> None:
    holiday, days = date(2026, 10, 1), SopDays.TRADING_DAY

    assert CALENDAR.placed(holiday, days, CalendarPolicy.SEND) == holiday
    assert CALENDAR.placed(holiday, days, CalendarPolicy.SHIFT_NEXT) == date(2026, 10, 8)
    assert CALENDAR.placed(holiday, days, CalendarPolicy.SHIFT_PREV) == date(2026, 9, 30)
    assert CALENDAR.placed(holiday, days, CalendarPolicy.SKIP) is None
    assert CALENDAR.holiday(holiday) == "国庆节"


def test_year_that_nobody_knows_has_weekends_only_and_says_so() -> None:
    unknown = max(CALENDAR.years) + 1
    new_year = date(unknown, 1, 1)

    assert not CALENDAR.covers(new_year)
    assert CALENDAR.is_on(new_year, SopDays.NOT_HOLIDAY)


def test_year_set_by_hand_is_known() -> None:
    unknown = max(CALENDAR.years) + 1
    new_year = date(unknown, 1, 1)

    added = CALENDAR.with_year(unknown, {new_year: "元旦"}, frozenset())

    assert added.covers(new_year)
    assert not added.is_on(new_year, SopDays.NOT_HOLIDAY)
    assert added.is_on(date(2026, 11, 23), SopDays.TRADING_DAY)


def test_missing_year_is_told_from_november_on() -> None:
    last = max(CALENDAR.years)

    assert calendars.missing_years(CALENDAR, date(last, 10, 31)) == []
    assert calendars.missing_years(CALENDAR, date(last, 11, 1)) == [last + 1]
    by_hand = HolidayYear(year=last + 1, holidays={}, make_up=frozenset())
    assert calendars.missing_years(calendars.known([by_hand]), date(last, 11, 1)) == []


@given(KNOWN, st.sampled_from(SopDays), st.sampled_from(CalendarPolicy))
def test_shifted_day_is_on_and_lies_on_the_side_asked_for(
    day: date, days: SopDays, policy: CalendarPolicy
) -> None:
    placed = CALENDAR.placed(day, days, policy)

    if policy is CalendarPolicy.SEND or CALENDAR.is_on(day, days):
        assert placed == day
    elif policy is CalendarPolicy.SKIP:
        assert placed is None
    else:
        assert placed is not None
        assert CALENDAR.is_on(placed, days)
        assert (placed > day) is (policy is CalendarPolicy.SHIFT_NEXT)


@given(KNOWN)
def test_trading_day_is_a_workday_and_a_workday_no_holiday(day: date) -> None:
    assert CALENDAR.is_on(day, SopDays.WORKDAY) or not CALENDAR.is_on(day, SopDays.TRADING_DAY)
    assert CALENDAR.is_on(day, SopDays.NOT_HOLIDAY) or not CALENDAR.is_on(day, SopDays.WORKDAY)
    assert CALENDAR.next_on(day, SopDays.TRADING_DAY) - day < timedelta(days=14)

"""Which days are days off: legal holidays with their make-up workdays, weekends, trading days.

Pure once built. The State Council announces a year's holidays in the autumn before it; the package chinesecalendar
carries them (2004 to 2026 in 1.11.0), and a company may add a year by hand (content/sop/calendar.toml) before the
package does. In a year nobody knows, weekends are the only days off, and `covers` says so.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from chinese_calendar import constants  # type: ignore[import-untyped]  # The package publishes no types.

from content.sop_files import HolidayYear
from domain.sop import CalendarPolicy, SopDays

# The longest run of days off is under two weeks; whoever looks further has a mistake in the data.
_HORIZON_DAYS = 60
_SATURDAY = 5
_NOVEMBER = 11


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The days of the years in `years`. `holidays`: every legal day off with its Chinese name, weekends within
    included; `make_up`: weekend days that are worked for it."""

    holidays: Mapping[date, str]
    make_up: frozenset[date]
    years: frozenset[int]

    def covers(self, day: date) -> bool:
        """Say whether the holidays of this year are known."""
        return day.year in self.years

    def holiday(self, day: date) -> str:
        """Return the name of a legal holiday, "" on any other day."""
        return self.holidays.get(day, "")

    def is_on(self, day: date, days: SopDays) -> bool:
        """Say whether the day counts as a day on."""
        if days is SopDays.ANY:
            return True
        if day in self.holidays:
            return False
        if days is SopDays.NOT_HOLIDAY or day.weekday() < _SATURDAY:
            return True
        return days is SopDays.WORKDAY and day in self.make_up

    def placed(self, day: date, days: SopDays, policy: CalendarPolicy) -> date | None:
        """Return the day a step of that day is done on; None when it is left out."""
        if policy is CalendarPolicy.SEND or self.is_on(day, days):
            return day
        if policy is CalendarPolicy.SKIP:
            return None
        step = timedelta(days=1 if policy is CalendarPolicy.SHIFT_NEXT else -1)
        return self._nearest(day + step, days, step)

    def next_on(self, day: date, days: SopDays) -> date:
        """Return the first day on that is not before `day`."""
        return self._nearest(day, days, timedelta(days=1))

    def _nearest(self, day: date, days: SopDays, step: timedelta) -> date:
        for _ in range(_HORIZON_DAYS):
            if self.is_on(day, days):
                return day
            day += step
        raise ValueError(f"no day on within {_HORIZON_DAYS} days of {day}; check content/sop/calendar.toml")

    def with_year(self, year: int, holidays: Mapping[date, str], make_up: frozenset[date]) -> Calendar:
        """Return this calendar with a year set by hand; what was known of the year is replaced."""
        kept = {day: name for day, name in self.holidays.items() if day.year != year}
        worked = {day for day in self.make_up if day.year != year}
        return Calendar(
            holidays={**kept, **holidays},
            make_up=frozenset(worked | make_up),
            years=self.years | {year},
        )


@functools.cache
def packaged() -> Calendar:
    """Return the calendar of the package chinesecalendar."""
    # A holiday is stored by its English name; the Chinese one stands in the enumeration.
    names = {holiday.value: holiday.chinese for holiday in constants.Holiday}
    holidays = {day: names[english] for day, english in constants.holidays.items()}
    return Calendar(
        holidays=holidays,
        make_up=frozenset(constants.workdays),
        years=frozenset(day.year for day in holidays),
    )


def known(years: Iterable[HolidayYear]) -> Calendar:
    """Return the package's calendar with the years that the company set by hand."""
    calendar = packaged()
    for year in years:
        calendar = calendar.with_year(year.year, year.holidays, year.make_up)
    return calendar


def missing_years(calendar: Calendar, today: date) -> list[int]:
    """Return this year, and from November on the next one, where their holidays are not known.

    The State Council announces the list early in November; a group that begins then reaches into the next year, and
    until the package carries the list the company writes it down itself.
    """
    near = [today.year, today.year + 1] if today.month >= _NOVEMBER else [today.year]
    return [year for year in near if year not in calendar.years]

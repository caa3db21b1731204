"""Service hours: when people serve. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# How far ahead an opening is looked for; a company closed for longer has other worries.
_HORIZON_DAYS = 60


@dataclass(frozen=True, kw_only=True)
class Period:
    """One opening of a weekday (Monday is 0). `closes` is exclusive; time.max stands for midnight."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, kw_only=True)
class ServiceHours:
    """The company's opening hours in its own zone, and the days it is closed."""

    zone: ZoneInfo
    periods: tuple[Period, ...]
    closed_on: frozenset[date] = frozenset()

    def is_open(self, at: datetime) -> bool:
        """Say whether people serve at `at` (aware)."""
        local = at.astimezone(self.zone)
        if local.date() in self.closed_on:
            return False
        return any(
            period.weekday == local.weekday() and period.opens <= local.time() < period.closes
            for period in self.periods
        )

    def next_opening(self, at: datetime) -> datetime | None:
        """Return the first moment from `at` on when people serve (UTC); None when there is none in 60 days."""
        if self.is_open(at):
            return at
        start = at.astimezone(self.zone).date()
        for days in range(_HORIZON_DAYS):
            day = start + timedelta(days=days)
            if day in self.closed_on:
                continue
            for period in sorted(self.periods, key=lambda one: one.opens):
                opening = datetime.combine(day, period.opens, self.zone).astimezone(UTC)
                if period.weekday == day.weekday() and opening >= at:
                    return opening
        return None

    def closes_at(self, at: datetime) -> datetime | None:
        """Return when the opening that `at` lies in ends (UTC); None while closed."""
        local = at.astimezone(self.zone)
        for period in self.periods if self.is_open(at) else ():
            if period.weekday == local.weekday() and period.opens <= local.time() < period.closes:
                return datetime.combine(local.date(), period.closes, self.zone).astimezone(UTC)
        return None

    def today(self, at: datetime) -> date:
        """Return the company's own date at `at`."""
        return at.astimezone(self.zone).date()

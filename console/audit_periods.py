"""The periods of the boards: whole weeks from Monday on, or the last days up to tonight, in the company's zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from console.visit import Visit
from store.audit_reports import AuditFilter

KEYS = ("week", "last", "30", "90")
_WEEKS_OF_TREND = 12


@dataclass(frozen=True, kw_only=True)
class Period:
    """From `since` up to `until`, both midnights in the company's zone. `key`: as it stands in addresses."""

    key: str
    since: datetime
    until: datetime

    @property
    def first_day(self) -> date:
        return self.since.date()

    @property
    def last_day(self) -> date:
        return (self.until - timedelta(days=1)).date()

    @property
    def before(self) -> Period:
        """The one of the same length that ends where this one begins."""
        days = (self.until.date() - self.since.date()).days
        return Period(key=self.key, since=self.since - timedelta(days=days), until=self.since)


def chosen(visit: Visit) -> Period:
    """Return the period that the address asks for; this week where it asks for none."""
    key = visit.choice("period", KEYS)
    today = visit.frame.times.start_of_today()
    monday = today - timedelta(days=today.weekday())
    if key == "week":
        return Period(key=key, since=monday, until=monday + timedelta(days=7))
    if key == "last":
        return Period(key=key, since=monday - timedelta(days=7), until=monday)
    tomorrow = today + timedelta(days=1)
    return Period(key=key, since=tomorrow - timedelta(days=int(key)), until=tomorrow)


def wanted(visit: Visit, period: Period, *, kind: str = "", line: str = "", subject: str = "") -> AuditFilter:
    """Return the filter for a period; `subject`: one person only."""
    return AuditFilter(
        since=period.since,
        until=period.until,
        now=visit.ctx.clock.now(),
        kind=kind,
        line=line,
        subjects=frozenset({subject}) if subject else None,
    )


def weeks(visit: Visit) -> list[Period]:
    """Return the last twelve weeks, the oldest first; the last one is the running week."""
    today = visit.frame.times.start_of_today()
    next_monday = today + timedelta(days=7 - today.weekday())
    edges = [next_monday - timedelta(days=7 * count) for count in range(_WEEKS_OF_TREND, -1, -1)]
    return [Period(key="week", since=since, until=until) for since, until in pairwise(edges)]


def over(visit: Visit, periods: Sequence[Period], *, subject: str, weeks_before: int = 0) -> AuditFilter:
    """Return the filter from some weeks before the first to the last of these periods, of one person."""
    since = periods[0].since - timedelta(weeks=weeks_before)
    whole = Period(key="", since=since, until=periods[-1].until)
    return wanted(visit, whole, subject=subject)

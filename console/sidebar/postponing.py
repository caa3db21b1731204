"""The times a step may be put off to: soon, this evening, tomorrow morning, as far as its window lasts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

_EVENING = time(18)
# Nearer than this to the end of the window there is no time left to do the step.
_LEFT = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Later:
    """A choice. `key` names its words in [phone_postpone]; `at` is local time of day, for the words."""

    key: str
    until: datetime
    at: str


def choices(now: datetime, window_end: datetime, zone: ZoneInfo, quiet_until: time) -> list[Later]:
    """Return what may be chosen, the soonest first; empty when the window is nearly over.

    `quiet_until`: when the quiet hours of the morning end.
    """
    local = now.astimezone(zone)
    evening = datetime.combine(local.date(), _EVENING, zone)
    morning = datetime.combine(local.date() + timedelta(days=1), quiet_until, zone)
    offered = [
        ("30m", now + timedelta(minutes=30)),
        ("1h", now + timedelta(hours=1)),
        ("18", evening),
        ("tomorrow", morning),
    ]
    return [
        Later(key=key, until=until, at=f"{until.astimezone(zone):%H:%M}")
        for key, until in offered
        if now < until <= window_end - _LEFT
    ]

"""On which day each group opens: never more than a few of one owner on one day; the rest is staggered.

Pure. Who first asked is served first; the same requests always get the same days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from domain.sop import CalendarPolicy, SopDays
from scheduler.calendars import Calendar


@dataclass(frozen=True, kw_only=True)
class OpeningWanted:
    """A group that is to open, and the day its owner would like."""

    group_id: str
    owner_id: str
    on: date


@dataclass(frozen=True, kw_only=True)
class Opening:
    """The day a group opens. `waits`: days after the one wanted, because the owner opens others or it is a day off."""

    wanted: OpeningWanted
    on: date

    @property
    def waits(self) -> int:
        """Days between the wanted day and this one."""
        return (self.on - self.wanted.on).days


def free_day(day: date, taken: Mapping[date, int], most: int) -> date:
    """Return the first day from `day` on that has room among an owner's openings."""
    while taken.get(day, 0) >= most:
        day += timedelta(days=1)
    return day


def staggered(
    wanted: Iterable[OpeningWanted],
    calendar: Calendar,
    *,
    per_owner: int,
    days: SopDays = SopDays.ANY,
    policy: CalendarPolicy = CalendarPolicy.SEND,
    taken: Mapping[tuple[str, date], int] | None = None,
) -> list[Opening]:
    """Return a day for each group, by the day wanted and the group's id.

    `per_owner`: openings of one owner on one day; `taken`: how many there are already, by owner and day. A day off is
    treated as by `policy`; SKIP waits as SHIFT_NEXT does, for an opening is never dropped.
    """
    full = Counter(dict(taken or {}))
    openings: list[Opening] = []
    for one in sorted(wanted, key=lambda one: (one.on, one.group_id)):
        day = calendar.placed(one.on, days, policy) or calendar.next_on(one.on, days)
        while full[one.owner_id, day] >= per_owner:
            day += timedelta(days=1)
            if policy is not CalendarPolicy.SEND:
                day = calendar.next_on(day, days)
        full[one.owner_id, day] += 1
        openings.append(Opening(wanted=one, on=day))
    return openings

"""The duty roster (排班): who serves customers when, and how many at the same time. Pure.

Times of a shift are minutes of the local day. A shift on a date replaces the person's weekly ones of that day, so that
a swap is one line. store/roster.py keeps shifts; scheduler/rostering.py chooses from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from domain.people import Staff

MINUTES_OF_DAY = 24 * 60
MOST_CUSTOMERS = 100


@dataclass(frozen=True, kw_only=True)
class NewShift:
    """A time on duty. `account_id` "": for every account. `weekday`: 1 Monday to 7 Sunday, None where `on_date` is.

    `until_minute` is exclusive; 1440 stands for midnight. `capacity`: customers at the same time.
    """

    staff_platform_id: str
    from_minute: int
    until_minute: int
    capacity: int
    account_id: str = ""
    weekday: int | None = None
    on_date: date | None = None

    def __post_init__(self) -> None:
        """Refuse a shift that no day has."""
        if (self.weekday is None) is (self.on_date is None):
            raise ValueError("a shift is on a weekday or on a date, one of the two")
        if self.weekday is not None and not 1 <= self.weekday <= 7:
            raise ValueError(f"weekday is 1 to 7, not {self.weekday}")
        if not 0 <= self.from_minute < self.until_minute <= MINUTES_OF_DAY:
            raise ValueError(f"minutes {self.from_minute} to {self.until_minute} are no part of a day")
        if not 1 <= self.capacity <= MOST_CUSTOMERS:
            raise ValueError(f"capacity is 1 to {MOST_CUSTOMERS}, not {self.capacity}")
        if not self.staff_platform_id:
            raise ValueError("a shift belongs to somebody")

    def is_on(self, day: date) -> bool:
        """Say whether the shift is on this day."""
        return self.on_date == day if self.on_date is not None else self.weekday == day.isoweekday()

    def covers(self, local: datetime) -> bool:
        """Say whether the shift goes on at this local time."""
        minute = local.hour * 60 + local.minute
        return self.is_on(local.date()) and self.from_minute <= minute < self.until_minute


@dataclass(frozen=True, kw_only=True)
class Shift(NewShift):
    """A shift of the roster as it stands."""

    id: int
    made_by: str
    made_at: datetime


@dataclass(frozen=True, kw_only=True)
class Servicer:
    """Somebody who may take customers, as of now.

    `load`: customers this person serves or is about to get. `lines`: those of the restricted product lines the person
    is registered for today. `last_given_at`: when a customer was last given to them.
    """

    platform_id: str
    is_receiving: bool
    load: int = 0
    lines: frozenset[str] = frozenset()
    last_given_at: datetime | None = None


def seats(shifts: Iterable[NewShift], people: Mapping[str, Staff], local: datetime) -> dict[str, int]:
    """Return who is on duty at a local time, with the capacity of each; the first-named shift comes first.

    Who is away is stood in for by the deputy (the deputy's deputy, and so on); where nobody stands in, the seat is
    empty. One person with several seats has the largest, not their sum.
    """
    day = local.date()
    listed = list(shifts)
    dated = {one.staff_platform_id for one in listed if one.on_date == day}
    found: dict[str, int] = {}
    for one in listed:
        if not one.covers(local) or (one.on_date is None and one.staff_platform_id in dated):
            continue
        who = standing_in(people, one.staff_platform_id, day)
        if who:
            found[who] = max(found.get(who, 0), one.capacity)
    return found


def standing_in(people: Mapping[str, Staff], platform_id: str, day: date) -> str:
    """Return who serves in the place of `platform_id` on `day`: the person, or a deputy at work; "" for nobody.

    Somebody the records do not know serves himself. Other than domain.people.acting_for, leaders do not take seats.
    """
    seen: set[str] = set()
    who = platform_id
    while who and who not in seen:
        seen.add(who)
        person = people.get(who)
        if person is None:
            return who if who == platform_id else ""
        if person.is_at_work(day):
            return who
        who = person.deputy_platform_id
    return ""

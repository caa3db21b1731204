"""Who may take a customer now: on duty, at work, receiving, qualified for the line, with room; the fairest first.

`choose` is pure. `find` reads what it needs: the roster of the account, or service.duty where no shift was made; so
both the bot's first hand-over (handlers/handover.py) and every later move (scheduler/handover_watch.py) choose alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from domain import roster
from domain.hours import ServiceHours
from domain.roster import Servicer
from store import accounts, staff
from store import roster as rosters

_NEVER = datetime.min.replace(tzinfo=UTC)
# The pool is emptied so long before closing, where nobody serves for so long afterwards; a lunch break is none.
_LAST_MINUTES = timedelta(minutes=10)
_LONG_BREAK = timedelta(hours=3)


@dataclass(frozen=True, kw_only=True)
class RosterRules:
    """What the company set.

    `duty`: who serves where no shift was made, in this order, each up to `capacity` customers. `restricted`: product
    lines that only registered people may talk about. `only`: in a pilot, the advisors who take part; empty: all.
    """

    hours: ServiceHours
    duty: tuple[str, ...] = ()
    capacity: int = 10
    restricted: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Who can take a customer, best first.

    `room`: how many customers each of `servicers` may have. `may_queue`: where nobody can now, whether somebody
    receives who will, so that waiting in the pool leads somewhere.
    """

    servicers: tuple[str, ...] = ()
    room: Mapping[str, int]
    may_queue: bool


def choose(
    seats: Mapping[str, int],
    servicers: Iterable[Servicer],
    *,
    line: str = "",
    restricted: Collection[str] = (),
    without: Collection[str] = (),
) -> Choice:
    """Return who of those on duty can take a customer.

    `seats`: people on duty with their capacity (domain.roster.seats). `without`: people the customer shall not get.
    Fair: the share of taken seats first, then the longest time since the last customer, then the roster's order.
    """
    place = {name: number for number, name in enumerate(seats)}
    fit = [
        one
        for one in servicers
        if one.is_receiving
        and one.platform_id in seats
        and one.platform_id not in without
        and (line not in restricted or line in one.lines)
    ]
    free = [one for one in fit if one.load < seats[one.platform_id]]
    free.sort(
        key=lambda one: (
            one.load / seats[one.platform_id],
            one.last_given_at or _NEVER,
            place[one.platform_id],
        )
    )
    return Choice(
        servicers=tuple(one.platform_id for one in free),
        room={one.platform_id: seats[one.platform_id] for one in free},
        may_queue=bool(fit),
    )


async def find(
    tx: AsyncConnection,
    account_id: str,
    rules: RosterRules,
    now: datetime,
    *,
    line: str = "",
    without: Collection[str] = (),
) -> Choice:
    """Return who can take a customer of the account now; nobody out of service hours.

    Where there is neither a roster nor service.duty, the pool stands in for it, as soon as anybody receives.
    """
    if not rules.hours.is_open(now):
        return Choice(room={}, may_queue=False)
    seats = await find_seats(tx, account_id, rules, now)
    restricted = await find_restricted(tx, rules)
    if seats is None:
        return Choice(room={}, may_queue=await _anybody_receives(tx, account_id, rules))
    seats = {name: capacity for name, capacity in seats.items() if _takes_part(name, rules)}
    servicers = await rosters.list_servicers(tx, account_id, list(seats), rules.hours.today(now), now=now)
    found = choose(seats, servicers, line=line, restricted=restricted, without=without)
    if found.servicers or found.may_queue or line in restricted or await rosters.list_for(tx, account_id):
        return found
    # Where service.duty stands in for a roster, whoever else receives may take from the pool.
    return replace(found, may_queue=await _anybody_receives(tx, account_id, rules))


def is_closing(hours: ServiceHours, now: datetime) -> bool:
    """Say whether people go home now, or have gone: in the last minutes before a long break, and in the break. Pure."""
    closes = hours.closes_at(now) or now
    opens = hours.next_opening(closes)
    return closes - now <= _LAST_MINUTES and (opens is None or opens - closes >= _LONG_BREAK)


async def find_at_closing(
    tx: AsyncConnection, account_id: str, rules: RosterRules, now: datetime, *, line: str = ""
) -> Choice:
    """Return who takes a customer out of the pool before everybody is gone, whatever they have already.

    Nobody may speak to a customer in the pool (WeCom doc 94669), so it would be silence until the next morning. People
    on duty come first, then anybody who still receives; the least busy first.
    """
    seats = await find_seats(tx, account_id, rules, now) or {}
    names = [name for name in await accounts.list_receiving(tx, account_id) if _takes_part(name, rules)]
    servicers = await rosters.list_servicers(tx, account_id, names, rules.hours.today(now), now=now)
    restricted = await find_restricted(tx, rules)
    room = 1 + max((one.load for one in servicers), default=0)
    on_duty = {name: room for name in names if name in seats}
    found = choose(on_duty, servicers, line=line, restricted=restricted)
    return (
        found
        if found.servicers
        else choose(dict.fromkeys(names, room), servicers, line=line, restricted=restricted)
    )


async def find_seats(
    tx: AsyncConnection, account_id: str, rules: RosterRules, now: datetime
) -> dict[str, int] | None:
    """Return who is on duty for the account with the capacity of each; None where nobody planned anything."""
    local = now.astimezone(rules.hours.zone)
    shifts = await rosters.list_for(tx, account_id, local.date())
    if not any(one.on_date is None or one.on_date == local.date() for one in shifts):
        shifts = []  # A swap on another day is no roster of today.
    if not shifts and not rules.duty:
        return None
    named = [one.staff_platform_id for one in shifts] or list(rules.duty)
    people = await staff.list_near(tx, named)
    if shifts:
        return roster.seats(shifts, people, local)
    on_duty = [roster.standing_in(people, name, local.date()) for name in rules.duty]
    return {name: rules.capacity for name in on_duty if name}


async def find_restricted(tx: AsyncConnection, rules: RosterRules) -> frozenset[str]:
    """Return the lines that only registered people take; a line nobody was ever registered for is left open.

    Otherwise a company that keeps no registrations here could not hand over at all.
    """
    if not rules.restricted:
        return frozenset()
    known = await rosters.count_registered(tx)
    return frozenset(line for line in rules.restricted if known.get(line))


async def _anybody_receives(tx: AsyncConnection, account_id: str, rules: RosterRules) -> bool:
    return any(_takes_part(name, rules) for name in await accounts.list_receiving(tx, account_id))


def _takes_part(name: str, rules: RosterRules) -> bool:
    return not rules.only or name in rules.only

"""The duty roster: who serves customers on which days, how many at the same time; and who is on duty now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import duty_access, people
from console.access import Right, require
from console.visit import Visit
from domain.people import Staff
from domain.roster import MINUTES_OF_DAY, MOST_CUSTOMERS, NewShift, Servicer, Shift
from scheduler import rostering
from store import health_reports, roster, staff

_PATH = "/console/roster"
_WEEKDAYS = range(1, 8)


@dataclass(frozen=True, kw_only=True)
class OnDuty:
    """Somebody on duty now. `capacity`: how many customers at the same time."""

    servicer: Servicer
    capacity: int


@dataclass(frozen=True, kw_only=True)
class PersonWeek:
    """A person's weekly shifts by weekday, 1 to 7. `away`: on leave today; `deputy`: who has the seat meanwhile."""

    who: str
    days: dict[int, list[Shift]]
    is_away: bool
    deputy: str


async def show(visit: Visit) -> web.Response:
    """Show the roster of all accounts."""
    ctx = visit.ctx
    now = ctx.clock.now()
    today = ctx.hours.today(now)
    async with ctx.store.read() as tx:
        shifts = await duty_access.access_roster(visit.viewer, tx, today)
        accounts = await health_reports.list_account_names(tx)
        on_duty = {one: await list_on_duty(tx, one, ctx.roster, now) for one in accounts}
        members = await staff.list_near(tx, {one.staff_platform_id for one in shifts} | set(ctx.roster.duty))
        candidates = await _candidates(tx)
        names = await people.list_names(tx)
    return visit.page(
        "roster.html",
        weeks=_weeks(shifts, members, today),
        dated=sorted((one for one in shifts if one.on_date), key=_dated),
        accounts=accounts,
        on_duty=on_duty,
        is_open=ctx.hours.is_open(now),
        candidates=candidates,
        people=names,
        duty=ctx.roster.duty,
        today=today,
        most=MOST_CUSTOMERS,
    )


async def add(visit: Visit) -> web.Response:
    """Add a shift on every chosen weekday, or on a date."""
    require(visit.viewer, Right.RUN_DUTY)
    new = _read(visit)
    if not new:
        return visit.back(_PATH, wrong="bad_shift")

    async def job(tx: AsyncConnection) -> str:
        if new[0].staff_platform_id not in await _candidates(tx):
            return "unknown_person"
        there = {_essence(one) for one in await roster.list_current(tx)}
        fresh = [one for one in new if _essence(one) not in there]
        for one in fresh:
            await roster.add(tx, one, by=visit.viewer.name, now=visit.ctx.clock.now())
        return "" if fresh else "shift_there"

    wrong = await visit.write(job)
    return visit.back(_PATH, wrong=wrong) if wrong else visit.back(_PATH, done="shift_added")


async def end(visit: Visit) -> web.Response:
    """Take a shift off the roster; customers who are being served stay where they are."""
    require(visit.viewer, Right.RUN_DUTY)
    shift_id, now = visit.number(), visit.ctx.clock.now()
    done = await visit.write(lambda tx: roster.end(tx, shift_id, by=visit.viewer.name, now=now))
    return visit.back(_PATH, done="shift_ended") if done else visit.back(_PATH, wrong="changed")


async def list_on_duty(
    tx: AsyncConnection, account_id: str, rules: rostering.RosterRules, now: datetime
) -> list[OnDuty]:
    """Return who is on duty for an account now, with what each has; also out of service hours."""
    seats = await rostering.find_seats(tx, account_id, rules, now) or {}
    known = await roster.list_servicers(tx, account_id, list(seats), rules.hours.today(now), now=now)
    return [OnDuty(servicer=one, capacity=seats[one.platform_id]) for one in known]


async def _candidates(tx: AsyncConnection) -> list[str]:
    """Return who may be put on duty: everybody who ever received customers for an account."""
    return await health_reports.list_servicers(tx)


def _read(visit: Visit) -> list[NewShift]:
    """Return the shifts a form asks for; none when it makes no sense."""
    try:
        since, until = _minutes(visit.said("since", 5)), _minutes(visit.said("until", 5))
        day = date.fromisoformat(visit.said("on_date", 10)) if visit.said("on_date", 10) else None
        chosen = {int(str(value)) for value in visit.form.getall("weekday", [])}
        days: list[tuple[int | None, date | None]] = [(one, None) for one in _WEEKDAYS if one in chosen]
        return [
            NewShift(
                account_id=visit.said("account", 64),
                staff_platform_id=visit.said("who", 64),
                weekday=weekday,
                on_date=on_date,
                from_minute=since,
                # Midnight as an end is that of the day's end.
                until_minute=until or MINUTES_OF_DAY,
                capacity=int(visit.said("capacity", 4)),
            )
            for weekday, on_date in ([(None, day)] if day is not None else days)
        ]
    except ValueError:
        return []


def _minutes(text: str) -> int:
    hour, minute = (int(part) for part in text.split(":"))
    if not (0 <= hour < 24 and 0 <= minute < 60):
        raise ValueError(text)
    return hour * 60 + minute


def _essence(one: NewShift) -> tuple[object, ...]:
    return (
        one.account_id,
        one.staff_platform_id,
        one.weekday,
        one.on_date,
        one.from_minute,
        one.until_minute,
    )


def _weeks(shifts: list[Shift], members: dict[str, Staff], today: date) -> list[PersonWeek]:
    found: dict[str, dict[int, list[Shift]]] = {}
    for one in sorted(shifts, key=lambda each: each.from_minute):
        if one.weekday is not None:
            days = found.setdefault(one.staff_platform_id, {day: [] for day in _WEEKDAYS})
            days[one.weekday].append(one)
    return [
        PersonWeek(
            who=who,
            days=days,
            is_away=who in members and not members[who].is_at_work(today),
            deputy=members[who].deputy_platform_id if who in members else "",
        )
        for who, days in sorted(found.items())
    ]


def _dated(one: Shift) -> tuple[date, int]:
    return one.on_date or date.max, one.from_minute

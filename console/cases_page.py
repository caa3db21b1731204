"""Cases: the list with the most overdue first, and one case with its history and what can be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, people
from console.visit import PAGE_ROWS, Visit
from domain.case import CaseKind
from store import case_reports, cases, health_reports, logins
from store.case_reports import CaseFilter

SHOWS = ("open", "late", "closed")
WHOSE = ("all", "mine", "nobody")


async def show_list(visit: Visit) -> web.Response:
    """Show a page of cases."""
    show, whose = visit.choice("show", SHOWS), visit.choice("whose", WHOSE)
    kind, search = visit.choice("kind", ("", *CaseKind)), visit.query("q")
    wanted = CaseFilter(
        show=show,
        kind=kind,
        owners=visit.viewer.own_names if whose == "mine" else None,
        is_unowned=whose == "nobody",
        search=search,
        now=visit.ctx.clock.now(),
    )
    async with visit.ctx.store.read() as tx:
        rows = await access.access_cases(visit.viewer, tx, wanted, visit.place, PAGE_ROWS + 1)
        names = await people.list_names(tx)
    return visit.page(
        "cases.html",
        rows=rows[:PAGE_ROWS],
        next_place=rows[PAGE_ROWS - 1].place if len(rows) > PAGE_ROWS else None,
        people=names,
        show=show,
        whose=whose,
        kind=kind,
        search=search,
    )


async def show_one(visit: Visit) -> web.Response:
    """Show a case with its history."""
    case_id = visit.number()
    async with visit.ctx.store.read() as tx:
        await access.access_case(visit.viewer, tx, case_id)
        row = await case_reports.find_case_row(tx, case_id)
        entries = await cases.list_entries(tx, case_id)
        quote = await case_reports.find_quote(tx, case_id)
        names, owners = await people.list_names(tx), await _owners(tx)
    assert row is not None
    await visit.openings.record(visit, f"case:{case_id}")
    later = max(row.case.due_at, visit.ctx.clock.now()) + timedelta(days=1)
    return visit.page(
        "case.html",
        row=row,
        case=row.case,
        entries=entries,
        quote=quote,
        people=names,
        owners=owners,
        suggested_due_at=later,
    )


async def assign(visit: Visit) -> web.Response:
    """Give the case to a person."""
    case_id, owner = visit.number(), visit.said("owner", 64)

    async def job(tx: AsyncConnection) -> str:
        await access.access_case_direction(visit.viewer, tx, case_id)
        if owner not in await _owners(tx):
            return "unknown_person"
        now = visit.ctx.clock.now()
        done = await cases.set_owner(tx, case_id, owner, actor=visit.viewer.name, now=now)
        return "" if done else "changed"

    return _told(visit, await visit.write(job), "assigned")


async def move_due(visit: Visit) -> web.Response:
    """Move the date the case has to be finished by."""
    case_id, note, now = visit.number(), visit.said("note"), visit.ctx.clock.now()
    due_at = visit.frame.times.from_input(visit.said("due_at", 32))

    async def job(tx: AsyncConnection) -> str:
        await access.access_case_direction(visit.viewer, tx, case_id)
        if due_at is None or due_at <= now:
            return "bad_date"
        if not note:
            return "empty"
        done = await cases.set_due(tx, case_id, due_at, actor=visit.viewer.name, note=note, now=now)
        return "" if done else "changed"

    return _told(visit, await visit.write(job), "due_moved")


async def add_note(visit: Visit) -> web.Response:
    """Write a note into the history."""

    async def act(tx: AsyncConnection, case_id: int, note: str) -> bool:
        now = visit.ctx.clock.now()
        await cases.record(tx, case_id, actor=visit.viewer.name, act="note", note=note, now=now)
        return True

    return await _with_note(visit, act, "noted")


async def close(visit: Visit) -> web.Response:
    """Finish the case; how it ended is written down."""

    async def act(tx: AsyncConnection, case_id: int, note: str) -> bool:
        now = visit.ctx.clock.now()
        return await cases.close(tx, case_id, actor=visit.viewer.name, note=note, now=now)

    return await _with_note(visit, act, "closed")


async def reopen(visit: Visit) -> web.Response:
    """Take a closed case up again."""

    async def act(tx: AsyncConnection, case_id: int, note: str) -> bool:
        now = visit.ctx.clock.now()
        return await cases.reopen(tx, case_id, actor=visit.viewer.name, note=note, now=now)

    return await _with_note(visit, act, "reopened")


async def _with_note(
    visit: Visit, act: Callable[[AsyncConnection, int, str], Awaitable[bool]], done: str
) -> web.Response:
    case_id, note = visit.number(), visit.said("note")

    async def job(tx: AsyncConnection) -> str:
        await access.access_case(visit.viewer, tx, case_id)
        if not note:
            return "empty"
        return "" if await act(tx, case_id, note) else "changed"

    return _told(visit, await visit.write(job), done)


def _told(visit: Visit, wrong: str, done: str) -> web.Response:
    path = f"/console/cases/{visit.number()}"
    return visit.back(path, wrong=wrong) if wrong else visit.back(path, done=done)


async def _owners(tx: AsyncConnection) -> dict[str, str]:
    """Return who may own a case, by the name cases use: people with a login, and servicers of the accounts."""
    known = await people.list_names(tx)
    names = {name: known.get(name, name) for name in await health_reports.list_servicers(tx)}
    for login in await logins.list_logins(tx):
        if login.disabled_at is None and login.roles & access.TALK_ROLES:
            names[login.staff_platform_id or login.name] = login.display_name
    return names

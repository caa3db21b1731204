"""One customer beside the chat with them: who it is, what is open, and whether they want more than service.

An advisor who was told "don't send me anything" notes it here. It holds from the commit on: the guard of the outbox and
the audiences of one-to-one steps read the same record (scheduler/guards.py, store/sop_audiences.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import frame as frames
from console.sidebar import access
from console.sidebar.access import SeenCustomer
from console.sidebar.visit import SidebarVisit
from domain.people import OptOutSource, OptOutWanted
from store import opt_outs, staff

_PATH = "/sidebar/customer"
_ID_LIMIT, _NOTE_LIMIT = 64, 200
# Writes one note and says whether it changed anything.
Noting = Callable[[AsyncConnection, SeenCustomer, str, datetime], Awaitable[bool]]


def address_of(external_userid: str) -> str:
    """Return the address of a customer's page."""
    return frames.address(_PATH, external_userid=external_userid)


async def show(visit: SidebarVisit) -> web.Response:
    """Show the customer; without an id the page asks the client whose chat it stands beside."""
    who = _who(visit)
    if not who:
        return visit.page("customer_none.html")
    now = visit.ctx.console.clock.now()

    async def opened(tx: AsyncConnection) -> None:
        seen = await access.access_customer(visit.viewer, tx, who)
        await access.record_customer(visit.viewer, tx, seen, now, act="opened")

    await visit.write(opened)
    async with visit.ctx.console.store.read() as tx:
        seen = await access.access_customer(visit.viewer, tx, who)
        notes = await access.access_opt_outs(visit.viewer, tx, seen)
        people = {one.staff_platform_id for one in seen.relations} | {
            name for one in notes for name in (one.actor, one.withdrawn_by)
        }
        values = {
            "groups": await access.access_customer_groups(visit.viewer, tx, seen),
            "cases": await access.access_customer_cases(visit.viewer, tx, seen),
            "tags": await access.access_customer_tags(visit.viewer, tx, seen),
            "source": await access.access_customer_source(visit.viewer, tx, seen),
            "names": await staff.list_names(tx, sorted(people - {""})),
        }
    return visit.page(
        "customer.html", customer=seen.customer, relations=seen.relations, notes=notes, **values
    )


async def opt_out(visit: SidebarVisit) -> web.Response:
    """Note that the customer wants nothing but service."""

    async def note(tx: AsyncConnection, seen: SeenCustomer, evidence: str, now: datetime) -> bool:
        if seen.customer.opted_out_at is not None:
            return False
        wanted = OptOutWanted(source=OptOutSource.ADVISOR, evidence=evidence)
        await opt_outs.record(tx, seen.customer.id, wanted, actor=visit.me, at=now)
        return True

    return await _noted(visit, note, act="noted opt-out", done="opted_out", same="is_out")


async def agree(visit: SidebarVisit) -> web.Response:
    """Note that the customer agrees to get more than service again."""

    async def note(tx: AsyncConnection, seen: SeenCustomer, evidence: str, now: datetime) -> bool:
        return await opt_outs.withdraw(tx, seen.customer.id, by=visit.me, at=now, evidence=evidence)

    return await _noted(visit, note, act="noted consent", done="agreed", same="not_out")


async def _noted(visit: SidebarVisit, note: Noting, *, act: str, done: str, same: str) -> web.Response:
    """Write a note with its evidence and lead back; `same`: what to say when it was so already."""
    who, evidence, now = _who(visit), visit.said("note", _NOTE_LIMIT), visit.ctx.console.clock.now()

    async def job(tx: AsyncConnection) -> str:
        seen = await access.access_customer(visit.viewer, tx, who)
        if not evidence:
            return "no_evidence"
        if not await note(tx, seen, evidence, now):
            return same
        await access.record_customer(visit.viewer, tx, seen, now, act=act)
        return ""

    wrong = await visit.write(job)
    return visit.back(_PATH, done="" if wrong else done, wrong=wrong, external_userid=who)


def _who(visit: SidebarVisit) -> str:
    return visit.request.query.get("external_userid", "")[:_ID_LIMIT]

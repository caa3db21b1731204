"""Deliveries that did not leave, or may not have left, with a person's word on the uncertain ones."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, people
from console.access import Right
from console.visit import PAGE_ROWS, Visit
from store import deliveries, logins

STATES = ("unknown", "failed", "held", "refused")
_PATH = "/console/deliveries"


async def show_list(visit: Visit) -> web.Response:
    """Show a page of deliveries in one state."""
    state = visit.choice("state", STATES)
    async with visit.ctx.store.read() as tx:
        rows = await access.access_deliveries(visit.viewer, tx, state, visit.place, PAGE_ROWS + 1)
        names = await people.list_names(tx)
    return visit.page(
        "deliveries.html",
        rows=rows[:PAGE_ROWS],
        next_place=rows[PAGE_ROWS - 1].place if len(rows) > PAGE_ROWS else None,
        state=state,
        people=names,
        titles=visit.ctx.knowledge().titles(),
    )


async def settle(visit: Visit) -> web.Response:
    """Record whether an uncertain delivery arrived."""
    access.require(visit.viewer, Right.SETTLE_DELIVERIES)
    delivery_id, word = visit.number(), visit.said("was_sent", 8)
    if word not in ("yes", "no"):
        return visit.back(_PATH, wrong="changed")
    now, by = visit.ctx.clock.now(), visit.viewer.name

    async def job(tx: AsyncConnection) -> bool:
        done = await deliveries.settle_unknown(tx, delivery_id, was_sent=word == "yes", by=by, now=now)
        if done:
            await logins.record_access(
                tx, actor=by, act="settled", subject=f"delivery:{delivery_id}", now=now, note=word
            )
        return done

    if await visit.write(job):
        return visit.back(_PATH, done="settled")
    return visit.back(_PATH, wrong="changed")

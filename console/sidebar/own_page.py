"""An advisor's own words that are offered to them again: see them, give one to the editors, or let one go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console.sidebar import own_access
from console.sidebar.visit import SidebarVisit
from domain.suggestion import OwnState, OwnWording
from handlers import suggesting
from store import own_wordings

_PATH = "/sidebar/own"


@dataclass(frozen=True, kw_only=True)
class ShownWording:
    """`is_offered`: they may still be said today; `may_submit`: the advisor can give them to the editors."""

    wording: OwnWording
    is_offered: bool
    may_submit: bool


async def show(visit: SidebarVisit) -> web.Response:
    """Show what the viewer said before and is offered again."""
    knowledge = visit.ctx.console.knowledge()
    async with visit.ctx.console.store.read() as tx:
        wordings = await own_access.access_wordings(visit.viewer, tx)
    shown = [
        ShownWording(
            wording=one,
            is_offered=suggesting.may_offer(knowledge, one),
            may_submit=one.state is OwnState.OWN and suggesting.may_submit(one),
        )
        for one in wordings
    ]
    return visit.page("own.html", shown=shown)


async def submit(visit: SidebarVisit) -> web.Response:
    """Give words to the content editors; they are offered as before meanwhile."""
    now = visit.ctx.console.clock.now()
    return await _decide(
        visit,
        "own_submitted",
        lambda tx, one: own_wordings.submit(tx, one.id, visit.me, now),
        suggesting.may_submit,
    )


async def withdraw(visit: SidebarVisit) -> web.Response:
    """Offer words no more."""
    return await _decide(
        visit, "own_withdrawn", lambda tx, one: own_wordings.withdraw(tx, one.id, visit.me), lambda one: True
    )


async def _decide(
    visit: SidebarVisit,
    done: str,
    act: Callable[[AsyncConnection, OwnWording], Awaitable[bool]],
    may: Callable[[OwnWording], bool],
) -> web.Response:
    number = visit.number()

    async def job(tx: AsyncConnection) -> bool:
        found = await own_access.access_wording(visit.viewer, tx, number)
        return may(found) and await act(tx, found)

    is_done = await visit.write(job)
    return visit.back(_PATH, done=done if is_done else "", wrong="" if is_done else "own_changed")

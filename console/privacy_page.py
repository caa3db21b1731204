"""A customer's request under PIPL: what is held, what the law keeps and why, erasing the rest, a paper to hand over.

And legal holds. For compliance; every act stands in the access log.
"""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, people
from console.access import NotFound, Right
from console.visit import Visit
from domain.talk import Customer
from scheduler.erasing import Eraser, Part
from store import chain, customers, holds, logins
from store.holds import Hold

_LIST = "/console/privacy"


async def show_list(visit: Visit) -> web.Response:
    """Show the holds, and the way to a customer by the platform's id."""
    access.require(visit.viewer, Right.ERASE)
    wanted = visit.query("customer")
    async with visit.ctx.store.read() as tx:
        found = await customers.find_ids(tx, [wanted]) if wanted else {}
        rows = await holds.list_all(tx)
        names = await people.list_names(tx)
    if wanted in found:
        raise web.HTTPSeeOther(f"{_LIST}/{found[wanted]}")
    missing = visit.frame.words.label("wrong", "export_customer") if wanted else ""
    return visit.page("privacy_list.html", rows=rows, people=names, customer=wanted, missing=missing)


async def show(visit: Visit) -> web.Response:
    """Show what is held of a customer."""
    whom, parts, standing = await _survey(visit)
    await visit.openings.record(visit, f"customer:{whom.id}")
    async with visit.ctx.store.read() as tx:
        names = await people.list_names(tx)
        log = await logins.list_access_of_customer(tx, whom.id, limit=20)
    return visit.page(
        "privacy.html",
        whom=whom,
        parts=parts,
        holds=standing,
        log=log,
        people=names,
        version=visit.ctx.retention().version,
        may_go=sum(part.words for part in parts if part.may_erase),
    )


async def show_evidence(visit: Visit) -> web.Response:
    """Show the paper for the customer: what was erased, what is kept by which law, and how it is proved."""
    whom, parts, _ = await _survey(visit)
    async with visit.ctx.store.read() as tx:
        log = await logins.list_access_of_customer(tx, whom.id, limit=100)
        head = await chain.find_head(tx)
    return visit.page(
        "privacy_evidence.html",
        whom=whom,
        parts=parts,
        acts=[one for one in log if one.act == "erased"],
        head=head,
    )


async def erase(visit: Visit) -> web.Response:
    """Erase what the law does not keep; the box has to be ticked."""
    whom, parts, _ = await _survey(visit)
    path = f"{_LIST}/{whom.id}"
    if not visit.said("sure"):
        return visit.back(path, wrong="erase_unsure")
    if not any(part.may_erase and part.words for part in parts):
        return visit.back(path, wrong="erase_nothing")
    reason = visit.said("reason") if visit.said("reason") in ("request", "consent") else "request"
    await eraser_of(visit).erase_customer(
        whom.id, reason=reason, by=visit.viewer.name, note=visit.said("note")
    )
    return visit.back(path, done="erased")


async def hold(visit: Visit) -> web.Response:
    """Place a hold on a customer."""
    whom = await _whom(visit)
    path, reason, now = f"{_LIST}/{whom.id}", visit.said("reason"), visit.ctx.clock.now()
    if not reason:
        return visit.back(path, wrong="hold_reason")

    async def job(tx: AsyncConnection) -> int:
        return await holds.add(tx, reason=reason, by=visit.viewer.name, now=now, customer_id=whom.id)

    await visit.write(job)
    return visit.back(path, done="hold_placed")


async def lift(visit: Visit) -> web.Response:
    """Lift a hold."""
    access.require(visit.viewer, Right.ERASE)
    number, now = visit.number(), visit.ctx.clock.now()
    is_lifted = await visit.write(lambda tx: holds.lift(tx, number, by=visit.viewer.name, now=now))
    return visit.back(_LIST, done="hold_lifted") if is_lifted else visit.back(_LIST, wrong="hold_gone")


def eraser_of(visit: Visit) -> Eraser:
    """Return who erases, by the periods in use."""
    ctx = visit.ctx
    return Eraser(ctx.store, ctx.clock, ctx.data_folder / "media", ctx.retention())


async def _whom(visit: Visit) -> Customer:
    access.require(visit.viewer, Right.ERASE)
    async with visit.ctx.store.read() as tx:
        try:
            return await customers.get(tx, visit.number())
        except LookupError as error:
            raise NotFound() from error


async def _survey(visit: Visit) -> tuple[Customer, list[Part], list[Hold]]:
    whom = await _whom(visit)
    parts = await eraser_of(visit).survey(whom.id)
    found = {part.hold.id: part.hold for part in parts if part.hold is not None}
    async with visit.ctx.store.read() as tx:
        own = [one for one in await holds.list_all(tx, only_standing=True) if one.customer_id == whom.id]
    return whom, parts, list(({one.id: one for one in own} | found).values())

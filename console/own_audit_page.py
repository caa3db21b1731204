"""A member's own audit at the desk; the phone shows the same (console/own_audit.py)."""

from __future__ import annotations

from aiohttp import web

from console import access, own_audit
from console.access import Right
from console.visit import Visit

PATH = "/console/audit/mine"


async def show(visit: Visit) -> web.Response:
    """Show the last 30 days."""
    access.require(visit.viewer, Right.SEE_OWN_AUDIT)
    async with visit.ctx.store.read() as tx:
        own = await own_audit.load(visit.ctx, visit.viewer, tx)
    return visit.page("own_audit.html", own=own, base=PATH)


async def show_finding(visit: Visit) -> web.Response:
    """Show one finding with its session."""
    access.require(visit.viewer, Right.SEE_OWN_AUDIT)
    async with visit.ctx.store.read() as tx:
        own = await own_audit.load_finding(visit.ctx, visit.viewer, tx, visit.number(), is_whole=True)
    await visit.openings.record(visit, f"conversation:{own.talk.head.conversation_id}")
    return visit.page("own_finding.html", own=own, base=PATH)


async def appeal(visit: Visit) -> web.Response:
    """Appeal against a finding."""
    access.require(visit.viewer, Right.SEE_OWN_AUDIT)
    wrong = await own_audit.submit(visit.ctx, visit.viewer, visit.number(), visit.said("reason", 500))
    path = f"{PATH}/findings/{visit.number()}"
    return visit.back(path, wrong=wrong) if wrong else visit.back(path, done="appeal_sent")


async def act(visit: Visit) -> web.Response:
    """Do what a member may with the own appeal."""
    access.require(visit.viewer, Right.SEE_OWN_AUDIT)
    wanted = visit.said("act", 32)
    finding_id, wrong = await own_audit.act(
        visit.ctx, visit.viewer, visit.number(), wanted, visit.said("note", 500)
    )
    path = f"{PATH}/findings/{finding_id}"
    return visit.back(path, wrong=wrong) if wrong else visit.back(path, done=f"appeal_{wanted}")


async def read_note(visit: Visit) -> web.Response:
    """Mark a word of advice as read."""
    access.require(visit.viewer, Right.SEE_OWN_AUDIT)
    await own_audit.read_note(visit.ctx, visit.viewer, visit.number())
    return visit.back(f"{PATH}", done="note_read")

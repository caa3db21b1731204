"""A member's own audit on the phone: findings with evidence and rule, promises, times, advice; an appeal in one tap.

Only the UserID counts: everybody sees the own audit, nobody else's (console/own_audit.py).
"""

from __future__ import annotations

from aiohttp import web

from console import access, own_audit
from console.sidebar.visit import SidebarVisit

PATH = "/sidebar/audit"


async def show(visit: SidebarVisit) -> web.Response:
    """Show the last 30 days."""
    ctx = visit.ctx.console
    async with ctx.store.read() as tx:
        own = await own_audit.load(ctx, visit.viewer, tx)
    return visit.page("audit.html", own=own, base=PATH)


async def show_finding(visit: SidebarVisit) -> web.Response:
    """Show one finding with the lines around it."""
    ctx = visit.ctx.console
    async with ctx.store.read() as tx:
        own = await own_audit.load_finding(ctx, visit.viewer, tx, visit.number(), is_whole=False)
    subject, now = f"conversation:{own.talk.head.conversation_id}", ctx.clock.now()
    await visit.write(lambda tx: access.record_opening(visit.viewer, tx, subject, now))
    return visit.page("audit_finding.html", own=own, base=PATH)


async def appeal(visit: SidebarVisit) -> web.Response:
    """Appeal against a finding."""
    wrong = await own_audit.submit(visit.ctx.console, visit.viewer, visit.number(), visit.said("reason"))
    path = f"{PATH}/findings/{visit.number()}"
    return visit.back(path, wrong=wrong) if wrong else visit.back(path, done="appeal_sent")


async def act(visit: SidebarVisit) -> web.Response:
    """Do what a member may with the own appeal."""
    wanted = visit.said("act", 32)
    finding_id, wrong = await own_audit.act(
        visit.ctx.console, visit.viewer, visit.number(), wanted, visit.said("note")
    )
    path = f"{PATH}/findings/{finding_id}"
    return visit.back(path, wrong=wrong) if wrong else visit.back(path, done=f"appeal_{wanted}")


async def read_note(visit: SidebarVisit) -> web.Response:
    """Mark a word of advice as read."""
    await own_audit.read_note(visit.ctx.console, visit.viewer, visit.number())
    return visit.back(PATH, done="note_read")

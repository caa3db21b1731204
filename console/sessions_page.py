"""Who is signed in now, for administrators: how, with which browser, from where; and an end to it at once.

The session's own streams of events end with it (console/sidebar/stream.py asks the store).
"""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access
from console.access import Right
from console.visit import Visit
from store import login_sessions, logins

_PATH = "/console/sessions"


async def show(visit: Visit) -> web.Response:
    """Show the open sessions; `login` of the address narrows them down to one login's."""
    asked = visit.query("login")
    login_id = int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 18 else None
    wall = visit.ctx.clock.wall()
    async with visit.ctx.store.read() as tx:
        rows = await access.access_sessions(visit.viewer, tx, wall, login_id)
        whose = await access.access_login(visit.viewer, tx, login_id) if login_id is not None else None
    return visit.page("sessions.html", rows=rows, whose=whose, here=visit.viewer.token_digest, wall=wall)


async def end(visit: Visit) -> web.Response:
    """End one session, whoever's it is."""
    access.require(visit.viewer, Right.MANAGE_LOGINS)
    wall = visit.ctx.clock.wall()

    async def job(tx: AsyncConnection) -> bool:
        whose = await login_sessions.end(tx, visit.request.match_info["session"], wall)
        if whose is not None:
            await _record(tx, visit, "ended session", whose)
        return whose is not None

    if await visit.write(job):
        return visit.back(_PATH, done="session_ended")
    return visit.back(_PATH, wrong="session_gone")


async def end_all(visit: Visit) -> web.Response:
    """End every session of a login; its person may come in again."""
    wall = visit.ctx.clock.wall()

    async def job(tx: AsyncConnection) -> None:
        found = await access.access_login(visit.viewer, tx, visit.number())
        await logins.revoke_all_sessions(tx, found.id, wall, keep=visit.viewer.token_digest)
        await _record(tx, visit, "ended sessions", found.id)

    await visit.write(job)
    return visit.back(_PATH, done="sessions_ended")


async def _record(tx: AsyncConnection, visit: Visit, act: str, login_id: int) -> None:
    await logins.record_access(
        tx,
        actor=visit.viewer.name,
        act=act,
        subject=f"login:{login_id}",
        now=visit.ctx.clock.now(),
    )

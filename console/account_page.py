"""One's own account: password and sessions. Open to every role; concerns nobody else."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console.passwords import MIN_LENGTH
from console.sessions import Sessions, address_of
from console.visit import Handler, Visit
from store import login_sessions, logins

_PATH = "/console/account"


async def show(visit: Visit) -> web.Response:
    """Show name, roles, the open sessions, and the form for another password."""
    async with visit.ctx.store.read() as tx:
        wall = visit.ctx.clock.wall()
        sessions = await login_sessions.list_open(tx, wall, login_id=visit.viewer.login.id)
    here = visit.viewer.token_digest
    return visit.page("account.html", sessions=sessions, here=here, wall=wall, min_length=MIN_LENGTH)


async def end_session(visit: Visit) -> web.Response:
    """End one of one's own sessions; whoever sits there is out with the next click."""
    login, wall = visit.viewer.login, visit.ctx.clock.wall()

    async def job(tx: AsyncConnection) -> bool:
        key = visit.request.match_info["session"]
        if await login_sessions.end(tx, key, wall, login_id=login.id) is None:
            return False
        await logins.record_access(
            tx,
            actor=login.name,
            act="ended session",
            subject=f"login:{login.id}",
            now=visit.ctx.clock.now(),
        )
        return True

    if await visit.write(job):
        return visit.back(_PATH, done="session_ended")
    return visit.back(_PATH, wrong="session_gone")


def set_password(sessions: Sessions) -> Handler:
    """Return the handler that replaces one's password and ends one's other sessions."""

    async def handler(visit: Visit) -> web.Response:
        login, new = visit.viewer.login, str(visit.form.get("new", ""))[:1024]
        if len(new) < MIN_LENGTH:
            return visit.back(_PATH, wrong="short_password")
        old = str(visit.form.get("old", ""))[:1024]
        found = await sessions.check_password(login.name, old, address_of(visit.request))
        if isinstance(found, str):
            return visit.back(_PATH, wrong="wrong_password")
        hashed = await sessions.passwords.hash(new)
        now = visit.ctx.clock.wall()

        async def job(tx: AsyncConnection) -> None:
            await logins.set_password_hash(tx, login.id, hashed)
            await logins.revoke_all_sessions(tx, login.id, now, keep=visit.viewer.token_digest)
            await logins.record_access(
                tx,
                actor=login.name,
                act="set password",
                subject=f"login:{login.id}",
                now=visit.ctx.clock.now(),
            )

        await visit.write(job)
        return visit.back(_PATH, done="password_set")

    return handler

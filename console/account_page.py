"""One's own account: password and sessions. Open to every role; concerns nobody else."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console.passwords import MIN_LENGTH
from console.sessions import Sessions, address_of
from console.visit import Handler, Visit
from store import logins

_PATH = "/console/account"


async def show(visit: Visit) -> web.Response:
    """Show name, roles, how many sessions are open, and the form for another password."""
    async with visit.ctx.store.read() as tx:
        sessions = await logins.count_sessions(tx, visit.viewer.login.id, visit.ctx.clock.wall())
    return visit.page("account.html", sessions=sessions, min_length=MIN_LENGTH)


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

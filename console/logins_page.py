"""Logins, for administrators: who may sign in, with which roles. And the log of who looked at what."""

from __future__ import annotations

import re

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, people
from console.access import Right
from console.passwords import MIN_LENGTH
from console.sessions import Sessions
from console.visit import PAGE_ROWS, Handler, Visit
from domain.login import Login, Role
from store import login_links, login_sessions, logins, staff

_PATH = "/console/logins"
_NAME = re.compile(r"[A-Za-z0-9._-]{2,32}")


async def show_list(visit: Visit) -> web.Response:
    """Show every login."""
    async with visit.ctx.store.read() as tx:
        rows = await access.access_logins(visit.viewer, tx)
        sessions = await login_sessions.count_open(tx, visit.ctx.clock.wall())
    return visit.page(
        "logins.html", rows=rows, sessions=sessions, min_length=MIN_LENGTH, wall=visit.ctx.clock.wall()
    )


def add(sessions: Sessions) -> Handler:
    """Return the handler that adds a login."""

    async def handler(visit: Visit) -> web.Response:
        access.require(visit.viewer, Right.MANAGE_LOGINS)
        name, roles, member = visit.said("name", 64), _roles(visit), visit.said("member", 64)
        password = str(visit.form.get("password", ""))[:1024]
        wrong = _check_new(name, password, roles, member)
        if wrong:
            return visit.back(_PATH, wrong=wrong)
        hashed = await sessions.passwords.hash(password) if password else ""
        by, now, wall = visit.viewer.name, visit.ctx.clock.now(), visit.ctx.clock.wall()

        async def job(tx: AsyncConnection) -> str:
            staff_id = (await staff.find_ids(tx, [member])).get(member) if member else None
            if member and staff_id is None:
                return "unknown_member"
            if staff_id is not None and await login_links.is_linked(tx, staff_id):
                return "member_taken"
            added = await logins.add_login(
                tx,
                name=name,
                display_name=visit.said("display_name", 64),
                password_hash=hashed,
                roles=roles,
                by=by,
                now=now,
            )
            if added is None:
                return "name_taken"
            if staff_id is not None:
                await login_links.link(tx, added, staff_id, wall)
            await _record(tx, visit, "added login", added, note=f"{name} {member}".strip())
            return ""

        return _told(visit, await visit.write(job), "login_added")

    return handler


async def set_roles(visit: Visit) -> web.Response:
    """Give a login exactly the ticked roles."""
    roles, by, now = _roles(visit), visit.viewer.name, visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> str:
        found = await access.access_login(visit.viewer, tx, visit.number())
        if not roles:
            return "no_role"
        if _is_self(visit, found) and Role.ADMIN not in roles:
            return "self"
        await logins.set_roles(tx, found.id, roles, by=by, now=now)
        await _record(tx, visit, "set roles", found.id, note=" ".join(sorted(roles)))
        return ""

    return _told(visit, await visit.write(job), "roles_set")


async def link(visit: Visit) -> web.Response:
    """Let a member of staff come in by WeCom as this login; nobody when the field is empty."""
    member, wall = visit.said("member", 64), visit.ctx.clock.wall()

    async def job(tx: AsyncConnection) -> str:
        found = await access.access_login(visit.viewer, tx, visit.number())
        if not member:
            await login_links.unlink(tx, found.id)
        else:
            staff_id = (await staff.find_ids(tx, [member])).get(member)
            if staff_id is None:
                return "unknown_member"
            if not await login_links.link(tx, found.id, staff_id, wall):
                return "member_taken"
        # Whoever came in as the former member is not this one.
        await logins.revoke_all_sessions(tx, found.id, wall, keep=visit.viewer.token_digest)
        await _record(tx, visit, "linked login", found.id, note=member)
        return ""

    return _told(visit, await visit.write(job), "login_linked" if member else "login_unlinked")


async def disable(visit: Visit) -> web.Response:
    """Shut a login out; its sessions end now."""
    wall = visit.ctx.clock.wall()

    async def job(tx: AsyncConnection) -> str:
        found = await access.access_login(visit.viewer, tx, visit.number())
        if _is_self(visit, found):
            return "self"
        await logins.set_disabled(tx, found.id, wall)
        await _record(tx, visit, "disabled", found.id)
        return ""

    return _told(visit, await visit.write(job), "login_disabled")


async def enable(visit: Visit) -> web.Response:
    """Let a login in again."""

    async def job(tx: AsyncConnection) -> str:
        found = await access.access_login(visit.viewer, tx, visit.number())
        await logins.set_disabled(tx, found.id, None)
        await _record(tx, visit, "enabled", found.id)
        return ""

    return _told(visit, await visit.write(job), "login_enabled")


def set_password(sessions: Sessions) -> Handler:
    """Return the handler that gives a login another password, lifts its lock and ends its sessions."""

    async def handler(visit: Visit) -> web.Response:
        access.require(visit.viewer, Right.MANAGE_LOGINS)
        password = str(visit.form.get("password", ""))[:1024]
        if len(password) < MIN_LENGTH:
            return visit.back(_PATH, wrong="short_password")
        hashed = await sessions.passwords.hash(password)
        wall = visit.ctx.clock.wall()

        async def job(tx: AsyncConnection) -> str:
            found = await access.access_login(visit.viewer, tx, visit.number())
            await logins.set_password_hash(tx, found.id, hashed)
            await logins.revoke_all_sessions(tx, found.id, wall, keep=visit.viewer.token_digest)
            await _record(tx, visit, "set password", found.id)
            return ""

        return _told(visit, await visit.write(job), "password_set")

    return handler


async def show_access_log(visit: Visit) -> web.Response:
    """Show who looked at what; `customer`, `subject` or `actor` of the address narrow it down."""
    before = visit.query("before")
    before_id = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None
    asked = {name: visit.query(name) for name in ("customer", "subject", "actor")}
    whom = asked["customer"]
    async with visit.ctx.store.read() as tx:
        rows = await access.access_log(
            visit.viewer,
            tx,
            before_id,
            PAGE_ROWS + 1,
            subject=asked["subject"],
            actor=asked["actor"],
            customer_id=int(whom) if whom.isascii() and whom.isdigit() and len(whom) <= 18 else None,
        )
        names = await people.list_names(tx)
    return visit.page(
        "access_log.html",
        asked=asked,
        rows=rows[:PAGE_ROWS],
        people=names,
        next_id=rows[PAGE_ROWS - 1].id if len(rows) > PAGE_ROWS else None,
    )


def _check_new(name: str, password: str, roles: set[str], member: str) -> str:
    if not _NAME.fullmatch(name):
        return "bad_name"
    # Who comes in by WeCom needs no password.
    if len(password) < MIN_LENGTH and (password or not member):
        return "short_password"
    return "" if roles else "no_role"


def _roles(visit: Visit) -> set[str]:
    return {str(one) for one in visit.form.getall("role", []) if one in set(Role)}


def _is_self(visit: Visit, found: Login) -> bool:
    return found.id == visit.viewer.login.id


def _told(visit: Visit, wrong: str, done: str) -> web.Response:
    return visit.back(_PATH, wrong=wrong) if wrong else visit.back(_PATH, done=done)


async def _record(tx: AsyncConnection, visit: Visit, act: str, login_id: int, note: str = "") -> None:
    await logins.record_access(
        tx,
        actor=visit.viewer.name,
        act=act,
        subject=f"login:{login_id}",
        now=visit.ctx.clock.now(),
        note=note,
    )

"""Logins, their roles and sessions, and the log of who looked at what.

Times here are wall times: a login must not end because the demo's clock was moved forward. Tokens and passwords never
reach this module, only their digests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.login import AccessEntry, Login, LoginDoor, LoginSession, Role
from domain.people import StaffStatus
from store import dialect
from store.tables import (
    access_log,
    case,
    conversation,
    customer,
    login,
    login_session,
    role,
    session,
    staff,
)

# Who grants the role of a login that the phone page made by itself (console/sidebar/entrance.py). Such a role opens
# the phone page and nothing else, until a person grants it.
SELF_MADE = "wecom"
# How a session began when the platform said who it is; such a session ends with the person's membership.
BY_PLATFORM = ("wecom", "qr")
GONE = (StaffStatus.LEFT, StaffStatus.DISABLED)


async def add_login(
    tx: AsyncConnection,
    *,
    name: str,
    display_name: str,
    password_hash: str,
    roles: Iterable[str],
    by: str,
    now: datetime,
    staff_id: int | None = None,
) -> int | None:
    """Add a login and return its id; None when the name is taken. Raises ValueError for an unknown role.

    An empty `password_hash` admits nobody by password: the demo's picker and WeCom let such logins in.
    """
    row = {
        "name": name,
        "display_name": display_name or name,
        "password_hash": password_hash,
        "staff_id": staff_id,
        "created_at": now,
    }
    added = dialect.insert(tx, login).values(row).on_conflict_do_nothing().returning(login.c.id)
    login_id: int | None = (await tx.execute(added)).scalar_one_or_none()
    if login_id is not None:
        await set_roles(tx, login_id, roles, by=by, now=now)
    return login_id


async def set_roles(
    tx: AsyncConnection, login_id: int, roles: Iterable[str], *, by: str, now: datetime
) -> None:
    """Give the login exactly these roles. What it had by itself counts as granted once a person says so."""
    wanted = {Role(name) for name in roles}
    gone: sa.ColumnElement[bool] = role.c.role.not_in(wanted)
    if by != SELF_MADE:
        gone = sa.or_(gone, role.c.granted_by == SELF_MADE)
    await tx.execute(sa.delete(role).where(role.c.login_id == login_id, gone))
    rows = [
        {"login_id": login_id, "role": name, "granted_by": by, "granted_at": now} for name in sorted(wanted)
    ]
    if rows:
        await tx.execute(dialect.insert(tx, role).on_conflict_do_nothing(), rows)


async def set_password_hash(tx: AsyncConnection, login_id: int, password_hash: str) -> None:
    """Replace the password and lift a lock."""
    values = {"password_hash": password_hash, "failures": 0, "locked_until": None}
    await tx.execute(sa.update(login).where(login.c.id == login_id).values(values))


async def set_disabled(tx: AsyncConnection, login_id: int, disabled_at: datetime | None) -> None:
    """Shut the login out (its sessions end now), or let it in again with None."""
    await tx.execute(sa.update(login).where(login.c.id == login_id).values(disabled_at=disabled_at))
    if disabled_at is not None:
        await revoke_all_sessions(tx, login_id, disabled_at)


async def find_login(tx: AsyncConnection, name: str) -> Login | None:
    """Return the login named `name`, or None."""
    return await _one(tx, login.c.name == name)


async def find_login_by_id(tx: AsyncConnection, login_id: int) -> Login | None:
    """Return the login, or None."""
    return await _one(tx, login.c.id == login_id)


async def find_login_of_staff(tx: AsyncConnection, staff_platform_id: str) -> Login | None:
    """Return the login that is linked with this member of staff, the oldest of several; None without one."""
    oldest = (
        sa.select(sa.func.min(login.c.id))
        .select_from(login.join(staff, staff.c.id == login.c.staff_id))
        .where(staff.c.platform_id == staff_platform_id)
    )
    return await _one(tx, login.c.id == oldest.scalar_subquery())


async def list_logins(tx: AsyncConnection) -> list[Login]:
    """Return every login by name. A company has tens of them, so there are no pages."""
    rows = (await tx.execute(_LOGIN.order_by(login.c.name))).all()
    roles = await _roles(tx, [row.id for row in rows])
    return [_login(row, roles.get(row.id, {})) for row in rows]


# --- signing in ---------------------------------------------------------------------------------------------


async def record_failure(
    tx: AsyncConnection, login_id: int, *, limit: int, lock: timedelta, now: datetime
) -> None:
    """Count a wrong password; at `limit` in a row the login is locked for `lock` and counting begins anew."""
    failures = (
        await tx.execute(
            sa.update(login)
            .where(login.c.id == login_id)
            .values(failures=login.c.failures + 1)
            .returning(login.c.failures)
        )
    ).scalar_one_or_none()
    if failures is not None and failures >= limit:
        locked = {"failures": 0, "locked_until": now + lock}
        await tx.execute(sa.update(login).where(login.c.id == login_id).values(locked))


async def clear_failures(tx: AsyncConnection, login_id: int) -> None:
    """Forget wrong passwords after a right one."""
    await tx.execute(sa.update(login).where(login.c.id == login_id).values(failures=0, locked_until=None))


async def add_session(
    tx: AsyncConnection,
    login_id: int,
    *,
    token_digest: str,
    csrf: str,
    now: datetime,
    expires_at: datetime,
    door: LoginDoor,
    how: str = "",
    browser: str = "",
    address: str = "",
) -> None:
    """Begin a session, and forget the login's sessions that ended more than 30 days ago.

    `door`: the pages it opens; `how`: password, picker, wecom or qr; `browser` and `address`: for the list of sessions.
    """
    gone = login_session.c.expires_at < now - timedelta(days=30)
    await tx.execute(sa.delete(login_session).where(login_session.c.login_id == login_id, gone))
    row = {
        "token_digest": token_digest,
        "login_id": login_id,
        "created_at": now,
        "expires_at": expires_at,
        "seen_at": now,
        "csrf": csrf,
        "door": door.value,
        "how": how[:16],
        "browser": browser[:128],
        "address": address[:64],
    }
    await tx.execute(sa.insert(login_session).values(row))


async def find_session(
    tx: AsyncConnection, token_digest: str, now: datetime, door: LoginDoor | None = None
) -> LoginSession | None:
    """Return the session if it is neither expired nor revoked and its login is not shut out.

    `door`: only a session of these pages; without it any, for who knows already whose it is.

    A session that WeCom opened ends also when the member leaves the company or is switched off there.
    """
    wanted = sa.select(login_session).where(
        login_session.c.token_digest == token_digest,
        login_session.c.expires_at > now,
        login_session.c.revoked_at.is_(None),
    )
    if door is not None:
        wanted = wanted.where(login_session.c.door == door.value)
    row = (await tx.execute(wanted)).one_or_none()
    who = await find_login_by_id(tx, row.login_id) if row is not None else None
    if row is None or who is None or who.disabled_at is not None:
        return None
    if row.how in BY_PLATFORM and await _is_gone(tx, who.staff_platform_id):
        return None
    return LoginSession(
        token_digest=row.token_digest,
        login=who,
        csrf=row.csrf,
        created_at=row.created_at,
        expires_at=row.expires_at,
        seen_at=row.seen_at,
        how=row.how,
        browser=row.browser,
        address=row.address,
    )


async def _is_gone(tx: AsyncConnection, staff_platform_id: str) -> bool:
    status = sa.select(staff.c.status).where(staff.c.platform_id == staff_platform_id)
    # A login that has lost its member is nobody's any more, whatever the platform said of them once.
    found = (await tx.execute(status)).scalar_one_or_none()
    return found is None or found in GONE


async def set_seen(tx: AsyncConnection, token_digest: str, now: datetime) -> None:
    """Record when the session was last used."""
    await tx.execute(
        sa.update(login_session).where(login_session.c.token_digest == token_digest).values(seen_at=now)
    )


async def revoke_session(tx: AsyncConnection, token_digest: str, now: datetime) -> None:
    """End one session."""
    await tx.execute(
        sa.update(login_session)
        .where(login_session.c.token_digest == token_digest, login_session.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )


async def revoke_all_sessions(tx: AsyncConnection, login_id: int, now: datetime, *, keep: str = "") -> int:
    """End every session of the login except the one with the digest `keep`; return how many were open."""
    done = await tx.execute(
        sa.update(login_session)
        .where(
            login_session.c.login_id == login_id,
            login_session.c.token_digest != keep,
            login_session.c.revoked_at.is_(None),
            login_session.c.expires_at > now,
        )
        .values(revoked_at=now)
    )
    return done.rowcount


async def count_sessions(tx: AsyncConnection, login_id: int, now: datetime) -> int:
    """Return how many sessions of the login are open."""
    wanted = sa.select(sa.func.count()).where(
        login_session.c.login_id == login_id,
        login_session.c.revoked_at.is_(None),
        login_session.c.expires_at > now,
    )
    return int((await tx.execute(wanted)).scalar_one())


# --- who looked at what -------------------------------------------------------------------------------------


async def record_access(
    tx: AsyncConnection, *, actor: str, act: str, subject: str, now: datetime, note: str = ""
) -> None:
    """Write down that `actor` did `act` to `subject`, e.g. "opened" "conversation:12"."""
    row = {"at": now, "actor": actor[:64], "act": act[:32], "subject": subject[:128], "note": note}
    await tx.execute(sa.insert(access_log).values(row))


async def list_access(
    tx: AsyncConnection, *, limit: int, before_id: int | None = None, subject: str = "", actor: str = ""
) -> list[AccessEntry]:
    """Return the newest lines of the access log, those before `before_id` when given."""
    wanted = sa.select(access_log)
    if subject:
        wanted = wanted.where(access_log.c.subject == subject)
    if actor:
        wanted = wanted.where(access_log.c.actor == actor)
    return await _list_access(tx, wanted, limit, before_id)


async def list_access_of_customer(
    tx: AsyncConnection, customer_id: int, *, limit: int, before_id: int | None = None
) -> list[AccessEntry]:
    """Return who read or did what to a customer's talk: conversations, cases, sessions, exports, erasures."""
    talks = sa.select(sa.literal("conversation:") + sa.cast(conversation.c.id, sa.String)).where(
        conversation.c.customer_id == customer_id
    )
    sessions = (
        sa.select(sa.literal("session:") + sa.cast(session.c.id, sa.String))
        .join(conversation, conversation.c.id == session.c.conversation_id)
        .where(conversation.c.customer_id == customer_id)
    )
    matters = sa.select(sa.literal("case:") + sa.cast(case.c.id, sa.String)).where(
        case.c.customer_id == customer_id
    )
    name = sa.select(sa.literal("customer:") + customer.c.platform_id).where(customer.c.id == customer_id)
    subjects = sa.union_all(talks, sessions, matters, name, sa.select(sa.literal(f"customer:{customer_id}")))
    wanted = sa.select(access_log).where(access_log.c.subject.in_(subjects))
    return await _list_access(tx, wanted, limit, before_id)


async def _list_access(
    tx: AsyncConnection, wanted: sa.Select[Any], limit: int, before_id: int | None
) -> list[AccessEntry]:
    wanted = wanted.order_by(access_log.c.id.desc()).limit(limit)
    if before_id is not None:
        wanted = wanted.where(access_log.c.id < before_id)
    return [
        AccessEntry(id=row.id, at=row.at, actor=row.actor, act=row.act, subject=row.subject, note=row.note)
        for row in (await tx.execute(wanted)).all()
    ]


_LOGIN = sa.select(login, staff.c.platform_id.label("staff_platform_id")).outerjoin(
    staff, staff.c.id == login.c.staff_id
)


async def _one(tx: AsyncConnection, condition: sa.ColumnElement[bool]) -> Login | None:
    row = (await tx.execute(_LOGIN.where(condition))).one_or_none()
    if row is None:
        return None
    roles = await _roles(tx, [row.id])
    return _login(row, roles.get(row.id, {}))


async def _roles(tx: AsyncConnection, login_ids: Sequence[int]) -> dict[int, dict[Role, str]]:
    """Return the roles by login, each with who granted it."""
    rows = await tx.execute(
        sa.select(role.c.login_id, role.c.role, role.c.granted_by).where(role.c.login_id.in_(login_ids))
    )
    found: dict[int, dict[Role, str]] = {}
    for row in rows.all():
        found.setdefault(row.login_id, {})[Role(row.role)] = row.granted_by
    return found


def _login(row: Any, roles: dict[Role, str]) -> Login:
    return Login(
        id=row.id,
        name=row.name,
        display_name=row.display_name or row.name,
        password_hash=row.password_hash,
        roles=frozenset(roles),
        granted_roles=frozenset(one for one, by in roles.items() if by != SELF_MADE),
        staff_platform_id=row.staff_platform_id or "",
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        failures=row.failures,
        locked_until=row.locked_until,
    )

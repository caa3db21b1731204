"""Which sessions are open, for the pages that list and end them. Beginning and finding one is store/logins.py.

Times are wall times, as there. A session is named by its key, the first 16 digits of its token's digest.
"""

from __future__ import annotations

import re
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.login import LoginSession
from store import logins
from store.tables import login_session

_KEY = re.compile(r"[0-9a-f]{16}")


async def list_open(
    tx: AsyncConnection, now: datetime, *, login_id: int | None = None, limit: int = 200
) -> list[LoginSession]:
    """Return the sessions that are open, of one login or of all, those used last first."""
    wanted = sa.select(login_session).where(*_is_open(now))
    if login_id is not None:
        wanted = wanted.where(login_session.c.login_id == login_id)
    wanted = wanted.order_by(login_session.c.seen_at.desc(), login_session.c.token_digest).limit(limit)
    rows = (await tx.execute(wanted)).all()
    # A company has tens of logins, so all of them are read at once.
    people = {one.id: one for one in await logins.list_logins(tx)}
    return [
        LoginSession(
            token_digest=row.token_digest,
            login=people[row.login_id],
            csrf=row.csrf,
            created_at=row.created_at,
            expires_at=row.expires_at,
            seen_at=row.seen_at,
            how=row.how,
            browser=row.browser,
            address=row.address,
        )
        for row in rows
        if people[row.login_id].disabled_at is None
    ]


async def count_open(tx: AsyncConnection, now: datetime) -> dict[int, int]:
    """Return how many sessions are open by login; logins without one are missing."""
    counted = (
        sa.select(login_session.c.login_id, sa.func.count().label("many"))
        .where(*_is_open(now))
        .group_by(login_session.c.login_id)
    )
    return {row.login_id: row.many for row in (await tx.execute(counted)).all()}


async def end(tx: AsyncConnection, key: str, now: datetime, *, login_id: int | None = None) -> int | None:
    """End the open session `key`, of this login where one is given; return whose it was, None when there is none."""
    if not _KEY.fullmatch(key):
        return None
    wanted = [login_session.c.token_digest.startswith(key), *_is_open(now)]
    if login_id is not None:
        wanted.append(login_session.c.login_id == login_id)
    ended = sa.update(login_session).where(*wanted).values(revoked_at=now).returning(login_session.c.login_id)
    whose = (await tx.execute(ended)).scalars().first()
    return None if whose is None else int(whose)


def _is_open(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (login_session.c.expires_at > now, login_session.c.revoked_at.is_(None))

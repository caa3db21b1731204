"""Access tokens of the platform, shared by every process on one database.

Who renews holds a short lease on the row; the result replaces the version it was meant for and no other.
Used by bot/channels/wecom/tokens.py. Leases run on the machine's clock, validity on the business clock.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.platform import AccessToken
from store import dialect
from store.tables import token


async def find(tx: AsyncConnection, key: str) -> AccessToken | None:
    """Return the token under `key`, whether still valid or not; None before the first one."""
    row = (await tx.execute(sa.select(token).where(token.c.key == key))).one_or_none()
    if row is None or row.obtained_at is None or row.expires_at is None:
        return None
    return AccessToken(
        value=row.value, version=row.version, obtained_at=row.obtained_at, expires_at=row.expires_at
    )


async def claim_renewal(
    tx: AsyncConnection, key: str, version: int, owner: str, wall: datetime, until: datetime
) -> bool:
    """Take the lease for renewing `version` (0: there is none yet); False when it is taken or outdated.

    `owner`: one name per try. `wall`, `until`: machine time.
    """
    first: dict[str, Any] = {"key": key, "value": "", "version": 0}
    await tx.execute(dialect.insert(tx, token).values(first).on_conflict_do_nothing())
    free = token.c.lease_owner.is_(None) | (token.c.lease_until <= wall) | (token.c.lease_owner == owner)
    claimed = await tx.execute(
        sa.update(token)
        .where(token.c.key == key, token.c.version == version, free)
        .values(lease_owner=owner, lease_until=until)
    )
    return claimed.rowcount == 1


async def replace(
    tx: AsyncConnection, key: str, owner: str, value: str, obtained_at: datetime, expires_at: datetime
) -> AccessToken | None:
    """Store the renewed token and give the lease back; None when the lease was lost meanwhile."""
    stored = (
        await tx.execute(
            sa.update(token)
            .where(token.c.key == key, token.c.lease_owner == owner)
            .values(
                value=value,
                version=token.c.version + 1,
                obtained_at=obtained_at,
                expires_at=expires_at,
                lease_owner=None,
                lease_until=None,
            )
            .returning(token.c.version)
        )
    ).one_or_none()
    if stored is None:
        return None
    return AccessToken(value=value, version=stored.version, obtained_at=obtained_at, expires_at=expires_at)


async def release(tx: AsyncConnection, key: str, owner: str) -> None:
    """Give the lease back without a new token."""
    await tx.execute(
        sa.update(token)
        .where(token.c.key == key, token.c.lease_owner == owner)
        .values(lease_owner=None, lease_until=None)
    )

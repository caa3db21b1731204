"""Who holds work now, over all tables whose rows workers take."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.tables import archive_cursor, audit_mark, delivery, event, kf_cursor, lookup, media, turn, walk

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_HELD = (
    (event, event.c.state == "claimed"),
    (turn, turn.c.state == "claimed"),
    (delivery, delivery.c.state.in_(["claimed", "attempting"])),
    (media, media.c.state == "claimed"),
    (kf_cursor, kf_cursor.c.lease_owner.is_not(None)),
    (archive_cursor, archive_cursor.c.lease_owner.is_not(None)),
    (lookup, lookup.c.lease_owner.is_not(None)),
    (walk, walk.c.lease_owner.is_not(None)),
    (audit_mark, audit_mark.c.lease_owner.is_not(None)),
)


async def list_owners(tx: AsyncConnection) -> set[str]:
    """Return the names of all who hold something."""
    owners: set[str] = set()
    for table, is_held in _HELD:
        found = await tx.execute(sa.select(table.c.lease_owner).where(is_held).distinct())
        owners.update(name for name in found.scalars().all() if name)
    return owners


async def expire(tx: AsyncConnection, owners: Collection[str]) -> None:
    """Let the leases of `owners` be over, so that whoever looks next takes their work back."""
    for table, is_held in _HELD:
        over = sa.update(table).where(is_held, table.c.lease_owner.in_(list(owners)))
        await tx.execute(over.values(lease_until=_LONG_AGO))

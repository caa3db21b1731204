"""The company's tags for customers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.people import Tag
from store import dialect
from store.tables import tag


async def record_all(tx: AsyncConnection, seen: Sequence[Tag], at: datetime) -> None:
    """Take over the whole list as the platform told it at `at`; an older list changes nothing."""
    newest = (await tx.execute(sa.select(sa.func.max(tag.c.known_at)))).scalar_one_or_none()
    if newest is not None and newest > at:
        return
    await add(tx, seen, at)
    await tx.execute(
        sa.update(tag).where(tag.c.known_at < at, tag.c.deleted_at.is_(None)).values(deleted_at=at)
    )


async def add(tx: AsyncConnection, seen: Sequence[Tag], at: datetime) -> None:
    """Record tags, for example those an API call of our own has just made."""
    for one in seen:
        values = {
            "name": one.name[:64],
            "group_platform_id": one.group_platform_id,
            "group_name": one.group_name[:64],
            "place": one.place,
            "known_at": at,
            "deleted_at": None,
        }
        added = dialect.insert(tx, tag).values(platform_id=one.platform_id, **values)
        await tx.execute(added.on_conflict_do_update(index_elements=["platform_id"], set_=values))


async def list_all(tx: AsyncConnection) -> list[Tag]:
    """Return the tags there are, by group."""
    wanted = (
        sa.select(tag)
        .where(tag.c.deleted_at.is_(None))
        .order_by(tag.c.group_name, tag.c.place.desc(), tag.c.platform_id)
    )
    return [
        Tag(
            platform_id=row.platform_id,
            name=row.name,
            group_platform_id=row.group_platform_id,
            group_name=row.group_name,
            place=row.place,
            deleted_at=row.deleted_at,
        )
        for row in (await tx.execute(wanted)).all()
    ]

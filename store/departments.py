"""Departments of the address book."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.people import Department
from store import dialect
from store.tables import department


async def record_all(tx: AsyncConnection, seen: Sequence[Department], at: datetime) -> None:
    """Take over the whole list as the platform told it at `at`; an older list changes nothing."""
    newest = (await tx.execute(sa.select(sa.func.max(department.c.known_at)))).scalar_one_or_none()
    if newest is not None and newest > at:
        return
    for one in seen:
        values = {
            "name": one.name[:128],
            "parent_id": one.parent_id,
            "leaders": list(one.leaders),
            "place": one.place,
            "known_at": at,
            "deleted_at": None,
        }
        added = dialect.insert(tx, department).values(id=one.platform_id, **values)
        await tx.execute(added.on_conflict_do_update(index_elements=["id"], set_=values))
    await tx.execute(
        sa.update(department)
        .where(department.c.known_at < at, department.c.deleted_at.is_(None))
        .values(deleted_at=at)
    )


async def list_all(tx: AsyncConnection) -> list[Department]:
    """Return the departments there are, in the platform's order."""
    wanted = (
        sa.select(department)
        .where(department.c.deleted_at.is_(None))
        .order_by(department.c.place.desc(), department.c.id)
    )
    return [
        Department(
            platform_id=row.id,
            name=row.name,
            parent_id=row.parent_id,
            leaders=tuple(row.leaders),
            place=row.place,
        )
        for row in (await tx.execute(wanted)).all()
    ]


async def list_leaders(tx: AsyncConnection) -> dict[int, frozenset[str]]:
    """Return who leads each department, the leaders of those above it counted in."""
    known = {one.platform_id: one for one in await list_all(tx)}
    found: dict[int, frozenset[str]] = {}
    for number in known:
        leaders: set[str] = set()
        above, passed = number, set[int]()
        while above in known and above not in passed:
            passed.add(above)
            leaders |= set(known[above].leaders)
            above = known[above].parent_id
        found[number] = frozenset(leaders)
    return found

"""Customers: who they are and where they first came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.talk import Customer
from store import dialect
from store.tables import customer

# How many ids one IN list carries; SQLite's default limit of variables is 32,766, PostgreSQL's is 65,535.
CHUNK = 500


async def ensure(tx: AsyncConnection, platform_ids: Sequence[str], now: datetime) -> dict[str, int]:
    """Return the ids of the customers by platform id, adding those who are new."""
    known = await find_ids(tx, platform_ids)
    new = [name for name in dict.fromkeys(platform_ids) if name not in known]
    if new:
        rows = [{"platform_id": name, "first_seen_at": now} for name in new]
        await tx.execute(dialect.insert_new(tx, customer), rows)
        known.update(await find_ids(tx, new))
    return known


async def find_ids(tx: AsyncConnection, platform_ids: Sequence[str]) -> dict[str, int]:
    """Return the ids of those that are known."""
    known: dict[str, int] = {}
    names = list(dict.fromkeys(platform_ids))
    for start in range(0, len(names), CHUNK):
        rows = await tx.execute(_FIND_IDS, {"names": names[start : start + CHUNK]})
        known.update((row.platform_id, row.id) for row in rows.all())
    return known


async def get(tx: AsyncConnection, customer_id: int) -> Customer:
    """Return the customer; raises LookupError when there is none."""
    row = (await tx.execute(sa.select(customer).where(customer.c.id == customer_id))).one_or_none()
    if row is None:
        raise LookupError(f"no customer {customer_id}")
    return Customer(id=row.id, platform_id=row.platform_id, nickname=row.nickname)


async def set_first_source(tx: AsyncConnection, customer_id: int, *, scene: str, scene_param: str) -> None:
    """Record where the customer first came from; a later source never replaces it."""
    await tx.execute(
        sa.update(customer)
        .where(customer.c.id == customer_id, customer.c.first_scene == "", customer.c.first_scene_param == "")
        .values(first_scene=scene[:64], first_scene_param=scene_param[:256])
    )


async def set_last_message(tx: AsyncConnection, latest: Mapping[int, datetime]) -> None:
    """Record when each customer last wrote."""
    if latest:
        await tx.execute(_SET_LAST_MESSAGE, [{"who": who, "moment": at} for who, at in latest.items()])


async def set_touched(tx: AsyncConnection, customer_id: int, at: datetime) -> None:
    """Record when we last spoke to the customer."""
    await tx.execute(_SET_TOUCHED, {"who": customer_id, "moment": at})


async def list_nameless(tx: AsyncConnection, since: datetime, limit: int = 100) -> list[str]:
    """Return the platform ids of recent customers whose nickname was not fetched yet."""
    wanted = (
        sa.select(customer.c.platform_id)
        .where(customer.c.nickname == "", customer.c.last_message_at >= since)
        .order_by(customer.c.last_message_at.desc())
        .limit(limit)
    )
    return list((await tx.execute(wanted)).scalars().all())


async def set_names(tx: AsyncConnection, names: Mapping[str, tuple[str, str]]) -> None:
    """Record nickname and avatar address by platform id."""
    for platform_id, (nickname, avatar_url) in names.items():
        await tx.execute(
            sa.update(customer)
            .where(customer.c.platform_id == platform_id)
            .values(nickname=nickname[:128], avatar_url=avatar_url)
        )


async def set_missing_names(tx: AsyncConnection, names: Mapping[str, tuple[str, str]]) -> None:
    """Record nickname and avatar address by platform id, as far as they are not known or have changed."""
    known: dict[str, tuple[str, str]] = {}
    asked = list(names)
    for start in range(0, len(asked), CHUNK):
        wanted = sa.select(customer.c.platform_id, customer.c.nickname, customer.c.avatar_url).where(
            customer.c.platform_id.in_(asked[start : start + CHUNK])
        )
        known |= {row.platform_id: (row.nickname, row.avatar_url) for row in (await tx.execute(wanted)).all()}
    await set_names(
        tx, {who: told for who, told in names.items() if known.get(who) != (told[0][:128], told[1])}
    )


_FIND_IDS = sa.select(customer.c.platform_id, customer.c.id).where(
    customer.c.platform_id.in_(sa.bindparam("names", expanding=True))
)
_IS_WHO = customer.c.id == sa.bindparam("who")
_SET_LAST_MESSAGE = sa.update(customer).where(_IS_WHO).values(last_message_at=sa.bindparam("moment"))
_SET_TOUCHED = sa.update(customer).where(_IS_WHO).values(last_touch_at=sa.bindparam("moment"))

"""Facts about this installation, one row each: its own key, when it first served, the schema's digest."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect
from store.tables import instance


async def find_value(tx: AsyncConnection, key: str) -> str | None:
    """Return the fact named `key`, or None."""
    return (await tx.execute(sa.select(instance.c.value).where(instance.c.key == key))).scalar_one_or_none()


async def ensure_value(tx: AsyncConnection, key: str, value: str) -> str:
    """Return the fact named `key`, setting it to `value` when it is missing."""
    await tx.execute(dialect.insert(tx, instance).values(key=key, value=value).on_conflict_do_nothing())
    found = await find_value(tx, key)
    assert found is not None
    return found


async def set_value(tx: AsyncConnection, key: str, value: str) -> None:
    """Set the fact named `key`."""
    statement = dialect.insert(tx, instance).values(key=key, value=value)
    await tx.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


async def ensure_went_live(tx: AsyncConnection, now: datetime) -> datetime:
    """Return when this installation first served, to the second: the platform's times have no finer grain."""
    found = await ensure_value(tx, "went_live_at", now.replace(microsecond=0).isoformat())
    return datetime.fromisoformat(found)


async def find_went_live(tx: AsyncConnection) -> datetime | None:
    """Return when this installation first served; None when it never has."""
    found = await find_value(tx, "went_live_at")
    return None if found is None else datetime.fromisoformat(found)


async def ensure_secret(tx: AsyncConnection) -> str:
    """Return this installation's own random value: it signs forms and salts what must not be guessed."""
    return await ensure_value(tx, "secret", secrets.token_urlsafe(32))

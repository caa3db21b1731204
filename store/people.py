"""Members of staff: known from the first moment one of them is seen; details come from the address book later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect
from store.tables import staff


async def ensure(tx: AsyncConnection, platform_ids: Iterable[str], now: datetime) -> None:
    """Add those who are new."""
    rows = [
        {"platform_id": name, "departments": [], "first_seen_at": now} for name in dict.fromkeys(platform_ids)
    ]
    if rows:
        await tx.execute(dialect.insert(tx, staff).on_conflict_do_nothing(), rows)

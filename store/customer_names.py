"""What customers are called, by their platform ids."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.tables import customer


async def list_names(tx: AsyncConnection, platform_ids: Collection[str]) -> dict[str, str]:
    """Return the nicknames that are known; whoever has none is left out."""
    select = sa.select(customer.c.platform_id, customer.c.nickname).where(
        customer.c.platform_id.in_(sorted(platform_ids)), customer.c.nickname != ""
    )
    return {row.platform_id: row.nickname for row in (await tx.execute(select)).all()}

"""What customers are called."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.tables import conversation, customer, relation


async def list_names(tx: AsyncConnection, platform_ids: Collection[str]) -> dict[str, str]:
    """Return the nicknames that are known; whoever has none is left out."""
    select = sa.select(customer.c.platform_id, customer.c.nickname).where(
        customer.c.platform_id.in_(sorted(platform_ids)), customer.c.nickname != ""
    )
    return {row.platform_id: row.nickname for row in (await tx.execute(select)).all()}


async def list_called(tx: AsyncConnection, conversation_id: int) -> list[str]:
    """Return everything the customer of a conversation is called: the nickname, and what advisors noted as remark."""
    its = sa.select(conversation.c.customer_id).where(conversation.c.id == conversation_id).scalar_subquery()
    nicknames = sa.select(customer.c.nickname).where(customer.c.id == its)
    remarks = sa.select(relation.c.remark).where(relation.c.customer_id == its)
    found = (await tx.execute(sa.union(nicknames, remarks))).scalars()
    return sorted(one for one in found if one)

"""What a member of staff sent, or is sending, by hand to one recipient, as far as the words are still on record."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import DeliveryState
from store.tables import delivery

# What the recipient has, or is about to have: begun, and nobody told yet that it did not leave.
SAID = frozenset({DeliveryState.ATTEMPTING, DeliveryState.ACCEPTED, DeliveryState.DELIVERED})


async def list_texts(
    tx: AsyncConnection,
    staff_platform_id: str,
    recipient: str,
    *,
    states: Collection[DeliveryState] = SAID,
    since: datetime | None = None,
    limit: int,
) -> list[str]:
    """Return the member's texts among the newest `limit` deliveries by hand to `recipient`, the oldest first."""
    wanted = (
        sa.select(delivery.c.body)
        .where(
            # Written out, so that the partial index is used.
            sa.text("channel = 'sidebar'"),
            delivery.c.recipient == recipient,
            delivery.c.state.in_(sorted(states)),
        )
        .order_by(delivery.c.id.desc())
        .limit(limit)
    )
    if since is not None:
        wanted = wanted.where(delivery.c.created_at >= since)
    rows = (await tx.execute(wanted)).all()
    own = (row.body for row in rows if staff_platform_id in row.body.get("servicers", ()))
    return [str(body.get("text", "")) for body in own][::-1]

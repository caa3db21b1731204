"""Satisfaction: asked at the end of a session, answered by a tap."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect
from store.tables import delivery, satisfaction


async def record_asked(
    tx: AsyncConnection, *, conversation_id: int, delivery_key: str, servicer_id: str, now: datetime
) -> None:
    """Record that the customer is asked by the delivery `delivery_key`, which must be in the outbox already."""
    delivery_id = (
        await tx.execute(sa.select(delivery.c.id).where(delivery.c.key == delivery_key))
    ).scalar_one()
    row = {
        "conversation_id": conversation_id,
        "delivery_id": delivery_id,
        "servicer_id": servicer_id,
        "asked_at": now,
    }
    await tx.execute(dialect.insert(tx, satisfaction).values(row).on_conflict_do_nothing())


async def record_answer(tx: AsyncConnection, conversation_id: int, score: int, now: datetime) -> bool:
    """Record the customer's answer (1 unsatisfied … 4 very satisfied) to the latest question; False when none waits."""
    latest = (
        sa.select(satisfaction.c.id)
        .where(satisfaction.c.conversation_id == conversation_id, satisfaction.c.answered_at.is_(None))
        .order_by(satisfaction.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    done = await tx.execute(
        sa.update(satisfaction).where(satisfaction.c.id == latest).values(score=score, answered_at=now)
    )
    return done.rowcount == 1

"""Cards that went to staff, counted by person and local day; and what was tapped on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.attention import Card, CardAnswer, NewCard
from domain.delivery import Act
from store.tables import card, delivery


async def add(tx: AsyncConnection, new: NewCard) -> int:
    """Add a card and return its id."""
    added = sa.insert(card).values(**asdict(new)).returning(card.c.id)
    return int((await tx.execute(added)).scalar_one())


async def find(tx: AsyncConnection, task_id: str) -> Card | None:
    """Return the card a tap came from, or None."""
    row = (await tx.execute(sa.select(card).where(card.c.task_id == task_id))).one_or_none()
    return None if row is None else _card(row)


async def list_since(tx: AsyncConnection, recipient: str, day: date) -> list[Card]:
    """Return a person's cards from the local day `day` on, oldest first."""
    wanted = sa.select(card).where(card.c.recipient == recipient, card.c.day >= day)
    return [_card(row) for row in (await tx.execute(wanted.order_by(card.c.sent_at, card.c.id))).all()]


async def list_of_day(tx: AsyncConnection, recipient: str, day: date) -> list[Card]:
    """Return a person's cards of one local day, oldest first."""
    wanted = sa.select(card).where(card.c.recipient == recipient, card.c.day == day)
    return [_card(row) for row in (await tx.execute(wanted.order_by(card.c.sent_at, card.c.id))).all()]


async def record_answer(
    tx: AsyncConnection, held: Card, answer: CardAnswer, *, by: str, now: datetime
) -> bool:
    """Write down the button that was tapped; False when another one came in between."""
    done = await tx.execute(
        sa.update(card)
        .where(card.c.id == held.id, card.c.answer == (held.answer or ""))
        .values(answer=answer, answered_at=now, answered_by=by[:64])
    )
    return done.rowcount == 1


async def list_lost(tx: AsyncConnection, since: datetime) -> Sequence[int]:
    """Return the ids of cards given away since `since` that certainly did not arrive."""
    wanted = (
        sa.select(card.c.id)
        .join(delivery, delivery.c.key == card.c.delivery_key)
        .where(
            delivery.c.act == Act.CARD,
            delivery.c.state.in_(["refused", "failed", "cancelled"]),
            delivery.c.created_at >= since,
        )
    )
    return (await tx.execute(wanted)).scalars().all()


def _card(row: Any) -> Card:
    return Card(
        id=row.id,
        task_id=row.task_id,
        recipient=row.recipient,
        day=row.day,
        sent_at=row.sent_at,
        is_exempt=row.is_exempt,
        delivery_key=row.delivery_key,
        answer=CardAnswer(row.answer) if row.answer else None,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
    )

"""What left by a person's hand in the sidebar, or as a mass send its sender confirmed: sends that are messages.

They are recorded by bot/told_sends.py; here is which of them are not recorded yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Attached, Delivery, DeliveryState
from domain.enrolment import MassTaskState, TargetResult
from store import deliveries, messages
from store.tables import conversation, delivery, mass_task, message

BY_HAND, MASS = "sidebar", "mass"
_DONE = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED)
_MSGID_CHARACTERS = 128


@dataclass(frozen=True, kw_only=True)
class ToldSend:
    """A send that reached one customer or group. `target`: an external id or a chat id. `by`: the member's UserID."""

    source: str
    msgid: str
    by: str
    target: str
    sent_at: datetime
    text: str = field(repr=False)
    attachments: tuple[Attached, ...] = ()


async def list_by_hand(tx: AsyncConnection, since: datetime, limit: int = 200) -> list[ToldSend]:
    """Return sends by hand begun since, reported as sent and not recorded, oldest first."""
    is_recorded = sa.exists().where(message.c.source == BY_HAND, message.c.msgid == delivery.c.key)
    # Customer service tells of every message itself; a second telling would be a talk of its own.
    is_service = sa.exists().where(
        conversation.c.id == delivery.c.conversation_id, conversation.c.channel == "kf"
    )
    wanted = (
        sa.select(delivery)
        # Written out, so that the partial index is used.
        .where(
            sa.text("channel = 'sidebar'"),
            delivery.c.created_at >= since,
            delivery.c.state.in_(_DONE),
            ~is_recorded,
            ~is_service,
        )
        .order_by(delivery.c.id)
        .limit(limit)
    )
    found = [deliveries.delivery_of(row) for row in (await tx.execute(wanted)).all()]
    return [_by_hand(one) for one in found if one.recipient]


async def list_mass(
    tx: AsyncConnection,
    since: datetime,
    *,
    after_id: int = 0,
    limit: int = 50,
    known_counts: Mapping[int, int] = MappingProxyType({}),
) -> tuple[list[ToldSend], int, dict[int, int]]:
    """Return what mass sends confirmed since gave to whom, as far as it is not recorded.

    Also the last task looked at (0: there are no more), and how many targets each had: a task that has as many as in
    `known_counts` was looked at before and is left out. Up to `limit` tasks with an id above `after_id`.
    """
    wanted = (
        sa.select(mass_task, delivery.c.body)
        .join(delivery, delivery.c.key == mass_task.c.delivery_key)
        .where(
            mass_task.c.state == MassTaskState.CONFIRMED,
            mass_task.c.confirmed_at >= since,
            mass_task.c.id > after_id,
        )
        .order_by(mass_task.c.id)
        .limit(limit)
    )
    rows = (await tx.execute(wanted)).all()
    counts = {row.id: sum(one == TargetResult.SENT for one in row.results.values()) for row in rows}
    told = [
        ToldSend(
            source=MASS,
            msgid=f"{row.delivery_key}:{target}"[:_MSGID_CHARACTERS],
            by=row.sender,
            target=target,
            sent_at=row.confirmed_at,
            text=str(row.body.get("text", "")),
            attachments=tuple(Attached(**one) for one in row.body.get("attachments", ())),
        )
        for row in rows
        if counts[row.id] != known_counts.get(row.id, 0)
        for target, result in row.results.items()
        if result == TargetResult.SENT
    ]
    known = await messages.find_known(tx, MASS, [one.msgid for one in told])
    last = rows[-1].id if len(rows) == limit else 0
    return [one for one in told if one.msgid not in known], last, counts


async def keep_new(tx: AsyncConnection, told: Sequence[ToldSend]) -> list[ToldSend]:
    """Return those that are not recorded yet, each once."""
    fresh: dict[tuple[str, str], ToldSend] = {(one.source, one.msgid): one for one in told}
    for source in (BY_HAND, MASS):
        msgids = [msgid for name, msgid in fresh if name == source]
        for msgid in await messages.find_known(tx, source, msgids):
            del fresh[source, msgid]
    return list(fresh.values())


def _by_hand(one: Delivery) -> ToldSend:
    by = one.receipt or (one.body.servicers[0] if one.body.servicers else "")
    return ToldSend(
        source=BY_HAND,
        msgid=one.key,
        by=by,
        target=one.recipient,
        sent_at=one.finished_at or one.created_at,
        text=one.body.text,
        attachments=one.body.attachments,
    )

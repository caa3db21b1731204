"""The talks of one member of staff with one customer, as the sidebar shows them: which there are, what was said last.

Read only. A talk of customer service is a member's while the platform says that this member serves it; a one-to-one
chat is the member's own. What the archive told a second time is left out (store/twins.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Act, Delivery
from domain.platform import SessionState
from domain.talk import Author
from store import deliveries
from store.tables import (
    conversation,
    kf_state,
    message,
    message_body,
    message_twin,
    promise,
    recall,
)

KF, CHAT = "kf", "chat"


@dataclass(frozen=True, kw_only=True)
class DeskTalk:
    """A conversation. `channel`: kf or chat; `account_id`: the kf account, or the member whose chat it is."""

    id: int
    channel: str
    account_id: str


@dataclass(frozen=True, kw_only=True)
class DeskLine:
    """Something that was said. `is_gone`: its words were erased or taken back, `text` is empty then."""

    id: int
    author: Author
    servicer_id: str
    kind: str
    text: str
    sent_at: datetime
    is_gone: bool


@dataclass(frozen=True, kw_only=True)
class OpenPromise:
    """A word given that is not kept yet."""

    object: str
    due_at: datetime


async def list_talks(tx: AsyncConnection, customer_id: int, staff_platform_id: str) -> list[DeskTalk]:
    """Return the kf talks with the customer that this member serves now, the latest first, then the own chat."""
    is_served = sa.and_(
        conversation.c.channel == KF,
        kf_state.c.state == int(SessionState.SERVICER),
        kf_state.c.servicer_id == staff_platform_id,
    )
    is_own = sa.and_(conversation.c.channel == CHAT, conversation.c.account_id == staff_platform_id)
    wanted = (
        sa.select(conversation.c.id, conversation.c.channel, conversation.c.account_id)
        .outerjoin(kf_state, kf_state.c.conversation_id == conversation.c.id)
        .where(conversation.c.customer_id == customer_id, sa.or_(is_served, is_own))
        .order_by(
            (conversation.c.channel != KF), conversation.c.last_message_at.desc(), conversation.c.id.desc()
        )
    )
    return [
        DeskTalk(id=row.id, channel=row.channel, account_id=row.account_id)
        for row in (await tx.execute(wanted)).all()
    ]


async def is_served_by(tx: AsyncConnection, customer_id: int, staff_platform_id: str) -> bool:
    """Say whether this member serves a kf session of the customer now."""
    wanted = (
        sa.select(sa.literal(1))
        .join(kf_state, kf_state.c.conversation_id == conversation.c.id)
        .where(
            conversation.c.customer_id == customer_id,
            kf_state.c.state == int(SessionState.SERVICER),
            kf_state.c.servicer_id == staff_platform_id,
        )
        .select_from(conversation)
    )
    return (await tx.execute(wanted.limit(1))).first() is not None


async def list_lines(tx: AsyncConnection, conversation_id: int, limit: int = 12) -> list[DeskLine]:
    """Return what was said last, the oldest first; without the platform's own events."""
    twin = sa.exists().where(message_twin.c.twin_id == message.c.id)
    taken_back = sa.exists().where(recall.c.source == message.c.source, recall.c.msgid == message.c.msgid)
    wanted = (
        sa.select(
            message.c.id,
            message.c.author,
            message.c.servicer_id,
            message.c.kind,
            message.c.sent_at,
            message_body.c.text,
            message_body.c.erased_at,
            taken_back.label("is_recalled"),
        )
        .join(message_body, message_body.c.message_id == message.c.id)
        .where(
            message.c.conversation_id == conversation_id,
            message.c.author != Author.SYSTEM,
            ~twin,
        )
        .order_by(message.c.id.desc())
        .limit(limit)
    )
    rows = (await tx.execute(wanted)).all()
    lines = [
        DeskLine(
            id=row.id,
            author=Author(row.author),
            servicer_id=row.servicer_id,
            kind=row.kind,
            text="" if row.erased_at or row.is_recalled else row.text,
            sent_at=row.sent_at,
            is_gone=bool(row.erased_at or row.is_recalled),
        )
        for row in rows
    ]
    return sorted(lines, key=lambda one: (one.sent_at, one.id))


async def list_open_promises(
    tx: AsyncConnection, customer_id: int, subject: str, limit: int = 5
) -> list[OpenPromise]:
    """Return what `subject` promised this customer and has not kept yet, what is due first in front."""
    wanted = (
        sa.select(promise.c.object, promise.c.due_at)
        .join(conversation, conversation.c.id == promise.c.conversation_id)
        .where(
            conversation.c.customer_id == customer_id,
            promise.c.subject == subject,
            promise.c.state == "open",
        )
        .order_by(promise.c.due_at, promise.c.id)
        .limit(limit)
    )
    return [OpenPromise(object=row.object, due_at=row.due_at) for row in (await tx.execute(wanted)).all()]


async def list_by_hand(
    tx: AsyncConnection, conversation_id: int, staff_platform_id: str, since: datetime
) -> list[Delivery]:
    """Return what this member sent, or began to send, in a conversation by hand since, the oldest first."""
    found = await deliveries.list_of_conversation(tx, conversation_id, limit=30)
    return [
        one
        for one in found
        if one.act is Act.BY_HAND and one.created_at >= since and staff_platform_id in one.body.servicers
    ]

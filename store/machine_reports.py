"""Lists of what the machine did and could not do: events, deliveries, content versions, unanswered questions.

Read only, newest first, each by its index from a place on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Delivery
from domain.replies import AnswerKind
from domain.talk import Author
from store import deliveries, paging
from store.paging import Place
from store.tables import (
    approval,
    content_version,
    conversation,
    customer,
    delivery,
    event,
    match,
    message,
    message_body,
    turn,
)


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """One event without its body."""

    id: int
    key: str
    receiver: str
    kind: str
    state: str
    received_at: datetime
    processed_at: datetime | None
    attempt: int
    error: str

    @property
    def place(self) -> Place:
        return Place(at=self.received_at, id=self.id)


async def list_events(tx: AsyncConnection, state: str, *, before: Place | None, limit: int) -> list[EventRow]:
    """Return events in `state`, newest first."""
    wanted = (
        sa.select(*_EVENT)
        .where(event.c.state == state)
        .order_by(event.c.received_at.desc(), event.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        wanted = wanted.where(paging.before(event.c.received_at, event.c.id, before))
    return [_event_row(row) for row in (await tx.execute(wanted)).all()]


async def find_event(tx: AsyncConnection, event_id: int) -> EventRow | None:
    """Return one event without its body, or None."""
    row = (await tx.execute(sa.select(*_EVENT).where(event.c.id == event_id))).one_or_none()
    return None if row is None else _event_row(row)


async def find_event_body(tx: AsyncConnection, event_id: int) -> bytes | None:
    """Return the body of one event byte for byte, or None."""
    found = (await tx.execute(sa.select(event.c.body).where(event.c.id == event_id))).scalar_one_or_none()
    return None if found is None else bytes(found)


_EVENT = tuple(column for column in event.c if column.name != "body")


def _event_row(row: Any) -> EventRow:
    return EventRow(
        id=row.id,
        key=row.key,
        receiver=row.receiver,
        kind=row.kind,
        state=row.state,
        received_at=row.received_at,
        processed_at=row.processed_at,
        attempt=row.attempt,
        error=row.error or "",
    )


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    """One delivery with whom it was for."""

    delivery: Delivery
    platform_id: str
    nickname: str

    @property
    def place(self) -> Place:
        return Place(at=self.delivery.created_at, id=self.delivery.id)


async def list_deliveries(
    tx: AsyncConnection, state: str, *, before: Place | None, limit: int
) -> list[DeliveryRow]:
    """Return deliveries in `state`, newest first."""
    wanted = (
        sa.select(delivery, customer.c.platform_id, customer.c.nickname)
        .outerjoin(conversation, conversation.c.id == delivery.c.conversation_id)
        .outerjoin(customer, customer.c.id == conversation.c.customer_id)
        .where(delivery.c.state == state)
        .order_by(delivery.c.created_at.desc(), delivery.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        wanted = wanted.where(paging.before(delivery.c.created_at, delivery.c.id, before))
    return [
        DeliveryRow(
            delivery=deliveries.delivery_of(row),
            platform_id=row.platform_id or row.recipient,
            nickname=row.nickname or "",
        )
        for row in (await tx.execute(wanted)).all()
    ]


@dataclass(frozen=True, kw_only=True)
class VersionRow:
    """A version of a text and its newest approval, without the text; `approved_by` empty for drafts."""

    id: int
    kind: str
    key: str
    digest: str
    loaded_at: datetime
    approved_by: str
    approved_at: datetime | None


async def list_version_rows(tx: AsyncConnection) -> list[VersionRow]:
    """Return every version, oldest first; hundreds, a company's whole content."""
    newest = (
        sa.select(approval.c.content_version_id, sa.func.max(approval.c.id).label("approval_id"))
        .group_by(approval.c.content_version_id)
        .subquery()
    )
    version = content_version.c
    wanted = (
        sa.select(
            version.id,
            version.kind,
            version.key,
            version.digest,
            version.loaded_at,
            approval.c.approved_by,
            approval.c.approved_at,
        )
        .outerjoin(newest, newest.c.content_version_id == version.id)
        .outerjoin(approval, approval.c.id == newest.c.approval_id)
        .order_by(version.id)
    )
    return [
        VersionRow(
            id=row.id,
            kind=row.kind,
            key=row.key,
            digest=row.digest,
            loaded_at=row.loaded_at,
            approved_by=row.approved_by or "",
            approved_at=row.approved_at,
        )
        for row in (await tx.execute(wanted)).all()
    ]


@dataclass(frozen=True, kw_only=True)
class QuestionRow:
    """A question without a sure answer. `faq_id`, `score`: the entry that came nearest, if any did."""

    turn_id: int
    conversation_id: int
    opened_at: datetime
    decision: str
    text: str
    faq_id: str
    score: float | None

    @property
    def place(self) -> Place:
        return Place(at=self.opened_at, id=self.turn_id)


# The reply of the second question in a row that the bot had no answer to (handlers/questions.py).
_SECOND_MISS = "unknown_handover"
# Menu lines of entries begin so (domain/faq.py).
_ENTRY_PREFIX = "faq_"
_other = match.alias("other")
_NEAREST = (
    sa.select(_other.c.id)
    .where(_other.c.turn_id == turn.c.id)
    .order_by(_other.c.rank)
    .limit(1)
    .correlate(turn)
    .scalar_subquery()
)


# What the customer sent next: a tap on the menu means that the question found its entry after all.
_next = message.alias("next")
_next_body = message_body.alias("next_body")
_NEXT_TAP = (
    sa.select(_next_body.c.menu_id)
    .join(_next, _next.c.id == _next_body.c.message_id)
    .where(
        _next.c.conversation_id == turn.c.conversation_id,
        _next.c.author == Author.CUSTOMER,
        _next.c.id > turn.c.last_message_id,
    )
    .order_by(_next.c.id)
    .limit(1)
    .correlate(turn)
    .scalar_subquery()
)
_IS_SECOND_MISS = (
    sa.exists().where(delivery.c.turn_id == turn.c.id, delivery.c.reply_id == _SECOND_MISS).correlate(turn)
)
# A hand-over by a signal (a wish for a person, a complaint, danger) holds nothing against the entries, and one that an
# entry itself asks for has used that entry; neither is a question without an answer.
_other_used = match.alias("other_used")
_WAS_WEIGHED_IN_VAIN = sa.and_(
    sa.exists().where(_other.c.turn_id == turn.c.id).correlate(turn),
    sa.not_(
        sa.exists()
        .where(_other_used.c.turn_id == turn.c.id, _other_used.c.was_used.is_(True))
        .correlate(turn)
    ),
)
_UNSURE = sa.or_(
    turn.c.decision == AnswerKind.CLARIFY,
    sa.and_(
        turn.c.decision == AnswerKind.MENU,
        sa.not_(sa.func.coalesce(_NEXT_TAP, "").startswith(_ENTRY_PREFIX, autoescape=True)),
    ),
    sa.and_(turn.c.decision == AnswerKind.HANDOVER, sa.or_(_IS_SECOND_MISS, _WAS_WEIGHED_IN_VAIN)),
)


async def list_unanswered(tx: AsyncConnection, *, before: Place | None, limit: int) -> list[QuestionRow]:
    """Return turns the bot had no sure answer to, newest first: menus not tapped, questions back, second misses."""
    wanted = (
        sa.select(turn, message_body.c.text, match.c.faq_id, match.c.score)
        .join(message, message.c.id == turn.c.last_message_id)
        .join(message_body, message_body.c.message_id == message.c.id)
        .outerjoin(match, match.c.id == _NEAREST)
        .where(_UNSURE, message_body.c.text != "", message.c.kind == "text")
        .order_by(turn.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        wanted = wanted.where(turn.c.id < before.id)
    return [
        QuestionRow(
            turn_id=row.id,
            conversation_id=row.conversation_id,
            opened_at=row.opened_at,
            decision=row.decision,
            text=row.text,
            faq_id=row.faq_id or "",
            score=row.score,
        )
        for row in (await tx.execute(wanted)).all()
    ]

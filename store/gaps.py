"""Gaps in what the bot knows: questions it had no sure answer to.

Read only. What is put together from them is content/grouping.py's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.replies import AnswerKind
from domain.talk import Author
from store import health_reports
from store.paging import Place
from store.tables import conversation, delivery, match, message, message_body, turn

# The most questions that are put together at once.
LIMIT = 10_000
# A turn is numbered when it is stored, which after an outage is later than it was opened.
_LATE_ARRIVAL = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class QuestionRow:
    """A question without a sure answer. `faq_id`: the entry that came nearest, if any did; `confidence`: how sure."""

    turn_id: int
    conversation_id: int
    customer_id: int
    opened_at: datetime
    decision: str
    text: str
    faq_id: str
    score: float | None
    confidence: float | None

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
WAS_WEIGHED = sa.exists().where(_other.c.turn_id == turn.c.id).correlate(turn)
_WAS_WEIGHED_IN_VAIN = sa.and_(
    WAS_WEIGHED,
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


_QUESTIONS = (
    sa.select(
        turn.c.id,
        turn.c.conversation_id,
        turn.c.opened_at,
        turn.c.decision,
        conversation.c.customer_id,
        message_body.c.text,
        match.c.faq_id,
        match.c.score,
        match.c.confidence,
    )
    .join(conversation, conversation.c.id == turn.c.conversation_id)
    .join(message, message.c.id == turn.c.last_message_id)
    .join(message_body, message_body.c.message_id == message.c.id)
    .outerjoin(match, match.c.id == _NEAREST)
    # What was erased is gone, also from here.
    .where(_UNSURE, message_body.c.text != "", message_body.c.erased_at.is_(None), message.c.kind == "text")
    .order_by(turn.c.id.desc())
)


async def list_unanswered(tx: AsyncConnection, *, before: Place | None, limit: int) -> list[QuestionRow]:
    """Return turns the bot had no sure answer to, newest first: menus not tapped, questions back, second misses."""
    wanted = _QUESTIONS.limit(limit)
    if before is not None:
        wanted = wanted.where(turn.c.id < before.id)
    return [_question_row(row) for row in (await tx.execute(wanted)).all()]


async def list_since(tx: AsyncConnection, since: datetime, *, limit: int = LIMIT) -> list[QuestionRow]:
    """Return the newest of them that were asked at or after `since`, newest first."""
    first = await find_first_turn(tx, since)
    wanted = _QUESTIONS.where(turn.c.id >= first, turn.c.opened_at >= since).limit(limit)
    return [_question_row(row) for row in (await tx.execute(wanted)).all()]


async def find_first_turn(tx: AsyncConnection, since: datetime) -> int:
    """Return the number of the first turn that may have begun since then."""
    return await health_reports.find_first_turn_since(tx, since - _LATE_ARRIVAL)


def _question_row(row: Any) -> QuestionRow:
    return QuestionRow(
        turn_id=row.id,
        conversation_id=row.conversation_id,
        customer_id=row.customer_id,
        opened_at=row.opened_at,
        decision=row.decision,
        text=row.text,
        faq_id=row.faq_id or "",
        score=row.score,
        confidence=row.confidence,
    )

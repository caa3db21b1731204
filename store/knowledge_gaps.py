"""Gaps in the knowledge, from every door: the bot was unsure, an advisor had to rewrite a suggestion, a group asked.

Read only, for content editors: who asked is a number, never a name. The bot's own part is store/gaps.py; what is put
together from all is content/grouping.py's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.enrolment import QuestionSource, QuestionState
from domain.suggestion import SuggestionSource, SuggestionState
from domain.talk import Author
from store import gaps
from store.tables import (
    conversation,
    delivery,
    message,
    message_body,
    question,
    suggestion,
    suggestion_round,
    turn,
)

# What somebody writes later than that answers something else.
_ANSWERED_WITHIN = timedelta(hours=48)
_CHUNK = 500


class GapSource(StrEnum):
    """How we know that an entry is missing or weak."""

    BOT = "bot"  # The bot had no sure answer.
    EDITED = "edited"  # An advisor sent a suggestion only after changing it.
    GROUP = "group"  # Asked in a group or a one-to-one chat.


@dataclass(frozen=True, kw_only=True)
class GapQuestion:
    """A question that counts as a gap, and how a person answered it, if anybody did.

    `asker`: a key that tells askers apart, nothing more. `nearest`: the entry that came closest, "" for none.
    """

    source: GapSource
    text: str
    asker: str
    asked_at: datetime
    nearest: str = ""
    confidence: float = 0.0
    answered_by: str = ""
    answer: str = ""


async def list_since(tx: AsyncConnection, since: datetime, *, limit: int = gaps.LIMIT) -> list[GapQuestion]:
    """Return the questions that were asked since then, each kind newest first; at most `limit` of each kind."""
    bot = await _of_bot(tx, since, limit)
    return bot + await _edited(tx, since, limit) + await _of_groups(tx, since, limit)


async def _of_bot(tx: AsyncConnection, since: datetime, limit: int) -> list[GapQuestion]:
    rows = await gaps.list_since(tx, since, limit=limit)
    answers = await _answers(tx, [row.turn_id for row in rows])
    found = []
    for row in rows:
        by, text = answers.get(row.turn_id, ("", ""))
        found.append(
            GapQuestion(
                source=GapSource.BOT,
                text=row.text,
                asker=str(row.customer_id),
                asked_at=row.opened_at,
                nearest=row.faq_id,
                confidence=row.confidence or row.score or 0.0,
                answered_by=by,
                answer=text,
            )
        )
    return found


_reply = message.alias("reply")


def _first_reply(
    conversation_id: sa.ColumnElement[Any], after: sa.ColumnElement[Any], within: sa.FromClause
) -> sa.ScalarSelect[Any]:
    """Return the id of the first text that a person wrote in a talk after a message."""
    return (
        sa.select(_reply.c.id)
        .where(
            _reply.c.conversation_id == conversation_id,
            _reply.c.id > after,
            _reply.c.author == Author.SERVICER,
            _reply.c.kind == "text",
        )
        .order_by(_reply.c.id)
        .limit(1)
        .correlate(within)
        .scalar_subquery()
    )


async def _answers(tx: AsyncConnection, turn_ids: list[int]) -> dict[int, tuple[str, str]]:
    """Return who answered each turn first and with which words, where a person did."""
    found: dict[int, tuple[str, str]] = {}
    for start in range(0, len(turn_ids), _CHUNK):
        wanted = (
            sa.select(
                turn.c.id, turn.c.opened_at, message.c.servicer_id, message.c.sent_at, message_body.c.text
            )
            .select_from(turn)
            .join(message, message.c.id == _first_reply(turn.c.conversation_id, turn.c.last_message_id, turn))
            .join(message_body, message_body.c.message_id == message.c.id)
            .where(turn.c.id.in_(turn_ids[start : start + _CHUNK]), message_body.c.erased_at.is_(None))
        )
        for row in (await tx.execute(wanted)).all():
            if row.sent_at - row.opened_at <= _ANSWERED_WITHIN:
                found[row.id] = row.servicer_id, row.text
    return found


async def _edited(tx: AsyncConnection, since: datetime, limit: int) -> list[GapQuestion]:
    asked = sa.func.coalesce(sa.func.nullif(suggestion_round.c.asked, ""), message_body.c.text, "")
    wanted = (
        sa.select(
            asked.label("asked"),
            suggestion_round.c.made_at,
            suggestion_round.c.staff_platform_id,
            conversation.c.customer_id,
            suggestion.c.source,
            suggestion.c.source_id,
            suggestion.c.score,
            delivery.c.body,
        )
        .select_from(suggestion_round)
        .join(suggestion, suggestion.c.round_id == suggestion_round.c.id)
        .outerjoin(conversation, conversation.c.id == suggestion_round.c.conversation_id)
        .outerjoin(message_body, message_body.c.message_id == suggestion_round.c.message_id)
        .outerjoin(
            delivery,
            sa.and_(delivery.c.key == suggestion.c.delivery_key, suggestion.c.delivery_key != ""),
        )
        .where(
            suggestion.c.state == SuggestionState.EDITED,
            suggestion_round.c.made_at >= since,
            suggestion_round.c.erased_at.is_(None),
        )
        .order_by(suggestion_round.c.id.desc())
        .limit(limit)
    )
    return [
        GapQuestion(
            source=GapSource.EDITED,
            text=row.asked,
            asker=str(row.customer_id or row.staff_platform_id),
            asked_at=row.made_at,
            nearest=row.source_id if row.source == SuggestionSource.FAQ else "",
            confidence=row.score,
            answered_by=row.staff_platform_id,
            answer=str((row.body or {}).get("text", "")),
        )
        for row in (await tx.execute(wanted)).all()
        if row.asked
    ]


async def _of_groups(tx: AsyncConnection, since: datetime, limit: int) -> list[GapQuestion]:
    """Return what was asked in groups and chats; what the bot gave to a person is a gap of the bot's already."""
    after = sa.func.coalesce(question.c.message_id, 0)
    wanted = (
        sa.select(question, message.c.servicer_id, message.c.sent_at, message_body.c.text.label("answer"))
        .select_from(question)
        .outerjoin(
            message,
            sa.and_(
                question.c.message_id.is_not(None),
                message.c.id == _first_reply(question.c.conversation_id, after, question),
            ),
        )
        .outerjoin(
            message_body,
            sa.and_(message_body.c.message_id == message.c.id, message_body.c.erased_at.is_(None)),
        )
        .where(
            question.c.asked_at >= since,
            question.c.source != QuestionSource.KF,
            question.c.state != QuestionState.DROPPED,
            question.c.text != "",
        )
        .order_by(question.c.id.desc())
        .limit(limit)
    )
    found = []
    for row in (await tx.execute(wanted)).all():
        is_answer = row.answer and row.sent_at - row.asked_at <= _ANSWERED_WITHIN
        found.append(
            GapQuestion(
                source=GapSource.GROUP,
                text=row.text,
                asker=row.asker or f"group {row.group_id}",
                asked_at=row.asked_at,
                nearest=row.faq_id,
                answered_by=row.servicer_id if is_answer else row.answered_by,
                answer=row.answer if is_answer else "",
            )
        )
    return found


@dataclass(frozen=True, kw_only=True)
class AskedText:
    """Something a customer asked, whatever became of it."""

    text: str
    asked_at: datetime


async def list_asked(tx: AsyncConnection, since: datetime, *, limit: int = gaps.LIMIT) -> list[AskedText]:
    """Return what customers asked since then, newest first: turns that were held against the entries, and questions."""
    first = await gaps.find_first_turn(tx, since)
    turns = (
        sa.select(message_body.c.text, turn.c.opened_at)
        .select_from(turn)
        .join(message, message.c.id == turn.c.last_message_id)
        .join(message_body, message_body.c.message_id == message.c.id)
        .where(
            turn.c.id >= first,
            turn.c.opened_at >= since,
            gaps.WAS_WEIGHED,
            message.c.kind == "text",
            message_body.c.text != "",
            message_body.c.menu_id == "",
            message_body.c.erased_at.is_(None),
        )
        .order_by(turn.c.id.desc())
        .limit(limit)
    )
    questions = (
        sa.select(question.c.text, question.c.asked_at)
        .where(
            question.c.asked_at >= since,
            question.c.source != QuestionSource.KF,
            question.c.state != QuestionState.DROPPED,
            question.c.text != "",
        )
        .order_by(question.c.id.desc())
        .limit(limit)
    )
    found = [AskedText(text=row[0], asked_at=row[1]) for row in (await tx.execute(turns)).all()]
    found += [AskedText(text=row[0], asked_at=row[1]) for row in (await tx.execute(questions)).all()]
    return found

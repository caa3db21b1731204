"""Rounds of suggested replies, what became of each suggestion, and what they are made from: the talk and its facts.

Words of suggestions are as private as the messages they answer, and are erased with them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.compliance import Problem, Severity
from domain.faq import Line
from domain.suggestion import (
    NewRound,
    NewSuggestion,
    Round,
    RoundHow,
    Suggestion,
    SuggestionSource,
    SuggestionState,
    TalkLine,
    Vote,
)
from domain.talk import Author, Topic
from store.tables import (
    conversation,
    customer_fact,
    message,
    message_body,
    message_twin,
    recall,
    suggestion,
    suggestion_round,
)

_KEY_LIMIT = 64
# What may follow what: a suggestion that was put away may still be used, one that was used stays used.
_BEFORE = {
    SuggestionState.USED: (SuggestionState.OFFERED, SuggestionState.REFUSED),
    SuggestionState.EDITED: (SuggestionState.OFFERED, SuggestionState.REFUSED),
    SuggestionState.REFUSED: (SuggestionState.OFFERED,),
    SuggestionState.OFFERED: (),
}


@dataclass(frozen=True, kw_only=True)
class Talk:
    """Of a conversation what suggestions need. `customer_id` is None in groups; `account_id` is the group there."""

    conversation_id: int
    channel: str
    account_id: str
    customer_id: int | None
    session_started_at: datetime
    topic: Topic | None


# --- rounds -------------------------------------------------------------------------------------------------


async def record_round(tx: AsyncConnection, new: NewRound, now: datetime) -> Round:
    """Record a round with its suggestions, in their order, and return it with their ids."""
    added = sa.insert(suggestion_round).values(
        conversation_id=new.conversation_id,
        staff_platform_id=new.staff_platform_id,
        message_id=new.message_id,
        question_id=new.question_id,
        asked=new.asked,
        question_key=new.question_key[:_KEY_LIMIT],
        line=new.line or "",
        needs_qualified=new.needs_qualified or "",
        how=new.how,
        made_at=now,
    )
    round_id = int((await tx.execute(added.returning(suggestion_round.c.id))).scalar_one())
    for place, one in enumerate(new.suggestions):
        await tx.execute(sa.insert(suggestion).values(_row(round_id, place, one)))
    found = await _find_rounds(tx, suggestion_round.c.id == round_id)
    return found[0]


async def find_latest(tx: AsyncConnection, conversation_id: int, staff_platform_id: str) -> Round | None:
    """Return the newest round of this member for a conversation, None when there is none or its words are erased."""
    newest = (
        sa.select(suggestion_round.c.id)
        .where(
            suggestion_round.c.conversation_id == conversation_id,
            suggestion_round.c.staff_platform_id == staff_platform_id,
            suggestion_round.c.erased_at.is_(None),
        )
        .order_by(suggestion_round.c.id.desc())
        .limit(1)
    )
    found = await _find_rounds(tx, suggestion_round.c.id.in_(newest))
    return found[0] if found else None


async def find(tx: AsyncConnection, suggestion_id: int) -> tuple[Round, Suggestion] | None:
    """Return a suggestion with its round, or None."""
    wanted = sa.select(suggestion.c.round_id).where(suggestion.c.id == suggestion_id)
    found = await _find_rounds(tx, suggestion_round.c.id.in_(wanted))
    if not found:
        return None
    return found[0], next(one for one in found[0].suggestions if one.id == suggestion_id)


async def decide(
    tx: AsyncConnection,
    suggestion_id: int,
    state: SuggestionState,
    *,
    now: datetime,
    delivery_key: str = "",
    note: str = "",
) -> bool:
    """Record what the advisor did with a suggestion; False when it was used before, so that nothing counts twice."""
    done = await tx.execute(
        sa.update(suggestion)
        .where(suggestion.c.id == suggestion_id, suggestion.c.state.in_(_BEFORE[state]))
        .values(state=state, decided_at=now, delivery_key=delivery_key[:_KEY_LIMIT], note=note)
    )
    return done.rowcount == 1


async def votes(tx: AsyncConnection, question_keys: Collection[str], since: datetime) -> list[Vote]:
    """Return what everybody did since then with suggestions after these kinds of question."""
    keys = sorted({key[:_KEY_LIMIT] for key in question_keys} - {""})
    if not keys:
        return []
    columns = (
        suggestion_round.c.question_key,
        suggestion.c.source,
        suggestion.c.source_id,
        suggestion.c.content_version_id,
        suggestion_round.c.staff_platform_id,
        suggestion.c.state,
    )
    counted = (
        sa.select(
            *columns, sa.func.count().label("number"), sa.func.max(suggestion.c.decided_at).label("last")
        )
        .join(suggestion_round, suggestion_round.c.id == suggestion.c.round_id)
        .where(
            suggestion_round.c.question_key.in_(keys),
            suggestion_round.c.made_at >= since,
            suggestion.c.state != SuggestionState.OFFERED,
        )
        .group_by(*columns)
    )
    return [
        Vote(
            question_key=row.question_key,
            source=SuggestionSource(row.source),
            source_id=row.source_id,
            staff_platform_id=row.staff_platform_id,
            state=SuggestionState(row.state),
            count=row.number,
            last_at=row.last,
            content_version_id=row.content_version_id,
        )
        for row in (await tx.execute(counted)).all()
    ]


# --- what a round is made from ------------------------------------------------------------------------------


async def find_talk(tx: AsyncConnection, conversation_id: int) -> Talk | None:
    """Return a conversation of any kind, or None."""
    wanted = sa.select(conversation).where(conversation.c.id == conversation_id)
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        return None
    topic = None
    if row.topic_faq_id and row.topic_at is not None:
        topic = Topic(faq_id=row.topic_faq_id, slots=row.topic_slots, at=row.topic_at)
    return Talk(
        conversation_id=row.id,
        channel=row.channel,
        account_id=row.account_id,
        customer_id=row.customer_id,
        session_started_at=row.session_started_at,
        topic=topic,
    )


async def find_last_used(tx: AsyncConnection, conversation_id: int, since: datetime) -> Topic | None:
    """Return the entry whose answer somebody sent last in a conversation since then, None when none was."""
    wanted = (
        sa.select(suggestion.c.source_id, suggestion.c.decided_at)
        .join(suggestion_round, suggestion_round.c.id == suggestion.c.round_id)
        .where(
            suggestion_round.c.conversation_id == conversation_id,
            suggestion.c.source == SuggestionSource.FAQ,
            suggestion.c.state.in_((SuggestionState.USED, SuggestionState.EDITED)),
            suggestion.c.decided_at >= since,
        )
        .order_by(suggestion.c.decided_at.desc(), suggestion.c.id.desc())
        .limit(1)
    )
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else Topic(faq_id=row.source_id, at=row.decided_at)


async def list_lines(
    tx: AsyncConnection, conversation_id: int, *, limit: int, until_id: int | None = None
) -> list[TalkLine]:
    """Return the last `limit` texts of a talk, oldest first, up to message `until_id`.

    Without what was taken back, erased, or said by the platform; pictures and the like have no text.
    """
    # What two sources told of counts once (store/twins.py).
    is_twin = sa.exists().where(message_twin.c.twin_id == message.c.id)
    was_recalled = sa.exists().where(recall.c.source == message.c.source, recall.c.msgid == message.c.msgid)
    wanted = (
        sa.select(message.c.id, message.c.author, message.c.sent_at, message_body.c.text)
        .join(message_body, message_body.c.message_id == message.c.id)
        .where(
            message.c.conversation_id == conversation_id,
            message.c.author != Author.SYSTEM,
            message_body.c.text != "",
            ~was_recalled,
            ~is_twin,
        )
        .order_by(message.c.id.desc())
        .limit(limit)
    )
    if until_id is not None:
        wanted = wanted.where(message.c.id <= until_id)
    rows = (await tx.execute(wanted)).all()
    lines = [
        TalkLine(text=row.text, at=row.sent_at, is_customer=row.author == Author.CUSTOMER, message_id=row.id)
        for row in rows
    ]
    # The platform may tell late of what was said before.
    return sorted(lines, key=lambda one: (one.at, one.message_id or 0))


async def list_facts(tx: AsyncConnection, customer_id: int, today: date) -> dict[str, str]:
    """Return what is known of a customer today by kind, the newest of each; what has ended is not known any more."""
    wanted = (
        sa.select(customer_fact.c.kind, customer_fact.c.value)
        .where(
            customer_fact.c.customer_id == customer_id,
            sa.or_(customer_fact.c.valid_until.is_(None), customer_fact.c.valid_until >= today),
        )
        .order_by(customer_fact.c.recorded_at, customer_fact.c.id)
    )
    return {row.kind: row.value for row in (await tx.execute(wanted)).all()}


# --- rows ---------------------------------------------------------------------------------------------------


def _row(round_id: int, place: int, one: NewSuggestion) -> dict[str, Any]:
    return {
        "round_id": round_id,
        "place": place,
        "source": one.source,
        "source_id": one.source_id[:_KEY_LIMIT],
        "content_version_id": one.content_version_id,
        "text": one.text,
        "score": one.score,
        "reasons": list(one.reasons),
        "shown": {
            "question": one.question,
            "line": one.line or "",
            "origin": one.origin,
            "valid_until": one.valid_until.isoformat() if one.valid_until else "",
            "risk_line": one.risk_line,
            "is_approved": one.is_approved,
            "problems": [
                {
                    "rule_id": problem.rule_id,
                    "label": problem.label,
                    "severity": str(problem.severity),
                    "span": list(problem.span),
                    "message": problem.message,
                    "rule_version": problem.rule_version,
                }
                for problem in one.problems
            ],
        },
        "state": SuggestionState.OFFERED,
    }


async def _find_rounds(tx: AsyncConnection, condition: sa.ColumnElement[bool]) -> list[Round]:
    rows = (await tx.execute(sa.select(suggestion_round).where(condition))).all()
    if not rows:
        return []
    wanted = (
        sa.select(suggestion)
        .where(suggestion.c.round_id.in_([row.id for row in rows]))
        .order_by(suggestion.c.round_id, suggestion.c.place)
    )
    offered = (await tx.execute(wanted)).all()
    return [_round(row, [one for one in offered if one.round_id == row.id]) for row in rows]


def _round(row: Any, offered: Sequence[Any]) -> Round:
    return Round(
        id=row.id,
        conversation_id=row.conversation_id,
        staff_platform_id=row.staff_platform_id,
        message_id=row.message_id,
        question_id=row.question_id,
        asked=row.asked,
        question_key=row.question_key,
        line=Line(row.line) if row.line else None,
        how=RoundHow(row.how),
        needs_qualified=Line(row.needs_qualified) if row.needs_qualified else None,
        made_at=row.made_at,
        suggestions=tuple(_suggestion(one) for one in offered),
    )


def _suggestion(row: Any) -> Suggestion:
    shown = row.shown
    return Suggestion(
        id=row.id,
        round_id=row.round_id,
        place=row.place,
        state=SuggestionState(row.state),
        decided_at=row.decided_at,
        delivery_key=row.delivery_key,
        source=SuggestionSource(row.source),
        source_id=row.source_id,
        question=shown.get("question", ""),
        text=row.text,
        line=Line(shown["line"]) if shown.get("line") else None,
        score=row.score,
        reasons=tuple(row.reasons),
        content_version_id=row.content_version_id,
        origin=shown.get("origin", ""),
        valid_until=date.fromisoformat(shown["valid_until"]) if shown.get("valid_until") else None,
        risk_line=shown.get("risk_line", ""),
        problems=tuple(_problem(one) for one in shown.get("problems", ())),
        is_approved=shown.get("is_approved", True),
    )


def _problem(values: dict[str, Any]) -> Problem:
    start, end = values["span"]
    return Problem(
        rule_id=values["rule_id"],
        label=values["label"],
        severity=Severity(values["severity"]),
        span=(start, end),
        message=values["message"],
        rule_version=values["rule_version"],
    )

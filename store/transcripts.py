"""One conversation as a person reads it: what was said both ways, what was decided and why, what became of each answer.

Read only. A transcript is a stretch of the conversation: the newest messages, or those before a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Act, Delivery, SendClass
from domain.talk import Author
from store import deliveries, talk_reports
from store.tables import (
    content_version,
    conversation,
    delivery,
    match,
    media,
    message,
    message_body,
    recall,
    satisfaction,
    turn,
)

# The platform's budget (WeCom doc 94677): messages per customer message. The window is 48 hours.
BUDGET = 5
# As scheduler/outbox.py counts: those the platform took or may have taken.
_COUNTED = ("accepted", "unknown", "attempting", "failed")


@dataclass(frozen=True, kw_only=True)
class Media:
    """A file of a message. `state`: due, claimed, fetched or failed; `digest` names the file once fetched."""

    id: int
    message_id: int
    conversation_id: int
    kind: str
    state: str
    digest: str
    size_bytes: int
    content_type: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """A message. `recalled_by` and `recalled_at` once it was taken back; `erased_at` once its words were deleted."""

    id: int
    msgid: str
    author: Author
    servicer_id: str
    kind: str
    text: str
    menu_id: str
    raw: str
    sent_at: datetime
    recorded_at: datetime
    erased_at: datetime | None
    recalled_by: str
    recalled_at: datetime | None
    media: Media | None


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """An entry that a question was held against, in the version of that moment (None for a sample never stored).

    `confidence` is 0 for what was recorded before there was one.
    """

    faq_id: str
    score: float
    confidence: float
    reasons: tuple[str, ...]
    was_used: bool
    version_id: int | None


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A turn and its decision. `error`: why deciding failed, if it did."""

    id: int
    last_message_id: int
    state: str
    decision: str
    blocked: str
    error: str
    finished_at: datetime | None
    weighed: tuple[Weighed, ...]


@dataclass(frozen=True, kw_only=True)
class Source:
    """The content version an answer was made from; what its body does not say is empty."""

    id: int
    key: str
    question: str
    source: str
    reviewer: str
    valid_until: date | None
    loaded_at: datetime


@dataclass(frozen=True, kw_only=True)
class Rating:
    """An answer to the satisfaction menu; `score` 1 to 4, None while it waits."""

    asked_at: datetime
    answered_at: datetime | None
    servicer_id: str
    score: int | None


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """A stretch of a conversation, oldest first. `is_newest`: nothing comes after it; `has_older`: something before."""

    said: tuple[Said, ...]
    turns: tuple[Decided, ...]
    deliveries: tuple[Delivery, ...]
    sources: dict[int, Source]
    is_newest: bool
    has_older: bool


async def read(
    tx: AsyncConnection, conversation_id: int, *, before_id: int | None = None, limit: int = 60
) -> Transcript:
    """Return the newest `limit` messages, or those before the message `before_id`, with all that belongs to them."""
    rows = await _messages(tx, conversation_id, before_id, limit + 1)
    has_older, rows = len(rows) > limit, rows[-limit:]
    files = await _files(tx, [row.id for row in rows])
    said = tuple(_said(row, files.get(row.id)) for row in rows)
    sent = await _deliveries(tx, conversation_id, said, has_older=has_older, before_id=before_id)
    versions = {one.content_version_id for one in sent if one.content_version_id is not None}
    return Transcript(
        said=said,
        turns=await _turns(tx, conversation_id, said, is_newest=before_id is None),
        deliveries=sent,
        sources=await _sources(tx, sorted(versions)),
        is_newest=before_id is None,
        has_older=has_older,
    )


async def is_served_by(tx: AsyncConnection, conversation_id: int, people: frozenset[str]) -> bool:
    """Say whether one of `people` serves the conversation now or owns a case of it."""
    wanted = sa.select(conversation.c.id).where(
        conversation.c.id == conversation_id, talk_reports.own_talks(people)
    )
    return (await tx.execute(wanted)).one_or_none() is not None


async def find_media(tx: AsyncConnection, media_id: int) -> Media | None:
    """Return the file with the conversation it belongs to, or None."""
    row = (await tx.execute(_MEDIA.where(media.c.id == media_id))).one_or_none()
    return None if row is None else _media(row)


async def count_budget_used(tx: AsyncConnection, conversation_id: int) -> int:
    """Return how many of the five messages went out since we heard the customer's last one."""
    heard = sa.select(conversation.c.heard_at).where(conversation.c.id == conversation_id).scalar_subquery()
    wanted = sa.select(sa.func.count()).where(
        delivery.c.conversation_id == conversation_id,
        delivery.c.act != Act.TRANSFER,
        delivery.c.send_class == int(SendClass.KEYED),
        delivery.c.state.in_(_COUNTED),
        delivery.c.attempted_at >= heard,
    )
    return int((await tx.execute(wanted)).scalar_one())


async def list_ratings(tx: AsyncConnection, conversation_id: int, limit: int = 5) -> list[Rating]:
    """Return the newest satisfaction questions of the conversation with their answers."""
    wanted = (
        sa.select(satisfaction)
        .where(satisfaction.c.conversation_id == conversation_id)
        .order_by(satisfaction.c.id.desc())
        .limit(limit)
    )
    return [
        Rating(
            asked_at=row.asked_at,
            answered_at=row.answered_at,
            servicer_id=row.servicer_id,
            score=row.score,
        )
        for row in (await tx.execute(wanted)).all()
    ]


async def _messages(
    tx: AsyncConnection, conversation_id: int, before_id: int | None, limit: int
) -> Sequence[Any]:
    wanted = (
        sa.select(
            message,
            message_body.c.text,
            message_body.c.menu_id,
            message_body.c.raw,
            message_body.c.erased_at,
            recall.c.recalled_by,
            recall.c.recalled_at,
        )
        .join(message_body, message_body.c.message_id == message.c.id)
        .outerjoin(recall, sa.and_(recall.c.source == message.c.source, recall.c.msgid == message.c.msgid))
        .where(message.c.conversation_id == conversation_id)
        .order_by(message.c.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        wanted = wanted.where(message.c.id < before_id)
    return list(reversed((await tx.execute(wanted)).all()))


def _said(row: Any, file: Media | None) -> Said:
    return Said(
        id=row.id,
        msgid=row.msgid,
        author=Author(row.author),
        servicer_id=row.servicer_id,
        kind=row.kind,
        text=row.text,
        menu_id=row.menu_id,
        raw=row.raw,
        sent_at=row.sent_at,
        recorded_at=row.recorded_at,
        erased_at=row.erased_at,
        recalled_by=row.recalled_by or "",
        recalled_at=row.recalled_at,
        media=file,
    )


_MEDIA = sa.select(media, message.c.conversation_id).join(message, message.c.id == media.c.message_id)


async def _files(tx: AsyncConnection, message_ids: Sequence[int]) -> dict[int, Media]:
    rows = await tx.execute(_MEDIA.where(media.c.message_id.in_(message_ids)))
    return {row.message_id: _media(row) for row in rows.all()}


def _media(row: Any) -> Media:
    return Media(
        id=row.id,
        message_id=row.message_id,
        conversation_id=row.conversation_id,
        kind=row.kind,
        state=row.state,
        digest=row.digest,
        size_bytes=row.size_bytes,
        content_type=row.content_type,
    )


async def _deliveries(
    tx: AsyncConnection,
    conversation_id: int,
    said: Sequence[Said],
    *,
    has_older: bool,
    before_id: int | None,
) -> tuple[Delivery, ...]:
    """Return what was meant to be said in this stretch: by time, because a delivery that never left is no message."""
    wanted = (
        sa.select(delivery)
        .where(delivery.c.conversation_id == conversation_id)
        .order_by(delivery.c.id.desc())
        .limit(300)
    )
    if has_older and said:
        wanted = wanted.where(delivery.c.created_at >= said[0].recorded_at)
    if before_id is not None:
        edge = sa.select(message.c.recorded_at).where(message.c.id == before_id).scalar_subquery()
        wanted = wanted.where(delivery.c.created_at < edge)
    rows = (await tx.execute(wanted)).all()
    return tuple(deliveries.delivery_of(row) for row in reversed(rows))


async def _turns(
    tx: AsyncConnection, conversation_id: int, said: Sequence[Said], *, is_newest: bool
) -> tuple[Decided, ...]:
    if not said:
        return ()
    wanted = sa.select(turn).where(
        turn.c.conversation_id == conversation_id, turn.c.last_message_id >= said[0].id
    )
    if not is_newest:
        wanted = wanted.where(turn.c.last_message_id <= said[-1].id)
    rows = (await tx.execute(wanted.order_by(turn.c.id))).all()
    weighed = await _weighed(tx, [row.id for row in rows])
    return tuple(
        Decided(
            id=row.id,
            last_message_id=row.last_message_id,
            state=row.state,
            decision=row.decision,
            blocked=row.blocked,
            error=row.error or "",
            finished_at=row.finished_at,
            weighed=tuple(weighed.get(row.id, ())),
        )
        for row in rows
    )


async def _weighed(tx: AsyncConnection, turn_ids: Sequence[int]) -> dict[int, list[Weighed]]:
    wanted = sa.select(match).where(match.c.turn_id.in_(turn_ids)).order_by(match.c.turn_id, match.c.rank)
    found: dict[int, list[Weighed]] = {}
    for row in (await tx.execute(wanted)).all():
        one = Weighed(
            faq_id=row.faq_id,
            score=row.score,
            confidence=row.confidence,
            reasons=tuple(row.reasons),
            was_used=row.was_used,
            version_id=row.content_version_id,
        )
        found.setdefault(row.turn_id, []).append(one)
    return found


async def _sources(tx: AsyncConnection, version_ids: Sequence[int]) -> dict[int, Source]:
    rows = await tx.execute(sa.select(content_version).where(content_version.c.id.in_(version_ids)))
    return {row.id: _source(row) for row in rows.all()}


def _source(row: Any) -> Source:
    body: dict[str, Any] = row.body
    days = [_as_date(body.get(key)) for key in ("valid_until", "fact_valid_until")]
    return Source(
        id=row.id,
        key=row.key,
        question=str(body.get("question") or ""),
        source=str(body.get("source") or ""),
        reviewer=str(body.get("reviewer") or ""),
        valid_until=min((day for day in days if day is not None), default=None),
        loaded_at=row.loaded_at,
    )


def _as_date(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None

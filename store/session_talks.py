"""One session in full: what was said in it, and how everybody did.

Read only. What was found in it is store/finding_reports.py, what was promised and noted store/session_notes.py. A
message that two sources told stands here once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import Figures, Grade, ItemResult, TalkKind
from domain.talk import Author
from store import evaluations
from store.audit_reports import IS_CURRENT, AuditFilter
from store.tables import (
    consent,
    conversation,
    customer,
    evaluation,
    group,
    media,
    message,
    message_body,
    message_twin,
    recall,
    session,
)
from store.transcripts import Media

# A session longer than this is cut off in the page; nothing a person reads at once is so long.
LIMIT = 500


@dataclass(frozen=True, kw_only=True)
class SessionHead:
    """A session and where it took place. `name`: of the customer or the group."""

    id: int
    conversation_id: int
    started_at: datetime
    ended_at: datetime
    state: str
    line: str
    message_count: int
    source: str
    subjects: tuple[str, ...]
    cut_at: datetime
    merged_into: int | None
    kind: TalkKind
    account_id: str
    name: str
    platform_id: str


@dataclass(frozen=True, kw_only=True)
class Reached:
    """What one subject reached, under which rubric. `first_score`: before people decided anything."""

    subject: str
    score: float | None
    grade: Grade
    first_score: float | None
    items: tuple[ItemResult, ...]
    figures: Figures
    rubric_version: str
    rules_version: str
    evaluated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A message of the session. `is_known`: its words are on record; else it was erased or withheld.

    `consent`: what the customer had said about archiving when it was said; "" where nothing needs it.
    """

    id: int
    author: Author
    servicer_id: str
    sender_id: str
    kind: str
    source: str
    text: str
    sent_at: datetime
    erased_at: datetime | None
    recalled_by: str
    recalled_at: datetime | None
    consent: str
    is_known: bool
    files: tuple[Media, ...] = field(default=())


async def find_head(tx: AsyncConnection, session_id: int) -> SessionHead | None:
    """Return the session, or None. One that was joined to another says so in `merged_into`."""
    select = (
        sa.select(
            session,
            conversation.c.channel,
            conversation.c.account_id,
            customer.c.platform_id,
            customer.c.nickname,
            group.c.name.label("group_name"),
        )
        .join(conversation, conversation.c.id == session.c.conversation_id)
        .outerjoin(customer, customer.c.id == conversation.c.customer_id)
        .outerjoin(
            group,
            sa.and_(conversation.c.channel == TalkKind.GROUP, group.c.chat_id == conversation.c.account_id),
        )
        .where(session.c.id == session_id)
    )
    row = (await tx.execute(select)).one_or_none()
    if row is None:
        return None
    return SessionHead(
        id=row.id,
        conversation_id=row.conversation_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        state=row.state,
        line=row.line,
        message_count=row.message_count,
        source=row.source,
        subjects=tuple(row.subjects),
        cut_at=row.cut_at,
        merged_into=row.merged_into,
        kind=TalkKind(row.channel),
        account_id=row.account_id,
        name=row.nickname or row.group_name or "",
        platform_id=row.platform_id or "",
    )


async def find_neighbours(tx: AsyncConnection, head: SessionHead) -> tuple[int | None, int | None]:
    """Return the sessions before and after this one in its conversation."""
    same = sa.select(session.c.id).where(
        session.c.conversation_id == head.conversation_id, session.c.merged_into.is_(None)
    )
    earlier = same.where(session.c.started_at < head.started_at).order_by(session.c.started_at.desc())
    later = same.where(session.c.started_at > head.started_at).order_by(session.c.started_at)
    return (
        (await tx.execute(earlier.limit(1))).scalar_one_or_none(),
        (await tx.execute(later.limit(1))).scalar_one_or_none(),
    )


async def list_reached(
    tx: AsyncConnection, session_id: int, *, subjects: frozenset[str] | None = None
) -> list[Reached]:
    """Return how everybody did in the session, those who served most first; `subjects`: these people only."""
    select = (
        sa.select(evaluation)
        .where(evaluation.c.session_id == session_id, IS_CURRENT)
        .order_by(evaluation.c.id)
    )
    if subjects is not None:
        select = select.where(evaluation.c.subject.in_(subjects))
    return [
        Reached(
            subject=row.subject,
            score=row.final_score,
            grade=Grade(row.final_grade),
            first_score=row.score,
            items=evaluations.items_of(row.items),
            figures=evaluations.figures_of(row.figures),
            rubric_version=row.rubric_version,
            rules_version=row.rules_version,
            evaluated_at=row.evaluated_at,
        )
        for row in (await tx.execute(select)).all()
    ]


async def list_items(tx: AsyncConnection, wanted: AuditFilter) -> list[tuple[int, tuple[ItemResult, ...]]]:
    """Return session and items of every evaluation of the period; ask for one person at a time."""
    select = (
        sa.select(evaluation.c.session_id, evaluation.c["items"])
        .join(session, session.c.id == evaluation.c.session_id)
        .where(
            IS_CURRENT,
            evaluation.c.started_at >= wanted.since,
            evaluation.c.started_at < wanted.until,
            session.c.merged_into.is_(None),
        )
        .order_by(evaluation.c.started_at)
    )
    if wanted.subjects is not None:
        select = select.where(evaluation.c.subject.in_(wanted.subjects))
    return [(row.session_id, evaluations.items_of(row.items)) for row in (await tx.execute(select)).all()]


async def list_heard(tx: AsyncConnection, head: SessionHead) -> list[Heard]:
    """Return what was said in the session, by its time; at most LIMIT messages."""
    select = (
        sa.select(
            message.c.id,
            message.c.author,
            message.c.servicer_id,
            message.c.sender_id,
            message.c.kind,
            message.c.source,
            message.c.sent_at,
            message_body.c.message_id.label("body_id"),
            message_body.c.text,
            message_body.c.erased_at,
            recall.c.recalled_by,
            recall.c.recalled_at,
            consent.c.status.label("consent"),
        )
        .outerjoin(message_body, message_body.c.message_id == message.c.id)
        .outerjoin(recall, sa.and_(recall.c.source == message.c.source, recall.c.msgid == message.c.msgid))
        .outerjoin(consent, consent.c.id == message.c.consent_id)
        .where(
            message.c.conversation_id == head.conversation_id,
            message.c.sent_at >= head.started_at,
            message.c.sent_at <= head.ended_at,
            ~sa.exists().where(message_twin.c.twin_id == message.c.id),
        )
        .order_by(message.c.sent_at, message.c.id)
        .limit(LIMIT)
    )
    rows = (await tx.execute(select)).all()
    files = await _files(tx, [row.id for row in rows])
    return [_heard(row, files.get(row.id, [])) for row in rows]


def _heard(row: Any, files: Sequence[Media]) -> Heard:
    return Heard(
        id=row.id,
        author=Author(row.author),
        servicer_id=row.servicer_id,
        sender_id=row.sender_id,
        kind=row.kind,
        source=row.source,
        text=row.text or "",
        sent_at=row.sent_at,
        erased_at=row.erased_at,
        recalled_by=row.recalled_by or "",
        recalled_at=row.recalled_at,
        consent=row.consent or "",
        is_known=row.body_id is not None and row.erased_at is None,
        files=tuple(files),
    )


async def _files(tx: AsyncConnection, message_ids: Sequence[int]) -> dict[int, list[Media]]:
    select = (
        sa.select(media, message.c.conversation_id)
        .join(message, message.c.id == media.c.message_id)
        .where(media.c.message_id.in_(message_ids))
        .order_by(media.c.message_id, media.c.place)
    )
    found: dict[int, list[Media]] = {}
    for row in (await tx.execute(select)).all():
        one = Media(
            id=row.id,
            message_id=row.message_id,
            conversation_id=row.conversation_id,
            kind=row.kind,
            state=row.state,
            digest=row.digest,
            size_bytes=row.size_bytes,
            content_type=row.content_type,
        )
        found.setdefault(row.message_id, []).append(one)
    return found

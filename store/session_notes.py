"""What belongs to a session or to a person beside the talk: promises, reviews, words of advice.

Read only, for the pages of the audit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.audit_reports import AuditFilter
from store.tables import coaching_note, promise, review


@dataclass(frozen=True, kw_only=True)
class PromiseRow:
    """A word given to a customer."""

    id: int
    session_id: int
    message_id: int
    subject: str
    object: str
    start: int
    end: int
    made_at: datetime
    due_at: datetime
    state: str
    kept_message_id: int | None


@dataclass(frozen=True, kw_only=True)
class NoteRow:
    """A word of advice to a colleague."""

    id: int
    session_id: int | None
    text: str
    written_by: str
    written_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ReviewRow:
    """A person's look at the session. `finding_id` None: at the session as a whole."""

    id: int
    kind: str
    state: str
    finding_id: int | None
    reviewer: str
    due_at: datetime
    done_at: datetime | None


async def list_promises_of(
    tx: AsyncConnection, session_id: int, *, subjects: frozenset[str] | None = None
) -> list[PromiseRow]:
    """Return the promises given in a session, in the order in which they were given."""
    select = sa.select(promise).where(promise.c.session_id == session_id, promise.c.state != "withdrawn")
    if subjects is not None:
        select = select.where(promise.c.subject.in_(subjects))
    return _promises((await tx.execute(select.order_by(promise.c.made_at, promise.c.id))).all())


async def list_promises(
    tx: AsyncConnection, subject: str, wanted: AuditFilter, *, limit: int
) -> list[PromiseRow]:
    """Return the promises of one person whose time falls in the period, the latest first; at most `limit`."""
    select = (
        sa.select(promise)
        .where(
            promise.c.subject == subject,
            promise.c.due_at >= wanted.since,
            promise.c.due_at < wanted.until,
            promise.c.state != "withdrawn",
        )
        .order_by(promise.c.due_at.desc(), promise.c.id.desc())
        .limit(limit)
    )
    return _promises((await tx.execute(select)).all())


def _promises(rows: Sequence[Any]) -> list[PromiseRow]:
    return [
        PromiseRow(
            id=row.id,
            session_id=row.session_id,
            message_id=row.message_id,
            subject=row.subject,
            object=row.object,
            start=row.start,
            end=row.end,
            made_at=row.made_at,
            due_at=row.due_at,
            state=row.state,
            kept_message_id=row.kept_message_id,
        )
        for row in rows
    ]


async def list_reviews_of(tx: AsyncConnection, session_id: int) -> list[ReviewRow]:
    """Return who looks or looked at a session, without the verdicts; calibration stays among the reviewers."""
    select = sa.select(review).where(review.c.session_id == session_id, review.c.kind != "calibration")
    return [
        ReviewRow(
            id=row.id,
            kind=row.kind,
            state=row.state,
            finding_id=row.finding_id,
            reviewer=row.reviewer,
            due_at=row.due_at,
            done_at=row.done_at,
        )
        for row in (await tx.execute(select.order_by(review.c.id))).all()
    ]


async def list_notes(
    tx: AsyncConnection,
    *,
    subjects: frozenset[str] | None = None,
    session_id: int | None = None,
    limit: int = 20,
) -> list[NoteRow]:
    """Return words of advice to these people (None: to anybody), or about a session, the newest first."""
    select = sa.select(coaching_note).order_by(coaching_note.c.id.desc()).limit(limit)
    if subjects is not None:
        select = select.where(coaching_note.c.subject.in_(subjects))
    if session_id is not None:
        select = select.where(coaching_note.c.session_id == session_id)
    return [
        NoteRow(
            id=row.id,
            session_id=row.session_id,
            text=row.text,
            written_by=row.written_by,
            written_at=row.written_at,
            read_at=row.read_at,
        )
        for row in (await tx.execute(select)).all()
    ]

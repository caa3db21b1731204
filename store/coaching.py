"""Coaching notes: what somebody advises a colleague, and whether it was read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.review import CoachingNote
from store.tables import coaching_note


async def add(
    tx: AsyncConnection,
    *,
    subject: str,
    text: str,
    by: str,
    now: datetime,
    session_id: int | None = None,
    finding_id: int | None = None,
) -> int:
    """Add a note; return its id."""
    row = {
        "subject": subject,
        "session_id": session_id,
        "finding_id": finding_id,
        "text": text,
        "written_by": by[:64],
        "written_at": now,
    }
    added = sa.insert(coaching_note).values(row).returning(coaching_note.c.id)
    return int((await tx.execute(added)).scalar_one())


async def list_of_subject(tx: AsyncConnection, subject: str, limit: int = 50) -> list[CoachingNote]:
    """Return what was written to somebody, newest first."""
    wanted = sa.select(coaching_note).where(coaching_note.c.subject == subject)
    return [
        _note(row)
        for row in (await tx.execute(wanted.order_by(coaching_note.c.id.desc()).limit(limit))).all()
    ]


async def list_of_session(tx: AsyncConnection, session_id: int) -> list[CoachingNote]:
    """Return what was written about a session, oldest first."""
    wanted = sa.select(coaching_note).where(coaching_note.c.session_id == session_id)
    return [_note(row) for row in (await tx.execute(wanted.order_by(coaching_note.c.id))).all()]


async def set_read(tx: AsyncConnection, note_id: int, subject: str, now: datetime) -> bool:
    """Record that whom it is for has read it; False for a note of somebody else, or one read before."""
    done = await tx.execute(
        sa.update(coaching_note)
        .where(
            coaching_note.c.id == note_id,
            coaching_note.c.subject == subject,
            coaching_note.c.read_at.is_(None),
        )
        .values(read_at=now)
    )
    return done.rowcount == 1


def _note(row: Any) -> CoachingNote:
    return CoachingNote(
        id=row.id,
        subject=row.subject,
        session_id=row.session_id,
        finding_id=row.finding_id,
        text=row.text,
        written_by=row.written_by,
        written_at=row.written_at,
        read_at=row.read_at,
    )

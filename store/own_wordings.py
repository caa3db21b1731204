"""Advisors' own wordings (自用话术): kept when sent, offered to their advisor alone until an editor takes them up.

Whether words may be kept and offered is decided elsewhere (handlers/suggesting.py), each time anew.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.faq import Line
from domain.suggestion import OwnState, OwnWording
from store import dialect
from store.tables import own_wording

# An advisor's list stays one that can be searched in a millisecond.
LIMIT = 500


async def keep(
    tx: AsyncConnection,
    staff_platform_id: str,
    text: str,
    asked: str,
    question_key: str,
    line: Line | None,
    faq_id: str,
    conversation_id: int | None,
    now: datetime,
) -> int:
    """Keep words that were sent, or count one more use of words that are kept; return their id.

    `asked`: the question with numbers of persons hidden. Words that were withdrawn stay so.
    """
    said = text.strip()
    row = {
        "staff_platform_id": staff_platform_id,
        "digest": hashlib.sha256(said.encode()).hexdigest(),
        "text": said,
        "asked": asked,
        "question_key": question_key[:64],
        "line": line or "",
        "faq_id": faq_id,
        "used_count": 1,
        "first_used_at": now,
        "last_used_at": now,
        "state": OwnState.OWN,
        "conversation_id": conversation_id,
    }
    added = dialect.insert(tx, own_wording).values(row)
    again = {
        "used_count": own_wording.c.used_count + 1,
        "last_used_at": now,
        "asked": added.excluded.asked,
        "question_key": added.excluded.question_key,
        # A question is erased with its own conversation.
        "conversation_id": added.excluded.conversation_id,
    }
    done = await tx.execute(
        added.on_conflict_do_update(index_elements=["staff_platform_id", "digest"], set_=again).returning(
            own_wording.c.id
        )
    )
    return int(done.scalar_one())


async def list_of(
    tx: AsyncConnection,
    staff_platform_id: str,
    states: tuple[OwnState, ...] = (OwnState.OWN, OwnState.SUBMITTED),
) -> list[OwnWording]:
    """Return a member's own wordings, the last used first, at most 500."""
    wanted = (
        sa.select(own_wording)
        .where(own_wording.c.staff_platform_id == staff_platform_id, own_wording.c.state.in_(states))
        .order_by(own_wording.c.last_used_at.desc(), own_wording.c.id.desc())
        .limit(LIMIT)
    )
    return [_wording(row) for row in (await tx.execute(wanted)).all()]


async def list_submitted(tx: AsyncConnection, limit: int = 200) -> list[OwnWording]:
    """Return what advisors gave to the editors, the oldest first."""
    wanted = (
        sa.select(own_wording)
        .where(own_wording.c.state == OwnState.SUBMITTED)
        .order_by(own_wording.c.last_used_at, own_wording.c.id)
        .limit(limit)
    )
    return [_wording(row) for row in (await tx.execute(wanted)).all()]


async def find(tx: AsyncConnection, wording_id: int) -> OwnWording | None:
    """Return a wording, or None."""
    row = (await tx.execute(sa.select(own_wording).where(own_wording.c.id == wording_id))).one_or_none()
    return None if row is None else _wording(row)


async def submit(tx: AsyncConnection, wording_id: int, staff_platform_id: str, now: datetime) -> bool:
    """Give a wording to the content editors; False when it is not this member's, or not theirs to give any more."""
    done = await tx.execute(
        sa.update(own_wording)
        .where(
            own_wording.c.id == wording_id,
            own_wording.c.staff_platform_id == staff_platform_id,
            own_wording.c.state == OwnState.OWN,
        )
        .values(state=OwnState.SUBMITTED, last_used_at=now)
    )
    return done.rowcount == 1


async def withdraw(tx: AsyncConnection, wording_id: int, staff_platform_id: str) -> bool:
    """Stop offering a wording to its advisor; False when it is not this member's."""
    mine = own_wording.c.staff_platform_id == staff_platform_id
    done = await tx.execute(
        sa.update(own_wording).where(own_wording.c.id == wording_id, mine).values(state=OwnState.WITHDRAWN)
    )
    return done.rowcount == 1


async def set_state(tx: AsyncConnection, wording_id: int, state: OwnState) -> bool:
    """Record what an editor made of a wording that was submitted; False when it was not."""
    done = await tx.execute(
        sa.update(own_wording)
        .where(own_wording.c.id == wording_id, own_wording.c.state == OwnState.SUBMITTED)
        .values(state=state)
    )
    return done.rowcount == 1


def _wording(row: Any) -> OwnWording:
    return OwnWording(
        id=row.id,
        staff_platform_id=row.staff_platform_id,
        text=row.text,
        asked=row.asked,
        question_key=row.question_key,
        line=Line(row.line) if row.line else None,
        faq_id=row.faq_id,
        used_count=row.used_count,
        first_used_at=row.first_used_at,
        last_used_at=row.last_used_at,
        state=OwnState(row.state),
        conversation_id=row.conversation_id,
    )

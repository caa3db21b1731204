"""Words a supervisor suggests to the advisor who serves (耳语). The customer never sees them as such."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.suggestion import SuggestionSource, SuggestionState
from store.tables import suggestion, whisper


class WhisperFate(StrEnum):
    """What became of a whisper."""

    WAITING = ""  # The advisor has not decided.
    USED = "used"  # Sent as it stood.
    EDITED = "edited"  # Sent after the advisor changed it.
    REFUSED = "refused"  # Put away.


@dataclass(frozen=True, kw_only=True)
class Whisper:
    """A whisper on record. `staff_platform_id`: to whom; `whispered_by`: the login's name."""

    id: int
    conversation_id: int
    staff_platform_id: str
    whispered_by: str
    text: str
    whispered_at: datetime
    fate: WhisperFate


async def add(
    tx: AsyncConnection, conversation_id: int, staff_platform_id: str, text: str, *, by: str, now: datetime
) -> int:
    """Record a whisper; return its id."""
    row = {
        "conversation_id": conversation_id,
        "staff_platform_id": staff_platform_id,
        "whispered_by": by[:64],
        "text": text,
        "whispered_at": now,
    }
    return int((await tx.execute(sa.insert(whisper).values(row).returning(whisper.c.id))).scalar_one())


async def list_latest(tx: AsyncConnection, conversation_ids: Collection[int]) -> dict[int, Whisper]:
    """Return the newest whisper of each conversation that has one, with what became of it."""
    if not conversation_ids:
        return {}
    newest = (
        sa.select(sa.func.max(whisper.c.id))
        .where(whisper.c.conversation_id.in_(sorted(conversation_ids)))
        .group_by(whisper.c.conversation_id)
    )
    rows = (await tx.execute(sa.select(whisper).where(whisper.c.id.in_(newest)))).all()
    return {row.conversation_id: _whisper(row) for row in rows}


async def settle(tx: AsyncConnection, now: datetime) -> int:
    """Write down what advisors did with open whispers, as their suggestions tell it; return how many."""
    decided = (
        sa.select(whisper.c.id, suggestion.c.state)
        .join(
            suggestion,
            sa.and_(
                suggestion.c.source == SuggestionSource.WHISPER,
                suggestion.c.source_id == sa.cast(whisper.c.id, sa.String(64)),
            ),
        )
        # Written out, so that the engine uses the index over open ones.
        .where(sa.text("whisper.outcome = ''"), suggestion.c.state != SuggestionState.OFFERED)
    )
    rows = (await tx.execute(decided)).all()
    for row in rows:
        its = sa.update(whisper).where(whisper.c.id == row.id)
        await tx.execute(its.values(outcome=row.state, decided_at=now))
    return len(rows)


def _whisper(row: Any) -> Whisper:
    return Whisper(
        id=row.id,
        conversation_id=row.conversation_id,
        staff_platform_id=row.staff_platform_id,
        whispered_by=row.whispered_by,
        text=row.text,
        whispered_at=row.whispered_at,
        fate=WhisperFate(row.outcome),
    )

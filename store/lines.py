"""Stopped product lines: who stopped one, why, and when it was resumed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.faq import Line
from store import dialect, enrolments
from store.tables import line_stop


@dataclass(frozen=True, kw_only=True)
class LineStop:
    """One stop of a line; `resumed_at` None while it lasts."""

    line: Line
    stopped_at: datetime
    stopped_by: str
    reason: str
    resumed_at: datetime | None
    resumed_by: str


async def stop(tx: AsyncConnection, line: Line, *, by: str, reason: str, now: datetime) -> bool:
    """Stop the line; False when it is stopped already. Groups in an SOP of the line are looked at at once."""
    row = {"line": line, "stopped_at": now, "stopped_by": by, "reason": reason}
    added = dialect.insert(tx, line_stop).values(row).on_conflict_do_nothing().returning(line_stop.c.id)
    is_new = (await tx.execute(added)).scalar_one_or_none() is not None
    if is_new:
        await enrolments.poke_live(tx, now)
    return is_new


async def resume(tx: AsyncConnection, line: Line, *, by: str, now: datetime) -> bool:
    """Resume the line; False when it is not stopped. Groups that waited for it are looked at at once."""
    done = await tx.execute(
        sa.update(line_stop)
        .where(line_stop.c.line == line, line_stop.c.resumed_at.is_(None))
        .values(resumed_at=now, resumed_by=by)
    )
    if done.rowcount == 1:
        await enrolments.poke_live(tx, now)
    return done.rowcount == 1


async def list_stopped(tx: AsyncConnection) -> frozenset[Line]:
    """Return the lines that are stopped now."""
    rows = await tx.execute(sa.select(line_stop.c.line).where(line_stop.c.resumed_at.is_(None)))
    return frozenset(Line(name) for name in rows.scalars().all())


async def list_stops(tx: AsyncConnection, limit: int = 50) -> list[LineStop]:
    """Return stops, newest first."""
    rows = await tx.execute(sa.select(line_stop).order_by(line_stop.c.id.desc()).limit(limit))
    return [
        LineStop(
            line=Line(row.line),
            stopped_at=row.stopped_at,
            stopped_by=row.stopped_by,
            reason=row.reason,
            resumed_at=row.resumed_at,
            resumed_by=row.resumed_by,
        )
        for row in rows.all()
    ]

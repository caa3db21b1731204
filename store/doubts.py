"""Decided findings that are in doubt again: an appeal about a red line is open, or a second look disagreed.

A finding in doubt is a suspicion and counts against nobody. Each step is a finding_entry like every decision
(store/findings.py), and the evaluations are recomputed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import FindingState
from store import findings
from store.tables import finding, finding_entry


async def put_back(
    tx: AsyncConnection,
    finding_id: int,
    *,
    by: str,
    note: str,
    now: datetime,
    review_id: int | None = None,
    appeal_id: int | None = None,
) -> None:
    """Make a decided finding a suspicion again; nothing happens to one that is no longer decided."""
    decided = (FindingState.CONFIRMED, FindingState.REJECTED)
    await _set(tx, finding_id, FindingState.SUSPECTED, decided, by, note, now, review_id, appeal_id)


async def overturn(
    tx: AsyncConnection, finding_id: int, *, by: str, note: str, now: datetime, appeal_id: int
) -> None:
    """End a finding that was in doubt while its appeal was open."""
    await _set(
        tx, finding_id, FindingState.OVERTURNED, (FindingState.SUSPECTED,), by, note, now, None, appeal_id
    )


async def _set(
    tx: AsyncConnection,
    finding_id: int,
    to: FindingState,
    allowed: tuple[FindingState, ...],
    by: str,
    note: str,
    now: datetime,
    review_id: int | None,
    appeal_id: int | None,
) -> None:
    row = await findings.hold_one(tx, finding_id)
    if FindingState(row.state) not in allowed:
        return
    # A suspicion has no judge; when it was decided last stays, so that its session is computed again.
    values: dict[str, Any] = {"state": to.value, "decided_by": "" if to is FindingState.SUSPECTED else by}
    if to is not FindingState.SUSPECTED:
        values |= {"decided_at": now}
    await tx.execute(sa.update(finding).where(finding.c.id == finding_id).values(**values))
    entry = {
        "finding_id": finding_id,
        "at": now,
        "actor": by[:64],
        "from_state": row.state,
        "to_state": to.value,
        "note": note,
        "review_id": review_id,
        "appeal_id": appeal_id,
    }
    await tx.execute(sa.insert(finding_entry).values(entry))
    await findings.settle_sessions(tx, [row.session_id], subject=row.subject)

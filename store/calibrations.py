"""Calibration sets: the same sessions for every reviewer. Their reviews are those of a sample of kind calibration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.review import CalibrationSet, Verdict
from store.tables import calibration_set

_OPEN, _CLOSED = "open", "closed"


async def add(
    tx: AsyncConnection, *, name: str, guideline_version: str, plan_id: int, by: str, now: datetime
) -> int:
    """Add a set; return its id."""
    row = {
        "name": name[:128],
        "guideline_version": guideline_version[:32],
        "state": _OPEN,
        "agreed": {"plan": plan_id, "answers": {}},
        "made_by": by[:64],
        "made_at": now,
    }
    added = sa.insert(calibration_set).values(row).returning(calibration_set.c.id)
    return int((await tx.execute(added)).scalar_one())


async def find(tx: AsyncConnection, set_id: int) -> CalibrationSet | None:
    """Return the set, or None."""
    row = (await tx.execute(sa.select(calibration_set).where(calibration_set.c.id == set_id))).one_or_none()
    return None if row is None else _set(row)


async def list_sets(tx: AsyncConnection, limit: int = 24) -> list[CalibrationSet]:
    """Return the sets, newest first."""
    rows = await tx.execute(sa.select(calibration_set).order_by(calibration_set.c.id.desc()).limit(limit))
    return [_set(row) for row in rows.all()]


async def close(
    tx: AsyncConnection, one: CalibrationSet, agreed: Mapping[str, Verdict], now: datetime
) -> bool:
    """Keep the answers agreed on; False when the set was closed before."""
    body = {"plan": one.plan_id, "answers": dict(agreed)}
    done = await tx.execute(
        sa.update(calibration_set)
        .where(calibration_set.c.id == one.id, calibration_set.c.state == _OPEN)
        .values(state=_CLOSED, agreed=body, closed_at=now)
    )
    return done.rowcount == 1


def _set(row: Any) -> CalibrationSet:
    return CalibrationSet(
        id=row.id,
        name=row.name,
        guideline_version=row.guideline_version,
        plan_id=row.agreed["plan"],
        agreed={key: Verdict(said) for key, said in row.agreed["answers"].items()},
        made_by=row.made_by,
        made_at=row.made_at,
        closed_at=row.closed_at,
    )

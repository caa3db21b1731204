"""The platform's own daily figures. A day that is told again replaces what was known of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.official import OfficialDay, OfficialKind
from store import dialect
from store.tables import official_day

_KEY = ["kind", "subject", "account_id", "day"]


async def record(tx: AsyncConnection, days: Sequence[OfficialDay], now: datetime) -> None:
    """Take over days as the platform told them at `now`."""
    for one in days:
        told = {"body": dict(one.figures), "fetched_at": now}
        added = dialect.insert(tx, official_day).values(
            kind=one.kind, subject=one.subject, account_id=one.account_id, day=one.day, **told
        )
        await tx.execute(added.on_conflict_do_update(index_elements=_KEY, set_=told))


async def find_last(
    tx: AsyncConnection, kind: OfficialKind, subject: str, account_id: str = ""
) -> date | None:
    """Return the newest day known; None without any."""
    wanted = sa.select(sa.func.max(official_day.c.day)).where(
        official_day.c.kind == kind,
        official_day.c.subject == subject,
        official_day.c.account_id == account_id,
    )
    found: date | None = (await tx.execute(wanted)).scalar_one_or_none()
    return found


async def list_between(
    tx: AsyncConnection,
    kind: OfficialKind,
    first: date,
    last: date,
    subjects: Sequence[str] | None = None,
) -> list[OfficialDay]:
    """Return the days from `first` to `last`, by subject and day; of everybody where `subjects` is None."""
    wanted = sa.select(official_day).where(
        official_day.c.kind == kind, official_day.c.day.between(first, last)
    )
    if subjects is not None:
        wanted = wanted.where(official_day.c.subject.in_(subjects))
    order = (official_day.c.subject, official_day.c.account_id, official_day.c.day)
    return [_day(row) for row in (await tx.execute(wanted.order_by(*order))).all()]


def _day(row: Any) -> OfficialDay:
    return OfficialDay(
        kind=OfficialKind(row.kind),
        subject=row.subject,
        account_id=row.account_id,
        day=row.day,
        figures=row.body,
    )

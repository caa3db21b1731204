"""Content versions and who approved them. A version is immutable; a changed text is a new one.

What may be said to a real customer is the newest approved version of each key. A file that changed since is a draft:
the last approved version goes on serving until a person of the company approves the new one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect
from store.tables import approval, content_version


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version of one text. `kind`: faq, reply or sop; `body`: the record as JSON; `approved_by` empty for drafts."""

    id: int
    kind: str
    key: str
    digest: str
    body: dict[str, Any]
    loaded_at: datetime
    approved_by: str
    approved_at: datetime | None


async def add(
    tx: AsyncConnection, texts: Iterable[tuple[str, str, str, dict[str, Any]]], now: datetime
) -> None:
    """Record versions (kind, key, digest, body) that are not yet known."""
    rows = [
        {"kind": kind, "key": key, "digest": digest, "body": body, "loaded_at": now}
        for kind, key, digest, body in texts
    ]
    if rows:
        await tx.execute(dialect.insert(tx, content_version).on_conflict_do_nothing(), rows)


async def list_versions(
    tx: AsyncConnection, kinds: Collection[str] = ("faq", "reply", "sop")
) -> list[Version]:
    """Return every version of these kinds with its newest approval, oldest first."""
    newest = (
        sa.select(approval.c.content_version_id, sa.func.max(approval.c.id).label("approval_id"))
        .group_by(approval.c.content_version_id)
        .subquery()
    )
    wanted = (
        sa.select(content_version, approval.c.approved_by, approval.c.approved_at)
        .outerjoin(newest, newest.c.content_version_id == content_version.c.id)
        .outerjoin(approval, approval.c.id == newest.c.approval_id)
        .where(content_version.c.kind.in_(kinds))
        .order_by(content_version.c.id)
    )
    return [
        Version(
            id=row.id,
            kind=row.kind,
            key=row.key,
            digest=row.digest,
            body=row.body,
            loaded_at=row.loaded_at,
            approved_by=row.approved_by or "",
            approved_at=row.approved_at,
        )
        for row in (await tx.execute(wanted)).all()
    ]


async def find_body(tx: AsyncConnection, version_id: int) -> dict[str, Any] | None:
    """Return what a version says, None for one that is not there."""
    wanted = sa.select(content_version.c.body).where(content_version.c.id == version_id)
    body: dict[str, Any] | None = (await tx.execute(wanted)).scalar_one_or_none()
    return body


async def approve(
    tx: AsyncConnection, versions: Sequence[int], *, by: str, now: datetime, note: str = ""
) -> int:
    """Record that the person `by` approves these versions; return how many."""
    rows = [
        {"content_version_id": one, "approved_by": by, "approved_at": now, "note": note} for one in versions
    ]
    if rows:
        await tx.execute(sa.insert(approval), rows)
    return len(rows)


async def mark(tx: AsyncConnection) -> tuple[int, int]:
    """Return numbers that change whenever a version or an approval is added; cheap to ask every few seconds."""
    newest = sa.select(
        sa.select(sa.func.coalesce(sa.func.max(content_version.c.id), 0)).scalar_subquery(),
        sa.select(sa.func.coalesce(sa.func.max(approval.c.id), 0)).scalar_subquery(),
    )
    row = (await tx.execute(newest)).one()
    return int(row[0]), int(row[1])

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

# Notes of approvals that mean more than that a version is approved.
ROLLBACK = "rollback"  # An older version is said again from now on, whatever the files have.
WITHDRAWN = "withdrawn"  # The version is approved no longer; only of texts that no file has.
# Where versions come from.
FILE, EDITOR = "file", "editor"


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version of one text with its newest approval.

    `kind`: faq, reply, quick or sop; `body`: the record as JSON; `approved_by` empty, and `approval_id` 0, where nobody
    has approved it or it was withdrawn since. `origin`: FILE, or EDITOR where it was written in the console.
    """

    id: int
    kind: str
    key: str
    digest: str
    body: dict[str, Any]
    loaded_at: datetime
    approved_by: str
    approved_at: datetime | None
    origin: str = FILE
    approval_id: int = 0
    note: str = ""

    @property
    def is_edited(self) -> bool:
        """Say whether it was written in the console."""
        return self.origin == EDITOR

    @property
    def is_rollback(self) -> bool:
        """Say whether it was approved again in place of a newer one."""
        return self.note == ROLLBACK


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
    tx: AsyncConnection, kinds: Collection[str] = ("faq", "reply", "quick", "sop")
) -> list[Version]:
    """Return every version of these kinds with its newest approval, oldest first."""
    newest = (
        sa.select(approval.c.content_version_id, sa.func.max(approval.c.id).label("approval_id"))
        .group_by(approval.c.content_version_id)
        .subquery()
    )
    wanted = (
        sa.select(
            content_version,
            approval.c.approved_by,
            approval.c.approved_at,
            approval.c.id.label("approval_id"),
            approval.c.note,
        )
        .outerjoin(newest, newest.c.content_version_id == content_version.c.id)
        .outerjoin(approval, approval.c.id == newest.c.approval_id)
        .where(content_version.c.kind.in_(kinds))
        .order_by(content_version.c.id)
    )
    return [_version(row) for row in (await tx.execute(wanted)).all()]


def _version(row: Any) -> Version:
    is_approved = bool(row.approved_by) and row.note != WITHDRAWN
    return Version(
        id=row.id,
        kind=row.kind,
        key=row.key,
        digest=row.digest,
        body=row.body,
        loaded_at=row.loaded_at,
        approved_by=row.approved_by if is_approved else "",
        approved_at=row.approved_at if is_approved else None,
        origin=row.origin,
        approval_id=row.approval_id if is_approved else 0,
        note=row.note or "",
    )


async def add_edited(
    tx: AsyncConnection, kind: str, key: str, digest: str, body: dict[str, Any], now: datetime
) -> int:
    """Record a version that was written in the console and return its id; that of a known one with the same words."""
    row = {"kind": kind, "key": key, "digest": digest, "body": body, "loaded_at": now, "origin": EDITOR}
    await tx.execute(dialect.insert(tx, content_version).values(row).on_conflict_do_nothing())
    wanted = sa.select(content_version.c.id).where(
        content_version.c.kind == kind, content_version.c.key == key, content_version.c.digest == digest
    )
    return int((await tx.execute(wanted)).scalar_one())


async def list_of(tx: AsyncConnection, kind: str, key: str) -> list[Version]:
    """Return the versions of one text with their newest approvals, oldest first."""
    return [one for one in await list_versions(tx, (kind,)) if one.key == key]


async def decide(tx: AsyncConnection, version_id: int, *, by: str, now: datetime) -> None:
    """Record that `by` approves a version in the console, so that it is said whatever the files have today."""
    wanted = sa.select(content_version.c.origin).where(content_version.c.id == version_id)
    origin = (await tx.execute(wanted)).scalar_one()
    known = sa.select(sa.func.count()).select_from(approval)
    was_approved = (
        await tx.execute(known.where(approval.c.content_version_id == version_id))
    ).scalar_one() > 0
    # A version that was approved before is said again; one that a file brought needs the word as well.
    note = ROLLBACK if was_approved or origin == FILE else ""
    await approve(tx, [version_id], by=by, now=now, note=note)


async def withdraw(tx: AsyncConnection, kind: str, key: str, *, by: str, now: datetime) -> int:
    """Approve no version of a text any longer; return how many were approved. For texts that no file has."""
    approved = [one.id for one in await list_of(tx, kind, key) if one.approved_by]
    return await approve(tx, approved, by=by, now=now, note=WITHDRAWN)


async def find(tx: AsyncConnection, version_id: int) -> Version | None:
    """Return a version with its newest approval, None for one that is not there."""
    wanted = sa.select(content_version.c.kind, content_version.c.key).where(
        content_version.c.id == version_id
    )
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        return None
    return next((one for one in await list_of(tx, row.kind, row.key) if one.id == version_id), None)


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


async def find_approval(tx: AsyncConnection, version_id: int) -> tuple[str, datetime] | None:
    """Return who approved a version last, and when; None for one that nobody has."""
    newest = (
        sa.select(approval.c.approved_by, approval.c.approved_at)
        .where(approval.c.content_version_id == version_id)
        .order_by(approval.c.id.desc())
        .limit(1)
    )
    row = (await tx.execute(newest)).one_or_none()
    return None if row is None else (row.approved_by, row.approved_at)

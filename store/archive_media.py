"""Files of archived messages: fetched in parts within five days, kept by the digest of their content.

States: due, claimed, fetched; damaged (kept, but not what the platform told), expired (gone at the platform), failed;
erased with its message.
Leases are on wall time; `attempt` is the fence. The files of customer service are store/files.py's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.archive import FileTold
from store import dialect
from store.tables import media

SOURCE = "archive"


@dataclass(frozen=True, kw_only=True)
class ArchiveFile:
    """A file to fetch; `attempt` is the fence and the number of tries."""

    id: int
    file_id: str
    kind: str
    md5: str
    size_bytes: int
    attempt: int


async def add(tx: AsyncConnection, told: Sequence[tuple[int, FileTold]], now: datetime) -> None:
    """Note files to fetch, each with the id of its message."""
    rows = [
        {
            "message_id": message_id,
            "platform_id": one.file_id,
            "source": SOURCE,
            "place": one.place,
            "told_md5": one.md5,
            "told_bytes": one.size_bytes,
            "kind": one.kind,
            "state": "due",
            "due_at": now,
        }
        for message_id, one in told
    ]
    if rows:
        await tx.execute(sa.insert(media), rows)


async def claim_due(
    tx: AsyncConnection, *, now: datetime, wall: datetime, owner: str, lease: timedelta, limit: int
) -> list[ArchiveFile]:
    """Take up to `limit` files to fetch, those that wait longest first: they have the least time left."""
    due = (
        sa.select(media.c.id)
        .where(sa.text("state = 'due'"), media.c.source == SOURCE, media.c.due_at <= now)
        .order_by(media.c.due_at, media.c.id)
        .limit(limit)
    )
    ids = (await tx.execute(dialect.skip_locked(tx, due))).scalars().all()
    if not ids:
        return []
    taken = (
        sa.update(media)
        .where(media.c.id.in_(ids), media.c.state == "due")
        .values(state="claimed", attempt=media.c.attempt + 1, lease_owner=owner, lease_until=wall + lease)
        .returning(media)
    )
    rows = (await tx.execute(taken)).all()
    return [
        ArchiveFile(
            id=row.id,
            file_id=row.platform_id,
            kind=row.kind,
            md5=row.told_md5,
            size_bytes=row.told_bytes,
            attempt=row.attempt,
        )
        for row in sorted(rows, key=lambda row: row.id)
    ]


async def keep(tx: AsyncConnection, wanted: ArchiveFile, *, wall: datetime, lease: timedelta) -> bool:
    """Hold a file longer while it is fetched; False when somebody else has it."""
    done = await tx.execute(
        sa.update(media)
        .where(media.c.id == wanted.id, media.c.attempt == wanted.attempt, media.c.state == "claimed")
        .values(lease_until=wall + lease)
    )
    return done.rowcount == 1


async def record_fetched(
    tx: AsyncConnection,
    wanted: ArchiveFile,
    *,
    digest: str,
    size_bytes: int,
    content_type: str,
    damage: str = "",
) -> None:
    """Record where the file is: `digest` in the media folder. `damage`: how it differs from what was told.

    Of a message that was erased meanwhile only the digest is noted, so that the file goes too (store/erasures.py).
    """
    is_ours = await _end(
        tx,
        wanted,
        state="damaged" if damage else "fetched",
        digest=digest,
        size_bytes=size_bytes,
        content_type=content_type,
        error=damage or None,
    )
    if not is_ours:
        erased = sa.update(media).where(media.c.id == wanted.id, media.c.state == "erased")
        await tx.execute(erased.values(digest=digest))


async def record_expired(tx: AsyncConnection, wanted: ArchiveFile, error: str) -> None:
    """Record that the platform does not have the file any more."""
    await _end(tx, wanted, state="expired", error=error)


async def record_failed(
    tx: AsyncConnection, wanted: ArchiveFile, error: str, retry_at: datetime | None
) -> None:
    """Record that the file could not be fetched; try again at `retry_at`, or never when None."""
    if retry_at is None:
        await _end(tx, wanted, state="failed", error=error)
    else:
        await _end(tx, wanted, state="due", error=error, due_at=retry_at)


async def count_waiting(tx: AsyncConnection) -> int:
    """Return how many files are still to be fetched."""
    wanted = sa.select(sa.func.count()).where(media.c.source == SOURCE, sa.text("state = 'due'"))
    return int((await tx.execute(wanted.select_from(media))).scalar_one())


async def list_wanted(tx: AsyncConnection, file_ids: Collection[int]) -> set[int]:
    """Return those of these files that are still to be fetched."""
    wanted = sa.select(media.c.id).where(
        media.c.id.in_(sorted(file_ids)), media.c.state.in_(["due", "claimed"])
    )
    return set((await tx.execute(wanted)).scalars().all())


async def _end(tx: AsyncConnection, wanted: ArchiveFile, **values: object) -> bool:
    done = await tx.execute(
        sa.update(media)
        .where(media.c.id == wanted.id, media.c.attempt == wanted.attempt, media.c.state == "claimed")
        .values(lease_owner=None, lease_until=None, **values)
    )
    return done.rowcount == 1

"""Files customers sent to service accounts: fetched within the hour, kept by the digest of their content.

Those of archived messages are store/archive_media.py's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect
from store.tables import media


@dataclass(frozen=True, kw_only=True)
class FileWanted:
    """A file to fetch; `attempt` is the fence and the number of tries."""

    id: int
    platform_id: str
    attempt: int


async def claim_due(
    tx: AsyncConnection, *, now: datetime, wall: datetime, owner: str, lease: timedelta, limit: int
) -> list[FileWanted]:
    """Take up to `limit` files to fetch."""
    due = (
        sa.select(media.c.id)
        .where(media.c.state == "due", media.c.source == "kf", media.c.due_at <= now)
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
        .returning(media.c.id, media.c.platform_id, media.c.attempt)
    )
    rows = (await tx.execute(taken)).all()
    return [FileWanted(id=row.id, platform_id=row.platform_id, attempt=row.attempt) for row in rows]


async def record_fetched(
    tx: AsyncConnection, wanted: FileWanted, *, digest: str, size_bytes: int, content_type: str
) -> None:
    """Record where the file is: `media/` + digest in the data folder."""
    values = {
        "state": "fetched",
        "digest": digest,
        "size_bytes": size_bytes,
        "content_type": content_type[:128],
    }
    # Words erased meanwhile have no file any more.
    its = sa.and_(media.c.id == wanted.id, media.c.state != "erased")
    await tx.execute(sa.update(media).where(its).values(values))


async def record_failed(
    tx: AsyncConnection, wanted: FileWanted, error: str, retry_at: datetime | None
) -> None:
    """Record that the file could not be fetched; try again at `retry_at`, or never when None."""
    values: dict[str, object] = {"error": error, "state": "failed"}
    if retry_at is not None:
        values |= {"state": "due", "due_at": retry_at}
    its = sa.and_(media.c.id == wanted.id, media.c.attempt == wanted.attempt, media.c.state != "erased")
    await tx.execute(sa.update(media).where(its).values(values))


async def release(tx: AsyncConnection, *, wall: datetime, everything: bool = False) -> None:
    """Give back files whose worker is gone."""
    gone = sa.true() if everything else media.c.lease_until < wall
    await tx.execute(sa.update(media).where(media.c.state == "claimed", gone).values(state="due"))

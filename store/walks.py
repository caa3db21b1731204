"""Rounds over everything: one process walks at a time, and the next one goes on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect
from store.tables import walk


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A round in this process's hand. `attempt` is the fence."""

    name: str
    cursor: str
    started_at: datetime
    attempt: int


async def begin(
    tx: AsyncConnection,
    name: str,
    *,
    due_since: datetime,
    now: datetime,
    wall: datetime,
    owner: str,
    lease: timedelta,
) -> Walk | None:
    """Take the round `name` when it is under way, was asked for, or was last finished before `due_since`.

    None while another process walks it, or when nothing is to be done.
    """
    await tx.execute(dialect.insert(tx, walk).values(name=name).on_conflict_do_nothing())
    is_free = sa.or_(walk.c.lease_until.is_(None), walk.c.lease_until < wall)
    row = (await tx.execute(sa.select(walk).where(walk.c.name == name, is_free))).one_or_none()
    if row is None:
        return None
    is_under_way = row.started_at is not None
    is_wanted = row.wanted_at is not None and (row.finished_at is None or row.wanted_at > row.finished_at)
    is_due = row.finished_at is None or row.finished_at < due_since
    if not (is_under_way or is_wanted or is_due):
        return None
    started_at = row.started_at if row.started_at is not None else now
    taken = await tx.execute(
        sa.update(walk)
        .where(walk.c.name == name, is_free, walk.c.attempt == row.attempt)
        .values(
            started_at=started_at,
            lease_owner=owner,
            lease_until=wall + lease,
            attempt=walk.c.attempt + 1,
        )
    )
    if taken.rowcount != 1:
        return None
    return Walk(name=name, cursor=row.cursor, started_at=started_at, attempt=row.attempt + 1)


async def go_on(tx: AsyncConnection, held: Walk, cursor: str, *, wall: datetime, lease: timedelta) -> bool:
    """Write down how far the round is; False when another process has taken it."""
    done = await tx.execute(
        sa.update(walk).where(_holds(held)).values(cursor=cursor, lease_until=wall + lease, error=None)
    )
    return done.rowcount == 1


async def finish(tx: AsyncConnection, held: Walk, now: datetime) -> bool:
    """End the round."""
    free = {"lease_owner": None, "lease_until": None}
    done = await tx.execute(
        sa.update(walk)
        .where(_holds(held))
        .values(cursor="", started_at=None, finished_at=now, error=None, **free)
    )
    return done.rowcount == 1


async def pause(tx: AsyncConnection, held: Walk, error: str) -> None:
    """Let the round rest where it is; whoever takes it next goes on from there."""
    await tx.execute(
        sa.update(walk).where(_holds(held)).values(lease_owner=None, lease_until=None, error=error[:500])
    )


async def want(tx: AsyncConnection, name: str, now: datetime) -> None:
    """Ask for a round, whenever the last one was."""
    added = dialect.insert(tx, walk).values(name=name, wanted_at=now)
    await tx.execute(added.on_conflict_do_update(index_elements=["name"], set_={"wanted_at": now}))


async def find_finished(tx: AsyncConnection, name: str) -> datetime | None:
    """Return when the round was last finished; None: never."""
    found: datetime | None = (
        await tx.execute(sa.select(walk.c.finished_at).where(walk.c.name == name))
    ).scalar_one_or_none()
    return found


async def release_all(tx: AsyncConnection) -> None:
    """Give every round back; only when no other process can run."""
    await tx.execute(sa.update(walk).values(lease_owner=None, lease_until=None))


def _holds(held: Walk) -> sa.ColumnElement[bool]:
    return sa.and_(walk.c.name == held.name, walk.c.attempt == held.attempt)

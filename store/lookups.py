"""What has to be read from the platform again: each subject once, however many events ask for it.

The directory (bot/directory.py) works them off. Leases are on wall time; `attempt` is the fence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect
from store.tables import lookup

# The platform's details follow its events after about this long (WeCom doc 92130).
SETTLING = timedelta(seconds=2)


class LookupKind(StrEnum):
    """What is read again."""

    GROUP = "group"  # subject: chat id
    CUSTOMER = "customer"  # subject: external user id; all relations of the customer
    ADVISOR = "advisor"  # subject: UserID; all customers of the advisor
    STAFF = "staff"  # subject: UserID
    DEPARTMENTS = "departments"  # no subject: all of them
    TAGS = "tags"  # no subject: all of them
    GROUP_DAYS = "group_days"  # subject: UserID of an owner


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """A subject in a worker's hand. `started_at`: what the platform tells is not older than this."""

    id: int
    kind: LookupKind
    subject: str
    wanted_at: datetime
    started_at: datetime
    attempt: int


async def want(
    tx: AsyncConnection,
    kind: LookupKind,
    subjects: Iterable[str],
    *,
    now: datetime,
    wait: timedelta = SETTLING,
) -> None:
    """Let each of `subjects` be read again, `wait` from now or when it is due already."""
    rows = [
        {"kind": kind, "subject": subject, "due_at": now + wait, "wanted_at": now}
        for subject in sorted({one for one in subjects if len(one) <= 160})
    ]
    if not rows:
        return
    added = dialect.insert(tx, lookup)
    earlier = sa.case((lookup.c.due_at < added.excluded.due_at, lookup.c.due_at), else_=added.excluded.due_at)
    later = sa.case(
        (lookup.c.wanted_at > added.excluded.wanted_at, lookup.c.wanted_at), else_=added.excluded.wanted_at
    )
    await tx.execute(
        added.on_conflict_do_update(
            index_elements=["kind", "subject"], set_={"due_at": earlier, "wanted_at": later}
        ),
        rows,
    )


async def claim_due(
    tx: AsyncConnection, *, now: datetime, wall: datetime, owner: str, lease: timedelta, limit: int
) -> list[Lookup]:
    """Take up to `limit` subjects whose time has come, the longest due first; empty when none."""
    free = sa.or_(lookup.c.lease_until.is_(None), lookup.c.lease_until < wall)
    due = (
        sa.select(lookup.c.id)
        .where(lookup.c.due_at <= now, free)
        .order_by(lookup.c.due_at, lookup.c.id)
        .limit(limit)
    )
    ids = (await tx.execute(dialect.skip_locked(tx, due))).scalars().all()
    if not ids:
        return []
    taken = (
        sa.update(lookup)
        .where(lookup.c.id.in_(ids))
        .values(lease_owner=owner, lease_until=wall + lease, attempt=lookup.c.attempt + 1)
        .returning(lookup)
    )
    return [
        Lookup(
            id=row.id,
            kind=LookupKind(row.kind),
            subject=row.subject,
            wanted_at=row.wanted_at,
            started_at=now,
            attempt=row.attempt,
        )
        for row in (await tx.execute(taken)).all()
    ]


async def is_held(tx: AsyncConnection, held: Lookup) -> bool:
    """Say whether the subject is still this worker's; ask inside the transaction that writes what was read."""
    row = await tx.execute(sa.select(lookup.c.id).where(_holds(held)))
    return row.first() is not None


async def finish(tx: AsyncConnection, held: Lookup) -> None:
    """Settle a subject that was read; one that was asked for again meanwhile becomes due again."""
    await tx.execute(sa.delete(lookup).where(_holds(held), lookup.c.wanted_at <= held.started_at - SETTLING))
    again = sa.update(lookup).where(_holds(held))
    due_at = held.started_at + SETTLING
    await tx.execute(again.values(due_at=due_at, lease_owner=None, lease_until=None, error=None))


async def drop(tx: AsyncConnection, held: Lookup) -> None:
    """Settle a subject whatever else was said: there is nothing to read."""
    await tx.execute(sa.delete(lookup).where(_holds(held)))


async def postpone(tx: AsyncConnection, held: Lookup, due_at: datetime, error: str) -> None:
    """Let a subject wait until `due_at`, keeping the reason in sight."""
    await tx.execute(
        sa.update(lookup)
        .where(_holds(held))
        .values(due_at=due_at, lease_owner=None, lease_until=None, error=error[:500])
    )


async def find_next_due(tx: AsyncConnection) -> datetime | None:
    """Return when the next subject is due; None when none waits."""
    waiting = sa.select(sa.func.min(lookup.c.due_at)).where(lookup.c.lease_owner.is_(None))
    found: datetime | None = (await tx.execute(waiting)).scalar_one_or_none()
    return found


async def count(tx: AsyncConnection) -> int:
    """Return how many subjects wait or are being read."""
    return int((await tx.execute(sa.select(sa.func.count()).select_from(lookup))).scalar_one())


async def release_all(tx: AsyncConnection) -> None:
    """Give everything back; only when no other process can run."""
    await tx.execute(sa.update(lookup).values(lease_owner=None, lease_until=None))


def _holds(held: Lookup) -> sa.ColumnElement[bool]:
    return sa.and_(
        lookup.c.id == held.id, lookup.c.attempt == held.attempt, lookup.c.lease_owner.is_not(None)
    )

"""Events: what came in through a door and has yet to be worked on. The table is the queue.

An event is stored once under its key, then answered 200, then processed. Leases are on wall time, so moving the
business time forward takes no work away from a living worker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect
from store.tables import event


class EventState(StrEnum):
    """Where an event stands."""

    NEW = "new"  # Stored and answered; waits for a worker.
    CLAIMED = "claimed"  # A worker has it.
    DONE = "done"
    UNHANDLED = "unhandled"  # Genuine, but nothing of ours knows what to do with it; kept raw.
    FAILED = "failed"  # Given up after several tries; a person may retry.


@dataclass(frozen=True, kw_only=True)
class StoredEvent:
    """An event as it stands. `body` is the verified plaintext, byte for byte."""

    id: int
    key: str
    receiver: str
    kind: str
    body: bytes
    state: EventState
    received_at: datetime
    processed_at: datetime | None
    attempt: int
    error: str


def key_of(*parts: str) -> str:
    """Return the key of an event found inside an account's log."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def new_row(*, key: str, receiver: str, kind: str, body: bytes, at: datetime) -> dict[str, Any]:
    """Return the row of a new event for `Store.add`; a second one under the same key is dropped there."""
    return {
        "key": key,
        "receiver": receiver,
        "kind": kind,
        "body": body,
        "state": EventState.NEW,
        "received_at": at,
        "due_at": at,
    }


async def add(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Add events inside a transaction that has more to say."""
    if rows:
        await tx.execute(dialect.insert_new(tx, event), list(rows))


async def claim_due(
    tx: AsyncConnection, *, now: datetime, wall: datetime, owner: str, lease: timedelta, limit: int = 200
) -> list[StoredEvent]:
    """Take up to `limit` events whose time has come, oldest first; empty when none."""
    due = await tx.execute(dialect.skip_locked(tx, _DUE), {"now": now, "most": limit})
    ids = due.scalars().all()
    if not ids:
        return []
    rows = (await tx.execute(_CLAIM, {"ids": ids, "owner": owner, "until": wall + lease})).all()
    return sorted((_stored(row) for row in rows), key=lambda stored: stored.id)


async def finish(tx: AsyncConnection, ids: Sequence[int], now: datetime) -> None:
    """Mark events as done."""
    await _end(tx, ids, EventState.DONE, now, None)


async def set_unhandled(tx: AsyncConnection, ids: Sequence[int], now: datetime) -> None:
    """Keep events raw that nothing of ours handles."""
    await _end(tx, ids, EventState.UNHANDLED, now, None)


async def set_failed(tx: AsyncConnection, ids: Sequence[int], now: datetime, error: str) -> None:
    """Give events up; the console offers a retry."""
    await _end(tx, ids, EventState.FAILED, now, error)


async def postpone(tx: AsyncConnection, ids: Sequence[int], due_at: datetime, error: str | None) -> None:
    """Let events wait until `due_at`, keeping the reason in sight."""
    values = {
        "state": EventState.NEW,
        "due_at": due_at,
        "error": error,
        "lease_owner": None,
        "lease_until": None,
    }
    await tx.execute(sa.update(event).where(event.c.id.in_(ids)).values(values))


async def requeue(tx: AsyncConnection, key: str, now: datetime) -> bool:
    """Let the event `key` be processed again; False when there is none."""
    values = {"state": EventState.NEW, "due_at": now, "attempt": 0, "error": None, "processed_at": None}
    done = await tx.execute(sa.update(event).where(event.c.key == key).values(values))
    return done.rowcount > 0


async def release(tx: AsyncConnection, *, wall: datetime, everything: bool = False) -> int:
    """Give back events whose worker is gone: expired leases, or all of them when no other process can run."""
    gone = sa.true() if everything else event.c.lease_until < wall
    done = await tx.execute(
        sa.update(event)
        .where(event.c.state == "claimed", gone)
        .values(state=EventState.NEW, lease_owner=None, lease_until=None)
    )
    return done.rowcount


async def find(tx: AsyncConnection, key: str) -> StoredEvent | None:
    """Return the event `key`, or None."""
    row = (await tx.execute(sa.select(*_COLUMNS).where(event.c.key == key))).one_or_none()
    return None if row is None else _stored(row)


async def list_by_state(tx: AsyncConnection, states: Sequence[str], limit: int = 100) -> list[StoredEvent]:
    """Return events in one of `states`, newest first."""
    wanted = (
        sa.select(*_COLUMNS)
        .where(event.c.state.in_(states))
        .order_by(event.c.received_at.desc())
        .limit(limit)
    )
    return [_stored(row) for row in (await tx.execute(wanted)).all()]


async def counts(tx: AsyncConnection) -> dict[str, int]:
    """Return how many events are in each state."""
    rows = await tx.execute(sa.select(event.c.state, sa.func.count()).group_by(event.c.state))
    return {row[0]: row[1] for row in rows.all()}


async def find_oldest_waiting(tx: AsyncConnection) -> datetime | None:
    """Return when the oldest event that waits was received; None when nothing waits."""
    waiting = sa.select(sa.func.min(event.c.due_at)).where(event.c.state == "new")
    found: datetime | None = (await tx.execute(waiting)).scalar_one_or_none()
    return found


_COLUMNS = (
    event.c.id,
    event.c.key,
    event.c.receiver,
    event.c.kind,
    event.c.body,
    event.c.state,
    event.c.received_at,
    event.c.processed_at,
    event.c.attempt,
    event.c.error,
)


def _stored(row: Any) -> StoredEvent:
    return StoredEvent(
        id=row.id,
        key=row.key,
        receiver=row.receiver,
        kind=row.kind,
        body=bytes(row.body),
        state=EventState(row.state),
        received_at=row.received_at,
        processed_at=row.processed_at,
        attempt=row.attempt,
        error=row.error or "",
    )


async def _end(
    tx: AsyncConnection, ids: Sequence[int], state: EventState, now: datetime, error: str | None
) -> None:
    await tx.execute(_END, {"ids": list(ids), "end": state, "now": now, "reason": error})


_IS_AMONG = event.c.id.in_(sa.bindparam("ids", expanding=True))
_DUE = (
    sa.select(event.c.id)
    .where(event.c.state == "new", event.c.due_at <= sa.bindparam("now"))
    .order_by(event.c.due_at, event.c.id)
    .limit(sa.bindparam("most"))
)
_CLAIM = (
    sa.update(event)
    .where(_IS_AMONG)
    .values(
        state=EventState.CLAIMED,
        attempt=event.c.attempt + 1,
        lease_owner=sa.bindparam("owner"),
        lease_until=sa.bindparam("until"),
    )
    .returning(*_COLUMNS)
)
_END = (
    sa.update(event)
    .where(_IS_AMONG)
    .values(
        state=sa.bindparam("end"),
        processed_at=sa.bindparam("now"),
        error=sa.bindparam("reason"),
        lease_owner=None,
        lease_until=None,
    )
)

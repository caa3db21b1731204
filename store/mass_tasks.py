"""Mass sends that wait for their senders: asked about, reminded of and stopped by one worker at a time.

Leases are on wall time; `attempt` is the fence. What an engine wants (a reminder, a stop) is written here and carried
out by whoever polls, so that no call to the platform happens inside a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.enrolment import MassTask, MassTaskState, TargetResult
from store import dialect, tables
from store.tables import mass_task


def _due(which: str) -> sa.Select[Any]:
    return (
        sa.select(mass_task.c.id)
        .where(
            sa.text(which),
            mass_task.c.poll_at <= sa.bindparam("now"),
            sa.or_(mass_task.c.lease_until.is_(None), mass_task.c.lease_until < sa.bindparam("wall")),
        )
        .order_by(mass_task.c.poll_at, mass_task.c.id)
        .limit(sa.bindparam("most"))
    )


_WISHED, _POLLED = _due(tables.WISHED), _due(tables.POLLED)


async def add(
    tx: AsyncConnection,
    *,
    delivery_key: str,
    chat_type: str,
    sender: str,
    targets: Sequence[str],
    until: datetime,
    now: datetime,
) -> int:
    """Add a task whose delivery is being written beside it; return its id."""
    row = {
        "delivery_key": delivery_key,
        "chat_type": chat_type,
        "sender": sender,
        "targets": list(targets),
        "state": MassTaskState.WANTED,
        "created_at": now,
        "until": until,
        "results": {},
        "reminds": [],
        "poll_at": now,
    }
    return int((await tx.execute(sa.insert(mass_task).values(row).returning(mass_task.c.id))).scalar_one())


async def list_by_id(tx: AsyncConnection, task_ids: Sequence[int]) -> dict[int, MassTask]:
    """Return tasks by id."""
    if not task_ids:
        return {}
    rows = (await tx.execute(sa.select(mass_task).where(mass_task.c.id.in_(task_ids)))).all()
    return {row.id: task_of(row) for row in rows}


async def leave_out(tx: AsyncConnection, delivery_key: str, targets: Sequence[str]) -> None:
    """Take customers out of a task that was not made yet, because they want nothing but service now."""
    row = (
        await tx.execute(sa.select(mass_task).where(mass_task.c.delivery_key == delivery_key))
    ).one_or_none()
    if row is None:
        return
    values = {
        "targets": [target for target in row.targets if target not in targets],
        "results": {**row.results, **dict.fromkeys(targets, str(TargetResult.OPTED_OUT))},
    }
    await tx.execute(sa.update(mass_task).where(mass_task.c.id == row.id).values(values))


async def want_remind(tx: AsyncConnection, task_ids: Sequence[int], now: datetime) -> None:
    """Ask for an official reminder."""
    await _want(tx, task_ids, now, remind_wanted_at=now)


async def want_cancel(tx: AsyncConnection, task_ids: Sequence[int], now: datetime) -> None:
    """Ask that the platform stops the task for whoever has not sent."""
    await _want(tx, task_ids, now, cancel_wanted_at=now)


async def claim_poll(
    tx: AsyncConnection, *, now: datetime, wall: datetime, owner: str, lease: timedelta, limit: int
) -> list[tuple[MassTask, int]]:
    """Take up to `limit` tasks to be asked about, each with its fence; those to remind of or to stop come first."""
    given = {"now": now, "wall": wall, "most": limit}
    ids = list((await tx.execute(dialect.skip_locked(tx, _WISHED), given)).scalars().all())
    if len(ids) < limit:
        # Some of these may be among the first.
        others = (await tx.execute(dialect.skip_locked(tx, _POLLED), given)).scalars().all()
        ids = list(dict.fromkeys([*ids, *others]))[:limit]
    if not ids:
        return []
    taken = (
        sa.update(mass_task)
        .where(mass_task.c.id.in_(ids))
        .values(lease_owner=owner, lease_until=wall + lease, attempt=mass_task.c.attempt + 1)
        .returning(mass_task)
    )
    return [(task_of(row), row.attempt) for row in (await tx.execute(taken)).all()]


async def record_remind(tx: AsyncConnection, held: MassTask, fence: int, now: datetime) -> bool:
    """Write a reminder down before it is made: after a crash it counts as made. False when the lease was lost."""
    reminds = [moment.astimezone(UTC).isoformat() for moment in (*held.reminds, now)]
    return await _change(tx, held.id, fence, {"reminds": reminds, "remind_wanted_at": None})


async def drop_remind(tx: AsyncConnection, held: MassTask, fence: int) -> bool:
    """Take back a wish for a reminder that the limit forbids."""
    return await _change(tx, held.id, fence, {"remind_wanted_at": None})


async def settle(
    tx: AsyncConnection,
    held: MassTask,
    fence: int,
    *,
    state: MassTaskState,
    poll_at: datetime | None,
    msgid: str = "",
    confirmed_at: datetime | None = None,
    results: Mapping[str, TargetResult] | None = None,
    cancelled_at: datetime | None = None,
    error: str = "",
) -> bool:
    """Write what was found out and give the task back. False when the lease was lost meanwhile.

    A wish that came while it was asked about makes it due again at once.
    """
    values: dict[str, Any] = {"state": state, "error": error, "lease_owner": None, "lease_until": None}
    wishes = (mass_task.c.remind_wanted_at, mass_task.c.cancel_wanted_at)
    values["poll_at"] = poll_at
    if poll_at is not None:
        newer = sa.or_(*(wish > held_wish for wish, held_wish in zip(wishes, _wishes(held), strict=True)))
        values["poll_at"] = sa.case((newer, mass_task.c.poll_at), else_=poll_at)
    if msgid:
        values["msgid"] = msgid
    if confirmed_at is not None:
        values["confirmed_at"] = confirmed_at
    if results is not None:
        values["results"] = {target: str(result) for target, result in results.items()}
    if cancelled_at is not None:
        values["cancelled_at"] = cancelled_at
    return await _change(tx, held.id, fence, values)


async def release_all(tx: AsyncConnection) -> None:
    """Give every task back: no other process can run."""
    await tx.execute(
        sa.update(mass_task)
        .where(mass_task.c.lease_owner.is_not(None))
        .values(lease_owner=None, lease_until=None)
    )


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def _wishes(held: MassTask) -> tuple[datetime, datetime]:
    return held.remind_wanted_at or _NEVER, held.cancel_wanted_at or _NEVER


async def _want(tx: AsyncConnection, task_ids: Sequence[int], now: datetime, **wish: datetime) -> None:
    if task_ids:
        open_ones = [MassTaskState.WANTED, MassTaskState.WAITING, MassTaskState.UNKNOWN]
        await tx.execute(
            sa.update(mass_task)
            .where(mass_task.c.id.in_(task_ids), mass_task.c.state.in_(open_ones))
            .values(poll_at=now, **wish)
        )


async def _change(tx: AsyncConnection, task_id: int, fence: int, values: Mapping[str, Any]) -> bool:
    done = await tx.execute(
        sa.update(mass_task)
        .where(mass_task.c.id == task_id, mass_task.c.attempt == fence)
        .values(dict(values))
    )
    return done.rowcount == 1


def task_of(row: Any) -> MassTask:
    """Return the record of a row that has all columns of the table."""
    return MassTask(
        id=row.id,
        delivery_key=row.delivery_key,
        chat_type=row.chat_type,
        sender=row.sender,
        targets=tuple(row.targets),
        state=MassTaskState(row.state),
        msgid=row.msgid,
        created_at=row.created_at,
        until=row.until,
        confirmed_at=row.confirmed_at,
        results={target: TargetResult(result) for target, result in row.results.items()},
        reminds=tuple(datetime.fromisoformat(text) for text in row.reminds),
        remind_wanted_at=row.remind_wanted_at,
        cancel_wanted_at=row.cancel_wanted_at,
        cancelled_at=row.cancelled_at,
        error=row.error,
    )

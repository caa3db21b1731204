"""Marks: which conversations the audit has to look at, and from when on.

Whoever records something that changes a talk leaves a mark in the same transaction; audit/running.py takes marks that
are due. `version` grows with every mark, so that what came while somebody looked is looked at again.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect
from store.columns import UtcTime
from store.tables import audit_mark, message

_CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A conversation to look at. `from_at`: the earliest of what is new; `version`: as it was when it was taken."""

    conversation_id: int
    from_at: datetime
    marked_at: datetime
    due_at: datetime
    version: int


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What waits for the audit: how many marks are due, and since when the oldest is."""

    due: int
    oldest_due_at: datetime | None


async def mark(tx: AsyncConnection, earliest: Mapping[int, datetime], now: datetime) -> None:
    """Mark conversations from these moments on, to be looked at at once; an earlier mark stays the earlier one.

    `earliest`: when the first of what is new was said, by conversation.
    """
    rows = [
        {"conversation_id": number, "from_at": at, "marked_at": now, "due_at": now, "version": 1}
        # In one order, so that two replicas never wait for each other.
        for number, at in sorted(earliest.items())
    ]
    if rows:
        await tx.execute(_upsert(tx.dialect.name), rows)


async def mark_messages(tx: AsyncConnection, message_ids: Collection[int], now: datetime) -> None:
    """Mark the conversations of messages about which something was learnt later: a recall, a twin, a file."""
    earliest: dict[int, datetime] = {}
    wanted = sorted(set(message_ids))
    for start in range(0, len(wanted), _CHUNK):
        for row in (await tx.execute(_TOLD, {"ids": wanted[start : start + _CHUNK]})).all():
            known = earliest.get(row.conversation_id)
            earliest[row.conversation_id] = row.sent_at if known is None else min(known, row.sent_at)
    await mark(tx, earliest, now)


async def mark_recall(
    tx: AsyncConnection, conversation_id: int, source: str, msgid: str, at: datetime, now: datetime
) -> None:
    """Mark a talk of which a message was taken back at `at`; from when that message was said, if it is known."""
    found = await tx.execute(_FIND_TOLD, {"source": source, "msgid": msgid})
    said_at: datetime | None = found.scalar_one_or_none()
    await mark(tx, {conversation_id: at if said_at is None else min(said_at, at)}, now)


async def mark_period(tx: AsyncConnection, from_at: datetime, until_at: datetime, now: datetime) -> int:
    """Mark every conversation in which something was said in a period, to be judged again; return how many."""
    rows = (await tx.execute(_IN_PERIOD, {"from_at": from_at, "until_at": until_at})).all()
    await mark(tx, {row.conversation_id: row.first_at for row in rows}, now)
    return len(rows)


async def claim_due(
    tx: AsyncConnection, owner: str, now: datetime, wall: datetime, lease: timedelta, limit: int
) -> list[Mark]:
    """Take up to `limit` marks whose time has come, the longest waiting first.

    `now`: business time; `wall`: machine time, by which a lease of somebody who died ends. Safe with many workers.
    """
    given = {"now": now, "wall": wall, "limit": limit}
    rows = (await tx.execute(dialect.skip_locked(tx, _DUE), given)).all()
    taken = [
        {"conversation": row.conversation_id, "owner": owner, "until": wall + lease, "count": row.attempt + 1}
        for row in rows
    ]
    if taken:
        await tx.execute(_TAKE, taken)
    return [
        Mark(
            conversation_id=row.conversation_id,
            from_at=row.from_at,
            marked_at=row.marked_at,
            due_at=row.due_at,
            version=row.version,
        )
        for row in rows
    ]


async def settle(
    tx: AsyncConnection, marks: Sequence[Mark], again: Mapping[int, tuple[datetime, datetime]], owner: str
) -> None:
    """End what was looked at, unless something came meanwhile.

    `again`: conversations that have to be looked at once more by themselves: from when, and when it is due (when
    silence would end an open session). What grew meanwhile keeps its own times and is only let go.
    """
    over = [_settled(one, owner) for one in marks if one.conversation_id not in again]
    if over:
        await tx.execute(_DELETE, over)
    later = [
        _settled(one, owner)
        | {"earliest": again[one.conversation_id][0], "due": again[one.conversation_id][1]}
        for one in marks
        if one.conversation_id in again
    ]
    if later:
        await tx.execute(_REST, later)
    if marks:
        await tx.execute(_LET_GO, [{"conversation": one.conversation_id, "owner": owner} for one in marks])


async def release(tx: AsyncConnection, owner: str) -> None:
    """Give back what `owner` holds, as it is."""
    await tx.execute(
        sa.update(audit_mark)
        .where(audit_mark.c.lease_owner == owner)
        .values(lease_owner=None, lease_until=None)
    )


async def release_all(tx: AsyncConnection) -> None:
    """Give back everything; for the start of the only process."""
    await tx.execute(
        sa.update(audit_mark)
        .where(audit_mark.c.lease_owner.is_not(None))
        .values(lease_owner=None, lease_until=None)
    )


async def postpone(tx: AsyncConnection, conversation_ids: Collection[int], due_at: datetime) -> None:
    """Let marks rest until `due_at`, because looking failed; nobody holds them then."""
    await tx.execute(
        sa.update(audit_mark)
        .where(audit_mark.c.conversation_id.in_(sorted(conversation_ids)))
        .values(due_at=due_at, lease_owner=None, lease_until=None)
    )


async def find_next(tx: AsyncConnection, wall: datetime) -> datetime | None:
    """Return when the next mark that nobody holds is due; None when there is none."""
    found: datetime | None = (await tx.execute(_NEXT, {"wall": wall})).scalar_one_or_none()
    return found


async def list_held(tx: AsyncConnection, conversation_ids: Collection[int], owner: str) -> set[int]:
    """Return which of these marks `owner` still holds, and keep them until `tx` ends."""
    held: set[int] = set()
    wanted = sorted(conversation_ids)
    select = _HELD if tx.dialect.name == "sqlite" else _HELD_LOCKED
    for start in range(0, len(wanted), _CHUNK):
        rows = await tx.execute(select, {"ids": wanted[start : start + _CHUNK], "owner": owner})
        held.update(rows.scalars().all())
    return held


async def measure(tx: AsyncConnection, now: datetime) -> Waiting:
    """Return what waits at `now`."""
    row = (await tx.execute(_MEASURE, {"now": now})).one()
    return Waiting(due=row.count, oldest_due_at=row.oldest)


@functools.cache
def _upsert(engine: str) -> Any:
    added = dialect.Dialect(engine).insert(audit_mark)
    new, old = added.excluded, audit_mark.c
    return added.on_conflict_do_update(
        index_elements=["conversation_id"],
        set_={
            "from_at": sa.case((new.from_at < old.from_at, new.from_at), else_=old.from_at),
            "due_at": sa.case((new.due_at < old.due_at, new.due_at), else_=old.due_at),
            "version": old.version + 1,
        },
    )


def _settled(one: Mark, owner: str) -> dict[str, Any]:
    return {"conversation": one.conversation_id, "seen": one.version, "owner": owner}


_IS_HELD = sa.and_(
    audit_mark.c.conversation_id == sa.bindparam("conversation"),
    audit_mark.c.lease_owner == sa.bindparam("owner"),
)
_IS_SAME = audit_mark.c.version == sa.bindparam("seen")
_DUE = (
    sa.select(audit_mark)
    .where(
        audit_mark.c.due_at <= sa.bindparam("now", type_=UtcTime()),
        sa.or_(
            audit_mark.c.lease_until.is_(None),
            audit_mark.c.lease_until < sa.bindparam("wall", type_=UtcTime()),
        ),
    )
    .order_by(audit_mark.c.due_at)
    .limit(sa.bindparam("limit"))
)
_TAKE = (
    sa.update(audit_mark)
    .where(audit_mark.c.conversation_id == sa.bindparam("conversation"))
    .values(
        lease_owner=sa.bindparam("owner"),
        lease_until=sa.bindparam("until"),
        attempt=sa.bindparam("count"),
    )
)
_HELD = (
    sa.select(audit_mark.c.conversation_id)
    .where(
        audit_mark.c.conversation_id.in_(sa.bindparam("ids", expanding=True)),
        audit_mark.c.lease_owner == sa.bindparam("owner"),
    )
    .order_by(audit_mark.c.conversation_id)
)
_HELD_LOCKED = _HELD.with_for_update()
_DELETE = sa.delete(audit_mark).where(_IS_HELD, _IS_SAME)
_REST = (
    sa.update(audit_mark)
    .where(_IS_HELD, _IS_SAME)
    .values(from_at=sa.bindparam("earliest"), due_at=sa.bindparam("due"))
)
_LET_GO = sa.update(audit_mark).where(_IS_HELD).values(lease_owner=None, lease_until=None, attempt=0)
_NEXT = sa.select(sa.func.min(audit_mark.c.due_at)).where(
    sa.or_(
        audit_mark.c.lease_until.is_(None), audit_mark.c.lease_until < sa.bindparam("wall", type_=UtcTime())
    )
)
_MEASURE = sa.select(sa.func.count().label("count"), sa.func.min(audit_mark.c.due_at).label("oldest")).where(
    audit_mark.c.due_at <= sa.bindparam("now", type_=UtcTime())
)
_TOLD = sa.select(message.c.conversation_id, message.c.sent_at).where(
    message.c.id.in_(sa.bindparam("ids", expanding=True))
)
_FIND_TOLD = sa.select(message.c.sent_at).where(
    message.c.source == sa.bindparam("source"), message.c.msgid == sa.bindparam("msgid")
)
_IN_PERIOD = (
    sa.select(message.c.conversation_id, sa.func.min(message.c.sent_at).label("first_at"))
    .where(
        message.c.sent_at >= sa.bindparam("from_at", type_=UtcTime()),
        message.c.sent_at < sa.bindparam("until_at", type_=UtcTime()),
    )
    .group_by(message.c.conversation_id)
)

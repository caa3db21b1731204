"""How far the message archive is read, the entries that could not be, and who is archived at all.

One reader per database: the cursor's lease is on wall time, `attempt` is the fence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.archive import Entry, HoldReason
from store import dialect
from store.tables import archive_cursor, archive_hold, archived_staff

_CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class ArchiveLease:
    """The right to read the archive. `seq`: the last entry on record; `attempt`: a newer holder has a higher one."""

    corp_id: str
    seq: int
    attempt: int


@dataclass(frozen=True, kw_only=True)
class ArchiveStanding:
    """How far it is read. `caught_up_at`: when there was last nothing newer; None: never."""

    seq: int
    pulled_at: datetime | None
    caught_up_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Hold:
    """An entry that is kept as it came, or a note about one that was read. `read_at`: when it was."""

    id: int
    entry: Entry = field(repr=False)
    reason: HoldReason
    error: str
    received_at: datetime
    read_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class NewHold:
    """An entry to be put aside; `is_read`: it is on record, and this only tells what is odd about it."""

    entry: Entry = field(repr=False)
    reason: HoldReason
    error: str = ""
    is_read: bool = False


async def claim(
    tx: AsyncConnection, corp_id: str, *, wall: datetime, owner: str, lease: timedelta
) -> ArchiveLease | None:
    """Take the right to read the archive, or None while another process holds it (wall time)."""
    await tx.execute(dialect.insert_new(tx, archive_cursor), [{"corp_id": corp_id}])
    given = {"corp": corp_id, "wall": wall, "owner": owner, "until": wall + lease}
    row = (await tx.execute(_CLAIM, given)).one_or_none()
    return None if row is None else ArchiveLease(corp_id=corp_id, seq=row.seq, attempt=row.attempt)


async def set_seq(
    tx: AsyncConnection, held: ArchiveLease, seq: int, now: datetime, *, until: datetime
) -> bool:
    """Move on and keep the right up to `until` (wall); False when somebody else has it, then store nothing."""
    given = {"corp": held.corp_id, "fence": held.attempt, "place": seq, "now": now, "until": until}
    return (await tx.execute(_SET_SEQ, given)).rowcount == 1


async def set_caught_up(tx: AsyncConnection, held: ArchiveLease, now: datetime) -> None:
    """Record that nothing newer is there, and give the right back."""
    given = {"corp": held.corp_id, "fence": held.attempt, "now": now}
    await tx.execute(_SET_CAUGHT_UP, given)


async def release(tx: AsyncConnection, held: ArchiveLease) -> None:
    """Give the right to read back."""
    await tx.execute(_RELEASE, {"corp": held.corp_id, "fence": held.attempt})


async def release_all(tx: AsyncConnection) -> None:
    """Give it back whoever had it; only when no other process can run."""
    await tx.execute(sa.update(archive_cursor).values(lease_owner=None, lease_until=None))


async def find_standing(tx: AsyncConnection, corp_id: str) -> ArchiveStanding | None:
    """Return how far the archive is read, None when it never was."""
    wanted = sa.select(archive_cursor).where(archive_cursor.c.corp_id == corp_id)
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        return None
    return ArchiveStanding(seq=row.seq, pulled_at=row.pulled_at, caught_up_at=row.caught_up_at)


# --- entries put aside --------------------------------------------------------------------------------------


async def add_holds(tx: AsyncConnection, new: Sequence[NewHold], now: datetime) -> None:
    """Keep entries as they came; one that is kept already stays as it is."""
    rows = [
        {
            "seq": one.entry.seq,
            "msgid": one.entry.msgid,
            "key_version": one.entry.key_version,
            "random_key": "" if one.is_read else one.entry.random_key,
            "encrypted": "" if one.is_read else one.entry.encrypted,
            "reason": one.reason,
            "error": one.error,
            "received_at": now,
            "read_at": now if one.is_read else None,
        }
        for one in new
    ]
    if rows:
        await tx.execute(dialect.insert_new(tx, archive_hold), rows)


async def list_holds(tx: AsyncConnection, *, after_id: int = 0, limit: int = 200) -> list[Hold]:
    """Return entries that are still not read, in the order they came."""
    wanted = (
        sa.select(archive_hold)
        .where(archive_hold.c.read_at.is_(None), archive_hold.c.id > after_id)
        .order_by(archive_hold.c.id)
        .limit(limit)
    )
    return [_hold(row) for row in (await tx.execute(wanted)).all()]


async def list_oddities(tx: AsyncConnection, limit: int = 200) -> list[Hold]:
    """Return the newest entries put aside or noted, for a page."""
    wanted = sa.select(archive_hold).order_by(archive_hold.c.id.desc()).limit(limit)
    return [_hold(row) for row in (await tx.execute(wanted)).all()]


async def settle_holds(tx: AsyncConnection, hold_ids: Collection[int], now: datetime) -> None:
    """Record that these were read after all. What came is not needed any more: the words may have to be erased."""
    ids = sorted(hold_ids)
    for start in range(0, len(ids), _CHUNK):
        some = archive_hold.c.id.in_(ids[start : start + _CHUNK])
        await tx.execute(sa.update(archive_hold).where(some).values(read_at=now, random_key="", encrypted=""))


async def set_reasons(tx: AsyncConnection, found: Mapping[int, tuple[HoldReason, str]]) -> None:
    """Record why these still cannot be read, by id."""
    for hold_id, (reason, error) in sorted(found.items()):
        await tx.execute(
            sa.update(archive_hold).where(archive_hold.c.id == hold_id).values(reason=reason, error=error)
        )


async def count_holds(tx: AsyncConnection) -> dict[HoldReason, int]:
    """Return how many entries are still not read, by reason; 0 where there are none."""
    rows = await tx.execute(
        sa.select(archive_hold.c.reason, sa.func.count())
        .where(archive_hold.c.read_at.is_(None))
        .group_by(archive_hold.c.reason)
    )
    found = {row[0]: row[1] for row in rows.all()}
    return {reason: found.get(reason, 0) for reason in HoldReason}


# --- who is archived ----------------------------------------------------------------------------------------


async def record_permitted(tx: AsyncConnection, staff_ids: Collection[str], now: datetime) -> None:
    """Take over the platform's list of members who are archived now."""
    rows = [{"staff_platform_id": who, "from_at": now, "seen_at": now} for who in sorted(set(staff_ids))]
    if rows:
        added = dialect.insert(tx, archived_staff)
        # Who was left out and is back is archived from now on.
        came_back = sa.case(
            (archived_staff.c.until_at.is_not(None), added.excluded.from_at), else_=archived_staff.c.from_at
        )
        changes = {"from_at": came_back, "seen_at": added.excluded.seen_at, "until_at": None}
        await tx.execute(
            added.on_conflict_do_update(index_elements=["staff_platform_id"], set_=changes), rows
        )
    gone = sa.update(archived_staff).where(
        archived_staff.c.until_at.is_(None), archived_staff.c.seen_at < now
    )
    await tx.execute(gone.values(until_at=now))


async def list_permitted(tx: AsyncConnection) -> list[str]:
    """Return the members who are archived now."""
    wanted = sa.select(archived_staff.c.staff_platform_id).where(archived_staff.c.until_at.is_(None))
    return sorted((await tx.execute(wanted)).scalars().all())


async def find_archived(tx: AsyncConnection, staff_ids: Sequence[str]) -> set[str]:
    """Return those of these ids that are, or were, of members who are archived."""
    found: set[str] = set()
    for start in range(0, len(staff_ids), _CHUNK):
        some = archived_staff.c.staff_platform_id.in_(staff_ids[start : start + _CHUNK])
        wanted = sa.select(archived_staff.c.staff_platform_id).where(some)
        found.update((await tx.execute(wanted)).scalars())
    return found


def _hold(row: sa.Row[tuple[object, ...]]) -> Hold:
    entry = Entry(
        seq=row.seq,
        msgid=row.msgid,
        key_version=row.key_version,
        random_key=row.random_key,
        encrypted=row.encrypted,
    )
    return Hold(
        id=row.id,
        entry=entry,
        reason=HoldReason(row.reason),
        error=row.error,
        received_at=row.received_at,
        read_at=row.read_at,
    )


_CLAIM = (
    sa.update(archive_cursor)
    .where(
        archive_cursor.c.corp_id == sa.bindparam("corp"),
        sa.or_(
            archive_cursor.c.lease_until.is_(None),
            archive_cursor.c.lease_until < sa.bindparam("wall"),
            archive_cursor.c.lease_owner == sa.bindparam("owner"),
        ),
    )
    .values(
        lease_owner=sa.bindparam("owner"),
        lease_until=sa.bindparam("until"),
        attempt=archive_cursor.c.attempt + 1,
    )
    .returning(archive_cursor.c.seq, archive_cursor.c.attempt)
)
_IS_HELD = sa.and_(
    archive_cursor.c.corp_id == sa.bindparam("corp"), archive_cursor.c.attempt == sa.bindparam("fence")
)
_SET_SEQ = (
    sa.update(archive_cursor)
    .where(_IS_HELD)
    .values(seq=sa.bindparam("place"), pulled_at=sa.bindparam("now"), lease_until=sa.bindparam("until"))
)
_SET_CAUGHT_UP = (
    sa.update(archive_cursor)
    .where(_IS_HELD)
    .values(
        pulled_at=sa.bindparam("now"),
        caught_up_at=sa.bindparam("now"),
        lease_owner=None,
        lease_until=None,
    )
)
_RELEASE = sa.update(archive_cursor).where(_IS_HELD).values(lease_owner=None, lease_until=None)

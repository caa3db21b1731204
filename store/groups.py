"""Customer groups: what the platform told last, and the evidence of who was in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.groups import Group, GroupDay, GroupSight, GroupStatus, MemberKind
from domain.stays import Ended, Evidence, Missing, Seen
from store import customers, dialect, enrolments, group_members
from store.tables import group, group_day

_CHUNK = 500


async def ensure(tx: AsyncConnection, chat_ids: Sequence[str], now: datetime) -> None:
    """Add the groups that are new."""
    rows = [{"chat_id": chat_id, "first_seen_at": now} for chat_id in dict.fromkeys(chat_ids)]
    if rows:
        await tx.execute(dialect.insert_new(tx, group), rows)


async def find(tx: AsyncConnection, chat_id: str) -> Group | None:
    """Return the group, or None."""
    row = (await tx.execute(sa.select(group).where(group.c.chat_id == chat_id))).one_or_none()
    return None if row is None else _group(row)


async def list_by_id(tx: AsyncConnection, group_ids: Sequence[int]) -> dict[int, Group]:
    """Return groups by id."""
    rows = (await tx.execute(sa.select(group).where(group.c.id.in_(group_ids)))).all()
    return {row.id: _group(row) for row in rows}


async def list_all(tx: AsyncConnection, *, owners: Sequence[str] | None = None) -> list[Group]:
    """Return the groups that were not dismissed, by name; `owners`: only those of these members."""
    wanted = sa.select(group).where(group.c.dismissed_at.is_(None)).order_by(group.c.name, group.c.id)
    if owners is not None:
        wanted = wanted.where(group.c.owner_platform_id.in_(owners))
    return [_group(row) for row in (await tx.execute(wanted)).all()]


async def list_owners(tx: AsyncConnection) -> list[str]:
    """Return the owners of groups that were not dismissed."""
    wanted = (
        sa.select(group.c.owner_platform_id)
        .where(group.c.dismissed_at.is_(None), group.c.owner_platform_id != "")
        .distinct()
        .order_by(group.c.owner_platform_id)
    )
    return list((await tx.execute(wanted)).scalars().all())


async def record_sight(tx: AsyncConnection, sight: GroupSight, now: datetime) -> bool:
    """Take over a whole group as the platform showed it; False when we know it newer than that."""
    await ensure(tx, [sight.chat_id], now)
    known = await find(tx, sight.chat_id)
    assert known is not None
    if known.seen_at is not None and sight.at <= known.seen_at:
        return False
    present = await group_members.list_present(tx, known.id)
    evidence: dict[str, list[Evidence]] = {
        member: [Seen(at=sight.at, joined=joined)]
        for member, (_, joined) in sight.members.items()
        if present.get(member) != (joined.at, True)
    }
    for member in present.keys() - sight.members.keys():
        evidence[member] = [Missing(at=sight.at)]
    kinds = {member: kind for member, (kind, _) in sight.members.items()}
    await _add_evidence(tx, known, evidence, kinds, now)
    await tx.execute(
        sa.update(group)
        .where(group.c.id == known.id)
        .values(
            name=sight.name[:256],
            notice=sight.notice,
            owner_platform_id=sight.owner_platform_id,
            created_at=sight.created_at or known.created_at,
            member_version=sight.member_version[:64],
            seen_at=sight.at,
        )
    )
    if known.owner_platform_id not in ("", sight.owner_platform_id):
        await enrolments.poke_groups(tx, [known.id], now)
    return True


async def record_members(
    tx: AsyncConnection,
    chat_id: str,
    evidence: Mapping[str, Sequence[Evidence]],
    kinds: Mapping[str, MemberKind],
    now: datetime,
) -> Group:
    """Take up what events told of members; return the group as it was before."""
    await ensure(tx, [chat_id], now)
    known = await find(tx, chat_id)
    assert known is not None
    await _add_evidence(tx, known, evidence, kinds, now)
    return known


async def set_member_version(tx: AsyncConnection, group_id: int, version: str) -> None:
    """Record that the members known are those of this version."""
    await tx.execute(sa.update(group).where(group.c.id == group_id).values(member_version=version[:64]))


async def set_created(tx: AsyncConnection, chat_id: str, at: datetime, now: datetime) -> None:
    """Record when a group was made, unless the platform has told so itself."""
    await ensure(tx, [chat_id], now)
    await tx.execute(
        sa.update(group).where(group.c.chat_id == chat_id, group.c.created_at.is_(None)).values(created_at=at)
    )


async def set_dismissed(tx: AsyncConnection, chat_id: str, at: datetime, now: datetime) -> None:
    """Record that a group is no more; the earliest word counts. Its members' stays are left as they were."""
    await ensure(tx, [chat_id], now)
    is_later = sa.or_(group.c.dismissed_at.is_(None), group.c.dismissed_at > at)
    changed = sa.update(group).where(group.c.chat_id == chat_id, is_later).values(dismissed_at=at)
    ids = (await tx.execute(changed.returning(group.c.id))).scalars().all()
    await enrolments.poke_groups(tx, ids, now)


async def set_owner(tx: AsyncConnection, chat_ids: Sequence[str], owner: str) -> None:
    """Record an owner that a call of our own has set; let the group be looked at again beside it."""
    await tx.execute(sa.update(group).where(group.c.chat_id.in_(chat_ids)).values(owner_platform_id=owner))


async def record_listed(tx: AsyncConnection, statuses: Mapping[str, GroupStatus], at: datetime) -> None:
    """Record that the platform listed these groups at `at`, and their owners' states."""
    await ensure(tx, list(statuses), at)
    for status in GroupStatus:
        names = [chat_id for chat_id, said in statuses.items() if said is status]
        for start in range(0, len(names), _CHUNK):
            await tx.execute(
                sa.update(group)
                .where(group.c.chat_id.in_(names[start : start + _CHUNK]))
                .values(status=status, listed_at=at)
            )


async def list_unlisted(tx: AsyncConnection, since: datetime) -> list[str]:
    """Return the groups, not dismissed as far as we know, that a whole listing since `since` did not name."""
    wanted = (
        sa.select(group.c.chat_id)
        .where(
            group.c.dismissed_at.is_(None),
            sa.or_(group.c.listed_at.is_(None), group.c.listed_at < since),
            group.c.first_seen_at < since,
        )
        .order_by(group.c.id)
    )
    return list((await tx.execute(wanted)).scalars().all())


async def record_days(tx: AsyncConnection, days: Sequence[GroupDay], at: datetime) -> None:
    """Take over the platform's figures; a later word on a day replaces the earlier one."""
    for one in days:
        values = {
            "new_chats": one.new_chats,
            "chats": one.chats,
            "chats_with_messages": one.chats_with_messages,
            "new_members": one.new_members,
            "members": one.members,
            "members_with_messages": one.members_with_messages,
            "messages": one.messages,
            "known_at": at,
        }
        added = dialect.insert(tx, group_day).values(
            owner_platform_id=one.owner_platform_id, day=one.day, **values
        )
        await tx.execute(
            added.on_conflict_do_update(index_elements=["owner_platform_id", "day"], set_=values)
        )


async def list_days(tx: AsyncConnection, owner: str) -> list[GroupDay]:
    """Return an owner's days, the oldest first."""
    wanted = sa.select(group_day).where(group_day.c.owner_platform_id == owner).order_by(group_day.c.day)
    return [
        GroupDay(
            owner_platform_id=row.owner_platform_id,
            day=row.day,
            new_chats=row.new_chats,
            chats=row.chats,
            chats_with_messages=row.chats_with_messages,
            new_members=row.new_members,
            members=row.members,
            members_with_messages=row.members_with_messages,
            messages=row.messages,
        )
        for row in (await tx.execute(wanted)).all()
    ]


async def _add_evidence(
    tx: AsyncConnection,
    known: Group,
    evidence: Mapping[str, Sequence[Evidence]],
    kinds: Mapping[str, MemberKind],
    now: datetime,
) -> None:
    if not evidence:
        return
    named = [member for member in evidence if kinds.get(member) is MemberKind.CUSTOMER]
    ids = await customers.ensure(tx, named, now)
    await group_members.add_evidence(
        tx, known.id, evidence, kinds=kinds, customers=ids, seen_at=known.seen_at
    )
    if any(isinstance(one, (Ended, Missing)) for heard in evidence.values() for one in heard):
        await enrolments.poke_groups(tx, [known.id], now, members_changed=True)


def _group(row: Any) -> Group:
    return Group(
        id=row.id,
        chat_id=row.chat_id,
        name=row.name,
        notice=row.notice,
        owner_platform_id=row.owner_platform_id,
        status=GroupStatus(row.status),
        created_at=row.created_at,
        dismissed_at=row.dismissed_at,
        member_version=row.member_version,
        seen_at=row.seen_at,
    )

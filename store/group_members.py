"""Who was in which group, when: one row a stay.

Rows are never guessed at: what is heard or seen is added to the evidence the rows stand for, and settled anew
(domain/stays.py). So it does not matter in which order events arrive, how often, or which of them are lost. What a row
does not hold is when somebody in the group was last seen there: that is the group's `seen_at`, for everybody alike.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import stays
from domain.groups import GroupMember, MemberKind
from domain.stays import EndKnown, Evidence, Missing, Stay
from store.tables import group_member

_CHUNK = 500


async def add_evidence(
    tx: AsyncConnection,
    group_id: int,
    evidence: Mapping[str, Sequence[Evidence]],
    *,
    kinds: Mapping[str, MemberKind],
    customers: Mapping[str, int],
    seen_at: datetime | None,
) -> None:
    """Take up what was heard or seen of members of one group.

    `evidence`, `kinds`, `customers` (our ids): by platform id. `seen_at`: when the whole list was last read before.
    """
    rows = await _load(tx, group_id, evidence)
    kinds = {member: MemberKind(of[0].kind) for member, of in rows.items()} | dict(kinds)
    changes: list[tuple[str, stays.Changes]] = []
    for member, heard in evidence.items():
        stored = [(row.id, _stay(row, seen_at)) for row in rows.get(member, ())]
        known = [one for _, stay in stored for one in stay.unfold()]
        if seen_at is not None and not any(_was_there(stay, seen_at) for _, stay in stored):
            known.append(Missing(at=seen_at))
        changes.append((member, stays.compare(stored, stays.settle([*known, *heard]))))
    await _write(tx, group_id, changes, kinds, customers)


async def list_present(tx: AsyncConnection, group_id: int) -> dict[str, tuple[datetime | None, bool]]:
    """Return who is in the group as far as we know: when they joined, and whether the platform said so itself."""
    wanted = sa.select(
        group_member.c.member_platform_id, group_member.c.joined_at, group_member.c.is_join_exact
    ).where(group_member.c.group_id == group_id, group_member.c.quit_at.is_(None))
    rows = (await tx.execute(wanted)).all()
    return {row.member_platform_id: (row.joined_at, row.is_join_exact) for row in rows}


async def list_of_group(tx: AsyncConnection, group_id: int) -> list[GroupMember]:
    """Return every stay in the group, the oldest first."""
    wanted = (
        sa.select(group_member)
        .where(group_member.c.group_id == group_id)
        .order_by(
            sa.func.coalesce(group_member.c.joined_at, group_member.c.quit_at),
            group_member.c.member_platform_id,
        )
    )
    return [member_of(row) for row in (await tx.execute(wanted)).all()]


async def list_of_member(tx: AsyncConnection, member_platform_id: str) -> list[GroupMember]:
    """Return a person's stays in all groups."""
    wanted = (
        sa.select(group_member)
        .where(group_member.c.member_platform_id == member_platform_id)
        .order_by(group_member.c.group_id, group_member.c.id)
    )
    return [member_of(row) for row in (await tx.execute(wanted)).all()]


async def list_in_several(tx: AsyncConnection, *, limit: int = 1000) -> dict[str, int]:
    """Return the customers who are in more than one group now, with how many."""
    number = sa.func.count(sa.distinct(group_member.c.group_id))
    wanted = (
        sa.select(group_member.c.member_platform_id, number)
        .where(group_member.c.quit_at.is_(None), group_member.c.kind == MemberKind.CUSTOMER)
        .group_by(group_member.c.member_platform_id)
        .having(number > 1)
        .order_by(number.desc(), group_member.c.member_platform_id)
        .limit(limit)
    )
    return {row[0]: row[1] for row in (await tx.execute(wanted)).all()}


async def _load(tx: AsyncConnection, group_id: int, members: Collection[str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    names = list(members)
    for start in range(0, len(names), _CHUNK):
        wanted = sa.select(group_member).where(
            group_member.c.group_id == group_id,
            group_member.c.member_platform_id.in_(names[start : start + _CHUNK]),
        )
        for row in (await tx.execute(wanted)).all():
            found.setdefault(row.member_platform_id, []).append(row)
    return found


async def _write(
    tx: AsyncConnection,
    group_id: int,
    changes: Sequence[tuple[str, stays.Changes]],
    kinds: Mapping[str, MemberKind],
    customers: Mapping[str, int],
) -> None:
    gone = [row_id for _, change in changes for row_id in change.deleted]
    if gone:
        await tx.execute(sa.delete(group_member).where(group_member.c.id.in_(gone)))
    for _, change in changes:
        for row_id, stay in change.updated:
            await tx.execute(sa.update(group_member).where(group_member.c.id == row_id).values(_values(stay)))
    rows = [
        {
            "group_id": group_id,
            "member_platform_id": member,
            "kind": kinds[member],
            "customer_id": customers.get(member),
            **_values(stay),
        }
        for member, change in changes
        for stay in change.added
    ]
    if rows:
        await tx.execute(sa.insert(group_member), rows)


def _was_there(stay: Stay, at: datetime) -> bool:
    """Say whether the list that was read at `at` showed this stay."""
    if not stay.is_exact or stay.joined_at is None or stay.joined_at > at:
        return False
    return stay.ended_at is None or stay.ended_at > at


def _stay(row: Any, seen_at: datetime | None) -> Stay:
    """Return the stay of a row. Whoever is in, and was once on the list, was on the last one too."""
    is_open = row.quit_at is None
    last_seen = seen_at if is_open and row.is_join_exact else row.quit_after
    return Stay(
        joined_at=row.joined_at,
        is_exact=row.is_join_exact,
        scene=row.join_scene,
        inviter=row.inviter_platform_id,
        state=row.state,
        seen_at=last_seen if row.is_join_exact else None,
        ended_at=row.quit_at,
        ended_after=row.quit_after,
        end_known=EndKnown(row.quit_known) if row.quit_known else None,
        reason=row.quit_scene,
    )


def _values(stay: Stay) -> dict[str, Any]:
    return {
        "joined_at": stay.joined_at,
        "is_join_exact": stay.is_exact,
        "join_scene": stay.scene,
        "inviter_platform_id": stay.inviter[:64],
        "state": stay.state[:64],
        "quit_at": stay.ended_at,
        "quit_after": stay.ended_after,
        "quit_known": stay.end_known or "",
        "quit_scene": stay.reason,
    }


def member_of(row: Any) -> GroupMember:
    """Return the stay of a row that has all columns of the table."""
    return GroupMember(
        id=row.id,
        group_id=row.group_id,
        member_platform_id=row.member_platform_id,
        kind=MemberKind(row.kind),
        customer_id=row.customer_id,
        joined_at=row.joined_at,
        is_join_exact=row.is_join_exact,
        join_scene=row.join_scene,
        inviter_platform_id=row.inviter_platform_id,
        state=row.state,
        quit_at=row.quit_at,
        quit_after=row.quit_after,
        quit_known=EndKnown(row.quit_known) if row.quit_known else None,
        quit_scene=row.quit_scene,
    )

"""Groups that are in no template and never were, with what rules of enrolment ask about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.groups import Group, MemberKind
from store import groups
from store.tables import customer, enrolment, group, group_member, relation

_LAST_OF_PAGE = sa.select(
    sa.func.max(
        sa.select(group.c.id)
        .where(group.c.id > sa.bindparam("after"))
        .order_by(group.c.id)
        .limit(sa.bindparam("most"))
        .subquery()
        .c.id
    )
)


@dataclass(frozen=True, kw_only=True)
class Person:
    """A customer in a group. `state`: of the way he joined by; `tags`: ids, of all his advisors."""

    state: str
    tags: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Page:
    """A stretch of all groups. `last`: the id it ends with, None behind the last group; `free`: see `list_free`."""

    last: int | None
    free: tuple[Group, ...]


async def list_free(
    tx: AsyncConnection,
    *,
    after: int,
    most: int,
    owners: Collection[str] | None = None,
    chats: Collection[str] | None = None,
) -> Page:
    """Return those of the `most` groups behind the id `after` that have an owner and members and were never enrolled.

    `owners`, `chats`: only groups of these owners, only these groups; None for all. What it costs follows `most`,
    however many groups there are.
    """
    last = (await tx.execute(_LAST_OF_PAGE, {"after": after, "most": most})).scalar_one()
    if last is None:
        return Page(last=None, free=())
    wanted = (
        sa.select(group.c.id)
        .where(
            group.c.id > after,
            group.c.id <= last,
            group.c.dismissed_at.is_(None),
            group.c.owner_platform_id != "",
            group.c.seen_at.is_not(None),
            ~sa.exists().where(enrolment.c.group_id == group.c.id),
        )
        .order_by(group.c.id)
    )
    if owners is not None:
        wanted = wanted.where(group.c.owner_platform_id.in_(owners))
    if chats is not None:
        wanted = wanted.where(group.c.chat_id.in_(chats))
    ids = (await tx.execute(wanted)).scalars().all()
    found = await groups.list_by_id(tx, ids)
    return Page(last=last, free=tuple(found[number] for number in ids))


async def list_enrolled(tx: AsyncConnection, group_ids: Sequence[int]) -> set[int]:
    """Return those of these groups that are, or ever were, in a template."""
    wanted = sa.select(enrolment.c.group_id).where(enrolment.c.group_id.in_(group_ids))
    return set((await tx.execute(wanted)).scalars().all())


async def list_people(tx: AsyncConnection, group_ids: Sequence[int]) -> dict[int, list[Person]]:
    """Return the customers who are in each group now."""
    wanted = (
        sa.select(
            group_member.c.group_id, group_member.c.member_platform_id, group_member.c.state, relation.c.tags
        )
        .outerjoin(customer, customer.c.platform_id == group_member.c.member_platform_id)
        .outerjoin(relation, sa.and_(relation.c.customer_id == customer.c.id, relation.c.to_at.is_(None)))
        .where(
            group_member.c.group_id.in_(group_ids),
            group_member.c.quit_at.is_(None),
            group_member.c.kind == MemberKind.CUSTOMER,
        )
    )
    found: dict[int, dict[str, Person]] = {number: {} for number in group_ids}
    for row in (await tx.execute(wanted)).all():
        people = found[row.group_id]
        before = people.get(row.member_platform_id)
        tags = (before.tags if before else frozenset()) | frozenset(row.tags or ())
        people[row.member_platform_id] = Person(state=row.state, tags=tags)
    return {number: list(people.values()) for number, people in found.items()}

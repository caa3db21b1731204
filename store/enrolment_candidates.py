"""Groups that are in no template and never were, with what rules of enrolment ask about them."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.groups import Group, MemberKind
from store import groups
from store.tables import customer, enrolment, group, group_member, relation


@dataclass(frozen=True, kw_only=True)
class Person:
    """A customer in a group. `state`: of the way he joined by; `tags`: ids, of all his advisors."""

    state: str
    tags: frozenset[str]


async def list_free(tx: AsyncConnection, limit: int) -> list[Group]:
    """Return groups with an owner and members that were never enrolled, the newest first."""
    was_enrolled = sa.exists().where(enrolment.c.group_id == group.c.id)
    wanted = (
        sa.select(group.c.id)
        .where(
            ~was_enrolled,
            group.c.dismissed_at.is_(None),
            group.c.owner_platform_id != "",
            group.c.seen_at.is_not(None),
        )
        .order_by(group.c.id.desc())
        .limit(limit)
    )
    ids = (await tx.execute(wanted)).scalars().all()
    found = await groups.list_by_id(tx, ids)
    return [found[number] for number in ids]


async def list_people(tx: AsyncConnection, group_id: int) -> list[Person]:
    """Return the customers who are in a group now."""
    wanted = (
        sa.select(group_member.c.member_platform_id, group_member.c.state, relation.c.tags)
        .outerjoin(customer, customer.c.platform_id == group_member.c.member_platform_id)
        .outerjoin(relation, sa.and_(relation.c.customer_id == customer.c.id, relation.c.to_at.is_(None)))
        .where(
            group_member.c.group_id == group_id,
            group_member.c.quit_at.is_(None),
            group_member.c.kind == MemberKind.CUSTOMER,
        )
    )
    found: dict[str, Person] = {}
    for row in (await tx.execute(wanted)).all():
        before = found.get(row.member_platform_id)
        tags = (before.tags if before else frozenset()) | frozenset(row.tags or ())
        found[row.member_platform_id] = Person(state=row.state, tags=tags)
    return list(found.values())

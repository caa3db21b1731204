"""Who of a group a one-to-one step may mean: what is on record of each customer in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.case import CaseKind, CaseState
from domain.groups import MemberKind
from store import dialect
from store.tables import case, customer, group_member, question, relation, staff, touch


@dataclass(frozen=True, kw_only=True)
class Member:
    """A customer in a group. `advisors`: UserIDs of those who have the customer as a contact. `tags`: ids."""

    platform_id: str
    joined_at: datetime | None
    join_scene: str
    has_opted_out: bool
    has_complaint: bool
    has_asked: bool
    advisors: tuple[str, ...]
    tags: frozenset[str]


async def list_members(tx: AsyncConnection, group_id: int) -> list[Member]:
    """Return the customers who are in a group now, by platform id."""
    complaint = sa.exists().where(
        case.c.customer_id == customer.c.id,
        case.c.kind == CaseKind.COMPLAINT,
        case.c.state != CaseState.CLOSED,
    )
    asked = sa.exists().where(
        question.c.group_id == group_id, question.c.asker == group_member.c.member_platform_id
    )
    wanted = (
        sa.select(
            group_member.c.member_platform_id,
            group_member.c.joined_at,
            group_member.c.join_scene,
            customer.c.opted_out_at,
            complaint.label("complains"),
            asked.label("asked"),
            staff.c.platform_id.label("advisor"),
            relation.c.tags,
        )
        .outerjoin(customer, customer.c.platform_id == group_member.c.member_platform_id)
        .outerjoin(relation, sa.and_(relation.c.customer_id == customer.c.id, relation.c.to_at.is_(None)))
        .outerjoin(staff, staff.c.id == relation.c.staff_id)
        .where(
            group_member.c.group_id == group_id,
            group_member.c.quit_at.is_(None),
            group_member.c.kind == MemberKind.CUSTOMER,
        )
        .order_by(group_member.c.member_platform_id, relation.c.id)
    )
    found: dict[str, Member] = {}
    for row in (await tx.execute(wanted)).all():
        before = found.get(row.member_platform_id)
        advisors = (*(before.advisors if before else ()), *((row.advisor,) if row.advisor else ()))
        found[row.member_platform_id] = Member(
            platform_id=row.member_platform_id,
            joined_at=row.joined_at,
            join_scene=row.join_scene,
            has_opted_out=row.opted_out_at is not None,
            has_complaint=bool(row.complains),
            has_asked=bool(row.asked),
            advisors=advisors,
            tags=(before.tags if before else frozenset()) | frozenset(row.tags or ()),
        )
    return list(found.values())


async def count_customers(tx: AsyncConnection, group_ids: Sequence[int]) -> dict[int, int]:
    """Return how many customers are in each group now."""
    wanted = (
        sa.select(group_member.c.group_id, sa.func.count())
        .where(
            group_member.c.group_id.in_(group_ids),
            group_member.c.quit_at.is_(None),
            group_member.c.kind == MemberKind.CUSTOMER,
        )
        .group_by(group_member.c.group_id)
    )
    return {row[0]: row[1] for row in (await tx.execute(wanted)).all()}


async def take_touches(
    tx: AsyncConnection, members: Sequence[str], day: date, occurrence_id: int
) -> list[str]:
    """Return those who have had no one-to-one message of an SOP on this day, and write that they get one now."""
    taken = []
    for member in members:
        row = {"member": member, "day": day, "occurrence_id": occurrence_id}
        added = dialect.insert(tx, touch).values(row).on_conflict_do_nothing()
        if (await tx.execute(added.returning(touch.c.member))).first() is not None:
            taken.append(member)
    return taken

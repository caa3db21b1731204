"""One customer as a member of staff sees them: who, from where, what is open. Read only.

Groups in common are store/staff_work.py's, advisors store/relations.py's, opt-outs store/opt_outs.py's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.case import CaseKind, CaseState
from store.tables import case, conversation, customer, group, group_member, relation

_LIMIT = 50


@dataclass(frozen=True, kw_only=True)
class KnownCustomer:
    """A customer. `opted_out_at`: wants nothing but service since."""

    id: int
    platform_id: str
    nickname: str
    opted_out_at: datetime | None


class SourceKind(StrEnum):
    """Where a customer came from."""

    FRIEND = "friend"  # Became somebody's contact.
    GROUP = "group"  # Came into a group.
    SERVICE = "service"  # Wrote to a kf account.


@dataclass(frozen=True, kw_only=True)
class Source:
    """One way a customer came. `way`: the platform's word; `mark`: of the QR code or link; `group`: its name."""

    kind: SourceKind
    at: datetime | None
    way: str
    mark: str
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class OpenCase:
    """A case that is not closed."""

    id: int
    kind: CaseKind
    due_at: datetime


async def find(tx: AsyncConnection, platform_id: str) -> KnownCustomer | None:
    """Return the customer by the platform's id, or None."""
    wanted = sa.select(
        customer.c.id, customer.c.platform_id, customer.c.nickname, customer.c.opted_out_at
    ).where(customer.c.platform_id == platform_id)
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        return None
    return KnownCustomer(
        id=row.id, platform_id=row.platform_id, nickname=row.nickname, opted_out_at=row.opted_out_at
    )


async def find_first_source(tx: AsyncConnection, customer_id: int) -> Source | None:
    """Return how the customer came first, as far as it is dated; None when nothing tells."""
    found = [
        one
        for one in (
            await _first_relation(tx, customer_id),
            await _first_group(tx, customer_id),
            await _first_talk(tx, customer_id),
        )
        if one is not None
    ]
    dated = [one for one in found if one.at is not None]
    return min(dated, key=_moment) if dated else next(iter(found), None)


async def list_open_cases(tx: AsyncConnection, customer_id: int) -> list[OpenCase]:
    """Return the cases of a customer that are not closed, the most urgent first."""
    wanted = (
        sa.select(case.c.id, case.c.kind, case.c.due_at)
        .where(case.c.customer_id == customer_id, case.c.state != CaseState.CLOSED)
        .order_by(case.c.due_at, case.c.id)
        .limit(_LIMIT)
    )
    return [
        OpenCase(id=row.id, kind=CaseKind(row.kind), due_at=row.due_at)
        for row in (await tx.execute(wanted)).all()
    ]


async def _first_relation(tx: AsyncConnection, customer_id: int) -> Source | None:
    wanted = (
        sa.select(relation.c.from_at, relation.c.add_way, relation.c.state)
        .where(relation.c.customer_id == customer_id)
        .order_by(relation.c.from_at.is_(None), relation.c.from_at, relation.c.id)
        .limit(1)
    )
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        return None
    return Source(kind=SourceKind.FRIEND, at=row.from_at, way=row.add_way, mark=row.state)


async def _first_group(tx: AsyncConnection, customer_id: int) -> Source | None:
    wanted = (
        sa.select(group_member.c.joined_at, group_member.c.join_scene, group_member.c.state, group.c.name)
        .join(group, group.c.id == group_member.c.group_id)
        .where(group_member.c.customer_id == customer_id)
        .order_by(group_member.c.joined_at.is_(None), group_member.c.joined_at, group_member.c.id)
        .limit(1)
    )
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        return None
    return Source(kind=SourceKind.GROUP, at=row.joined_at, way=row.join_scene, mark=row.state, group=row.name)


async def _first_talk(tx: AsyncConnection, customer_id: int) -> Source | None:
    wanted = (
        sa.select(conversation.c.opened_at, customer.c.first_scene, customer.c.first_scene_param)
        .join(customer, customer.c.id == conversation.c.customer_id)
        .where(conversation.c.customer_id == customer_id)
        .order_by(conversation.c.opened_at, conversation.c.id)
        .limit(1)
    )
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        return None
    return Source(kind=SourceKind.SERVICE, at=row.opened_at, way=row.first_scene, mark=row.first_scene_param)


def _moment(one: Source) -> datetime:
    assert one.at is not None
    return one.at

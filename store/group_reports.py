"""Everything of one group for its page: the steps of an enrolment, what was sent, how members fared. Read only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.enrolment import Occurrence, OccurrenceState
from domain.groups import Group, GroupStatus
from store import occurrences
from store.sop_reports import GroupScope
from store.tables import approval, content_version, enrolment, group, occurrence


@dataclass(frozen=True, kw_only=True)
class SaidBlock:
    """Which approved words a step was made of."""

    key: str
    approved_by: str
    approved_at: datetime | None


async def find_group(tx: AsyncConnection, group_id: int, scope: GroupScope | None) -> Group | None:
    """Return a group within `scope`, or None."""
    wanted = sa.select(group).where(group.c.id == group_id)
    if scope is not None:
        wanted = wanted.where(scope.condition())
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        return None
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


async def list_group_steps(tx: AsyncConnection, enrolment_id: int) -> list[Occurrence]:
    """Return the occurrences of an enrolment for the whole group, by time."""
    wanted = (
        sa.select(occurrence)
        .where(occurrence.c.enrolment_id == enrolment_id, occurrence.c.member == "")
        .order_by(occurrence.c.due_at, occurrence.c.id)
    )
    return [occurrences.occurrence_of(row) for row in (await tx.execute(wanted)).all()]


async def count_member_steps(
    tx: AsyncConnection, enrolment_id: int
) -> Mapping[str, Mapping[OccurrenceState, int]]:
    """Return how many occurrences of each member step stand where."""
    wanted = (
        sa.select(occurrence.c.step, occurrence.c.state, sa.func.count())
        .where(occurrence.c.enrolment_id == enrolment_id, occurrence.c.member != "")
        .group_by(occurrence.c.step, occurrence.c.state)
    )
    found: dict[str, dict[OccurrenceState, int]] = {}
    for step, state, number in (await tx.execute(wanted)).all():
        found.setdefault(step, {})[OccurrenceState(state)] = number
    return found


async def find_step(tx: AsyncConnection, group_id: int, occurrence_id: int) -> Occurrence | None:
    """Return an occurrence of this group, or None."""
    wanted = (
        sa.select(occurrence)
        .join(enrolment, enrolment.c.id == occurrence.c.enrolment_id)
        .where(occurrence.c.id == occurrence_id, enrolment.c.group_id == group_id)
    )
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else occurrences.occurrence_of(row)


async def find_said(tx: AsyncConnection, content_version_id: int) -> SaidBlock | None:
    """Return the version of the words, with who approved it last."""
    wanted = (
        sa.select(content_version.c.key, approval.c.approved_by, approval.c.approved_at)
        .outerjoin(approval, approval.c.content_version_id == content_version.c.id)
        .where(content_version.c.id == content_version_id)
        .order_by(approval.c.id.desc())
        .limit(1)
    )
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        return None
    return SaidBlock(key=row.key, approved_by=row.approved_by or "", approved_at=row.approved_at)

"""What a member of staff has to do in groups today, and whose groups they may look into.

Reading only, for the phone page (console/sidebar/). Names are UserIDs of the platform. Who may see what is decided by
console/sidebar/access.py with these functions.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.enrolment import (
    OPEN_STATES,
    UNRELEASED_STATES,
    EnrolmentState,
    MassTaskState,
    Occurrence,
    OccurrenceState,
    QuestionSource,
    QuestionState,
)
from domain.groups import MemberKind
from store import occurrences
from store.tables import (
    customer,
    enrolment,
    group,
    group_member,
    mass_task,
    notice,
    occurrence,
    question,
    staff,
)

_LIMIT = 200
_LIVE = (EnrolmentState.WAITING, EnrolmentState.RUNNING)


@dataclass(frozen=True, kw_only=True)
class WorkGroup:
    """A group as the phone page names it."""

    id: int
    chat_id: str
    name: str
    owner: str


@dataclass(frozen=True, kw_only=True)
class StaffStep:
    """One occurrence with its group, its enrolment and, for a mass send, how its confirmation stands."""

    occurrence: Occurrence
    group: WorkGroup
    enrolment_id: int
    sop_version_id: int
    rhythm: str
    enrolment_state: EnrolmentState
    owner: str
    co_owner: str
    task_state: MassTaskState | None
    task_sender: str


@dataclass(frozen=True, kw_only=True)
class ListedNotice:
    """A notice that went on no card."""

    id: int
    kind: str
    title: str
    text: str
    url: str
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class OpenQuestion:
    """An open question of a group. `asker_name`: what the customer is called, "" when nobody said who asked."""

    id: int
    source: QuestionSource
    text: str
    asked_at: datetime
    late_at: datetime | None
    asker_name: str
    duty: str
    group: WorkGroup


async def find_step(tx: AsyncConnection, occurrence_id: int) -> StaffStep | None:
    """Return one occurrence, or None."""
    row = (await tx.execute(_STEP.where(occurrence.c.id == occurrence_id))).one_or_none()
    return None if row is None else _step(row)


async def list_open(tx: AsyncConnection, names: Collection[str]) -> list[StaffStep]:
    """Return what these members should do now, the most urgent first. Paused and ended groups ask for nothing."""
    wanted = _STEP.where(
        occurrence.c.executor.in_(names),
        occurrence.c.state.in_(OPEN_STATES),
        enrolment.c.state.in_(_LIVE),
    ).order_by(occurrence.c.window_end, occurrence.c.id)
    return [_step(row) for row in (await tx.execute(wanted.limit(_LIMIT))).all()]


async def list_coming(tx: AsyncConnection, names: Collection[str], until: datetime) -> list[StaffStep]:
    """Return steps due before `until` in groups these members own or co-own; who does each is in its template."""
    wanted = _STEP.where(
        sa.or_(enrolment.c.owner_platform_id.in_(names), _OWNER.c.co_owner_platform_id.in_(names)),
        occurrence.c.state.in_(UNRELEASED_STATES),
        occurrence.c.member == "",
        occurrence.c.due_at < until,
        enrolment.c.state.in_(_LIVE),
    ).order_by(occurrence.c.due_at, occurrence.c.id)
    return [_step(row) for row in (await tx.execute(wanted.limit(_LIMIT))).all()]


async def list_done(tx: AsyncConnection, names: Collection[str], since: datetime) -> list[StaffStep]:
    """Return what these members did since then, the latest first."""
    wanted = _STEP.where(
        sa.or_(occurrence.c.evidence_by.in_(names), occurrence.c.executor.in_(names)),
        occurrence.c.sent_at >= since,
    ).order_by(occurrence.c.sent_at.desc(), occurrence.c.id.desc())
    return [_step(row) for row in (await tx.execute(wanted.limit(_LIMIT))).all()]


async def list_of_group(tx: AsyncConnection, group_id: int) -> list[StaffStep]:
    """Return the steps of the group's latest enrolment in the order of their times, without those of members."""
    latest = (
        sa.select(enrolment.c.id)
        .where(enrolment.c.group_id == group_id)
        .order_by(enrolment.c.state.in_(_LIVE).desc(), enrolment.c.id.desc())
        .limit(1)
    )
    wanted = _STEP.where(
        occurrence.c.enrolment_id == latest.scalar_subquery(),
        occurrence.c.member == "",
        occurrence.c.state != OccurrenceState.SUPERSEDED,
    ).order_by(occurrence.c.due_at, occurrence.c.id)
    return [_step(row) for row in (await tx.execute(wanted.limit(_LIMIT))).all()]


async def list_told(tx: AsyncConnection, occurrence_id: int) -> list[str]:
    """Return who was told of a step, in the order of being told."""
    wanted = (
        sa.select(notice.c.recipient).where(notice.c.occurrence_id == occurrence_id).order_by(notice.c.id)
    )
    return list(dict.fromkeys((await tx.execute(wanted)).scalars().all()))


async def find_notice_text(tx: AsyncConnection, occurrence_id: int, recipient: str) -> str:
    """Return what somebody was told last of a step; "" when nothing."""
    wanted = (
        sa.select(notice.c.text)
        .where(notice.c.occurrence_id == occurrence_id, notice.c.recipient == recipient, notice.c.text != "")
        .order_by(notice.c.id.desc())
        .limit(1)
    )
    return str((await tx.execute(wanted)).scalar_one_or_none() or "")


async def list_notices(tx: AsyncConnection, names: Collection[str], since: datetime) -> list[ListedNotice]:
    """Return notices of these members since then that went on no card, the latest first."""
    wanted = (
        sa.select(notice)
        .where(notice.c.recipient.in_(names), notice.c.state == "listed", notice.c.due_at >= since)
        .order_by(notice.c.id.desc())
        .limit(30)
    )
    return [
        ListedNotice(id=row.id, kind=row.kind, title=row.title, text=row.text, url=row.url, due_at=row.due_at)
        for row in (await tx.execute(wanted)).all()
    ]


# --- questions ----------------------------------------------------------------------------------------------


async def list_questions(
    tx: AsyncConnection, group_ids: Collection[int], names: Collection[str]
) -> list[OpenQuestion]:
    """Return the open questions of these groups, and those these members have to answer, the oldest first."""
    wanted = (
        sa.select(
            question.c.id,
            question.c.source,
            question.c.text,
            question.c.asked_at,
            question.c.late_at,
            question.c.duty,
            customer.c.nickname,
            group.c.id.label("its_group_id"),
            group.c.chat_id,
            group.c.name.label("group_name"),
            group.c.owner_platform_id.label("group_owner"),
        )
        .join(group, group.c.id == question.c.group_id)
        .outerjoin(customer, customer.c.platform_id == question.c.asker)
        .where(
            question.c.state == QuestionState.OPEN,
            sa.or_(question.c.group_id.in_(group_ids), question.c.duty.in_(names)),
        )
        .order_by(question.c.asked_at, question.c.id)
        .limit(_LIMIT)
    )
    return [
        OpenQuestion(
            id=row.id,
            source=QuestionSource(row.source),
            text=row.text,
            asked_at=row.asked_at,
            late_at=row.late_at,
            asker_name=row.nickname or "",
            duty=row.duty,
            group=_group_of(row),
        )
        for row in (await tx.execute(wanted)).all()
    ]


async def list_present(tx: AsyncConnection, group_id: int) -> list[tuple[str, str]]:
    """Return the customers who are in a group now: platform id and name, those with a name first."""
    wanted = (
        sa.select(group_member.c.member_platform_id, customer.c.nickname)
        .outerjoin(customer, customer.c.id == group_member.c.customer_id)
        .where(
            group_member.c.group_id == group_id,
            group_member.c.kind == MemberKind.CUSTOMER,
            group_member.c.quit_at.is_(None),
        )
        .order_by(sa.func.coalesce(customer.c.nickname, ""), group_member.c.member_platform_id)
        .limit(500)
    )
    return [(row[0], row[1] or "") for row in (await tx.execute(wanted)).all()]


# --- groups -------------------------------------------------------------------------------------------------


async def find_group(tx: AsyncConnection, chat_id: str) -> WorkGroup | None:
    """Return the group by the platform's id, or None."""
    row = (await tx.execute(_GROUP.where(group.c.chat_id == chat_id))).one_or_none()
    return None if row is None else _group(row)


async def find_group_by_id(tx: AsyncConnection, group_id: int) -> WorkGroup | None:
    """Return the group by our own id, or None."""
    row = (await tx.execute(_GROUP.where(group.c.id == group_id))).one_or_none()
    return None if row is None else _group(row)


async def list_groups(tx: AsyncConnection, names: Collection[str]) -> list[WorkGroup]:
    """Return the groups these members own, co-own or are in, by name."""
    wanted = _GROUP.where(
        group.c.dismissed_at.is_(None),
        sa.or_(_owned_by(names), _co_owned_by(names), group.c.id.in_(_groups_with(names))),
    ).order_by(group.c.name, group.c.id)
    return [_group(row) for row in (await tx.execute(wanted.limit(_LIMIT))).all()]


async def list_groups_with(
    tx: AsyncConnection, member: str, names: Collection[str], team: Collection[str] | None
) -> list[WorkGroup]:
    """Return the groups a customer is in now that `names` own, co-own or are in, or that one of `team` owns, by name.

    `team` None: whoever owns them.
    """
    stays = sa.select(group_member.c.group_id).where(
        group_member.c.member_platform_id == member, group_member.c.quit_at.is_(None)
    )
    wanted = _GROUP.where(group.c.id.in_(stays), group.c.dismissed_at.is_(None))
    if team is not None:
        seen = (_owned_by({*names, *team}), _co_owned_by(names), group.c.id.in_(_groups_with(names)))
        wanted = wanted.where(sa.or_(*seen))
    wanted = wanted.order_by(group.c.name, group.c.id)
    return [_group(row) for row in (await tx.execute(wanted.limit(_LIMIT))).all()]


async def is_concerned(
    tx: AsyncConnection, group_id: int, names: Collection[str], team: Collection[str]
) -> bool:
    """Say whether one of `names` owns or co-owns the group, is in it, does a step of it or was told of one.

    Also when the owner is one of `team`.
    """
    steps = occurrence.join(enrolment, enrolment.c.id == occurrence.c.enrolment_id)
    does = sa.select(occurrence.c.id).select_from(steps).where(occurrence.c.executor.in_(names))
    told = (
        sa.select(notice.c.id)
        .select_from(notice.join(steps, notice.c.occurrence_id == occurrence.c.id))
        .where(notice.c.recipient.in_(names))
    )
    asked = sa.select(question.c.id).where(question.c.duty.in_(names), question.c.group_id == group_id)
    of_group = enrolment.c.group_id == group_id
    wanted = sa.select(group.c.id).where(
        group.c.id == group_id,
        sa.or_(
            _owned_by({*names, *team}),
            _co_owned_by(names),
            group.c.id.in_(_groups_with(names)),
            does.where(of_group).exists(),
            told.where(of_group).exists(),
            asked.exists(),
        ),
    )
    return (await tx.execute(wanted)).first() is not None


def _owned_by(names: Collection[str]) -> sa.ColumnElement[bool]:
    return group.c.owner_platform_id.in_(names)


def _co_owned_by(names: Collection[str]) -> sa.ColumnElement[bool]:
    owners = sa.select(staff.c.platform_id).where(staff.c.co_owner_platform_id.in_(names))
    return group.c.owner_platform_id.in_(owners)


def _groups_with(names: Collection[str]) -> sa.Select[tuple[int]]:
    return sa.select(group_member.c.group_id).where(
        group_member.c.member_platform_id.in_(names),
        group_member.c.kind == MemberKind.STAFF,
        group_member.c.quit_at.is_(None),
    )


_OWNER = staff.alias("owner")
_GROUP = sa.select(group.c.id, group.c.chat_id, group.c.name, group.c.owner_platform_id)
_STEP = (
    sa.select(
        occurrence,
        group.c.id.label("its_group_id"),
        group.c.chat_id,
        group.c.name.label("group_name"),
        group.c.owner_platform_id.label("group_owner"),
        enrolment.c.sop_version_id,
        enrolment.c.rhythm,
        enrolment.c.state.label("enrolment_state"),
        enrolment.c.owner_platform_id.label("enrolment_owner"),
        _OWNER.c.co_owner_platform_id.label("co_owner"),
        mass_task.c.state.label("task_state"),
        mass_task.c.sender.label("task_sender"),
    )
    .join(enrolment, enrolment.c.id == occurrence.c.enrolment_id)
    .join(group, group.c.id == enrolment.c.group_id)
    .outerjoin(_OWNER, _OWNER.c.platform_id == group.c.owner_platform_id)
    .outerjoin(mass_task, mass_task.c.id == occurrence.c.mass_task_id)
)


def _group(row: Any) -> WorkGroup:
    return WorkGroup(id=row.id, chat_id=row.chat_id, name=row.name, owner=row.owner_platform_id)


def _group_of(row: Any) -> WorkGroup:
    """Return the group of a row that is about something else."""
    return WorkGroup(id=row.its_group_id, chat_id=row.chat_id, name=row.group_name, owner=row.group_owner)


def _step(row: Any) -> StaffStep:
    return StaffStep(
        occurrence=occurrences.occurrence_of(row),
        group=WorkGroup(id=row.its_group_id, chat_id=row.chat_id, name=row.group_name, owner=row.group_owner),
        enrolment_id=row.enrolment_id,
        sop_version_id=row.sop_version_id,
        rhythm=row.rhythm,
        enrolment_state=EnrolmentState(row.enrolment_state),
        owner=row.group_owner or row.enrolment_owner,
        co_owner=row.co_owner or "",
        task_state=MassTaskState(row.task_state) if row.task_state else None,
        task_sender=row.task_sender or "",
    )

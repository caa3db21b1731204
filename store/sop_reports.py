"""Groups and their SOPs for the pages of all groups: lists by index from a place on, and counts.

Read only. Everything of one group is store/group_reports.py. A list costs what it shows: live enrolments, a day's steps
and what waits for a person each have an index of their own; what stands beside a row is read for a whole page at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.enrolment import EnrolmentState, OccurrenceState
from domain.groups import GroupStatus, MemberKind
from domain.sop import DeliveryCode
from store import paging
from store.paging import Place
from store.tables import enrolment, group, group_member, occurrence, question, sop_version

# Steps that somebody has to do; the others run by themselves.
_BY_PEOPLE = (DeliveryCode.MASS_SEND, DeliveryCode.SIDEBAR, DeliveryCode.PERSONAL, DeliveryCode.APP)
_PASSING_SCORE = 60  # Below it the first week leads into group_repair (content/sop/finance_week1).


def _written(column: sa.ColumnElement[Any], members: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return `column IN (…)` with the members written out in this order.

    Only where it stands word for word as in the index does SQLite see that a partial index holds the rows.
    """
    values = [str(member) for member in members]
    return column.in_(sa.bindparam(None, values, expanding=True, literal_execute=True, type_=sa.String()))


# As in the indexes ix_enrolment_live, ix_occurrence_open and ix_occurrence_day (store/tables/).
_LIVE = (EnrolmentState.WAITING, EnrolmentState.RUNNING, EnrolmentState.PAUSED)
_OPEN = (
    OccurrenceState.RELEASED,
    OccurrenceState.WAITING_OWNER,
    OccurrenceState.REMINDED,
    OccurrenceState.ESCALATED,
)
_UNRELEASED = (OccurrenceState.PLANNED, OccurrenceState.BLOCKED, OccurrenceState.DUE)
_IS_LIVE = _written(enrolment.c.state, _LIVE)
_IS_OPEN = _written(occurrence.c.state, _OPEN)
_IS_UNRELEASED = sa.and_(
    occurrence.c.member == sa.literal_column("''"), _written(occurrence.c.state, _UNRELEASED)
)
_IS_BY_PEOPLE = occurrence.c.delivery.in_(_BY_PEOPLE)
# Who has it: the person it was given to, else the group's owner.
_WHOSE = sa.case((occurrence.c.executor != "", occurrence.c.executor), else_=group.c.owner_platform_id)


@dataclass(frozen=True, kw_only=True)
class GroupScope:
    """The groups a person may see: those of these owners, and those in which these members of staff are."""

    owners: frozenset[str]
    members: frozenset[str]

    def condition(self) -> sa.ColumnElement[bool]:
        """Return the condition on `group`."""
        joined = sa.select(group_member.c.group_id).where(
            group_member.c.member_platform_id.in_(sorted(self.members)), group_member.c.quit_at.is_(None)
        )
        return sa.or_(group.c.owner_platform_id.in_(sorted(self.owners)), group.c.id.in_(joined))


@dataclass(frozen=True, kw_only=True)
class GroupFilter:
    """What of the groups is wanted. `scope` None: every group. `owners`: only theirs; None is anybody's.

    `search`: a part of the group's name. `now`: what is late is late against it.
    """

    scope: GroupScope | None
    owners: frozenset[str] | None = None
    search: str = ""
    now: datetime

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions on `group`."""
        found: list[sa.ColumnElement[bool]] = []
        if self.scope is not None:
            found.append(self.scope.condition())
        if self.owners is not None:
            found.append(group.c.owner_platform_id.in_(sorted(self.owners)))
        if self.search:
            found.append(group.c.name.icontains(self.search, autoescape=True))
        return found


@dataclass(frozen=True, kw_only=True)
class EnrolmentRow:
    """An enrolment as a list shows it."""

    id: int
    sop_version_id: int
    template: str
    rhythm: str
    round: int
    opens_on: date
    anchor_at: datetime
    state: EnrolmentState
    reason: str
    paused_until: datetime | None
    score: float | None


@dataclass(frozen=True, kw_only=True)
class GroupRow:
    """One line of the list: a group, with its enrolment if it has one. `place`: where the next page begins."""

    id: int
    name: str
    chat_id: str
    owner: str
    status: GroupStatus
    dismissed_at: datetime | None
    enrolment: EnrolmentRow | None
    place: Place


@dataclass(frozen=True, kw_only=True)
class StepMark:
    """One occurrence of a step of the whole group, as far as a list needs it."""

    step: str
    n: int
    delivery: str
    state: OccurrenceState
    due_at: datetime
    window_end: datetime
    executor: str


@dataclass(frozen=True, kw_only=True)
class WorkRow:
    """Something a person has to do today. `whose`: who has it now; `is_open`: it was given to that person."""

    occurrence_id: int
    enrolment_id: int
    sop_version_id: int
    rhythm: str
    enrolment_state: EnrolmentState
    group_id: int
    group_name: str
    chat_id: str
    step: str
    n: int
    delivery: str
    state: OccurrenceState
    due_at: datetime
    window_end: datetime
    whose: str
    rung: int
    reason: str
    is_open: bool

    @property
    def place(self) -> Place:
        return Place(at=self.due_at, id=self.occurrence_id, is_urgent=self.is_open)


@dataclass(frozen=True, kw_only=True)
class PersonalWork:
    """One-to-one messages of a step that wait for an advisor, put together."""

    group_id: int
    group_name: str
    sop_version_id: int
    rhythm: str
    step: str
    whose: str
    count: int
    window_end: datetime


@dataclass(frozen=True, kw_only=True)
class OwnerWork:
    """A person's work today: waiting for a confirmation, of these late, and still to come."""

    whose: str
    open: int
    late: int
    due: int


@dataclass(frozen=True, kw_only=True)
class GroupCounts:
    """How many enrolments are where. `late`: steps whose window ended while they waited for a person."""

    by_state: dict[EnrolmentState, int]
    at_risk: int
    late: int


# --- lists of groups ----------------------------------------------------------------------------------------


async def list_groups(
    tx: AsyncConnection, wanted: GroupFilter, *, before: Place | None, limit: int
) -> list[GroupRow]:
    """Return every group, the newest known first, each with its newest enrolment."""
    its = enrolment.alias("its")
    newest = sa.select(sa.func.max(its.c.id)).where(its.c.group_id == group.c.id).correlate(group)
    asked = (
        sa.select(*_GROUP, *_ENROLMENT)
        .select_from(group.outerjoin(enrolment, enrolment.c.id == newest.scalar_subquery()))
        .where(*wanted.conditions())
        .order_by(group.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(group.c.id < before.id)
    rows = (await tx.execute(asked)).all()
    return [_group_row(row, Place(at=row.group_first_seen_at, id=row.group_id)) for row in rows]


async def list_running(
    tx: AsyncConnection, wanted: GroupFilter, *, before: Place | None, limit: int
) -> list[GroupRow]:
    """Return the groups with a live enrolment, the latest opening first."""
    return await _list_live(tx, wanted, [], before, limit)


async def list_at_risk(
    tx: AsyncConnection, wanted: GroupFilter, *, before: Place | None, limit: int
) -> list[GroupRow]:
    """Return the groups under way that somebody should look at: see `count_groups`."""
    return await _list_live(tx, wanted, [_at_risk(wanted.now)], before, limit)


async def list_late(
    tx: AsyncConnection, wanted: GroupFilter, *, before: Place | None, limit: int
) -> list[GroupRow]:
    """Return the groups in which a step's window ended while it waited for a person."""
    return await _list_live(tx, wanted, [enrolment.c.id.in_(_late_ids(wanted.now))], before, limit)


async def count_groups(tx: AsyncConnection, wanted: GroupFilter) -> GroupCounts:
    """Return the counts above the lists.

    At risk is what is paused, has a score under 60, has an owner who left, or a confirmation that is late.
    """
    joined = enrolment.join(group, group.c.id == enrolment.c.group_id)
    risk = sa.func.sum(sa.case((_at_risk(wanted.now), 1), else_=0))
    states = (
        sa.select(enrolment.c.state, sa.func.count(), risk)
        .select_from(joined)
        .where(_IS_LIVE, *wanted.conditions())
        .group_by(enrolment.c.state)
    )
    rows = (await tx.execute(states)).all()
    late = (
        sa.select(sa.func.count())
        .select_from(occurrence.join(joined, enrolment.c.id == occurrence.c.enrolment_id))
        .where(_IS_OPEN, _IS_BY_PEOPLE, occurrence.c.window_end < wanted.now, *wanted.conditions())
    )
    return GroupCounts(
        by_state={EnrolmentState(row[0]): row[1] for row in rows},
        at_risk=sum(row[2] or 0 for row in rows),
        late=(await tx.execute(late)).scalar_one(),
    )


async def _list_live(
    tx: AsyncConnection,
    wanted: GroupFilter,
    more: list[sa.ColumnElement[bool]],
    before: Place | None,
    limit: int,
) -> list[GroupRow]:
    asked = (
        sa.select(*_GROUP, *_ENROLMENT)
        .select_from(enrolment.join(group, group.c.id == enrolment.c.group_id))
        .where(_IS_LIVE, *wanted.conditions(), *more)
        .order_by(enrolment.c.anchor_at.desc(), enrolment.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(paging.before(enrolment.c.anchor_at, enrolment.c.id, before))
    rows = (await tx.execute(asked)).all()
    return [_group_row(row, Place(at=row.anchor_at, id=row.enrolment_id)) for row in rows]


def _late_ids(now: datetime) -> sa.Select[Any]:
    return sa.select(occurrence.c.enrolment_id).where(_IS_OPEN, _IS_BY_PEOPLE, occurrence.c.window_end < now)


def _at_risk(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(
        enrolment.c.state == EnrolmentState.PAUSED,
        sa.and_(enrolment.c.score.is_not(None), enrolment.c.score < _PASSING_SCORE),
        group.c.status != GroupStatus.NORMAL,
        enrolment.c.id.in_(_late_ids(now)),
    )


async def list_group_ids(tx: AsyncConnection, wanted: GroupFilter) -> list[int]:
    """Return the ids of groups."""
    asked = sa.select(group.c.id).where(*wanted.conditions()).order_by(group.c.id)
    return list((await tx.execute(asked)).scalars().all())


# --- what stands beside the rows of a page ------------------------------------------------------------------


async def list_marks(tx: AsyncConnection, enrolment_ids: Sequence[int]) -> dict[int, list[StepMark]]:
    """Return the steps of whole groups by enrolment, by time."""
    its = occurrence.c
    asked = (
        sa.select(
            its.enrolment_id,
            its.step,
            its.n,
            its.delivery,
            its.state,
            its.due_at,
            its.window_end,
            its.executor,
        )
        .where(its.enrolment_id.in_(enrolment_ids), its.member == "")
        .order_by(its.due_at, its.id)
    )
    found: dict[int, list[StepMark]] = {}
    for row in (await tx.execute(asked)).all():
        mark = StepMark(
            step=row.step,
            n=row.n,
            delivery=row.delivery,
            state=OccurrenceState(row.state),
            due_at=row.due_at,
            window_end=row.window_end,
            executor=row.executor,
        )
        found.setdefault(row.enrolment_id, []).append(mark)
    return found


async def count_members(tx: AsyncConnection, group_ids: Sequence[int]) -> dict[int, int]:
    """Return how many customers are in each group now."""
    asked = (
        sa.select(group_member.c.group_id, sa.func.count())
        .where(
            group_member.c.group_id.in_(group_ids),
            group_member.c.quit_at.is_(None),
            group_member.c.kind != MemberKind.STAFF,
        )
        .group_by(group_member.c.group_id)
    )
    return {row[0]: row[1] for row in (await tx.execute(asked)).all()}


async def count_questions(tx: AsyncConnection, group_ids: Sequence[int]) -> dict[int, int]:
    """Return how many questions are open in each group."""
    asked = (
        sa.select(question.c.group_id, sa.func.count())
        .where(question.c.group_id.in_(group_ids), question.c.state == sa.literal_column("'open'"))
        .group_by(question.c.group_id)
    )
    return {row[0]: row[1] for row in (await tx.execute(asked)).all()}


# --- work ---------------------------------------------------------------------------------------------------


async def list_work(
    tx: AsyncConnection, wanted: GroupFilter, *, until: datetime, after: Place | None, limit: int
) -> list[WorkRow]:
    """Return what people have to do before `until`: first what waits for them, then what is still to come, by time.

    `wanted.owners`: only what these people have. Steps of single members are `list_personal`.
    """
    found: list[WorkRow] = []
    if after is None or after.is_urgent:
        is_open = [_IS_OPEN, occurrence.c.member == sa.literal_column("''")]
        found = await _list_work(tx, wanted, is_open, after, limit, is_open=True)
        after = None
    if len(found) < limit:
        is_due = [_IS_UNRELEASED, occurrence.c.due_at < until, enrolment.c.state != EnrolmentState.PAUSED]
        found += await _list_work(tx, wanted, is_due, after, limit - len(found), is_open=False)
    return found


async def list_personal(tx: AsyncConnection, wanted: GroupFilter, *, limit: int) -> list[PersonalWork]:
    """Return the one-to-one messages that wait for advisors, by group, step and person; the soonest to end first."""
    its = occurrence.c
    window_end = sa.func.min(its.window_end, type_=its.window_end.type)
    asked = (
        sa.select(
            group.c.id,
            group.c.name,
            enrolment.c.sop_version_id,
            enrolment.c.rhythm,
            its.step,
            _WHOSE.label("whose"),
            sa.func.count().label("number"),
            window_end.label("window_end"),
        )
        .select_from(_WORK)
        .where(_IS_OPEN, _IS_BY_PEOPLE, its.member != "", *_whose_work(wanted))
        .group_by(group.c.id, group.c.name, enrolment.c.sop_version_id, enrolment.c.rhythm, its.step, "whose")
        .order_by(window_end, group.c.id)
        .limit(limit)
    )
    return [
        PersonalWork(
            group_id=row.id,
            group_name=row.name,
            sop_version_id=row.sop_version_id,
            rhythm=row.rhythm,
            step=row.step,
            whose=row.whose,
            count=row.number,
            window_end=row.window_end,
        )
        for row in (await tx.execute(asked)).all()
    ]


async def count_work(tx: AsyncConnection, wanted: GroupFilter, *, until: datetime) -> list[OwnerWork]:
    """Return everybody's work before `until`, who has most late first."""
    is_late = sa.case((occurrence.c.window_end < wanted.now, 1), else_=0)
    waiting = (
        sa.select(_WHOSE.label("whose"), sa.func.count(), sa.func.sum(is_late))
        .select_from(_WORK)
        .where(_IS_OPEN, _IS_BY_PEOPLE, *_whose_work(wanted))
        .group_by("whose")
    )
    coming = (
        sa.select(_WHOSE.label("whose"), sa.func.count())
        .select_from(_WORK)
        .where(
            _IS_UNRELEASED,
            _IS_BY_PEOPLE,
            occurrence.c.due_at < until,
            enrolment.c.state != EnrolmentState.PAUSED,
            *_whose_work(wanted),
        )
        .group_by("whose")
    )
    opened = {row[0]: (row[1], row[2] or 0) for row in (await tx.execute(waiting)).all()}
    due = {row[0]: row[1] for row in (await tx.execute(coming)).all()}
    people = [
        OwnerWork(
            whose=who, open=opened.get(who, (0, 0))[0], late=opened.get(who, (0, 0))[1], due=due.get(who, 0)
        )
        for who in opened.keys() | due.keys()
    ]
    return sorted(people, key=lambda one: (-one.late, -one.open, -one.due, one.whose))


async def list_owners(tx: AsyncConnection, scope: GroupScope | None) -> list[str]:
    """Return who owns groups that were not dismissed."""
    asked = (
        sa.select(group.c.owner_platform_id)
        .where(group.c.dismissed_at.is_(None), group.c.owner_platform_id != "")
        .distinct()
        .order_by(group.c.owner_platform_id)
    )
    if scope is not None:
        asked = asked.where(scope.condition())
    return list((await tx.execute(asked)).scalars().all())


_WORK = occurrence.join(enrolment, enrolment.c.id == occurrence.c.enrolment_id).join(
    group, group.c.id == enrolment.c.group_id
)


def _whose_work(wanted: GroupFilter) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of a work list: there `owners` means who has the work."""
    found: list[sa.ColumnElement[bool]] = [_IS_LIVE]
    if wanted.scope is not None:
        found.append(
            sa.or_(wanted.scope.condition(), occurrence.c.executor.in_(sorted(wanted.scope.members)))
        )
    if wanted.owners is not None:
        found.append(_WHOSE.in_(sorted(wanted.owners)))
    if wanted.search:
        found.append(group.c.name.icontains(wanted.search, autoescape=True))
    return found


async def _list_work(
    tx: AsyncConnection,
    wanted: GroupFilter,
    conditions: list[sa.ColumnElement[bool]],
    after: Place | None,
    limit: int,
    *,
    is_open: bool,
) -> list[WorkRow]:
    its = occurrence.c
    asked = (
        sa.select(
            its.id.label("occurrence_id"),
            its.enrolment_id,
            enrolment.c.sop_version_id,
            enrolment.c.rhythm,
            enrolment.c.state.label("enrolment_state"),
            group.c.id.label("group_id"),
            group.c.name,
            group.c.chat_id,
            its.step,
            its.n,
            its.delivery,
            its.state,
            its.due_at,
            its.window_end,
            _WHOSE.label("whose"),
            its.rung,
            its.reason,
        )
        .select_from(_WORK)
        .where(*conditions, _IS_BY_PEOPLE, *_whose_work(wanted))
        .order_by(its.due_at, its.id)
        .limit(limit)
    )
    if after is not None:
        asked = asked.where(paging.after(its.due_at, its.id, after))
    return [_work_row(row, is_open=is_open) for row in (await tx.execute(asked)).all()]


def _work_row(row: Any, *, is_open: bool) -> WorkRow:
    return WorkRow(
        occurrence_id=row.occurrence_id,
        enrolment_id=row.enrolment_id,
        sop_version_id=row.sop_version_id,
        rhythm=row.rhythm,
        enrolment_state=EnrolmentState(row.enrolment_state),
        group_id=row.group_id,
        group_name=row.name,
        chat_id=row.chat_id,
        step=row.step,
        n=row.n,
        delivery=row.delivery,
        state=OccurrenceState(row.state),
        due_at=row.due_at,
        window_end=row.window_end,
        whose=row.whose,
        rung=row.rung,
        reason=row.reason,
        is_open=is_open,
    )


_GROUP = (
    group.c.id.label("group_id"),
    group.c.name,
    group.c.chat_id,
    group.c.owner_platform_id,
    group.c.status,
    group.c.dismissed_at,
    group.c.first_seen_at.label("group_first_seen_at"),
)
_ENROLMENT = (
    enrolment.c.id.label("enrolment_id"),
    enrolment.c.sop_version_id,
    enrolment.c.template,
    enrolment.c.rhythm,
    enrolment.c.round,
    enrolment.c.opens_on,
    enrolment.c.anchor_at,
    enrolment.c.state,
    enrolment.c.reason,
    enrolment.c.paused_until,
    enrolment.c.score,
)


def _group_row(row: Any, place: Place) -> GroupRow:
    its = None
    if row.enrolment_id is not None:
        its = EnrolmentRow(
            id=row.enrolment_id,
            sop_version_id=row.sop_version_id,
            template=row.template,
            rhythm=row.rhythm,
            round=row.round,
            opens_on=row.opens_on,
            anchor_at=row.anchor_at,
            state=EnrolmentState(row.state),
            reason=row.reason,
            paused_until=row.paused_until,
            score=row.score,
        )
    return GroupRow(
        id=row.group_id,
        name=row.name,
        chat_id=row.chat_id,
        owner=row.owner_platform_id,
        status=GroupStatus(row.status),
        dismissed_at=row.dismissed_at,
        enrolment=its,
        place=place,
    )


# --- versions -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class VersionUse:
    """A frozen version of a template without its body. `running`: live enrolments on it."""

    id: int
    template: str
    number: int
    digest: str
    frozen_at: datetime
    running: int


async def list_versions(tx: AsyncConnection) -> list[VersionUse]:
    """Return every frozen version, by template, the newest first."""
    live = (
        sa.select(enrolment.c.sop_version_id, sa.func.count().label("running"))
        .where(_IS_LIVE)
        .group_by(enrolment.c.sop_version_id)
        .subquery()
    )
    its = sop_version.c
    asked = (
        sa.select(its.id, its.template, its.number, its.digest, its.frozen_at, live.c.running)
        .outerjoin(live, live.c.sop_version_id == its.id)
        .order_by(its.template, its.id.desc())
    )
    return [
        VersionUse(
            id=row.id,
            template=row.template,
            number=row.number,
            digest=row.digest,
            frozen_at=row.frozen_at,
            running=row.running or 0,
        )
        for row in (await tx.execute(asked)).all()
    ]

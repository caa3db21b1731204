"""Members of groups for figures, plots and reports: stays as they are, read in few queries; domain/cohorts.py counts.

Read only. Of many groups only the customers of the time in question are read, in chunks of groups.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import cohorts
from domain.case import CaseKind, CaseState
from domain.cohorts import QuitAlarm, QuitRate, Source, SourceKind, SourceQuits
from domain.enrolment import LIVE_STATES
from domain.groups import GroupDay, GroupMember, MemberKind
from store import group_members, groups
from store.tables import (
    case,
    customer,
    enrolment,
    group,
    group_member,
    notice,
    page_visit,
    relation,
    tag,
)

_Value = TypeVar("_Value")
_CHUNK = 400
_LIVE = [str(state) for state in sorted(LIVE_STATES)]
# A walk that failed for so long is made up for by the next daily one.
_LOOK_BACK = timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class GroupQuits:
    """One line of the page of all groups. `present`: customers in it now; `joined`, `left`: stays since the beginning.

    `rates`: by hours, 24 and 72. `alarms`: what its quits say, told or not.
    """

    group_id: int
    present: int
    joined: int
    left: int
    rates: Mapping[int, QuitRate]
    alarms: tuple[QuitAlarm, ...]

    @property
    def is_at_risk(self) -> bool:
        """Say whether too many leave, for a page that lists groups at risk."""
        return any(alarm.kind is not cohorts.AlarmKind.BURST for alarm in self.alarms)


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Persons in groups under way: how many, and how many of them are in two or more (去重率)."""

    persons: int
    in_several: int

    @property
    def rate(self) -> float | None:
        return self.in_several / self.persons if self.persons else None


@dataclass(frozen=True, kw_only=True)
class Doubtful:
    """A member whom step 0.3 looks at, by platform id: in other groups under way, to be left alone, or complaining."""

    member: str
    nickname: str
    other_groups: tuple[str, ...] = ()
    has_opted_out: bool = False
    complaints: int = 0


async def find_seen(tx: AsyncConnection, group_id: int) -> datetime | None:
    """Return when a group's whole list was last read; None when it never was."""
    found: datetime | None = (
        await tx.execute(sa.select(group.c.seen_at).where(group.c.id == group_id))
    ).scalar_one_or_none()
    return found


async def list_stays(
    tx: AsyncConnection, group_ids: Sequence[int], *, since: datetime | None = None
) -> dict[int, list[GroupMember]]:
    """Return the stays of customers by group, the oldest first; groups without any have an empty list.

    `since`: only of persons who first joined then or later.
    """
    found: dict[int, list[GroupMember]] = {number: [] for number in group_ids}
    for chunk in _chunks(sorted(found)):
        wanted = (
            sa.select(group_member)
            .where(group_member.c.group_id.in_(chunk), group_member.c.kind == MemberKind.CUSTOMER)
            .order_by(group_member.c.group_id, group_member.c.joined_at, group_member.c.id)
        )
        if since is not None:
            earlier = group_member.alias("earlier")
            came_before = sa.exists().where(
                earlier.c.group_id == group_member.c.group_id,
                earlier.c.member_platform_id == group_member.c.member_platform_id,
                earlier.c.joined_at < since,
            )
            wanted = wanted.where(group_member.c.joined_at >= since, ~came_before)
        for row in (await tx.execute(wanted)).all():
            found[row.group_id].append(group_members.member_of(row))
    return found


async def list_quits(
    tx: AsyncConnection, group_ids: Sequence[int], now: datetime, *, hours: Iterable[int] = (24, 72)
) -> dict[int, GroupQuits]:
    """Return the members and quits of each group, for a page of groups; a few queries for some hundred of them."""
    stays = await list_stays(tx, group_ids)
    seen: dict[int, datetime | None] = {}
    for chunk in _chunks(sorted(stays)):
        rows = await tx.execute(sa.select(group.c.id, group.c.seen_at).where(group.c.id.in_(chunk)))
        seen.update((row.id, row.seen_at) for row in rows.all())
    return {number: _quits(number, its, now, tuple(hours), seen.get(number)) for number, its in stays.items()}


async def report_sources(
    tx: AsyncConnection,
    now: datetime,
    *,
    since: datetime,
    until: datetime,
    owners: Collection[str] | None = None,
    group_ids: Collection[int] | None = None,
) -> list[SourceQuits]:
    """Return how the members who first joined in [`since`, `until`) fared in their first day, by source.

    `owners`: only groups of these members of staff; `group_ids`: only these groups; None: all. For whoever chose the
    invitations; it never stops a group.
    """
    chosen = sa.select(group_member.c.group_id).where(
        group_member.c.joined_at >= since, group_member.c.joined_at < until
    )
    if owners is not None:
        chosen = chosen.join(group, group.c.id == group_member.c.group_id).where(
            group.c.owner_platform_id.in_(sorted(owners))
        )
    if group_ids is not None:
        chosen = chosen.where(group_member.c.group_id.in_(sorted(group_ids)))
    numbers = (await tx.execute(chosen.distinct())).scalars().all()
    stays = await list_stays(tx, numbers, since=since)
    counted = {number: [one for one in its if _within(one, until)] for number, its in stays.items()}
    sources = await list_sources(tx, [one for its in counted.values() for one in its])
    return cohorts.added_up(
        cohorts.by_source(its, now, sources, since=since, until=until) for its in counted.values()
    )


async def list_sources(tx: AsyncConnection, stays: Sequence[GroupMember]) -> dict[int, list[Source]]:
    """Return all sources of each stay: the join way, who invited, how, and what advisors know of the person."""
    known = await _relations(tx, {one.member_platform_id for one in stays})
    names = await _tag_names(tx, {one for _, tags in known.values() for one in tags})
    found: dict[int, list[Source]] = {}
    for one in stays:
        states, tags = known.get(one.member_platform_id, (set(), set()))
        sources = {
            Source(kind=SourceKind.WAY, name=one.state),
            Source(kind=SourceKind.INVITER, name=one.inviter_platform_id),
            Source(kind=SourceKind.SCENE, name=one.join_scene),
        }
        sources |= {Source(kind=SourceKind.RELATION, name=state) for state in states}
        sources |= {Source(kind=SourceKind.TAG, name=names.get(name, name)) for name in tags}
        found[one.id] = sorted(sources)
    return found


async def list_due_looks(tx: AsyncConnection, now: datetime) -> list[str]:
    """Return the chat ids of groups under way with a member whose hour came and whose list was not read since.

    A look at the hour makes the quit rate exact where the event of a quit was lost.
    """
    found: dict[str, None] = {}
    for hours in cohorts.GATES:
        gate = timedelta(hours=hours)
        wanted = (
            sa.select(group.c.chat_id, group.c.seen_at, sa.func.max(group_member.c.joined_at).label("last"))
            .join(group, group.c.id == group_member.c.group_id)
            .where(
                group_member.c.joined_at <= now - gate,
                group_member.c.joined_at > now - gate - _LOOK_BACK,
                group_member.c.kind == MemberKind.CUSTOMER,
                group_member.c.quit_at.is_(None),
                group.c.dismissed_at.is_(None),
                sa.exists().where(enrolment.c.group_id == group.c.id, enrolment.c.state.in_(_LIVE)),
            )
            .group_by(group.c.chat_id, group.c.seen_at)
            .order_by(group.c.chat_id)
        )
        for row in (await tx.execute(wanted)).all():
            if row.seen_at is None or row.seen_at < row.last + gate:
                found[row.chat_id] = None
    return list(found)


async def count_overlap(tx: AsyncConnection) -> Overlap:
    """Return how many customers are in groups under way, and how many in several."""
    number = sa.func.count(sa.distinct(group_member.c.group_id)).label("number")
    persons = (
        sa.select(group_member.c.member_platform_id, number)
        .join(enrolment, enrolment.c.group_id == group_member.c.group_id)
        .where(
            group_member.c.quit_at.is_(None),
            group_member.c.kind == MemberKind.CUSTOMER,
            enrolment.c.state.in_(_LIVE),
        )
        .group_by(group_member.c.member_platform_id)
        .subquery()
    )
    several = sa.func.sum(sa.case((persons.c.number > 1, 1), else_=0))
    row = (await tx.execute(sa.select(sa.func.count(), several).select_from(persons))).one()
    return Overlap(persons=row[0], in_several=row[1] or 0)


async def list_doubtful(tx: AsyncConnection, group_id: int) -> list[Doubtful]:
    """Return the customers in a group whom somebody should look at before it opens, by name."""
    present = _present(group_id).subquery()
    others = await _other_groups(tx, group_id)
    complaints = await _complaints(tx, group_id)
    wanted = (
        sa.select(present.c.member, customer.c.id, customer.c.nickname, customer.c.opted_out_at)
        .join(customer, customer.c.platform_id == present.c.member, isouter=True)
        .order_by(customer.c.nickname, present.c.member)
    )
    found = [
        Doubtful(
            member=row.member,
            nickname=row.nickname or "",
            other_groups=tuple(others.get(row.member, ())),
            has_opted_out=row.opted_out_at is not None,
            complaints=complaints.get(row.id, 0),
        )
        for row in (await tx.execute(wanted)).all()
    ]
    return [one for one in found if one.other_groups or one.has_opted_out or one.complaints]


async def list_tags(tx: AsyncConnection, group_id: int) -> dict[str, frozenset[str]]:
    """Return by customer in the group the names of the tags any advisor gave; customers of nobody are missing."""
    present = _present(group_id).subquery()
    wanted = (
        sa.select(present.c.member, relation.c.tags)
        .join(customer, customer.c.platform_id == present.c.member)
        .join(relation, relation.c.customer_id == customer.c.id)
        .where(relation.c.to_at.is_(None))
    )
    given: dict[str, set[str]] = {}
    for row in (await tx.execute(wanted)).all():
        given.setdefault(row.member, set()).update(row.tags)
    names = await _tag_names(tx, {one for tags in given.values() for one in tags})
    return {who: frozenset(names.get(one, one) for one in tags) for who, tags in given.items()}


async def list_own_days(tx: AsyncConnection, group_id: int, since: date, until: date) -> list[GroupDay]:
    """Return the platform's figures of a group, day by day: of those on which its owner had this one group only.

    The platform counts by owner, so on other days nothing is known of a single group.
    """
    wanted = sa.select(group.c.owner_platform_id).where(group.c.id == group_id)
    owner = (await tx.execute(wanted)).scalar_one()
    days = await groups.list_days(tx, owner)
    return [one for one in days if one.chats == 1 and since <= one.day <= until]


async def count_visitors(tx: AsyncConnection, enrolment_id: int) -> int:
    """Return how many different visitors opened any page of a group's week; nothing tells who they are."""
    number = sa.func.count(sa.distinct(page_visit.c.visitor))
    found = await tx.execute(sa.select(number).where(page_visit.c.enrolment_id == enrolment_id))
    return int(found.scalar_one())


async def count_staff(tx: AsyncConnection, group_id: int) -> int:
    """Return how many of a group's present members are not customers."""
    wanted = (
        sa.select(sa.func.count())
        .select_from(group_member)
        .where(
            group_member.c.group_id == group_id,
            group_member.c.quit_at.is_(None),
            group_member.c.kind != MemberKind.CUSTOMER,
        )
    )
    return int((await tx.execute(wanted)).scalar_one())


async def list_told(tx: AsyncConnection, keys: Collection[str]) -> frozenset[str]:
    """Return which of these keys of notices are in use: what was told, or will be."""
    wanted = sa.select(notice.c.key).where(notice.c.key.in_(sorted(keys)))
    return frozenset((await tx.execute(wanted)).scalars().all()) if keys else frozenset()


def _quits(
    number: int, stays: Sequence[GroupMember], now: datetime, hours: Sequence[int], seen_at: datetime | None
) -> GroupQuits:
    points = cohorts.curve(stays)
    return GroupQuits(
        group_id=number,
        present=sum(1 for one in stays if one.quit_at is None),
        joined=points[-1].joined if points else 0,
        left=points[-1].left if points else 0,
        rates={gate: cohorts.quit_rate(stays, gate, now, seen_at=seen_at) for gate in hours},
        alarms=tuple(cohorts.find_alarms(stays, now)),
    )


async def _relations(tx: AsyncConnection, members: Collection[str]) -> dict[str, tuple[set[str], set[str]]]:
    """Return of each customer the states of the contact ways and the tags, over all advisors, past ones too."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for chunk in _chunks(sorted(members)):
        wanted = (
            sa.select(customer.c.platform_id, relation.c.state, relation.c.tags)
            .join(relation, relation.c.customer_id == customer.c.id)
            .where(customer.c.platform_id.in_(chunk))
        )
        for row in (await tx.execute(wanted)).all():
            states, tags = found.setdefault(row.platform_id, (set(), set()))
            states |= {row.state} - {""}
            tags |= set(row.tags)
    return found


async def _tag_names(tx: AsyncConnection, tags: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in _chunks(sorted(tags)):
        rows = await tx.execute(sa.select(tag.c.platform_id, tag.c.name).where(tag.c.platform_id.in_(chunk)))
        found.update((row.platform_id, row.name) for row in rows.all())
    return found


async def _other_groups(tx: AsyncConnection, group_id: int) -> dict[str, list[str]]:
    """Return by member of the group the names of the other groups under way that they are in."""
    other = group_member.alias("other")
    present = _present(group_id).subquery()
    wanted = (
        sa.select(present.c.member, group.c.name)
        .join(other, other.c.member_platform_id == present.c.member)
        .join(group, group.c.id == other.c.group_id)
        .where(
            other.c.group_id != group_id,
            other.c.quit_at.is_(None),
            sa.exists().where(enrolment.c.group_id == group.c.id, enrolment.c.state.in_(_LIVE)),
        )
        .distinct()
        .order_by(group.c.name)
    )
    found: dict[str, list[str]] = {}
    for row in (await tx.execute(wanted)).all():
        found.setdefault(row.member, []).append(row.name)
    return found


async def _complaints(tx: AsyncConnection, group_id: int) -> dict[int, int]:
    present = _present(group_id).subquery()
    wanted = (
        sa.select(case.c.customer_id, sa.func.count())
        .join(customer, customer.c.id == case.c.customer_id)
        .join(present, present.c.member == customer.c.platform_id)
        .where(case.c.kind == CaseKind.COMPLAINT, case.c.state != CaseState.CLOSED)
        .group_by(case.c.customer_id)
    )
    return {row[0]: row[1] for row in (await tx.execute(wanted)).all()}


def _present(group_id: int) -> sa.Select[tuple[str]]:
    return sa.select(group_member.c.member_platform_id.label("member")).where(
        group_member.c.group_id == group_id,
        group_member.c.quit_at.is_(None),
        group_member.c.kind == MemberKind.CUSTOMER,
    )


def _within(stay: GroupMember, until: datetime) -> bool:
    return stay.joined_at is not None and stay.joined_at < until


def _chunks(values: Sequence[_Value]) -> Iterable[Sequence[_Value]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))

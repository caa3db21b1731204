"""A place for store tests: groups with members, an enrolment, advisors; made by the store's own functions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from domain.enrolment import Enrolment, EnrolmentState
from domain.groups import GroupSight, MemberKind
from domain.people import StaffOverride, StaffSight, StaffStatus
from domain.stays import Ended, Evidence, Joined
from store import enrolments, groups, relations, sop_versions, staff
from store.database import Store
from tests.measures.factory import START, at
from tests.sop import factory as sops

_numbers = itertools.count(1)
OWNER, CO_OWNER, LEADER, ADVISOR = "zhangsan", "lisi", "zhaoliu", "wangwu"


@dataclass
class Place:
    """One group and its enrolment in `store`."""

    store: Store
    group_id: int
    chat_id: str
    enrolment: Enrolment


async def staffed(store: Store) -> None:
    """Add the owner, the co-owner, their leader and an advisor."""
    sights = [
        StaffSight(
            platform_id=name,
            name=name,
            departments=(),
            leader_platform_id="" if name == LEADER else LEADER,
            status=StaffStatus.ACTIVE,
        )
        for name in (OWNER, CO_OWNER, LEADER, ADVISOR)
    ]
    await store.write(lambda tx: staff.record_sights(tx, sights, START))
    override = StaffOverride(platform_id=OWNER, co_owner_platform_id=CO_OWNER)
    await store.write(lambda tx: staff.set_overrides(tx, [override], START))


async def founded(
    store: Store,
    *,
    owner: str = OWNER,
    template: str = "finance_week1",
    state: EnrolmentState = EnrolmentState.RUNNING,
    staff_members: Sequence[str] = (OWNER, ADVISOR),
) -> Place:
    """Add a group with staff in it and an enrolment that began at START."""
    chat_id = f"wrPlace{next(_numbers)}"
    sight = GroupSight(
        chat_id=chat_id,
        name=f"群 {chat_id}",
        notice="",
        owner_platform_id=owner,
        created_at=START - timedelta(days=1),
        member_version="",
        members={
            name: (MemberKind.STAFF, Joined(at=START - timedelta(hours=1), is_exact=True))
            for name in staff_members
        },
        at=START,
    )
    await store.write(lambda tx: groups.record_sight(tx, sight, START))
    async with store.read() as tx:
        known = await groups.find(tx, chat_id)
    assert known is not None
    enrolled = await store.write(lambda tx: enrol(tx, known.id, owner, template, state))
    return Place(store=store, group_id=known.id, chat_id=chat_id, enrolment=enrolled)


async def enrol(
    tx: Any, group_id: int, owner: str, template: str, state: EnrolmentState = EnrolmentState.RUNNING
) -> Enrolment:
    """Add an enrolment that began at START."""
    version_id = await sop_versions.ensure(tx, template, 1, template, {}, [], START)
    row = {
        "sop_version_id": version_id,
        "template": template,
        "rhythm": "calm",
        "group_id": group_id,
        "round": 1,
        "owner_platform_id": owner,
        "opens_on": START.date(),
        "anchor_at": sops.shanghai("2026-11-23 00:00"),
        "state": state,
        "ticks": {},
        "facts": {},
        "page_code": f"{template}{group_id}",
        "score_parts": {},
        "enrolled_at": START,
    }
    (made,) = await enrolments.add(tx, [row])
    return made


async def heard(
    place: Place, members: Mapping[str, Sequence[Evidence]], kind: MemberKind = MemberKind.CUSTOMER
) -> None:
    """Let events tell of members."""
    kinds = dict.fromkeys(members, kind)
    await place.store.write(lambda tx: groups.record_members(tx, place.chat_id, members, kinds, START))


async def joined(place: Place, *who: str, hours: float = 0, **told: str) -> None:
    """Let customers join."""
    await heard(place, {name: [Joined(at=at(hours), is_exact=True, **told)] for name in who})


async def left(place: Place, *who: str, hours: float, reason: str = "left") -> None:
    """Let customers leave, told by an event."""
    await heard(place, {name: [Ended(at=at(hours), reason=reason)] for name in who})


async def befriended(store: Store, advisor: str, who: str, *, hours: float = 0, state: str = "") -> None:
    """Let a customer become an advisor's."""
    evidence = {(advisor, who): [Joined(at=at(hours), is_exact=True, state=state)]}
    await store.write(lambda tx: relations.add_evidence(tx, evidence, START))


async def rows(store: Store, table: sa.Table) -> list[Any]:
    """Return every row of a table."""
    async with store.read() as tx:
        return list((await tx.execute(sa.select(table).order_by(*table.primary_key.columns))).all())


def moment(hours: float) -> datetime:
    """Return the moment so many hours after the beginning."""
    return at(hours)

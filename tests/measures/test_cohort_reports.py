"""Members and quits read for pages and reports: many groups at once, sources, overlaps, gates to look at."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from domain.case import CaseKind, CaseWanted
from domain.cohorts import Source, SourceKind
from domain.enrolment import EnrolmentState
from domain.groups import GroupDay, GroupSight, MemberKind
from domain.people import OptOutSource, OptOutWanted
from domain.stays import Joined
from store import cases, cohort_reports, customers, groups, opt_outs, relations
from store.database import Store
from tests.measures import place as places
from tests.measures.factory import START, at
from tests.measures.place import ADVISOR, OWNER


async def test_many_groups_are_read_at_once_and_told_apart(store: Store) -> None:
    first, second = await places.founded(store), await places.founded(store)
    await places.joined(first, "wmA", "wmB", "wmC")
    await places.left(first, "wmA", hours=3)
    await places.left(first, "wmB", hours=3, reason="removed")
    await places.joined(second, "wmA", hours=30)

    async with store.read() as tx:
        found = await cohort_reports.list_quits(tx, [first.group_id, second.group_id, 99], at(40))

    one, other, unknown = (found[number] for number in (first.group_id, second.group_id, 99))
    assert (one.present, one.joined, one.left) == (1, 3, 2)
    assert (one.rates[24].members, one.rates[24].left, one.rates[24].removed) == (3, ("wmA",), ("wmB",))
    assert one.rates[72].members == 0
    assert (other.present, other.rates[24].members, other.rates[24].young) == (1, 0, 1)
    assert (unknown.present, unknown.joined) == (0, 0)
    assert not one.is_at_risk


async def test_a_group_that_loses_too_many_on_its_second_day_is_at_risk(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, *(f"wm{number}" for number in range(25)))
    for number in range(5):
        await places.left(place, f"wm{number}", hours=30 + number)

    async with store.read() as tx:
        found = (await cohort_reports.list_quits(tx, [place.group_id], at(60)))[place.group_id]

    assert found.is_at_risk
    assert [alarm.quits for alarm in found.alarms] == [5]


async def test_the_report_by_source_names_ways_inviters_scenes_relations_and_tags(store: Store) -> None:
    place, foreign = await places.founded(store), await places.founded(store, owner="somebody")
    await places.joined(place, "wmA", state="fair", inviter=ADVISOR, scene="scanned")
    await places.joined(place, "wmB", state="branch", scene="scanned")
    await places.joined(place, "wmLater", hours=80, state="fair")
    await places.joined(foreign, "wmX", state="fair")
    await places.left(place, "wmA", hours=2)
    await places.befriended(store, ADVISOR, "wmA", state="qr7")
    await store.write(
        lambda tx: relations.set_tags(tx, (ADVISOR, "wmA"), added={"etNew"}, removed=(), at=START)
    )

    async with store.read() as tx:
        report = await cohort_reports.report_sources(tx, at(60), since=at(-1), until=at(48), owners=[OWNER])

    rows = {(one.source.kind, one.source.name): (one.joined, one.left) for one in report}
    assert rows == {
        (SourceKind.WAY, "fair"): (1, 1),
        (SourceKind.WAY, "branch"): (1, 0),
        (SourceKind.INVITER, ADVISOR): (1, 1),
        (SourceKind.INVITER, ""): (1, 0),
        (SourceKind.SCENE, "scanned"): (2, 1),
        (SourceKind.RELATION, "qr7"): (1, 1),
        (SourceKind.TAG, "etNew"): (1, 1),
    }
    assert (
        Source(kind=SourceKind.WAY, name="fair")
        == report[[one.source.name for one in report].index("fair")].source
    )


async def test_who_was_in_before_the_time_is_not_of_its_cohort(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, "wmBack")
    await places.left(place, "wmBack", hours=1)
    await places.joined(place, "wmBack", hours=50, state="again")

    async with store.read() as tx:
        report = await cohort_reports.report_sources(tx, at(90), since=at(40), until=at(60))

    assert report == []


async def test_a_group_is_looked_at_when_a_members_hour_has_come(store: Store) -> None:
    place, ended = await places.founded(store), await places.founded(store, state=EnrolmentState.COMPLETED)
    await places.joined(place, "wmA", "wmB")
    await places.joined(ended, "wmA")

    async def looks(hours: float) -> list[str]:
        async with store.read() as tx:
            return await cohort_reports.list_due_looks(tx, at(hours))

    assert await looks(23.9) == []
    assert await looks(24.1) == [place.chat_id]
    assert await looks(27) == []  # Too long ago; the daily walk has it.
    await _see(place, 24.2, "wmA", "wmB")
    assert await looks(24.5) == []
    assert await looks(48.1) == [place.chat_id]


async def test_persons_in_several_groups_are_counted_once(store: Store) -> None:
    first, second = await places.founded(store), await places.founded(store)
    over = await places.founded(store, state=EnrolmentState.COMPLETED)
    await places.joined(first, "wmA", "wmB")
    await places.joined(second, "wmA", "wmGone")
    await places.left(second, "wmGone", hours=1)
    await places.joined(over, "wmB")

    async with store.read() as tx:
        found = await cohort_reports.count_overlap(tx)

    assert (found.persons, found.in_several, found.rate) == (2, 1, 0.5)


async def test_the_list_of_the_invited_names_whom_to_look_at(store: Store) -> None:
    place, other = await places.founded(store), await places.founded(store)
    await places.joined(place, "wmFine", "wmTwice", "wmQuiet", "wmAngry")
    await places.joined(other, "wmTwice")
    ids = await store.write(lambda tx: customers.ensure(tx, ["wmQuiet", "wmAngry"], START))
    wanted = OptOutWanted(source=OptOutSource.ADVISOR, evidence="口头说的")
    await store.write(lambda tx: opt_outs.record(tx, ids["wmQuiet"], wanted, actor=ADVISOR, at=START))
    await store.write(
        lambda tx: cases.open_or_add(
            tx,
            CaseWanted(kind=CaseKind.COMPLAINT, reason="H2"),
            customer_id=ids["wmAngry"],
            conversation_id=None,
            actor="bot",
            due_at=at(9),
            now=START,
        )
    )

    async with store.read() as tx:
        found = {one.member: one for one in await cohort_reports.list_doubtful(tx, place.group_id)}
        name = (await groups.find(tx, other.chat_id)).name  # type: ignore[union-attr]

    assert set(found) == {"wmTwice", "wmQuiet", "wmAngry"}
    assert found["wmTwice"].other_groups == (name,)
    assert found["wmQuiet"].has_opted_out
    assert found["wmAngry"].complaints == 1


async def test_daily_figures_count_only_where_the_owner_had_one_group(store: Store) -> None:
    place = await places.founded(store)
    days = [
        GroupDay(
            owner_platform_id=OWNER,
            day=START.date() + timedelta(days=number),
            new_chats=0,
            chats=chats,
            chats_with_messages=1,
            new_members=0,
            members=20,
            members_with_messages=5 + number,
            messages=30,
        )
        for number, chats in enumerate((1, 2, 1, 1))
    ]
    await store.write(lambda tx: groups.record_days(tx, days, START))

    async with store.read() as tx:
        first, last = START.date(), START.date() + timedelta(days=2)
        found = await cohort_reports.list_own_days(tx, place.group_id, first, last)

    assert [one.members_with_messages for one in found] == [5, 7]


async def test_staff_of_the_group_are_no_customers(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, "wmA")

    async with store.read() as tx:
        assert await cohort_reports.count_staff(tx, place.group_id) == 2
        assert [
            one.member_platform_id
            for one in (await cohort_reports.list_stays(tx, [place.group_id]))[place.group_id]
        ] == ["wmA"]


async def test_due_looks_go_by_the_hour_of_joining_not_through_every_group(store: Store) -> None:
    place = await places.founded(store)
    await places.joined(place, "wmA")

    async with store.read() as tx:
        if tx.dialect.name != "sqlite":
            return
        wanted = sa.text(
            "EXPLAIN QUERY PLAN SELECT id FROM group_member"
            " WHERE joined_at > '2026-11-23' AND joined_at <= '2026-11-24'"
        )
        plan = " ".join(str(row) for row in (await tx.execute(wanted)).all())

    assert "ix_group_member_coming" in plan


async def _see(place: places.Place, hours: float, *customers_in: str) -> None:
    sight = GroupSight(
        chat_id=place.chat_id,
        name="群",
        notice="",
        owner_platform_id=OWNER,
        created_at=START,
        member_version="",
        members={
            **{name: (MemberKind.STAFF, Joined(at=at(-1), is_exact=True)) for name in (OWNER, ADVISOR)},
            **{name: (MemberKind.CUSTOMER, Joined(at=at(0), is_exact=True)) for name in customers_in},
        },
        at=at(hours),
    )
    await place.store.write(lambda tx: groups.record_sight(tx, sight, at(hours)))

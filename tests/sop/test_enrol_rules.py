"""Groups that begin by a rule: each has its turn, however many there are, and nobody enrols one twice. Issue 4."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from bot.enrol_rules import EnrolRules
from content import sop_enrol, sop_files, sop_freezing
from content.sop_enrol import EnrolmentRule
from content.sop_shelf import Shelf
from domain.groups import MemberKind
from scheduler import walking
from store import enrolment_candidates, sop_versions, tables
from store.database import Store
from tests.content import shipped
from tests.sop import factory

WEEK1 = "finance_week1"
BY_NAME = EnrolmentRule(
    id="new",
    template=WEEK1,
    rhythm="",
    owners=(),
    name_pattern="新客",
    tag="",
    join_state="",
    min_size=0,
    max_size=None,
    opens_after_days=3,
    file="content/sop/enrol.toml",
    lineno=1,
)


class Place:
    """The rules' tick over a database with groups that the test makes."""

    def __init__(self, store: Store, clock: FrozenClock, shelf: Shelf) -> None:
        self.store = store
        self.clock = clock
        self.shelf = shelf

    def rules(self, pilot: Sequence[str] = (), **sizes: int) -> EnrolRules:
        nothing: Any = None
        walker = walking.Walker(
            self.store,
            self.clock,
            lambda: self.shelf,
            lambda: nothing,
            walking.WalkRules(batch=10, company={}, public_url="", internal_chat=""),
        )
        return EnrolRules(self.store, self.clock, lambda: self.shelf, walker, pilot=frozenset(pilot), **sizes)

    async def add_groups(self, names: Sequence[str], *, owner: str = "zhangsan") -> list[int]:
        now = self.clock.now()

        async def add(tx: AsyncConnection) -> list[int]:
            first = (await tx.execute(sa.select(sa.func.count()).select_from(tables.group))).scalar_one()
            rows = [
                {
                    "chat_id": f"wr{first + number}",
                    "name": name,
                    "owner_platform_id": owner,
                    "first_seen_at": now,
                    "created_at": now,
                    "seen_at": now,
                }
                for number, name in enumerate(names)
            ]
            await tx.execute(sa.insert(tables.group), rows)
            ids = (await tx.execute(sa.select(tables.group.c.id).order_by(tables.group.c.id))).scalars().all()
            return list(ids[-len(names) :])

        return await self.store.write(add)

    async def add_customers(self, group_id: int, count: int) -> None:
        rows = [
            {
                "group_id": group_id,
                "member_platform_id": f"wm{group_id}-{number}",
                "kind": MemberKind.CUSTOMER,
                "joined_at": self.clock.now(),
            }
            for number in range(count)
        ]
        await self.store.write(lambda tx: tx.execute(sa.insert(tables.group_member), rows))

    async def enrolled(self) -> list[int]:
        async with self.store.read() as tx:
            wanted = sa.select(tables.enrolment.c.group_id).order_by(tables.enrolment.c.group_id)
            return list((await tx.execute(wanted)).scalars().all())


@pytest.fixture
async def place(store: Store, frozen_clock: FrozenClock) -> Place:
    template = factory.template()
    body = sop_freezing.dump(template)
    version = await store.write(
        lambda tx: sop_versions.ensure(tx, WEEK1, 1, "digest", body, [], frozen_clock.now())
    )
    sops = sop_files.load(shipped.FOLDER, sop_files.load_rules(shipped.FOLDER), shipped.TODAY)
    shelf = Shelf(
        sops=replace(sops, rules=(BY_NAME,)),
        frozen={WEEK1: version},
        stored={},
        serves_samples=True,
        today=frozen_clock.now().date(),
    )
    return Place(store, frozen_clock, shelf)


async def test_group_behind_many_that_meet_no_rule_has_its_turn_4(place: Place) -> None:
    ids = await place.add_groups(["新客一群", *["别的群"] * 250, "新客二群"])
    # A look reads two pages of 50 groups; with the real sizes this would take 10,000 of them.
    rules = place.rules(page=50, pages=2)
    found = []

    for _ in range(4):
        await rules.look()
        found.append(await place.enrolled())

    assert found == [[ids[0]], [ids[0]], [ids[0], ids[-1]], [ids[0], ids[-1]]]
    (late,) = await place.add_groups(["新客三群"])
    for _ in range(3):
        await rules.look()
    assert await place.enrolled() == [ids[0], ids[-1], late]


async def test_who_is_in_a_group_counts_where_a_rule_asks_for_it_4(place: Place) -> None:
    few, enough = await place.add_groups(["新客一群", "新客二群"])
    await place.add_customers(few, 2)
    await place.add_customers(enough, 3)
    place.shelf = replace(place.shelf, sops=replace(place.shelf.sops, rules=(replace(BY_NAME, min_size=3),)))

    await place.rules().look()

    assert await place.enrolled() == [enough]


async def test_only_the_pilots_groups_and_the_named_owners_enter_by_a_rule_4(place: Place) -> None:
    ids = await place.add_groups(["新客一群", "新客二群"])
    (other,) = await place.add_groups(["新客三群"], owner="lisi")

    await place.rules(pilot=["wr1"]).look()
    of_pilot = await place.enrolled()
    place.shelf = replace(
        place.shelf, sops=replace(place.shelf.sops, rules=(replace(BY_NAME, owners=("lisi",)),))
    )
    await place.rules().look()

    assert of_pilot == [ids[1]]
    assert await place.enrolled() == [ids[1], other]


async def test_two_processes_enrol_a_group_once_4(place: Place) -> None:
    ids = await place.add_groups(["新客一群"] * 20)

    await asyncio.gather(*(place.rules().look() for _ in range(3)))

    assert await place.enrolled() == ids


async def test_groups_that_were_enrolled_once_are_free_no_more_4(place: Place) -> None:
    await place.add_groups(["新客一群"] * 300)
    await place.rules().look()
    (free,) = await place.add_groups(["别的群"])

    async with place.store.read() as tx:
        page = await enrolment_candidates.list_free(tx, after=0, most=1_000)
        behind = await enrolment_candidates.list_free(tx, after=free, most=1_000)

    assert ([group.id for group in page.free], page.last) == ([free], free)
    assert (behind.free, behind.last) == ((), None)


def test_rules_say_whose_groups_they_mean_and_whether_people_are_asked_4() -> None:
    named = replace(BY_NAME, id="named", owners=("lisi",), name_pattern="", tag="t")

    assert sop_enrol.owners_of([named]) == frozenset({"lisi"})
    assert sop_enrol.owners_of([named, BY_NAME]) is None
    assert [sop_enrol.asks_people(rule) for rule in (named, BY_NAME)] == [True, False]
    assert sop_enrol.may_meet([named, BY_NAME], "lisi", "老客群") == [named]
    assert sop_enrol.may_meet([named, BY_NAME], "anna", "新客群") == [BY_NAME]

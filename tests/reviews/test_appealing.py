"""Appeals in the store: the hold of a red line, the second reviewer, the second level, what time does."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import appealing, reviewing, second_looks
from audit.appealing import Company
from bot.appeal_times import AppealTimes
from bot.clock import FrozenClock
from content import review_rules
from domain.appeal import Actor, Appeal, AppealAct, AppealPart, AppealRefusal, AppealState
from domain.audit import Finding, FindingState
from domain.login import Role
from domain.review import Verdict, finding_key
from store import appeals, findings, logins, notices, reviews, staff, tables
from store.database import Store
from tests.reviews.conftest import Case, make_case

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

WANG = Actor(name="wang", part=AppealPart.ADVISOR)
LEAD = Actor(name="lead", part=AppealPart.REVIEWER)
SECOND = Actor(name="second", part=AppealPart.REVIEWER)
COMP = Actor(name="comp", part=AppealPart.REVIEWER, is_compliance=True)
COMP2 = Actor(name="comp2", part=AppealPart.REVIEWER, is_compliance=True)


class Way:
    """Appeals moved by people, in short."""

    def __init__(self, store: Store, clock: FrozenClock, at: Company) -> None:
        self.store, self.clock, self.at = store, clock, at

    async def confirm(self, case: Case, *, by: str = "lead") -> None:
        async def job(tx: AsyncConnection) -> None:
            for finding_id in (case.red, case.item):
                found = await findings.get(tx, finding_id)
                await reviewing.open_for_finding(tx, found, self.clock.now())
                one = await reviews.find_by_key(tx, f"red:{finding_id}")
                assert one is not None
                said = {finding_key(finding_id): Verdict.YES}
                assert await reviewing.decide(tx, one.id, said, by, "", self.clock.now()) is None

        await self.store.write(job)

    async def submit(
        self, finding_id: int, actor: Actor = WANG, reason: str = "是客户自己说的"
    ) -> AppealRefusal | None:
        now = self.clock.now()
        return await self.store.write(
            lambda tx: appealing.submit(tx, finding_id, actor, reason, self.at, now)
        )

    async def act(
        self, appeal_id: int, what: AppealAct, actor: Actor, note: str = "看过原话"
    ) -> AppealRefusal | None:
        now = self.clock.now()
        return await self.store.write(
            lambda tx: appealing.act(tx, appeal_id, what, actor, note, self.at, now)
        )

    async def decide(self, finding_id: int, what: AppealAct) -> None:
        one = await self.appeal(finding_id)
        for step, actor in ((AppealAct.TAKE, LEAD), (AppealAct.FORWARD, LEAD), (what, SECOND)):
            assert await self.act(one.id, step, actor) is None

    async def wait(self, days: float) -> int:
        self.clock.advance(timedelta(days=days))
        return await self.store.write(lambda tx: appealing.run_due(tx, self.at, self.clock.now()))

    async def appeal(self, finding_id: int, level: int = 1) -> Appeal:
        async with self.store.read() as tx:
            return next(one for one in await appeals.list_of_finding(tx, finding_id) if one.level == level)

    async def finding(self, finding_id: int) -> Finding:
        async with self.store.read() as tx:
            return await findings.get(tx, finding_id)

    async def reached(self, case: Case) -> tuple[float, str]:
        async with self.store.read() as tx:
            wanted = sa.select(tables.evaluation).where(tables.evaluation.c.id == case.evaluation)
            row = (await tx.execute(wanted)).one()
        return round(row.final_score, 1), row.final_grade

    async def acts(self, finding_id: int) -> list[tuple[str, str, str]]:
        async with self.store.read() as tx:
            known = await appeals.list_of_finding(tx, finding_id)
            entries = await appeals.list_entries(tx, [one.id for one in known])
        return [(one.actor, one.act.value, one.to_state.value) for one in entries]


@pytest.fixture
async def way(store: Store, frozen_clock: FrozenClock, at: Company, case: Case) -> Way:
    made = Way(store, frozen_clock, at)
    await made.confirm(case)
    return made


async def test_an_overturned_red_line_gives_the_grade_back(way: Way, case: Case) -> None:
    assert await way.reached(case) == (54.5, "fail")

    assert await way.submit(case.red) is None

    # Held at once: nothing counts before the decision.
    assert (await way.finding(case.red)).state is FindingState.SUSPECTED
    assert await way.reached(case) == (54.5, "fail")  # The 5 points of the other finding still cost 54.5.
    await way.decide(case.red, AppealAct.OVERTURN)
    assert (await way.finding(case.red)).state is FindingState.OVERTURNED
    assert (await way.appeal(case.red)).outcome == "overturned"
    assert await way.acts(case.red) == [
        ("wang", "open", "draft"),
        ("wang", "submit", "submitted"),
        ("lead", "take", "lead_review"),
        ("lead", "forward", "reinspection"),
        ("second", "overturn", "overturned"),
        ("timer", "lapse", "closed"),
    ]


async def test_statistics_follow_every_decision(way: Way, case: Case, store: Store) -> None:
    await way.submit(case.red)
    await way.submit(case.item)
    await way.decide(case.red, AppealAct.OVERTURN)
    assert await way.reached(case) == (54.5, "fail")

    await way.decide(case.item, AppealAct.EASE)

    # Half of the five points: 11 - 2.5 of 11.
    assert await way.reached(case) == (77.3, "coach")
    assert (await way.finding(case.item)).points == 2.5
    rules = review_rules.load()
    async with store.read() as tx:
        by_rule, by_reviewer = await second_looks.read_overturned(
            tx, way.clock.now() - timedelta(days=30), rules
        )
        told = await notices.list_of(tx, "wang", way.clock.now() - timedelta(days=1))
    assert {one.counts.name: (one.counts.decided, one.counts.overturned) for one in by_rule} == {
        "test.guarantee": (1, 1),
        "test.false_urgency": (1, 0),
    }
    assert [(one.counts.name, one.counts.decided) for one in by_reviewer] == [("lead", 2)]
    assert not by_rule[0].is_doubtful  # One decision is too few to call a rule bad.
    assert {one.title for one in told} >= {rules.notices["appeal_decided"]}


async def test_a_rule_that_is_often_overturned_goes_back_to_test(way: Way, store: Store, case: Case) -> None:
    for number in range(5):
        more = await store.write(lambda tx, number=number: make_case(tx, customer=f"wm_{number}"))  # type: ignore[misc]
        await way.confirm(more)
        await way.submit(more.red)
        await way.decide(more.red, AppealAct.OVERTURN if number < 2 else AppealAct.UPHOLD)

    async with store.read() as tx:
        by_rule, _ = await second_looks.read_overturned(
            tx, way.clock.now() - timedelta(days=30), review_rules.load()
        )
    assert [(one.counts.name, one.is_doubtful) for one in by_rule] == [("test.guarantee", True)]


async def test_who_judged_or_handed_on_does_not_decide(way: Way, case: Case) -> None:
    await way.submit(case.red)
    one = await way.appeal(case.red)
    other_lead = Actor(name="other", part=AppealPart.REVIEWER)
    await way.act(one.id, AppealAct.TAKE, other_lead)
    await way.act(one.id, AppealAct.FORWARD, other_lead)

    # `lead` confirmed the finding, `other` handed it on, `wang` is judged.
    for actor in (LEAD, other_lead):
        assert await way.act(one.id, AppealAct.UPHOLD, actor) is AppealRefusal.NOT_SECOND
    assert await way.act(one.id, AppealAct.UPHOLD, WANG) is AppealRefusal.NOT_YOURS
    assert await way.act(one.id, AppealAct.EASE, SECOND) is AppealRefusal.NO_PARTS
    assert await way.act(one.id, AppealAct.UPHOLD, SECOND, note=" ") is AppealRefusal.NO_REASON
    assert await way.act(one.id, AppealAct.UPHOLD, SECOND) is None
    assert (await way.finding(case.red)).state is FindingState.CONFIRMED
    assert (await way.reached(case))[1] == "fail"


async def test_compliance_is_asked_once_more_and_then_it_is_over(way: Way, case: Case) -> None:
    await way.submit(case.red)
    await way.decide(case.red, AppealAct.UPHOLD)
    first = await way.appeal(case.red)

    assert await way.act(first.id, AppealAct.RAISE, WANG, "还是不同意") is None

    second = await way.appeal(case.red, level=2)
    assert (await way.appeal(case.red)).state is AppealState.CLOSED
    assert (second.state, (await way.finding(case.red)).state) == (
        AppealState.SUBMITTED,
        FindingState.SUSPECTED,
    )
    assert await way.act(second.id, AppealAct.TAKE, SECOND) is AppealRefusal.COMPLIANCE_ONLY
    assert await way.act(second.id, AppealAct.TAKE, COMP) is None
    assert await way.act(second.id, AppealAct.UPHOLD, COMP) is None
    ended = await way.appeal(case.red, level=2)
    assert (ended.state, ended.outcome) == (AppealState.CLOSED, "upheld")
    assert (await way.finding(case.red)).state is FindingState.CONFIRMED
    assert await way.act(second.id, AppealAct.RAISE, WANG) is AppealRefusal.NOT_NOW
    assert await way.submit(case.red) is AppealRefusal.TWICE


async def test_silence_for_five_working_days_ends_the_right(way: Way, case: Case) -> None:
    assert await way.submit(case.red, reason=" ") is AppealRefusal.NO_REASON
    assert await way.submit(case.red, Actor(name="li", part=AppealPart.ADVISOR)) is AppealRefusal.NOT_YOURS

    # Confirmed on a Monday: the right ends with the Monday after.
    way.clock.advance(timedelta(days=7, hours=13))
    assert appealing.may_appeal(await way.finding(case.red), way.at, way.clock.now(), has_appeal=False)
    way.clock.advance(timedelta(hours=2))

    assert not appealing.may_appeal(await way.finding(case.red), way.at, way.clock.now(), has_appeal=False)
    assert await way.submit(case.red) is AppealRefusal.TOO_LATE


async def test_a_suspicion_cannot_be_appealed(
    store: Store, frozen_clock: FrozenClock, at: Company, case: Case
) -> None:
    assert await Way(store, frozen_clock, at).submit(case.red) is AppealRefusal.NOT_NOW


async def test_an_appeal_taken_back_leaves_the_finding_as_it_was(way: Way, case: Case) -> None:
    await way.submit(case.red)
    one = await way.appeal(case.red)

    assert await way.act(one.id, AppealAct.WITHDRAW, WANG, "") is None

    assert (await way.appeal(case.red)).outcome == "withdrawn"
    finding = await way.finding(case.red)
    assert (finding.state, finding.decided_by) == (FindingState.CONFIRMED, "lead")


async def test_what_nobody_takes_up_goes_to_compliance_and_is_reminded_of(
    way: Way, store: Store, case: Case
) -> None:
    async def people(tx: AsyncConnection) -> None:
        await staff.ensure(tx, ["comp"], way.clock.now())
        ids = await staff.find_ids(tx, ["comp"])
        await logins.add_login(
            tx,
            name="comp.login",
            display_name="comp",
            password_hash="",
            roles=[Role.COMPLIANCE],
            by="test",
            now=way.clock.now(),
            staff_id=ids["comp"],
        )

    await store.write(people)
    await way.submit(case.red)
    one = await way.appeal(case.red)
    assert await way.wait(3) == 0

    # Three working days after a Monday end with Thursday.
    assert await way.wait(1) == 1
    assert (await way.appeal(case.red)).state is AppealState.REINSPECTION
    assert await way.act(one.id, AppealAct.UPHOLD, SECOND) is AppealRefusal.COMPLIANCE_ONLY
    assert await way.wait(7) == 1
    assert (await way.appeal(case.red)).state is AppealState.REINSPECTION
    async with store.read() as tx:
        told = await notices.list_of(tx, "comp", one.opened_at)
    assert len(told) == 2
    assert {each.url for each in told} == {f"/console/audit/appeals/{one.id}"}

    assert await way.act(one.id, AppealAct.UPHOLD, COMP) is None
    assert await way.wait(8) == 1
    assert (await way.appeal(case.red)).state is AppealState.CLOSED
    assert [act for _, act, _ in await way.acts(case.red)] == [
        "open",
        "submit",
        "escalate",
        "remind",
        "uphold",
        "lapse",
    ]
    assert await way.wait(30) == 0


async def test_the_running_program_moves_what_is_overdue(way: Way, store: Store, case: Case) -> None:
    times = AppealTimes(store, way.clock, way.at.hours)
    await way.submit(case.red)

    await times.look()
    assert (await way.appeal(case.red)).state is AppealState.SUBMITTED
    way.clock.advance(timedelta(days=4))
    await times.look()

    assert (await way.appeal(case.red)).state is AppealState.REINSPECTION

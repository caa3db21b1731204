"""Calibration: everybody judges the same alone, the majority is agreed on, everybody is measured against it."""

from __future__ import annotations

import functools
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import calibrating, reviewing
from bot.clock import FrozenClock
from content import review_rules
from domain.audit import FindingState
from domain.review import MISSED, Review, ReviewRefusal, Verdict, finding_key
from domain.sampling import NewPlan, PlanKind
from store import calibrations, findings, reviews
from store.database import Store
from tests.audit import factory
from tests.reviews.conftest import hours, make_case

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

REVIEWERS = ("lead", "comp", "boss")
YES, NO = Verdict.YES, Verdict.NO


async def make_set(store: Store, clock: FrozenClock, *, size: int = 8) -> int | None:
    wanted = NewPlan(
        kind=PlanKind.CALIBRATION,
        name="x",
        from_at=factory.START - timedelta(days=1),
        until_at=factory.START + timedelta(days=1),
        population=0,
        seed=3,
        made_by="lead",
        made_at=clock.now(),
    )
    return await store.write(
        lambda tx: calibrating.make(tx, wanted, size, REVIEWERS, "r1", review_rules.load(), hours())
    )


async def judge(store: Store, clock: FrozenClock, one: Review, said: Verdict) -> ReviewRefusal | None:
    async def job(tx: AsyncConnection) -> ReviewRefusal | None:
        wanted = await reviewing.wanted_findings(tx, one)
        verdicts = {finding_key(each.id): said for each in wanted} | {MISSED: NO}
        return await reviewing.decide(tx, one.id, verdicts, one.reviewer, "x", clock.now())

    return await store.write(job)


async def test_a_set_is_judged_alone_and_agreed_on(store: Store, frozen_clock: FrozenClock) -> None:
    for number in range(6):
        await store.write(functools.partial(make_case, customer=f"wm_{number}"))
    set_id = await make_set(store, frozen_clock)
    assert set_id is not None
    async with store.read() as tx:
        one = await calibrations.find(tx, set_id)
        assert one is not None
        known = await reviews.list_of_plan(tx, one.plan_id)
    # Half of eight come from those with findings; of the others there are none.
    assert {each.reviewer: 4 for each in known} == dict.fromkeys(REVIEWERS, 4)
    assert len(known) == 12
    assert not await store.write(lambda tx: calibrating.close(tx, one, frozen_clock.now()))

    for place, each in enumerate(known):
        # The boss says no to everything, the others yes to all but the first session.
        said = NO if each.reviewer == "boss" or place < 3 else YES
        assert await judge(store, frozen_clock, each, said) is None
    assert await store.write(lambda tx: calibrating.close(tx, one, frozen_clock.now()))

    async with store.read() as tx:
        (result,) = await calibrating.results(tx)
        states = {
            each.state
            for session in {each.session_id for each in known}
            for each in await findings.list_of_session(tx, session)
        }
    assert states == {FindingState.SUSPECTED}  # Nothing of it decides anything.
    assert {each.reviewer: each.has_passed for each in result.reviewers} == {
        "lead": True,
        "comp": True,
        "boss": False,
    }
    assert {each.key for each in result.keys} == {"GUARANTEE", "FALSE_URGENCY", MISSED}
    assert all(each.alpha is None or each.alpha < 1 for each in result.keys)
    assert result.one.closed_at == frozen_clock.now()


async def test_nothing_to_draw_makes_no_set(store: Store, frozen_clock: FrozenClock) -> None:
    assert await make_set(store, frozen_clock) is None


async def test_a_tie_is_agreed_on_by_nobody(store: Store, frozen_clock: FrozenClock) -> None:
    case = await store.write(make_case)
    await store.write(functools.partial(make_case, customer="wm_other"))
    set_id = await make_set(store, frozen_clock, size=2)
    async with store.read() as tx:
        one = await calibrations.find(tx, set_id or 0)
        assert one is not None
        known = await reviews.list_of_plan(tx, one.plan_id)
    for each, said in zip(known, (YES, NO, Verdict.YES), strict=True):
        await judge(store, frozen_clock, each, said)

    async with store.read() as tx:
        done = await reviews.list_of_plan(tx, one.plan_id)
    assert set(calibrating.majority(done[:2]).values()) == {
        NO
    }  # Only what was missed: nobody says yes to it.
    assert YES in calibrating.majority(done).values()
    assert case.session

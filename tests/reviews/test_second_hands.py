"""Who may still decide: nothing counts while an appeal or a third look is open, and nobody decides twice."""

from __future__ import annotations

import pytest

from audit.appealing import Company
from bot.clock import FrozenClock
from domain.appeal import AppealAct, AppealRefusal
from domain.audit import FindingState
from domain.review import Review, ReviewKind, ReviewRefusal, Verdict, finding_key
from store import findings, reviews
from store.database import Store
from store.reviews import NewReview
from tests.reviews.conftest import Case
from tests.reviews.test_appealing import COMP, LEAD, SECOND, WANG, Way, way  # noqa: F401 - a fixture
from tests.reviews.test_reviewing import Desk, desk, grade  # noqa: F401 - a fixture

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

YES, NO, NA = Verdict.YES, Verdict.NO, Verdict.NA


async def second_of(desk: Desk, case: Case, first: Review) -> Review:  # noqa: F811
    """A second look at a whole session."""
    new = NewReview(
        key=f"blind:{first.id}",
        kind=ReviewKind.BLIND,
        session_id=case.session,
        subject="wang",
        blind_of=first.id,
        due_at=desk.clock.now(),
    )
    await desk.store.write(lambda tx: reviews.add(tx, [new], desk.clock.now()))
    found = await desk.find(new.key)
    assert found is not None
    return found


async def test_no_review_lets_a_red_line_count_while_its_appeal_is_open_5(
    way: Way,  # noqa: F811
    desk: Desk,  # noqa: F811
    case: Case,
) -> None:
    await way.submit(case.red)
    whole = await desk.add(case, ReviewKind.RANDOM)

    assert await desk.decide(whole, "boss", {finding_key(case.red): YES}) is None

    assert await desk.state(case.red) is FindingState.SUSPECTED
    await way.decide(case.red, AppealAct.OVERTURN)
    assert await desk.state(case.red) is FindingState.OVERTURNED


async def test_a_second_look_during_an_appeal_opens_no_third_5(
    way: Way,  # noqa: F811
    desk: Desk,  # noqa: F811
    case: Case,
) -> None:
    first = await desk.find(f"red:{case.red}")
    assert first is not None
    blind = await desk.find(f"blind:{first.id}") or await desk.add(case, ReviewKind.BLIND, of=first.id)
    await way.submit(case.red)

    assert await desk.decide(blind, "boss", {finding_key(case.red): NO}) is None

    assert await desk.find(f"third:{first.id}") is None
    await way.decide(case.red, AppealAct.UPHOLD)
    assert await desk.state(case.red) is FindingState.CONFIRMED


async def test_what_waits_for_a_third_is_decided_by_a_third_alone_5(
    desk: Desk,  # noqa: F811
    store: Store,
    case: Case,
) -> None:
    first = await desk.open(case.red)
    await desk.decide(first, "lead", {finding_key(case.red): YES})
    blind = await desk.find(f"blind:{first.id}") or await desk.add(case, ReviewKind.BLIND, of=first.id)
    await desk.decide(blind, "second", {finding_key(case.red): NO})
    whole = await desk.add(case, ReviewKind.RANDOM)

    said = {finding_key(case.red): YES, finding_key(case.item): NO}
    assert await desk.decide(whole, "lead", said) is None

    assert await desk.state(case.red) is FindingState.SUSPECTED
    assert (await grade(store, case))[1] == "excellent"


async def test_nobody_decides_the_same_finding_twice_5(
    desk: Desk,  # noqa: F811
    case: Case,
) -> None:
    key = finding_key(case.item)
    first = await desk.open(case.item)
    await desk.decide(first, "lead", {key: YES})
    await desk.decide(await second_of(desk, case, first), "second", {key: NO})
    third = await desk.find(f"third:{first.id}")
    assert third is not None
    assert await desk.decide(third, "boss", {key: NA}) is None
    assert await desk.state(case.item) is FindingState.SUSPECTED
    whole = await desk.add(case, ReviewKind.RANDOM)

    said = {key: YES, finding_key(case.red): NO}
    for who in ("lead", "second"):
        assert await desk.decide(whole, who, said) is ReviewRefusal.NOT_SECOND
    assert await desk.decide(whole, "boss", said) is None
    assert await desk.state(case.item) is FindingState.CONFIRMED


async def test_who_looked_second_at_the_session_does_not_decide_the_appeal_5(
    desk: Desk,  # noqa: F811
    store: Store,
    frozen_clock: FrozenClock,
    case: Case,
    at: Company,
) -> None:
    whole = await desk.add(case, ReviewKind.RANDOM)
    said = {finding_key(case.red): YES, finding_key(case.item): YES}
    await desk.decide(whole, "lead", said)
    blind = await second_of(desk, case, whole)
    assert await desk.decide(blind, "second", said) is None
    appeal_way = Way(store, frozen_clock, at)
    await appeal_way.submit(case.red)
    one = await appeal_way.appeal(case.red)
    await appeal_way.act(one.id, AppealAct.TAKE, LEAD)
    await appeal_way.act(one.id, AppealAct.FORWARD, LEAD)

    assert await appeal_way.act(one.id, AppealAct.UPHOLD, SECOND) is AppealRefusal.NOT_SECOND
    assert await appeal_way.act(one.id, AppealAct.UPHOLD, COMP) is None


async def test_an_appeal_taken_back_restores_what_was_before_it_5(
    way: Way,  # noqa: F811
    desk: Desk,  # noqa: F811
    store: Store,
    case: Case,
) -> None:
    await way.submit(case.red)
    one, now = await way.appeal(case.red), way.clock.now()
    await store.write(
        lambda tx: findings.decide(tx, case.red, to=FindingState.REJECTED, by="boss", note="", now=now)
    )

    assert await way.act(one.id, AppealAct.WITHDRAW, WANG, "") is None

    assert await desk.state(case.red) is FindingState.REJECTED


async def test_partly_on_the_second_level_too_takes_half_of_the_first_points_5(
    way: Way,  # noqa: F811
    case: Case,
) -> None:
    await way.submit(case.item)
    await way.decide(case.item, AppealAct.EASE)
    assert (await way.finding(case.item)).points == 2.5
    first = await way.appeal(case.item)
    await way.act(first.id, AppealAct.RAISE, WANG)
    second = await way.appeal(case.item, level=2)
    await way.act(second.id, AppealAct.TAKE, COMP)

    assert await way.act(second.id, AppealAct.EASE, COMP) is None

    assert (await way.finding(case.item)).points == 2.5

"""People decide: a suspicion counts once confirmed, two look where it was drawn, a third where they disagree."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import reviewing, second_looks
from audit.second_looks import Trust
from bot.clock import FrozenClock
from domain.audit import Evidence, FindingState
from domain.review import MISSED, Missed, Review, ReviewKind, ReviewRefusal, ReviewState, Verdict, finding_key
from store import findings, notices, reviews, tables
from store.database import Store
from store.reviews import NewReview
from tests.reviews.conftest import Case, make_case

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

YES, NO, NA = Verdict.YES, Verdict.NO, Verdict.NA


class Desk:
    """Reviews decided by people, in short."""

    def __init__(self, store: Store, clock: FrozenClock) -> None:
        self.store, self.clock = store, clock

    async def open(self, finding_id: int) -> Review:
        async def job(tx: AsyncConnection) -> Review:
            finding = await findings.get(tx, finding_id)
            await reviewing.open_for_finding(tx, finding, self.clock.now())
            found = await reviews.find_by_key(tx, f"red:{finding_id}")
            assert found is not None
            return found

        return await self.store.write(job)

    async def add(self, case: Case, kind: ReviewKind, *, of: int | None = None) -> Review:
        async def job(tx: AsyncConnection) -> Review:
            new = NewReview(
                key=f"{kind}:{of or case.session}",
                kind=kind,
                session_id=case.session,
                finding_id=case.red if of else None,
                blind_of=of,
                subject="wang",
                due_at=self.clock.now(),
            )
            await reviews.add(tx, [new], self.clock.now())
            found = await reviews.find_by_key(tx, new.key)
            assert found is not None
            return found

        return await self.store.write(job)

    async def decide(
        self, one: Review, by: str, verdicts: dict[str, Verdict], note: str = "x"
    ) -> ReviewRefusal | None:
        now = self.clock.now()
        return await self.store.write(lambda tx: reviewing.decide(tx, one.id, verdicts, by, note, now))

    async def state(self, finding_id: int) -> FindingState:
        async with self.store.read() as tx:
            return (await findings.get(tx, finding_id)).state

    async def find(self, key: str) -> Review | None:
        async with self.store.read() as tx:
            return await reviews.find_by_key(tx, key)


@pytest.fixture
def desk(store: Store, frozen_clock: FrozenClock) -> Desk:
    return Desk(store, frozen_clock)


async def grade(store: Store, case: Case) -> tuple[float, str]:
    async with store.read() as tx:
        row = (
            await tx.execute(sa.select(tables.evaluation).where(tables.evaluation.c.id == case.evaluation))
        ).one()
    return row.final_score, row.final_grade


async def test_a_suspicion_is_asked_about_once(store: Store, frozen_clock: FrozenClock, case: Case) -> None:
    async def job(tx: AsyncConnection) -> list[bool]:
        finding = await findings.get(tx, case.red)
        now = frozen_clock.now()
        return [await reviewing.open_for_finding(tx, finding, now) for _ in range(2)]

    assert await store.write(job) == [True, False]


async def test_a_suspicion_counts_against_nobody_before_it_is_confirmed(
    desk: Desk, store: Store, case: Case
) -> None:
    one = await desk.open(case.red)
    assert await grade(store, case) == (100.0, "excellent")

    assert await desk.decide(one, "lead", {finding_key(case.red): YES}) is None

    assert await desk.state(case.red) is FindingState.CONFIRMED
    score, final = await grade(store, case)
    assert (score, final) == (100.0, "fail")
    async with store.read() as tx:
        told = await notices.list_of(tx, "wang", desk.clock.now() - timedelta(days=1))
        entries = await findings.list_entries(tx, case.red)
    assert [one.url for one in told] == [f"/sidebar/audit/findings/{case.red}"]
    assert [(each.actor, each.to_state, each.review_id) for each in entries] == [
        ("lead", "confirmed", one.id)
    ]


async def test_to_reject_a_red_line_takes_a_reason(desk: Desk, case: Case) -> None:
    one = await desk.open(case.red)

    assert await desk.decide(one, "lead", {}) is ReviewRefusal.NO_VERDICT
    assert await desk.decide(one, "lead", {finding_key(case.red): NA}) is ReviewRefusal.NO_VERDICT
    assert await desk.decide(one, "lead", {finding_key(case.red): NO}, note=" ") is ReviewRefusal.NO_NOTE
    assert await desk.state(case.red) is FindingState.SUSPECTED
    assert await desk.decide(one, "lead", {finding_key(case.red): NO}, note="客户的原话") is None
    assert await desk.state(case.red) is FindingState.REJECTED
    assert await desk.decide(one, "lead", {finding_key(case.red): YES}) is ReviewRefusal.DONE


async def test_nobody_judges_a_session_they_took_part_in(
    desk: Desk, store: Store, frozen_clock: FrozenClock, case: Case
) -> None:
    one = await desk.open(case.red)
    now, mine = frozen_clock.now(), {finding_key(case.red): NO}

    assert await desk.decide(one, "wang", mine) is ReviewRefusal.OWN
    refused = await store.write(
        lambda tx: reviewing.decide(tx, one.id, mine, "w.login", "x", now, names=frozenset({"wang"}))
    )
    assert refused is ReviewRefusal.OWN


async def test_who_has_it_keeps_it_until_it_is_given_back(
    desk: Desk, store: Store, frozen_clock: FrozenClock, case: Case
) -> None:
    one, now = await desk.open(case.red), frozen_clock.now()
    take: Callable[[str], Awaitable[ReviewRefusal | None]] = lambda who: store.write(  # noqa: E731
        lambda tx: reviewing.take(tx, one.id, who, now)
    )

    assert await take("lead") is None
    assert await take("comp") is ReviewRefusal.TAKEN
    assert await desk.decide(one, "comp", {finding_key(case.red): YES}) is ReviewRefusal.TAKEN
    assert await store.write(lambda tx: reviews.set_waiting(tx, one.id, "lead"))
    assert await take("comp") is None


async def test_a_session_is_judged_with_all_its_suspicions(desk: Desk, store: Store, case: Case) -> None:
    alone = await desk.open(case.red)
    one = await desk.add(case, ReviewKind.RANDOM)
    said = {finding_key(case.red): NO, finding_key(case.item): YES, "E2": NO, MISSED: NO}

    assert await desk.decide(one, "lead", {finding_key(case.red): NO}) is ReviewRefusal.NO_VERDICT
    assert await desk.decide(one, "lead", said) is None

    assert await desk.state(case.item) is FindingState.CONFIRMED
    assert await desk.decide(alone, "comp", {finding_key(case.red): YES}) is ReviewRefusal.DONE
    score, final = await grade(store, case)
    assert score == pytest.approx(100 * 6 / 11)
    assert final == "fail"
    found = await desk.find(one.key)
    assert found is not None
    assert (found.state, found.verdicts) == (ReviewState.DONE, said)


async def test_the_second_look_is_another_persons_and_a_disagreement_a_thirds(
    desk: Desk, store: Store, case: Case
) -> None:
    first = await desk.open(case.red)
    await desk.decide(first, "lead", {finding_key(case.red): YES})
    blind = await desk.add(case, ReviewKind.BLIND, of=first.id)

    assert await desk.decide(blind, "lead", {finding_key(case.red): NO}) is ReviewRefusal.NOT_SECOND
    assert await desk.decide(blind, "comp", {finding_key(case.red): NO}) is None

    # In doubt, so it counts against nobody until somebody else has said.
    assert await desk.state(case.red) is FindingState.SUSPECTED
    assert (await grade(store, case))[1] == "excellent"
    third = await desk.find(f"third:{first.id}")
    assert third is not None
    for who in ("lead", "comp"):
        assert await desk.decide(third, who, {finding_key(case.red): YES}) is ReviewRefusal.NOT_SECOND
    assert await desk.decide(third, "boss", {finding_key(case.red): YES}) is None
    assert await desk.state(case.red) is FindingState.CONFIRMED
    assert (await grade(store, case))[1] == "fail"


async def test_agreement_is_told_by_item_and_label(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    """24 pairs: 20 agree on yes, two on no, and two do not agree."""
    answers = [(YES, YES)] * 20 + [(NO, NO)] * 2 + [(YES, NO), (NO, YES)]
    for number, (one, other) in enumerate(answers):
        case = await store.write(functools.partial(make_case, customer=f"wm_{number}"))
        first = await desk.open(case.red)
        await desk.decide(first, "lead", {finding_key(case.red): one, "E2": one})
        blind = await desk.add(case, ReviewKind.BLIND, of=first.id)
        await desk.decide(blind, "comp", {finding_key(case.red): other, "E2": NA})

    async with store.read() as tx:
        (found,) = await second_looks.read_agreement(
            tx, datetime.min.replace(tzinfo=frozen_clock.now().tzinfo)
        )
    assert (found.key, found.is_label, found.pairs.count) == ("GUARANTEE", True, 24)
    assert found.kappa == pytest.approx(0.619, abs=1e-3)
    assert found.pairs.positive == pytest.approx(40 / 42)
    assert found.trust is Trust.WEAK


async def test_a_red_line_only_a_person_found_counts_and_stays(
    desk: Desk, store: Store, frozen_clock: FrozenClock, case: Case
) -> None:
    one, now = await desk.add(case, ReviewKind.UNFLAGGED), frozen_clock.now()
    said = {finding_key(case.red): NO, finding_key(case.item): NO, MISSED: YES}
    missed = Missed(label="REBATE", message_id=case.talk.messages[2], said_at=case.talk.at(2))

    assert await desk.decide(one, "lead", said) is ReviewRefusal.NO_PLACE
    decide = functools.partial(reviewing.decide, review_id=one.id, verdicts=said, by="lead", now=now)
    assert await store.write(lambda tx: decide(tx, note=" ", missed=missed)) is ReviewRefusal.NO_NOTE
    assert await store.write(lambda tx: decide(tx, note="答应返现", missed=missed)) is None

    async with store.read() as tx:
        found = {each.label: each for each in await findings.list_of_session(tx, case.session)}
    added = found["REBATE"]
    assert (added.state, added.evidence, added.decided_by) == (FindingState.CONFIRMED, Evidence.HUMAN, "lead")
    assert [span.message_id for span in added.spans] == [case.talk.messages[2]]
    assert found["GUARANTEE"].state is FindingState.REJECTED
    assert (await grade(store, case))[1] == "fail"

    # Judged again by the rules, it is not theirs to take away.
    await store.write(lambda tx: findings.record(tx, [], now, session_ids=[case.session]))
    assert await desk.state(added.id) is FindingState.CONFIRMED

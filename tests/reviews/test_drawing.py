"""Samples from the store: what makes a session risky, what must be looked at, what a plan keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import drawing, reviewing
from bot.appeal_times import AppealTimes
from bot.clock import FrozenClock
from content import review_rules
from domain.audit import FindingState, TalkKind
from domain.case import CaseKind, CaseWanted
from domain.review import MISSED, Missed, ReviewKind, Verdict, finding_key
from domain.sampling import Candidate, NewPlan, PlanKind, Risk
from store import cases, findings, reviews, sampling_plans, tables
from store.database import Store
from store.reviews import NewReview
from tests.audit import factory
from tests.reviews.conftest import hours, make_case

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

RULES = review_rules.load()
DAY = timedelta(days=1)


async def add_session(
    tx: AsyncConnection, number: int, *, line: str = "service", figures: dict[str, Any] | None = None
) -> tuple[factory.Talk, int]:
    """Add a plain session of an old hand, within service hours."""
    lines = [(0.0, "C", "你好"), (1.0, "A~" if number == 3 else "A", "您好")]
    start = factory.START + timedelta(minutes=number)
    talk = await factory.talk(tx, TalkKind.CHAT, lines, customer=f"wm_{number}", start=start)
    session = await factory.session(tx, talk, line=line)
    await factory.evaluation(tx, session, figures=figures)
    return talk, session


async def read(store: Store) -> dict[int, Candidate]:
    async with store.read() as tx:
        facts = await sampling_plans.list_facts(tx, factory.START - DAY, factory.START + DAY)
    return {one.session_id: one for one in drawing.candidates_of(facts, RULES, hours())}


async def test_risks_come_from_what_is_on_record(store: Store) -> None:
    async def job(tx: AsyncConnection) -> dict[str, int]:
        made = {}
        _, made["plain"] = await add_session(tx, 1)
        _, made["loan"] = await add_session(tx, 2, line="loan")
        _, made["recalled"] = await add_session(tx, 3)
        _, made["angry"] = await add_session(tx, 4, figures={"mood_worst": -2.0})
        talk, made["promised"] = await add_session(tx, 5)
        promise = {
            "session_id": made["promised"],
            "conversation_id": talk.id,
            "message_id": talk.messages[1],
            "subject": "wang",
            "start": 0,
            "end": 2,
            "object": "回电",
            "made_at": talk.at(1),
            "due_at": talk.at(60),
            "state": "open",
        }
        await tx.execute(sa.insert(tables.promise).values(promise))
        talk, made["complained"] = await add_session(tx, 6)
        await cases.open_or_add(
            tx,
            CaseWanted(kind=CaseKind.COMPLAINT, reason="H2", note=""),
            customer_id=None,
            conversation_id=talk.id,
            actor="bot",
            due_at=talk.at(60),
            now=talk.at(2),
        )
        its = tables.staff.c.platform_id == "wang"
        old = datetime(2026, 1, 1, tzinfo=UTC)
        await tx.execute(sa.update(tables.staff).where(its).values(first_seen_at=old))
        return made

    made = await store.write(job)

    found = await read(store)
    assert {name: found[number].risks for name, number in made.items()} == {
        "plain": frozenset(),
        "loan": {Risk.WEIGHTY_LINE},
        "recalled": {Risk.RECALLED},
        "angry": {Risk.STRONG_EMOTION},
        "promised": {Risk.PROMISE},
        "complained": frozenset(),
    }
    assert [name for name, number in made.items() if found[number].is_must] == ["complained"]


async def test_a_new_advisor_with_an_earlier_red_line_is_drawn_ten_times_as_often(
    store: Store, frozen_clock: FrozenClock
) -> None:
    async def job(tx: AsyncConnection) -> int:
        case = await make_case(tx)
        await findings.decide(
            tx, case.red, to=FindingState.CONFIRMED, by="lead", note="", now=frozen_clock.now()
        )
        return (await add_session(tx, 2))[1]

    later = await store.write(job)

    found = (await read(store))[later]
    assert found.risks == {Risk.NEW_ADVISOR, Risk.EARLIER_RED}
    assert not found.is_flagged


async def test_a_plan_can_be_drawn_again_from_what_it_keeps(store: Store, frozen_clock: FrozenClock) -> None:
    now = frozen_clock.now()

    async def job(tx: AsyncConnection) -> int | None:
        for number in range(9):
            await add_session(tx, number)
        wanted = NewPlan(
            kind=PlanKind.RANDOM,
            name="x",
            from_at=factory.START - DAY,
            until_at=factory.START + DAY,
            population=0,
            seed=7,
            made_by="lead",
            made_at=now,
        )
        return await drawing.make(tx, wanted, 4, RULES, hours())

    plan_id = await store.write(job)

    assert plan_id is not None
    async with store.read() as tx:
        plan = await sampling_plans.find(tx, plan_id)
        drawn = await reviews.list_of_plan(tx, plan_id)
    assert plan is not None
    again = drawing.draw(plan.kind, list((await read(store)).values()), plan.size, plan.seed, RULES)
    assert [(one.session_id, one.weight) for one in again] == [(one.session_id, one.weight) for one in drawn]
    assert (plan.population, plan.size) == (9, 4)


async def test_what_must_be_looked_at_is_asked_about_by_itself_once_5(
    store: Store, frozen_clock: FrozenClock
) -> None:
    async def job(tx: AsyncConnection) -> dict[str, int]:
        made = {}
        for number, (name, kind, reason) in enumerate(
            (
                ("complaint", CaseKind.COMPLAINT, "H2"),
                ("surrender", CaseKind.SURRENDER, "H1"),
                ("at risk", CaseKind.QUESTION, "crisis"),
                ("asked", CaseKind.QUESTION, "H1"),
            )
        ):
            talk, made[name] = await add_session(tx, 10 + number)
            await cases.open_or_add(
                tx,
                CaseWanted(kind=kind, reason=reason, note=""),
                customer_id=None,
                conversation_id=talk.id,
                actor="bot",
                due_at=talk.at(60),
                now=talk.at(0.5),
            )
        # Brought again a week later, while the case is open; and an old talk of the same customer.
        later = await factory.say(tx, talk, [(7 * 1440, "C", "我要投诉"), (7 * 1440 + 1, "A", "您好")])
        made["again"] = await factory.session(tx, later)
        its = tables.session.c.id == made["surrender"]
        await tx.execute(sa.update(tables.session).where(its).values(subjects=["bot"]))
        talk, made["running"] = await add_session(tx, 20)
        its = tables.session.c.id == made["running"]
        await tx.execute(sa.update(tables.session).where(its).values(state="open"))
        for place in (talk, later):
            await cases.open_or_add(
                tx,
                CaseWanted(kind=CaseKind.COMPLAINT, reason="H2", note=""),
                customer_id=None,
                conversation_id=place.id,
                actor="bot",
                due_at=talk.at(60),
                now=place.at(0.5 if place is talk else 7 * 1440),
            )
        return made

    made = await store.write(job)
    frozen_clock.advance(timedelta(days=8))
    times = AppealTimes(store, frozen_clock, hours())

    await times.look()
    await times.look()

    async with store.read() as tx:
        rows = await reviews.list_queue(tx, kinds=[ReviewKind.MUST])
    asked = sorted((row.review.session_id, row.review.subject) for row in rows)
    assert asked == sorted(
        [
            (made["complaint"], "wang"),
            (made["surrender"], "bot"),
            (made["at risk"], "wang"),
            (made["again"], "wang"),
        ]
    )

    # A sample of them by hand asks about none of them a second time.
    by_hand = NewPlan(
        kind=PlanKind.MUST,
        name="x",
        from_at=factory.START - DAY,
        until_at=factory.START + DAY,
        population=0,
        seed=7,
        made_by="lead",
        made_at=frozen_clock.now(),
    )
    await store.write(lambda tx: drawing.make(tx, by_hand, 9, RULES, hours()))
    async with store.read() as tx:
        rows = await reviews.list_queue(tx, kinds=[ReviewKind.MUST])
    pairs = [(row.review.session_id, row.review.subject) for row in rows]
    assert (made["running"], "wang") in pairs
    assert len(pairs) == len(set(pairs)) > len(asked)


async def test_an_overturned_finding_makes_its_session_right_again_5(
    store: Store, frozen_clock: FrozenClock
) -> None:
    now = frozen_clock.now()

    async def job(tx: AsyncConnection) -> tuple[int, int]:
        case = await make_case(tx)
        wanted = NewPlan(
            kind=PlanKind.UNFLAGGED,
            name="x",
            from_at=factory.START - DAY,
            until_at=factory.START + DAY,
            population=1,
            seed=7,
            made_by="lead",
            made_at=now,
        )
        plan_id = await sampling_plans.add(tx, wanted, 1)
        new = NewReview(
            key="plan:x",
            kind=ReviewKind.UNFLAGGED,
            session_id=case.session,
            subject="wang",
            plan_id=plan_id,
            due_at=now,
        )
        await reviews.add(tx, [new], now)
        one = await reviews.find_by_key(tx, new.key)
        assert one is not None
        said = {finding_key(case.red): Verdict.YES, finding_key(case.item): Verdict.NO, MISSED: Verdict.YES}
        missed = Missed(label="REBATE", message_id=case.talk.messages[1], said_at=case.talk.at(1))
        assert await reviewing.decide(tx, one.id, said, "lead", "x", now, missed=missed) is None
        added = next(
            each for each in await findings.list_of_session(tx, case.session) if each.label == "REBATE"
        )
        return case.red, added.id

    red, missed = await store.write(job)

    async def share() -> float | None:
        async with store.read() as tx:
            (found,) = await drawing.results(tx)
        return found.wrong.share

    async def overturn(finding_id: int) -> None:
        await store.write(
            lambda tx: findings.decide(
                tx, finding_id, to=FindingState.OVERTURNED, by="second", note="", now=now
            )
        )

    assert await share() == 1.0
    await overturn(red)
    assert await share() == 1.0  # What was missed still stands.
    await overturn(missed)
    assert await share() == 0.0

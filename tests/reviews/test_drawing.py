"""Samples from the store: what makes a session risky, what must be looked at, what a plan keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import drawing
from bot.clock import FrozenClock
from content import review_rules
from domain.audit import FindingState, TalkKind
from domain.case import CaseKind, CaseWanted
from domain.sampling import Candidate, NewPlan, PlanKind, Risk
from store import cases, findings, reviews, sampling_plans, tables
from store.database import Store
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

"""What people decided stays: when a talk is cut again, judged again, and when two processes write at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.audit import Evidence, FindingState, Grade, NewFinding, Span
from domain.compliance import Severity
from store import doubts, evaluations, findings, tables
from store.database import Store
from tests.audit import factory
from tests.audit.factory import START, Line, Talk
from tests.audit.test_decisions import judged_session, judgement, new_finding
from tests.audit.test_judging import basis
from tests.audit.test_running import fill, run, sessions

on_one_engine = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
C, R, S, K = (
    FindingState.CONFIRMED,
    FindingState.REJECTED,
    FindingState.SUSPECTED,
    FindingState.COUNTED,
)
FIRST: Sequence[Line] = [(0, "C", "提前还款怎么算？"), (2, "A", "您好，我帮您查。"), (3, "C", "好的")]
SECOND: Sequence[Line] = [(40, "C", "再问一下利率"), (41, "A", "您好，以合同为准。")]


async def write_finding(tx: AsyncConnection, talk: Talk, session_id: int, message_id: int) -> int:
    """Add the red line a person found and confirmed; return its id."""
    new = NewFinding(
        key="human",
        session_id=session_id,
        conversation_id=talk.id,
        subject=factory.ADVISOR,
        item="",
        label="REBATE",
        severity=Severity.S0,
        is_red=True,
        evidence=Evidence.HUMAN,
        rule_id="human",
        rule_version="1",
        points=0.0,
        note="私下返现",
        occurred_at=START,
        spans=(Span(message_id=message_id),),
    )
    (added,) = await findings.record(tx, [new], START, session_ids=())
    await findings.decide(tx, added.id, to=C, by="lead", note="私下返现", now=START)
    return added.id


async def read(store: Store, finding_id: int) -> tuple[int, FindingState]:
    async with store.read() as tx:
        one = await findings.get(tx, finding_id)
    return one.session_id, one.state


async def grades(store: Store, session_id: int) -> list[Grade]:
    async with store.read() as tx:
        return [one.final_grade for one in await evaluations.list_of_session(tx, session_id)]


async def last_message(store: Store, talk: Talk) -> int:
    async with store.read() as tx:
        row = tables.message.c
        wanted = sa.select(row.id).where(row.conversation_id == talk.id).order_by(row.sent_at.desc()).limit(1)
        return int((await tx.execute(wanted)).scalar_one())


@on_one_engine
async def test_a_confirmed_red_line_goes_along_when_two_sessions_become_one_5(
    store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await fill(store, FIRST, SECOND)
    frozen_clock.advance(timedelta(hours=9))
    await run(store, frozen_clock, basis())
    (first, _, _), (second, _, _) = await sessions(store, talk)
    place = await last_message(store, talk)
    red = await store.write(lambda tx: write_finding(tx, talk, second, place))
    assert await grades(store, second) == [Grade.FAIL]

    await store.write(lambda tx: factory.say(tx, talk, [(20, "C", "还在吗？")]))
    await run(store, frozen_clock, basis())

    assert [number for number, _, _ in await sessions(store, talk)] == [first]
    assert await read(store, red) == (first, C)
    assert await grades(store, first) == [Grade.FAIL]


@on_one_engine
async def test_a_confirmed_red_line_goes_along_when_a_session_is_cut_in_two_5(
    store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await fill(store, FIRST[:1], [(200, "C", "有人吗？"), (201, "A", "您好，以合同为准。")])
    frozen_clock.advance(timedelta(hours=9))
    await run(store, frozen_clock, basis())
    ((first, _, _),) = await sessions(store, talk)
    place = await last_message(store, talk)
    red = await store.write(lambda tx: write_finding(tx, talk, first, place))

    await store.write(lambda tx: factory.say(tx, talk, FIRST[1:]))
    await run(store, frozen_clock, basis())

    (_, _, _), (second, _, _) = await sessions(store, talk)
    assert await read(store, red) == (second, C)
    assert Grade.FAIL not in await grades(store, first)
    assert await grades(store, second) == [Grade.FAIL]


@on_one_engine
async def test_what_people_wrote_or_doubt_does_not_vanish_when_judged_again_5(store: Store) -> None:
    async def walk(tx: AsyncConnection) -> None:
        talk, number = await judged_session(tx)
        human = await write_finding(tx, talk, number, talk.messages[1])
        new = new_finding(talk, number, key="auto", evidence=Evidence.AUTO)
        (auto,) = await evaluations.record(tx, number, judgement([new]), "r1", "c", "d", START)
        await findings.decide(tx, auto.id, to=C, by="lead", note="", now=START)
        for one in (human, auto.id):
            await doubts.put_back(tx, one, by="wang", note="", now=START, appeal_id=None)

        for found in ([new], []):
            await evaluations.record(tx, number, judgement(found), "r1", "c", f"d{len(found)}", START)
            assert [(await findings.get(tx, one)).state for one in (human, auto.id)] == [S, S]

        await findings.decide(tx, human, to=C, by="second", note="", now=START)

    await store.write(walk)


@on_one_engine
async def test_a_decision_costs_points_though_its_item_applies_no_more_5(store: Store) -> None:
    async def walk(tx: AsyncConnection) -> None:
        talk, number = await judged_session(tx)
        new = new_finding(talk, number)
        (one,) = await evaluations.record(tx, number, judgement([new]), "r1", "c", "d", START)
        await findings.decide(tx, one.id, to=C, by="lead", note="", now=START)
        before = [each.final_score for each in await evaluations.list_of_session(tx, number)]

        made = judgement([])
        (done,) = made.evaluated
        items = tuple(replace(item, earned=None) if item.item == new.item else item for item in done.items)
        made = replace(made, evaluated=(replace(done, items=items),))
        await evaluations.record(tx, number, made, "r2", "c", "d", START)

        assert [each.final_score for each in await evaluations.list_of_session(tx, number)] == before

    await store.write(walk)


@on_one_engine
@pytest.mark.parametrize("was_gone", [False, True])
async def test_a_finding_that_begins_to_count_can_be_seen_and_appealed_from_then_on_5(
    store: Store, was_gone: bool
) -> None:
    later = START + timedelta(days=20)

    async def walk(tx: AsyncConnection) -> None:
        talk, number = await judged_session(tx)
        evidence = Evidence.AUTO if was_gone else Evidence.ASSIST
        new = new_finding(talk, number, evidence=evidence)
        (one,) = await findings.record(tx, [new], START)
        if was_gone:
            await findings.record(tx, [], START, session_ids=[number])
        for at in (later, later + timedelta(days=1)):
            await findings.record(tx, [replace(new, evidence=Evidence.AUTO)], at)
        found = await findings.get(tx, one.id)
        assert (found.state, found.evidence, found.shown_at) == (K, Evidence.AUTO, later)

    await store.write(walk)


async def others_wait(store: Store) -> None:
    """Return once another connection of PostgreSQL waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while True:
        async with store.read() as tx:
            if (await tx.execute(sa.text(waiting))).scalar_one():
                return


async def test_two_who_decide_at_once_both_count_5(store: Store, database_url: str) -> None:
    async def prepare(tx: AsyncConnection) -> tuple[int, int, int]:
        talk, number = await judged_session(tx)
        kept = new_finding(talk, number, key="item")
        red = new_finding(talk, number, key="red", item="", is_red=True, points=0.0)
        one, two = await evaluations.record(tx, number, judgement([kept, red]), "r", "c", "d", START)
        return number, one.id, two.id

    number, item, red = await store.write(prepare)
    other = await Store.open(database_url)
    decided, go = asyncio.Event(), asyncio.Event()

    async def first(tx: AsyncConnection) -> None:
        await findings.decide(tx, item, to=C, by="lead", note="", now=START)
        decided.set()
        await go.wait()

    async def second(tx: AsyncConnection) -> None:
        await findings.decide(tx, red, to=C, by="second", note="", now=START)

    one = asyncio.create_task(store.write(first))
    await asyncio.wait_for(decided.wait(), 5)
    two = asyncio.create_task(other.write(second))
    if database_url.startswith("postgresql"):
        await asyncio.wait_for(others_wait(store), 5)
    go.set()
    await asyncio.wait_for(asyncio.gather(one, two), 10)
    await other.close()

    async with store.read() as tx:
        (done,) = await evaluations.list_of_session(tx, number)
    assert (done.final_score, done.final_grade) == (75.0, Grade.FAIL)


class Stopped:
    """A connection that stops before it changes findings."""

    def __init__(self, tx: AsyncConnection, reached: asyncio.Event, go: asyncio.Event) -> None:
        self._tx, self._reached, self._go = tx, reached, go

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    async def execute(self, statement: Any, *given: Any) -> Any:
        if str(statement).startswith("UPDATE finding"):
            self._reached.set()
            await self._go.wait()
        return await self._tx.execute(statement, *given)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
@pytest.mark.parametrize("is_found", [False, True])
async def test_judging_takes_no_decision_back_that_came_meanwhile_5(
    store: Store, database_url: str, is_found: bool
) -> None:
    async def prepare(tx: AsyncConnection) -> tuple[NewFinding, int, int]:
        talk, number = await judged_session(tx)
        new = new_finding(talk, number)
        (one,) = await findings.record(tx, [new], START)
        return new, number, one.id

    new, number, finding_id = await store.write(prepare)
    other = await Store.open(database_url)
    reached, go = asyncio.Event(), asyncio.Event()

    async def judge(tx: AsyncConnection) -> None:
        found = [replace(new, evidence=Evidence.AUTO)] if is_found else []
        stopped: Any = Stopped(tx, reached, go)
        await findings.record(stopped, found, START, session_ids=[number])

    judging = asyncio.create_task(store.write(judge))
    await asyncio.wait_for(reached.wait(), 5)
    decide = findings.decide
    await other.write(lambda tx: decide(tx, finding_id, to=R, by="lead", note="", now=START))
    go.set()
    await asyncio.wait_for(judging, 5)
    await other.close()

    assert await read(store, finding_id) == (number, R)

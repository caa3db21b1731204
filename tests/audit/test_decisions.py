"""What people decide about findings, and what that makes of a score: no decision but those the state allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import (
    Evaluated,
    Evidence,
    Figures,
    FindingState,
    Grade,
    ItemResult,
    Judgement,
    NewFinding,
    NewPromise,
    Span,
    TalkKind,
)
from domain.compliance import Severity
from domain.errors import DecisionRefused
from store import evaluations, findings, promises, tables
from store.database import Store
from tests.audit import factory

# Both engines where statements differ; the rules of deciding need only one.
on_one_engine = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
NOW = factory.START + timedelta(hours=2)
S, K, C, R, V, G = (
    FindingState.SUSPECTED,
    FindingState.COUNTED,
    FindingState.CONFIRMED,
    FindingState.REJECTED,
    FindingState.OVERTURNED,
    FindingState.GONE,
)


async def judged_session(tx: AsyncConnection) -> tuple[factory.Talk, int]:
    talk = await factory.talk(tx, TalkKind.CHAT, [(0, "C", "保本吗"), (1, "A", "保本的"), (2, "A", "放心")])
    return talk, await factory.session(tx, talk)


def new_finding(talk: factory.Talk, session_id: int, **values: object) -> NewFinding:
    base = NewFinding(
        key="k1",
        session_id=session_id,
        conversation_id=talk.id,
        subject=factory.ADVISOR,
        item="A4",
        label="EXAGGERATE",
        severity=Severity.S1,
        is_red=False,
        evidence=Evidence.ASSIST,
        rule_id="r.1",
        rule_version="v1",
        points=5.0,
        note="夸大",
        occurred_at=talk.at(1),
        spans=(Span(message_id=talk.messages[1], start=0, end=2),),
    )
    return replace(base, **values)  # type: ignore[arg-type]


def judgement(found: Sequence[NewFinding], given: Sequence[NewPromise] = ()) -> Judgement:
    items = (
        ItemResult(item="A4", weight=10, earned=10, evidence=Evidence.ASSIST, pending=5),
        ItemResult(item="E1", weight=10, earned=10, evidence=Evidence.AUTO),
        ItemResult(item="D1", weight=4, earned=None, evidence=Evidence.AUTO, reason="不适用"),
    )
    evaluated = Evaluated(
        subject=factory.ADVISOR, score=100.0, grade=Grade.EXCELLENT, weight=20, items=items, figures=Figures()
    )
    return Judgement(evaluated=(evaluated,), findings=tuple(found), promises=tuple(given))


async def outcome(tx: AsyncConnection, session_id: int) -> tuple[float | None, Grade]:
    (one,) = await evaluations.list_of_session(tx, session_id)
    return one.final_score, one.final_grade


async def test_confirmed_suspicion_costs_and_overturning_it_gives_back(store: Store) -> None:
    async def walk(tx: AsyncConnection) -> list[tuple[float | None, Grade]]:
        talk, number = await judged_session(tx)
        (one,) = await evaluations.record(
            tx, number, judgement([new_finding(talk, number)]), "r", "c", "d", NOW
        )
        seen = [await outcome(tx, number)]
        for to in (C, V):
            await findings.decide(tx, one.id, to=to, by="li", note="看过", now=NOW)
            seen.append(await outcome(tx, number))
        assert [row.to_state for row in await findings.list_entries(tx, one.id)] == [
            "confirmed",
            "overturned",
        ]
        return seen

    assert await store.write(walk) == [
        (100.0, Grade.EXCELLENT),
        (75.0, Grade.COACH),
        (100.0, Grade.EXCELLENT),
    ]


@on_one_engine
async def test_confirmed_red_line_fails_the_session_and_leaves_the_score(store: Store) -> None:
    async def walk(tx: AsyncConnection) -> None:
        talk, number = await judged_session(tx)
        red = new_finding(talk, number, item="", is_red=True, severity=Severity.S0, points=0.0)
        (one,) = await evaluations.record(tx, number, judgement([red]), "r", "c", "d", NOW)
        assert one.state is S
        assert await outcome(tx, number) == (100.0, Grade.EXCELLENT)
        await findings.decide(tx, one.id, to=C, by="li", note="", now=NOW)
        assert await outcome(tx, number) == (100.0, Grade.FAIL)
        await findings.decide(tx, one.id, to=V, by="zhao", note="", now=NOW)
        assert await outcome(tx, number) == (100.0, Grade.EXCELLENT)

    await store.write(walk)


@on_one_engine
async def test_appeal_that_is_right_in_part_costs_less(store: Store) -> None:
    async def walk(tx: AsyncConnection) -> tuple[float | None, Grade]:
        talk, number = await judged_session(tx)
        (one,) = await evaluations.record(
            tx, number, judgement([new_finding(talk, number)]), "r", "c", "d", NOW
        )
        await findings.decide(tx, one.id, to=C, by="li", note="", now=NOW)
        await findings.decide(tx, one.id, to=C, by="zhao", note="部分成立", now=NOW, points=1.0)
        return await outcome(tx, number)

    assert await store.write(walk) == (95.0, Grade.EXCELLENT)


@on_one_engine
@pytest.mark.parametrize("before", list(FindingState))
async def test_only_the_decisions_a_state_allows_are_taken(store: Store, before: FindingState) -> None:
    async def walk(tx: AsyncConnection) -> dict[FindingState, bool]:
        talk, number = await judged_session(tx)
        one = await factory.finding(tx, number, talk, state=before)
        taken = {}
        for to in FindingState:
            await tx.execute(
                sa.update(tables.finding).where(tables.finding.c.id == one).values(state=before.value)
            )
            try:
                await findings.decide(tx, one, to=to, by="li", note="", now=NOW)
            except DecisionRefused:
                taken[to] = False
            else:
                taken[to] = True
        return taken

    taken = await store.write(walk)

    allowed = {S: {C, R}, K: {C, R, V}, C: {R, V}, R: {C}, V: {C}, G: set()}[before] | {before}
    assert {state for state, done in taken.items() if done} == allowed


async def test_recording_again_changes_nothing(store: Store) -> None:
    async def count(tx: AsyncConnection) -> list[int]:
        of = (tables.evaluation, tables.finding, tables.finding_span, tables.promise)
        return [(await tx.execute(sa.select(sa.func.count()).select_from(one))).scalar_one() for one in of]

    async def walk(tx: AsyncConnection) -> None:
        talk, number = await judged_session(tx)
        made = judgement([new_finding(talk, number)], [promise(talk)])
        first = await evaluations.record(tx, number, made, "r", "c", "d", NOW)
        before = await count(tx)
        assert len(first) == 1
        assert await evaluations.record(tx, number, made, "r", "c", "d", NOW) == []
        assert await count(tx) == before == [1, 1, 1, 1]

    await store.write(walk)


@on_one_engine
async def test_new_rubric_adds_an_evaluation_and_keeps_the_old_one(store: Store) -> None:
    async def walk(tx: AsyncConnection) -> list[tuple[str, bool]]:
        _, number = await judged_session(tx)
        for version in ("r1", "r2", "r1"):
            await evaluations.record(tx, number, judgement([]), version, "c", "d", NOW)
        found = await evaluations.list_of_session(tx, number, only_current=False)
        return [(one.rubric_version, one.is_current) for one in found]

    assert await store.write(walk) == [("r1", True), ("r2", False)]


@on_one_engine
async def test_decision_outlives_a_new_rubric_and_a_finding_that_vanishes(store: Store) -> None:
    async def walk(tx: AsyncConnection) -> None:
        talk, number = await judged_session(tx)
        kept = new_finding(talk, number, key="kept")
        lost = new_finding(talk, number, key="lost", evidence=Evidence.AUTO)
        first, _ = await evaluations.record(tx, number, judgement([kept, lost]), "r1", "c", "d", NOW)
        await findings.decide(tx, first.id, to=C, by="li", note="", now=NOW)
        await evaluations.record(tx, number, judgement([]), "r2", "c", "d", NOW)
        found = {one.key: one.state for one in await findings.list_of_session(tx, number, with_gone=True)}
        assert found == {"kept": C, "lost": G}
        assert await outcome(tx, number) == (75.0, Grade.COACH)
        await evaluations.record(tx, number, judgement([kept, lost]), "r3", "c", "d", NOW)
        found = {one.key: one.state for one in await findings.list_of_session(tx, number)}
        assert found == {"kept": C, "lost": K}

    await store.write(walk)


async def test_finding_moves_along_when_its_words_are_cut_into_another_session(store: Store) -> None:
    async def walk(tx: AsyncConnection) -> None:
        talk, number = await judged_session(tx)
        await evaluations.record(tx, number, judgement([new_finding(talk, number)]), "r", "c", "d", NOW)
        later = await factory.talk(tx, TalkKind.CHAT, [(60, "C", "在吗")])
        other = await factory.session(tx, later)
        moved = judgement([new_finding(talk, other)])
        await evaluations.record_many(
            tx,
            [
                evaluations.Judged(
                    session_id=number, started_at=NOW, judgement=judgement([]), input_digest="e"
                ),
                evaluations.Judged(session_id=other, started_at=NOW, judgement=moved, input_digest="e"),
            ],
            "r",
            "c",
            NOW,
        )
        assert await findings.list_of_session(tx, number) == []
        (one,) = await findings.list_of_session(tx, other)
        assert one.state is S

    await store.write(walk)


def promise(talk: factory.Talk, kept: int | None = None) -> NewPromise:
    return NewPromise(
        message_id=talk.messages[1],
        subject=factory.ADVISOR,
        start=0,
        end=2,
        object="回复",
        made_at=talk.at(1),
        due_at=talk.at(60),
        kept_message_id=kept,
    )


async def test_promise_is_open_until_kept_or_its_time_has_passed(store: Store) -> None:
    async def walk(tx: AsyncConnection) -> list[str]:
        talk, number = await judged_session(tx)
        states: list[str] = []
        runs = [
            (30, [promise(talk)]),
            (90, [promise(talk)]),
            (90, [promise(talk, kept=talk.messages[2])]),
            (90, []),
        ]
        for minutes, given in runs:
            await evaluations.record(
                tx, number, judgement([], given), "r", "c", f"d{len(states)}", talk.at(minutes)
            )
            (one,) = await promises.list_of_session(tx, number)
            states.append(one.state)
        await promises.decide(tx, one.id, state="kept", by="li", now=NOW)
        await evaluations.record(tx, number, judgement([]), "r", "c", "d9", NOW)
        (one,) = await promises.list_of_session(tx, number)
        return [*states, one.state]

    assert await store.write(walk) == ["open", "broken", "kept", "withdrawn", "kept"]

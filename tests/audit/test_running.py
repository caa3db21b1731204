"""The worker: what is said becomes sessions, once and in whatever order it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import closings
from audit.loading import AuditRules
from audit.remaking import Means, Remade
from audit.running import AuditWorker, Done
from audit.seen import Basis
from bot.clock import FrozenClock
from domain.audit import SessionEnd, TalkKind
from store import audit_marks, audit_sessions, tables
from store.database import Store
from tests.audit import factory, written
from tests.audit.factory import Line, Talk

MORNING: Sequence[Line] = [(0, "C", "提前还款怎么算？"), (2, "A", "您好，我帮您查。"), (3, "C", "好的")]
EVENING: Sequence[Line] = [(300, "C", "再问一下利率"), (301, "A", "以合同为准。")]


async def at_once(work: Callable[[], list[Remade]]) -> list[Remade]:
    return work()


def worker(
    store: Store, clock: FrozenClock, done: list[Done] | None = None, basis: Basis | None = None, **rules: Any
) -> AuditWorker:
    means = Means(calendar=written.calendar(), closings=closings.load(), basis=basis, entity_modes={})
    seen = done if done is not None else []
    return AuditWorker(
        store, clock, AuditRules(**rules), lambda: means, owner="me", run=at_once, on_done=seen.append
    )


async def run(store: Store, clock: FrozenClock, basis: Basis | None = None, **rules: Any) -> list[Done]:
    """Work until nothing is due."""
    done: list[Done] = []
    one = worker(store, clock, done, basis, **rules)
    while await one.run_due() == 0:
        pass
    return done


async def fill(store: Store, *parts: Sequence[Line], kind: TalkKind = TalkKind.CHAT) -> Talk:
    async def job(tx: AsyncConnection) -> Talk:
        talk = await factory.talk(tx, kind, parts[0])
        for part in parts[1:]:
            await factory.say(tx, talk, part)
        return talk

    return await store.write(job)


async def sessions(store: Store, talk: Talk) -> list[tuple[int, int, str]]:
    async with store.read() as tx:
        found = await audit_sessions.list_of_conversation(tx, talk.id)
    return [(one.id, one.message_count, one.state) for one in found]


async def everything(store: Store) -> list[Any]:
    async with store.read() as tx:
        return [
            tuple(row)
            for table in (tables.session, tables.evaluation, tables.finding, tables.promise, tables.review)
            for row in (await tx.execute(sa.select(table).order_by(table.c.id))).all()
        ]


async def test_a_talk_becomes_sessions_and_running_again_changes_nothing(
    store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await fill(store, MORNING, EVENING)
    frozen_clock.advance(timedelta(hours=9))

    done = await run(store, frozen_clock)

    first, second = await sessions(store, talk)
    assert (first[1:], second[1:]) == ((3, SessionEnd.SILENCE), (2, SessionEnd.SILENCE))
    assert (done[0].messages, done[0].sessions) == (5, 2)
    before = await everything(store)
    await store.write(lambda tx: audit_marks.mark(tx, {talk.id: talk.start}, frozen_clock.now()))
    (again,) = await run(store, frozen_clock)
    assert (again.messages, again.sessions) == (5, 0)
    assert await everything(store) == before


async def test_who_waits_in_a_talk_becomes_a_question_until_somebody_answers_5(
    store: Store, frozen_clock: FrozenClock
) -> None:
    async def state() -> list[str]:
        async with store.read() as tx:
            return list((await tx.execute(sa.select(tables.question.c.state))).scalars())

    talk = await fill(store, [(0, "C", "提前还款怎么算？")])
    frozen_clock.advance(timedelta(minutes=5))
    await run(store, frozen_clock)
    assert await state() == ["open"]

    await store.write(lambda tx: factory.say(tx, talk, [(6, "A", "您好，我帮您查。")]))
    frozen_clock.advance(timedelta(minutes=2))
    await run(store, frozen_clock)

    assert await state() == ["answered"]


async def test_an_open_session_ends_when_silence_ends_it(store: Store, frozen_clock: FrozenClock) -> None:
    talk = await fill(store, MORNING)
    frozen_clock.advance(timedelta(minutes=10))
    await run(store, frozen_clock)
    ((number, _, state),) = await sessions(store, talk)
    assert state == SessionEnd.OPEN

    frozen_clock.advance(timedelta(minutes=22, seconds=59))
    assert await run(store, frozen_clock) == []
    frozen_clock.advance(timedelta(seconds=1))
    await run(store, frozen_clock)

    assert await sessions(store, talk) == [(number, 3, SessionEnd.SILENCE)]
    async with store.read() as tx:
        assert (await audit_marks.measure(tx, frozen_clock.now() + timedelta(days=30))).due == 0


async def test_late_messages_join_and_part_sessions_and_ids_stay(
    store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await fill(store, MORNING, EVENING)
    frozen_clock.advance(timedelta(hours=20))
    await run(store, frozen_clock)
    first, second = [one[0] for one in await sessions(store, talk)]

    # A question that was open all day: it holds the session, so both become one.
    await store.write(lambda tx: factory.say(tx, talk, [(4, "C", "违约金是多少")]))
    await run(store, frozen_clock)
    assert await sessions(store, talk) == [(first, 6, SessionEnd.SILENCE)]
    async with store.read() as tx:
        gone = await audit_sessions.find(tx, second)
    assert gone is not None
    assert gone.merged_into == first

    # Its answer was late to arrive too: two sessions again, with the ids they had.
    await store.write(lambda tx: factory.say(tx, talk, [(5, "A", "百分之一")]))
    await run(store, frozen_clock)
    assert await sessions(store, talk) == [(first, 5, SessionEnd.SILENCE), (second, 2, SessionEnd.SILENCE)]


async def test_a_new_session_touches_only_the_one_before_it(store: Store, frozen_clock: FrozenClock) -> None:
    talk = await fill(store, MORNING, EVENING)
    frozen_clock.advance(timedelta(hours=9))
    await run(store, frozen_clock)

    await store.write(lambda tx: factory.say(tx, talk, [(530, "C", "在吗")]))
    (done,) = await run(store, frozen_clock)

    assert (done.messages, done.sessions) == (3, 1)


async def test_batches_and_order_of_arrival_give_the_same_sessions(
    store: Store, frozen_clock: FrozenClock
) -> None:
    lines = [*MORNING, *EVENING, (700, "C", "在吗"), (1400, "A", "在的"), (1500, "C", "谢谢")]
    whole = await fill(store, lines)
    frozen_clock.advance(timedelta(days=9))
    await run(store, frozen_clock)

    async def piecemeal(tx: AsyncConnection) -> Talk:
        return await factory.talk(tx, TalkKind.CHAT, [], customer="wm_zhao")

    parted = await store.write(piecemeal)
    for line in (lines[5], lines[0], lines[6], lines[3], lines[1], lines[7], lines[2], lines[4]):
        await store.write(lambda tx, it=line: factory.say(tx, parted, [it]))  # type: ignore[misc]
        await run(store, frozen_clock)

    assert [one[1:] for one in await sessions(store, parted)] == [
        one[1:] for one in await sessions(store, whole)
    ]


async def test_a_long_talk_is_worked_on_in_parts(store: Store, frozen_clock: FrozenClock) -> None:
    lines = [
        (day * 1440 + minute, who, "怎么还款") for day in range(6) for minute, who in ((0, "C"), (1, "A"))
    ]
    talk = await fill(store, lines)
    frozen_clock.advance(timedelta(days=9))

    done = await run(store, frozen_clock, most_messages=3)

    assert [one[1] for one in await sessions(store, talk)] == [2] * 6
    assert len(done) > 1
    before = await everything(store)
    await store.write(lambda tx: audit_marks.mark(tx, {talk.id: talk.start}, frozen_clock.now()))
    await run(store, frozen_clock)
    assert await everything(store) == before


async def test_what_came_while_it_was_judged_is_looked_at_again(
    store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await fill(store, MORNING)
    frozen_clock.advance(timedelta(minutes=5))
    means = Means(calendar=written.calendar(), closings=closings.load(), basis=None, entity_modes={})

    async def slowly(work: Callable[[], list[Remade]]) -> list[Remade]:
        remade = work()
        await store.write(lambda tx: factory.say(tx, talk, [(4, "C", "还有一个问题")]))
        return remade

    one = AuditWorker(store, frozen_clock, AuditRules(), lambda: means, owner="me", run=slowly)
    await one.run_due()

    async with store.read() as tx:
        assert (await audit_marks.measure(tx, frozen_clock.now())).due == 1


async def test_workers_share_the_marks(store: Store, frozen_clock: FrozenClock) -> None:
    async def many(tx: AsyncConnection) -> list[Talk]:
        return [await factory.talk(tx, TalkKind.CHAT, MORNING, customer=f"wm_{n}") for n in range(12)]

    talks = await store.write(many)
    frozen_clock.advance(timedelta(hours=2))
    done: list[Done] = []
    means = Means(calendar=written.calendar(), closings=closings.load(), basis=None, entity_modes={})
    crew = [
        AuditWorker(
            store,
            frozen_clock,
            AuditRules(batch=2),
            lambda: means,
            owner=f"worker-{number}",
            run=at_once,
            on_done=done.append,
        )
        for number in range(3)
    ]

    async def until_idle(one: AuditWorker) -> None:
        while await one.run_due() == 0:
            pass

    await asyncio.gather(*(until_idle(one) for one in crew))

    assert sum(one.talks for one in done) == len(talks)
    assert [len(await sessions(store, talk)) for talk in talks] == [1] * len(talks)


async def test_one_that_fails_keeps_nobody_waiting(store: Store, frozen_clock: FrozenClock) -> None:
    bad, good = await fill(store, MORNING), await fill(store, MORNING, kind=TalkKind.KF)
    frozen_clock.advance(timedelta(hours=2))

    async def choosy(work: Callable[[], list[Remade]]) -> list[Remade]:
        remade = work()
        if any(one.conversation_id == bad.id for one in remade):
            raise ValueError("a rule nobody expected")
        return remade

    means = Means(calendar=written.calendar(), closings=closings.load(), basis=None, entity_modes={})
    one = AuditWorker(store, frozen_clock, AuditRules(), lambda: means, owner="me", run=choosy)
    await one.run_due()

    assert len(await sessions(store, good)) == 1
    assert await one.run_due() == 600.0


async def test_colleagues_are_never_cut_and_what_is_too_old_is_left_alone(
    store: Store, frozen_clock: FrozenClock
) -> None:
    inside = await fill(store, MORNING, kind=TalkKind.INTERNAL)
    old = await fill(store, MORNING, EVENING)
    frozen_clock.advance(timedelta(hours=9))

    await run(store, frozen_clock, from_at=old.at(100))

    assert await sessions(store, inside) == []
    assert [one[1] for one in await sessions(store, old)] == [2]
    async with store.read() as tx:
        assert (await audit_marks.measure(tx, datetime.max.replace(tzinfo=old.start.tzinfo))).due == 0

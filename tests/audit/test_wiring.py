"""The audit in the running program: what is said is judged, people are told, figures are kept."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import alarming
from bot import audits
from bot.clock import FrozenClock
from domain.attention import NoticeKind
from domain.audit import BOT, TalkKind
from domain.people import StaffSight, StaffStatus
from store import audit_marks, departments, logins, notices, staff, tables
from store.database import Store
from tests.audit import factory, test_running
from tests.audit.factory import START, Talk
from tests.content import shipped

RED = "这款产品保本保息，稳赚不赔，我拿人格担保"


def sight(name: str, leader: str = "") -> StaffSight:
    return StaffSight(
        platform_id=name,
        name=name,
        departments=(1,),
        leader_platform_id=leader,
        status=StaffStatus.ACTIVE,
    )


async def test_a_red_line_reaches_the_supervisor_once_an_hour_and_the_queue_each_time(
    store: Store, frozen_clock: FrozenClock
) -> None:
    async def fill(tx: AsyncConnection) -> Talk:
        await staff.record_sights(tx, [sight("wang", "boss"), sight("boss")], START)
        talk = await factory.talk(tx, TalkKind.CHAT, [(0, "C", "这个理财会亏吗"), (1, "A", RED)])
        return await factory.say(tx, talk, [(2, "A", "真的，保证收益，亏了我赔给你")])

    talk = await store.write(fill)
    frozen_clock.advance(timedelta(minutes=5))
    content = shipped.words()
    basis = audits.basis_of(content)

    await test_running.run(store, frozen_clock, basis)
    frozen_clock.advance(timedelta(minutes=2))
    await store.write(lambda tx: factory.say(tx, talk, [(6, "A", "保本保收益，内部渠道")]))
    await test_running.run(store, frozen_clock, basis)

    async with store.read() as tx:
        told = await notices.list_waiting(tx, ["boss", "wang"])
        reviews = (await tx.execute(sa.select(tables.review.c.kind, tables.review.c.subject))).all()
        scores = (await tx.execute(sa.select(tables.evaluation))).all()
    assert [(one.recipient, one.kind, one.is_exempt) for one in told] == [("boss", NoticeKind.ALARM, True)]
    assert "保本" not in told[0].text + told[0].title
    assert len(reviews) > 3
    assert set(reviews) == {("red", "wang")}
    assert scores == []  # The session is still open: red lines are told at once, scores are not.

    frozen_clock.advance(timedelta(hours=2))
    await test_running.run(store, frozen_clock, basis)
    async with store.read() as tx:
        (score,) = (await tx.execute(sa.select(tables.evaluation))).all()
        again = (await tx.execute(sa.select(tables.review.c.kind))).all()
    assert (score.subject, score.rubric_version) == ("wang", content.rubric.version)
    assert len(again) == len(reviews)


async def test_another_scorecard_gives_another_evaluation_and_keeps_the_old_one(
    store: Store, frozen_clock: FrozenClock
) -> None:
    talk = await test_running.fill(store, test_running.MORNING)
    frozen_clock.advance(timedelta(hours=2))
    content = shipped.words()
    first = audits.basis_of(content)
    await test_running.run(store, frozen_clock, first)

    second = audits.basis_of(content)
    second.rules_version = "other"
    marked = await store.write(
        lambda tx: audit_marks.mark_period(tx, talk.at(0), talk.at(60), frozen_clock.now())
    )
    await test_running.run(store, frozen_clock, second)

    async with store.read() as tx:
        rows = (await tx.execute(sa.select(tables.evaluation).order_by(tables.evaluation.c.id))).all()
    assert marked == 1
    assert [(row.rules_version, row.is_current) for row in rows] == [
        (first.rules_version, False),
        ("other", True),
    ]


async def test_who_is_told_of_whom(store: Store) -> None:
    async def fill(tx: AsyncConnection) -> None:
        names = [sight("led", "boss"), sight("alone"), sight("boss"), sight("chief")]
        await staff.record_sights(tx, names, START)
        known = await staff.find_ids(tx, ["chief"])
        await logins.add_login(
            tx,
            name="chief",
            display_name="chief",
            password_hash="x",
            roles=["supervisor"],
            by="test",
            now=START,
            staff_id=known["chief"],
        )

    await store.write(fill)
    async with store.read() as tx:
        told = await alarming.supervisors_of(tx, ["led", "alone", "chief", BOT, "stranger"])
        heads = await departments.list_all(tx)

    assert heads == []
    assert told == {
        "led": ("boss",),
        "alone": ("chief",),
        "chief": (),
        BOT: ("chief",),
        "stranger": ("chief",),
    }


async def test_a_promise_is_looked_at_again_when_it_falls_due_and_when_it_was_kept(
    store: Store, frozen_clock: FrozenClock
) -> None:
    async def fill(tx: AsyncConnection, customer: str) -> Talk:
        lines = [
            (0, "C", "我的退保进度怎么样了"),
            (1, "A", "您好，我明天上午十点前给您回复退保进度。"),
            (2, "C", "好的"),
        ]
        return await factory.talk(tx, TalkKind.CHAT, lines, customer=customer)

    broken = await store.write(lambda tx: fill(tx, "wm_broken"))
    kept = await store.write(lambda tx: fill(tx, "wm_kept"))
    basis = audits.basis_of(shipped.words())
    frozen_clock.advance(timedelta(hours=2))
    await test_running.run(store, frozen_clock, basis)
    assert await states(store) == {broken.id: "open", kept.id: "open"}

    reply = [(23 * 60, "A", "您好，您的退保进度已经查到，款项三天内到账。")]
    await store.write(lambda tx: factory.say(tx, kept, reply))
    frozen_clock.advance(timedelta(days=2))
    await test_running.run(store, frozen_clock, basis)

    assert await states(store) == {broken.id: "broken", kept.id: "kept"}
    before = await test_running.everything(store)
    for talk in (broken, kept):
        await store.write(lambda tx, it=talk: audit_marks.mark(tx, {it.id: it.start}, frozen_clock.now()))  # type: ignore[misc]
    await test_running.run(store, frozen_clock, basis)
    assert await test_running.everything(store) == before


async def states(store: Store) -> dict[int, str]:
    async with store.read() as tx:
        rows = (await tx.execute(sa.select(tables.promise.c.conversation_id, tables.promise.c.state))).all()
    return {row.conversation_id: row.state for row in rows}

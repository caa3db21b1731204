"""Erasing: what goes, what stays, what a hold keeps, and that the chain stays whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import bases, closings
from audit.loading import AuditRules
from audit.remaking import Means, Remade
from audit.running import AuditWorker
from bot import verifying
from bot.clock import FrozenClock
from bot.sealing import Sealer
from domain.audit import TalkKind
from domain.proof import Fault
from domain.talk import Author
from store import erasures, holds, logins, tables
from store.database import Store
from store.erasures import Erased
from tests.audit import factory as talks
from tests.audit import written
from tests.audit.factory import Line
from tests.content import shipped
from tests.proof import factory

sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def erase(store: Store, clock: FrozenClock, ids: list[int]) -> Erased:
    return await store.write(
        lambda tx: erasures.erase(
            tx, ids, reason="request", law="PIPL 47", by="qian", now=clock.now(), note="客户来电"
        )
    )


async def test_erasing_breaks_nothing_and_tells_who_when_and_why(
    store: Store, frozen_clock: FrozenClock
) -> None:
    made = await factory.fill(store, frozen_clock.now())
    await Sealer(store, frozen_clock).seal(everything=True)

    done = await erase(store, frozen_clock, made.messages[:2])
    again = await erase(store, frozen_clock, made.messages[:2])
    await Sealer(store, frozen_clock).seal(everything=True)
    found = await verifying.verify(store)

    assert done.message_ids == tuple(made.messages[:2])
    assert again.message_ids == ()
    assert (found.flaws, found.erased, found.pending) == ([], 2, 0)
    async with store.read() as tx:
        told = await erasures.list_of(tx, made.messages)
        body = sa.select(tables.message_body).where(tables.message_body.c.message_id == made.messages[0])
        row = (await tx.execute(body)).one()
    assert {one.law for one in told.values()} == {"PIPL 47"}
    assert (row.text, row.raw, row.menu_id, row.salt) == ("", "", "", "")
    assert row.erased_at == frozen_clock.now()


@sqlite
async def test_what_quotes_the_words_is_emptied_and_the_finding_stays(
    store: Store, frozen_clock: FrozenClock
) -> None:
    made = await factory.fill(store, frozen_clock.now())

    await erase(store, frozen_clock, made.messages[:1])
    async with store.read() as tx:
        notes = (await tx.execute(sa.select(tables.finding.c.note).order_by("id"))).scalars().all()

    assert [bool(note) for note in notes] == [False, True, True]


@sqlite
async def test_a_hold_beats_every_reason_until_it_is_lifted(store: Store, frozen_clock: FrozenClock) -> None:
    made = await factory.fill(store, frozen_clock.now())

    async def place(tx: AsyncConnection) -> int:
        return await holds.add(
            tx, reason="诉讼", by="qian", now=frozen_clock.now(), customer_id=made.customer
        )

    hold_id = await store.write(place)
    held = await erase(store, frozen_clock, made.messages)
    await store.write(lambda tx: holds.lift(tx, hold_id, by="qian", now=frozen_clock.now()))
    free = await erase(store, frozen_clock, made.messages)

    assert (held.message_ids, held.held_ids) == ((), tuple(made.messages))
    assert free.message_ids == tuple(made.messages)
    async with store.read() as tx:
        log = await logins.list_access(tx, limit=10, subject=f"customer:{made.customer}")
    assert [one.act for one in log] == ["lifted hold", "placed hold"]


@sqlite
async def test_a_hold_on_a_member_of_staff_keeps_every_talk_the_member_spoke_in(
    store: Store, frozen_clock: FrozenClock
) -> None:
    said = (Author.CUSTOMER, Author.SERVICER)

    async def job(tx: AsyncConnection) -> tuple[factory.Record, factory.Record]:
        now = frozen_clock.now()
        theirs = await factory.talk(tx, now, ["在吗", "在的"], authors=said, servicer="ZhangSan")
        other = await factory.talk(tx, now, ["在吗"], customer="wmBert")
        await holds.add(tx, reason="调查", by="qian", now=now, staff_platform_id="ZhangSan")
        return theirs, other

    theirs, other = await store.write(job)
    done = await erase(store, frozen_clock, [*theirs.messages, *other.messages])

    assert done.held_ids == tuple(theirs.messages)
    assert done.message_ids == tuple(other.messages)


@sqlite
async def test_words_blanked_behind_the_programs_back_are_reported(
    store: Store, frozen_clock: FrozenClock
) -> None:
    made = await factory.fill(store, frozen_clock.now())
    await erase(store, frozen_clock, made.messages[:1])
    await Sealer(store, frozen_clock).seal(everything=True)

    gone = sa.delete(tables.erasure).where(tables.erasure.c.message_id == made.messages[0])
    await store.write(lambda tx: tx.execute(gone))
    faults = {one.fault for one in (await verifying.verify(store)).flaws}

    assert faults == {Fault.ROW_MISSING, Fault.ERASED_WITHOUT_RECORD}


@sqlite
async def test_a_hold_is_on_exactly_one_thing(store: Store, frozen_clock: FrozenClock) -> None:
    with pytest.raises(ValueError, match="a hold is on one"):
        await store.write(lambda tx: holds.add(tx, reason="x", by="qian", now=frozen_clock.now()))


@sqlite
async def test_evaluations_keep_nothing_of_what_findings_said_5(
    store: Store, frozen_clock: FrozenClock
) -> None:
    made = await factory.fill(store, frozen_clock.now())
    taken = {"item": "C1", "weight": 4.0, "earned": 2.0, "evidence": "auto", "reason": "承诺保本：“可以”"}
    without = {"item": "C2", "weight": 4.0, "earned": None, "evidence": "auto", "reason": "没有许诺"}
    evaluations = tables.evaluation

    async def judge(tx: AsyncConnection) -> None:
        for number in (await tx.execute(sa.select(tables.session.c.id))).scalars().all():
            for rubric, is_current in (("old", False), ("new", True)):
                await tx.execute(
                    sa.insert(evaluations).values(
                        session_id=number,
                        subject="ZhangSan",
                        rubric_version=rubric,
                        rules_version="1",
                        input_digest="",
                        grade="good",
                        final_grade="good",
                        weight=4.0,
                        items=[taken, without],
                        figures={},
                        is_current=is_current,
                        started_at=frozen_clock.now(),
                        evaluated_at=frozen_clock.now(),
                    )
                )

    await store.write(judge)
    await erase(store, frozen_clock, made.messages[:1])
    async with store.read() as tx:
        rows = (await tx.execute(sa.select(evaluations.c["items"]).order_by("id"))).scalars().all()

    assert [[item["reason"] for item in items] for items in rows[:2]] == [["", "没有许诺"]] * 2
    assert [items[0]["earned"] for items in rows] == [2.0] * 6
    assert [bool(items[0]["reason"]) for items in rows[2:]] == [True] * 4


async def test_words_erased_while_the_audit_reads_them_leave_nothing_5(
    store: Store, frozen_clock: FrozenClock
) -> None:
    lines: list[Line] = [
        (0, "C", "这个会亏吗？"),
        (1, "A", "您好，放心，本金一分都不会少，我们保本保息。"),
        (2, "A", "明天上午给您回电话，把您身份证的事办好。"),
        (3, "C", "那提前还款怎么算？"),
    ]
    talk = await store.write(lambda tx: talks.talk(tx, TalkKind.CHAT, lines))
    frozen_clock.advance(timedelta(hours=1))

    async def erase_between(work: Callable[[], list[Remade]]) -> list[Remade]:
        made = work()
        await erase(store, frozen_clock, list(talk.messages))
        return made

    basis = bases.basis_of(shipped.words())
    means = Means(calendar=written.calendar(), closings=closings.load(), basis=basis, entity_modes={})
    await AuditWorker(
        store, frozen_clock, AuditRules(), lambda: means, owner="me", run=erase_between
    ).run_due()

    async with store.read() as tx:
        left = [
            (await tx.execute(sa.select(column))).scalars().all()
            for column in (tables.finding.c.note, tables.promise.c.object, tables.question.c.text)
        ]
    assert all(left)
    assert {text for each in left for text in each} == {""}

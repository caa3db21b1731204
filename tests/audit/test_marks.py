"""Marks: what is recorded in a talk makes the audit look from there on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import TalkKind
from store import audit_marks, tables
from store.audit_marks import Mark
from store.database import Store
from tests.audit import factory
from tests.audit.factory import START, Talk

WALL = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(minutes=5)


async def taken(store: Store, now: datetime, owner: str = "me", wall: datetime = WALL) -> list[Mark]:
    return await store.write(lambda tx: audit_marks.claim_due(tx, owner, now, wall, LEASE, 10))


async def test_every_message_marks_its_talk_from_the_earliest_on(store: Store) -> None:
    async def fill(tx: AsyncConnection) -> Talk:
        talk = await factory.talk(tx, TalkKind.CHAT, [(10, "C", "在吗"), (11, "A", "在的")])
        await factory.say(tx, talk, [(5, "C", "迟到的一句")])
        return talk

    talk = await store.write(fill)

    (mark,) = await taken(store, talk.at(20))

    assert (mark.conversation_id, mark.from_at, mark.version) == (talk.id, talk.at(5), 3)
    assert await taken(store, talk.at(20), owner="you") == []
    assert await taken(store, talk.at(20), owner="you", wall=WALL + 2 * LEASE) == [mark]


async def test_a_recall_marks_from_when_the_message_was_said(store: Store) -> None:
    talk = await store.write(lambda tx: factory.talk(tx, TalkKind.KF, [(0, "C", "您好")]))
    marks = await taken(store, talk.at(5))
    await store.write(lambda tx: audit_marks.settle(tx, marks, {}, "me"))
    assert await taken(store, talk.at(5)) == []

    said = await store.write(lambda tx: factory.say(tx, talk, [(30, "A~", "说错了")]))

    (mark,) = await taken(store, talk.at(40))
    assert mark.from_at == said.at(30)


async def test_what_came_while_somebody_looked_stays_marked(store: Store) -> None:
    talk = await store.write(lambda tx: factory.talk(tx, TalkKind.CHAT, [(0, "C", "您好")]))
    marks = await taken(store, talk.at(1))
    await store.write(lambda tx: factory.say(tx, talk, [(1, "C", "还有")]))

    await store.write(lambda tx: audit_marks.settle(tx, marks, {talk.id: (talk.at(0), talk.at(60))}, "me"))

    (mark,) = await taken(store, talk.at(2))
    assert (mark.version, mark.due_at) == (2, START)


async def test_an_open_session_is_looked_at_again_when_silence_would_end_it(store: Store) -> None:
    talk = await store.write(lambda tx: factory.talk(tx, TalkKind.CHAT, [(0, "C", "您好")]))
    marks = await taken(store, talk.at(1))

    await store.write(lambda tx: audit_marks.settle(tx, marks, {talk.id: (talk.at(0), talk.at(30))}, "me"))

    assert await taken(store, talk.at(29)) == []
    assert [one.conversation_id for one in await taken(store, talk.at(30))] == [talk.id]
    async with store.read() as tx:
        waiting = await audit_marks.measure(tx, talk.at(40))
        count = (await tx.execute(sa.select(sa.func.count()).select_from(tables.audit_mark))).scalar_one()
    assert (waiting.due, waiting.oldest_due_at, count) == (1, talk.at(30), 1)

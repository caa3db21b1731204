"""Who waits in a talk on record: told in time, quiet for closing words, ended by any colleague's answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from audit import closings, waiting
from domain.audit import Said, SessionEnd, Slice, TalkKind
from domain.talk import Author
from store import heard_questions, tables
from store.database import Store
from tests.audit import factory
from tests.audit.factory import START, Talk


def piece(talk: Talk, rows: list[Any], end: SessionEnd = SessionEnd.OPEN) -> Slice:
    said = tuple(
        Said(
            id=row.id,
            conversation_id=talk.id,
            msgid=row.msgid,
            author=Author(row.author),
            kind=row.kind,
            sent_at=row.sent_at,
            text=row.text,
            staff_id=row.servicer_id,
            sender_id=row.sender_id,
        )
        for row in rows
    )
    return Slice(conversation_id=talk.id, kind=talk.kind, messages=said, end=end)


async def looked(
    store: Store, talk: Talk, now: datetime, end: SessionEnd = SessionEnd.OPEN
) -> list[tuple[str, str]]:
    """Do as the audit's worker does with the conversation; return its questions: asker, state."""

    async def look(tx: Any) -> None:
        wanted = (
            sa.select(tables.message, tables.message_body.c.text)
            .join(tables.message_body, tables.message_body.c.message_id == tables.message.c.id)
            .where(tables.message.c.conversation_id == talk.id)
            .order_by(tables.message.c.sent_at)
        )
        rows = list((await tx.execute(wanted)).all())
        found = waiting.standing([piece(talk, rows, end)], closings.load(), now)
        assert found is not None
        await heard_questions.keep(tx, [found], now)

    await store.write(look)
    async with store.read() as tx:
        rows = (await tx.execute(sa.select(tables.question).order_by(tables.question.c.id))).all()
    return [(row.asker, row.state) for row in rows]


async def test_a_chat_question_waits_until_its_advisor_writes_5(store: Store) -> None:
    talk = await store.write(
        lambda tx: factory.talk(tx, TalkKind.CHAT, [(0, "C", "提前还款怎么算？"), (3, "C", "在吗？")])
    )

    assert await looked(store, talk, talk.at(4)) == [(factory.CUSTOMER, "open")]
    assert await looked(store, talk, talk.at(5)) == [(factory.CUSTOMER, "open")]

    await store.write(lambda tx: factory.say(tx, talk, [(6, "A", "您好，我帮您查。")]))
    assert await looked(store, talk, talk.at(7)) == [(factory.CUSTOMER, "answered")]


async def test_closing_words_and_what_is_old_or_over_raise_nothing_5(store: Store) -> None:
    lines = [(0.0, "C", "提前还款怎么算？"), (1.0, "A", "看合同。"), (2.0, "C", "好的，谢谢")]
    closed = await store.write(lambda tx: factory.talk(tx, TalkKind.CHAT, lines))
    old = await store.write(
        lambda tx: factory.talk(tx, TalkKind.CHAT, [(0, "C", "在吗？")], customer="wm_old")
    )

    assert await looked(store, closed, closed.at(3)) == []
    assert await looked(store, old, START + timedelta(days=2)) == []
    assert await looked(store, old, old.at(1), SessionEnd.QUESTION) == []


async def test_in_a_group_each_customer_waits_once_and_what_is_taken_back_is_dropped_5(store: Store) -> None:
    lines = [(0.0, "C:wm_a", "怎么报名？"), (2.0, "C:wm_b", "在哪里看？"), (4.0, "C:wm_a", "有人吗？")]
    talk = await store.write(lambda tx: factory.talk(tx, TalkKind.GROUP, lines))

    assert await looked(store, talk, talk.at(5)) == [("wm_a", "open"), ("wm_b", "open")]
    await store.write(lambda tx: factory.say(tx, talk, [(6, "A:li", "两位好，看群公告。")]))

    assert {state for _, state in await looked(store, talk, talk.at(7))} == {"answered"}


async def test_customer_service_waits_only_while_a_person_has_the_session_5(store: Store) -> None:
    talk = await store.write(lambda tx: factory.talk(tx, TalkKind.KF, [(0, "C", "提前还款怎么算？")]))
    assert await looked(store, talk, talk.at(1)) == []

    state = {"conversation_id": talk.id, "state": 3, "servicer_id": factory.ADVISOR, "changed_at": START}
    await store.write(lambda tx: tx.execute(sa.insert(tables.kf_state).values(state)))

    assert await looked(store, talk, talk.at(2)) == [(factory.CUSTOMER, "open")]

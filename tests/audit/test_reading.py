"""Messages as the audit reads them: each once, with what is known of it from other records."""

from __future__ import annotations

import json
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import ASSIGNED, Said, TalkKind
from domain.talk import Author
from store import audit_reading, groups, messages, tables
from store.database import Store
from tests.audit import factory
from tests.audit.factory import START, Talk


async def read(store: Store, talk: Talk) -> list[Said]:
    async with store.read() as tx:
        return await audit_reading.read_said(tx, talk.id, START)


async def test_answers_of_the_bot_carry_their_decision_and_welcomes_are_posts(store: Store) -> None:
    lines = [(0, "W", "欢迎"), (1, "C", "转人工"), (2, "B", "正在转接")]
    talk = await store.write(lambda tx: factory.talk(tx, TalkKind.KF, lines))
    handed = sa.update(tables.turn).values(decision="handover")
    await store.write(lambda tx: tx.execute(handed))

    welcome, asked, answer = await read(store, talk)

    assert (welcome.is_scheduled, welcome.decision) == (True, "")
    assert (asked.is_scheduled, asked.author) == (False, Author.CUSTOMER)
    assert (answer.is_scheduled, answer.decision) == (False, "handover")


async def test_an_event_that_gives_the_talk_to_somebody_says_to_whom(store: Store) -> None:
    def event(change: int, who: str) -> str:
        told = {"event_type": "session_status_change", "change_type": change, "new_servicer_userid": who}
        return json.dumps({"msgtype": "event", "event": told})

    async def fill(tx: AsyncConnection) -> Talk:
        talk = await factory.talk(tx, TalkKind.KF, [(0, "C", "在吗")])
        raws = [event(1, "wang"), event(2, "li"), event(3, ""), "no JSON"]
        new = [
            messages.NewMessage(
                conversation_id=talk.id,
                source="kf:wkA",
                msgid=f"e{number}",
                author=Author.SYSTEM,
                kind="event",
                sent_at=START + timedelta(minutes=number),
                raw=raw,
            )
            for number, raw in enumerate(raws, 1)
        ]
        await messages.add(tx, new, START)
        return talk

    talk = await store.write(fill)

    told = [(one.decision, one.staff_id) for one in (await read(store, talk))[1:]]
    assert told == [(ASSIGNED, "wang"), (ASSIGNED, "li"), ("", ""), ("", "")]


async def test_twins_count_once_and_a_mass_send_the_archive_tells_again_stays_one(store: Store) -> None:
    async def fill(tx: AsyncConnection) -> Talk:
        talk = await factory.talk(tx, TalkKind.CHAT, [(0, "A", "周年庆活动"), (1, "C", "怎么参加")])
        mass = await factory.say(tx, talk, [(0, "P", "周年庆活动")])
        row = {"twin_id": mass.messages[0], "message_id": talk.messages[0], "found_at": START}
        await tx.execute(sa.insert(tables.message_twin).values(row))
        return talk

    talk = await store.write(fill)

    post, asked = await read(store, talk)
    assert (post.id, post.source, post.is_scheduled) == (talk.messages[0], "archive", True)
    assert not asked.is_scheduled
    async with store.read() as tx:
        later = await audit_reading.read_many(tx, {talk.id: START + timedelta(seconds=1)}, 100)
    assert later is not None
    assert [one.id for one in later[talk.id]] == [asked.id]


async def test_words_that_were_withheld_or_erased_are_unseen_and_recalls_known(store: Store) -> None:
    async def fill(tx: AsyncConnection) -> Talk:
        lines = [(0, "C", "[withheld]"), (1, "C", "请删除我的记录"), (2, "A~", "说错了")]
        talk = await factory.talk(tx, TalkKind.CHAT, lines)
        gone = sa.update(tables.message_body).where(tables.message_body.c.message_id == talk.messages[1])
        await tx.execute(gone.values(text="", erased_at=START))
        return talk

    talk = await store.write(fill)

    withheld, erased, recalled = await read(store, talk)
    assert (withheld.is_seen, erased.is_seen, recalled.is_seen) == (False, False, True)
    assert (erased.is_recalled, recalled.is_recalled) == (False, True)
    assert erased.digest


async def test_more_than_can_be_held_is_counted_instead(store: Store) -> None:
    talk = await store.write(
        lambda tx: factory.talk(tx, TalkKind.CHAT, [(minute, "C", "在吗") for minute in range(5)])
    )

    async with store.read() as tx:
        assert await audit_reading.read_many(tx, {talk.id: START}, 4) is None
        assert await audit_reading.count_many(tx, {talk.id: START}) == {talk.id: 5}
        whole = await audit_reading.read_many(tx, {talk.id: START}, 5)
    assert whole is not None
    assert len(whole[talk.id]) == 5


async def test_who_answers_for_a_talk_is_its_member_or_the_groups_owner(store: Store) -> None:
    async def fill(tx: AsyncConnection) -> list[Talk]:
        await groups.ensure(tx, ["wrGroup"], START)
        await tx.execute(sa.update(tables.group).values(owner_platform_id="owner"))
        kinds = (TalkKind.CHAT, TalkKind.GROUP, TalkKind.KF)
        return [await factory.talk(tx, kind, [(0, "C", "在吗")]) for kind in kinds]

    talks = await store.write(fill)

    async with store.read() as tx:
        known = await audit_reading.list_talks(tx, [talk.id for talk in talks])
    assert [known[talk.id].staff_id for talk in talks] == ["wang", "owner", ""]

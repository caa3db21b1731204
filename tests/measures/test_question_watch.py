"""A question that waits: who has duty, who is told after 5, 15 and 30 minutes, what cannot wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bot.clock import FrozenClock
from domain.enrolment import Question, QuestionState
from domain.hours import Period, ServiceHours
from domain.talk import Author
from scheduler.question_watch import QuestionRules, QuestionWatch
from store import conversations, customers, messages, questions, tables
from store.database import Store
from store.messages import NewMessage
from tests.console.factory import knowledge
from tests.measures import place as places
from tests.measures.factory import START
from tests.measures.place import ADVISOR, CO_OWNER, LEADER, OWNER

HOURS = ServiceHours(
    zone=ZoneInfo("Asia/Shanghai"),
    periods=tuple(Period(weekday=weekday, opens=time(9), closes=time(18)) for weekday in range(5)),
)
PREPAY = "提前还款怎么算，要不要违约金？"


class Desk:
    """A group with its watch; START is ten o'clock on a Monday."""

    def __init__(self, store: Store, place: places.Place) -> None:
        self.store, self.place = store, place
        self.clock = FrozenClock(START)
        self.watch = self.another()

    def another(self) -> QuestionWatch:
        rules = QuestionRules(hours=HOURS, on_duty=(ADVISOR, CO_OWNER))
        return QuestionWatch(self.store, self.clock, knowledge, rules)

    async def mark(self, text: str = PREPAY, asker: str = "wmA", **more: Any) -> int:
        now = self.clock.now()
        number = await self.store.write(
            lambda tx: questions.mark(
                tx, text=text, by=ADVISOR, now=now, asker=asker, group_id=self.place.group_id, **more
            )
        )
        await self.settle()
        return number

    async def settle(self) -> None:
        while await self.watch.watch_due() == 0:
            pass

    async def pass_minutes(self, minutes: float) -> None:
        self.clock.advance(timedelta(minutes=minutes))
        await self.settle()

    async def told(self) -> list[tuple[str, str]]:
        """Return who was to be told since the beginning, and whether whatever the budget."""
        rows = await places.rows(self.store, tables.notice)
        return [(row.recipient, "exempt" if row.is_exempt else "usual") for row in rows]

    async def find(self, number: int) -> Question:
        async with self.store.read() as tx:
            found = await questions.find(tx, number)
        assert found is not None
        return found


async def opened(store: Store, staff_members: Sequence[str] = (OWNER, ADVISOR)) -> Desk:
    await places.staffed(store)
    place = await places.founded(store, staff_members=staff_members)
    await places.joined(place, "wmA")
    await places.befriended(store, ADVISOR, "wmA", hours=-2)
    return Desk(store, place)


async def test_advisor_co_owner_and_supervisor_are_told_one_after_the_other(store: Store) -> None:
    desk = await opened(store)
    number = await desk.mark()

    assert await desk.told() == []
    await desk.pass_minutes(5)
    assert await desk.told() == [(ADVISOR, "usual")]
    await desk.pass_minutes(9)
    assert await desk.told() == [(ADVISOR, "usual")]
    await desk.pass_minutes(1)
    await desk.pass_minutes(15)
    assert [who for who, _ in await desk.told()] == [ADVISOR, CO_OWNER, LEADER]
    await desk.pass_minutes(600)
    assert len(await desk.told()) == 3
    asked = await desk.find(number)
    assert (asked.rung, asked.next_at, asked.state) == (3, None, QuestionState.OPEN)


async def test_the_notice_offers_entries_and_never_quotes_the_customer(store: Store) -> None:
    desk = await opened(store)
    number = await desk.mark("我想问一下提前还款怎么算，要不要违约金呀")
    await desk.pass_minutes(5)

    (row,) = await places.rows(store, tables.notice)
    asked = await desk.find(number)
    assert asked.faq_id in knowledge().faqs
    assert knowledge().faqs[asked.faq_id].question in row.text
    assert "我想问一下" not in row.text + row.title
    assert row.url == f"/sidebar/group?chat_id={desk.place.chat_id}"
    assert row.question_id == number


async def test_an_answer_in_time_tells_nobody(store: Store) -> None:
    desk = await opened(store)
    number = await desk.mark()
    await desk.pass_minutes(4)
    await store.write(lambda tx: questions.answer(tx, number, by=ADVISOR, now=desk.clock.now()))

    await desk.pass_minutes(60)

    assert await desk.told() == []
    async with store.read() as tx:
        counts = await questions.count(tx, [desk.place.group_id], START, desk.clock.now())
    assert (counts[desk.place.group_id].late, counts[desk.place.group_id].judged) == (0, 1)


async def test_an_answer_takes_back_what_was_not_told_yet(store: Store) -> None:
    desk = await opened(store)
    number = await desk.mark()
    await desk.pass_minutes(6)

    await store.write(lambda tx: questions.answer(tx, number, by=OWNER, now=desk.clock.now()))

    (row,) = await places.rows(store, tables.notice)
    assert row.state == "withdrawn"
    async with store.read() as tx:
        counts = await questions.count(tx, [desk.place.group_id], START, desk.clock.now())
    assert counts[desk.place.group_id].late == 1


async def test_a_question_of_the_night_waits_for_the_morning(store: Store) -> None:
    desk = await opened(store)
    desk.clock.advance(timedelta(hours=11))  # Nine in the evening.
    number = await desk.mark()

    await desk.pass_minutes(11 * 60)

    assert await desk.told() == []
    assert (await desk.find(number)).late_at == START + timedelta(hours=23, minutes=5)
    await desk.pass_minutes(65)
    assert await desk.told() == [(ADVISOR, "usual")]


async def test_without_an_advisor_in_the_group_its_owner_has_duty(store: Store) -> None:
    desk = await opened(store, staff_members=(OWNER,))

    asked = await desk.find(await desk.mark())
    stranger = await desk.find(await desk.mark("保单丢了怎么办", asker=""))

    assert (asked.duty, stranger.duty) == (OWNER, OWNER)
    await desk.pass_minutes(30)
    assert {who for who, _ in await desk.told()} == {OWNER, CO_OWNER, LEADER}


async def test_who_knows_already_is_not_told_again(store: Store) -> None:
    place = await places.founded(store, owner=ADVISOR, staff_members=(ADVISOR,))
    desk = Desk(store, place)  # Nobody is known of the owner but the name: no co-owner, no leader.

    await desk.mark()
    for _ in range(3):
        await desk.pass_minutes(15)

    assert await desk.told() == [(ADVISOR, "usual")]


async def test_a_complaint_reaches_the_supervisor_at_once_with_a_case(store: Store) -> None:
    desk = await opened(store)

    number = await desk.mark("我要投诉你们，我要去监管那里举报")

    assert sorted(await desk.told()) == sorted([(LEADER, "exempt"), (ADVISOR, "exempt")])
    (case,) = await places.rows(store, tables.case)
    asked = await desk.find(number)
    assert (case.kind, case.reason, asked.case_id) == ("complaint", "H2", case.id)
    assert asked.state is QuestionState.OPEN
    await desk.pass_minutes(15)
    assert (CO_OWNER, "usual") in await desk.told()


async def test_danger_is_due_at_once_even_at_night(store: Store) -> None:
    desk = await opened(store)
    desk.clock.advance(timedelta(hours=12))

    await desk.mark("我不想活了")

    (case,) = await places.rows(store, tables.case)
    assert (case.reason, case.due_at) == ("crisis", desk.clock.now())
    assert (LEADER, "exempt") in await desk.told()


async def test_many_watches_tell_each_thing_once(store: Store) -> None:
    desk = await opened(store)
    for number in range(30):
        await desk.mark(f"问题 {number}")
    desk.clock.advance(timedelta(minutes=6))
    watches = [desk.another() for _ in range(3)]

    for _ in range(6):
        await asyncio.gather(*(watch.watch_due() for watch in watches))

    rows = await places.rows(store, tables.notice)
    assert len(rows) == 30
    assert {row.recipient for row in rows} == {ADVISOR}


async def test_a_servicer_who_wrote_in_the_talk_has_answered_a_kf_question(store: Store) -> None:
    desk = await opened(store)
    said = await _talk(store, "wmA")
    number = await store.write(lambda tx: questions.record_kf(tx, said[0], said[1], PREPAY, START))
    assert number is not None
    await desk.settle()
    await _speaks(store, said[0], "servicer", START + timedelta(minutes=3))

    await desk.pass_minutes(6)

    asked = await desk.find(number)
    assert (asked.state, asked.answered_by) == (QuestionState.ANSWERED, "lisi")
    assert asked.answered_at == START + timedelta(minutes=3)
    assert await desk.told() == []


async def _talk(store: Store, name: str) -> tuple[int, int]:
    async def add(tx: Any) -> int:
        ids = await customers.ensure(tx, [name], START)
        talks = await conversations.ensure(tx, "kf", "wkA", [ids[name]], START)
        return talks[ids[name]].id

    number = await store.write(add)
    return number, await _speaks(store, number, "customer", START)


async def _speaks(store: Store, conversation_id: int, author: str, at: Any) -> int:
    row = {
        "conversation_id": conversation_id,
        "source": "kf:wkA",
        "msgid": f"{author}{at:%H%M}",
        "author": author,
        "servicer_id": "lisi" if author == "servicer" else "",
        "kind": "text",
        "sent_at": at,
        "recorded_at": at,
        "digest": "",
    }
    added = sa.insert(tables.message).values(row).returning(tables.message.c.id)

    async def write(tx: Any) -> int:
        return int((await tx.execute(added)).scalar_one())

    return await store.write(write)


async def talk_of(desk: Desk, channel: str, account: str, who: str) -> int:
    now = desk.clock.now()

    async def add(tx: Any) -> int:
        ids = await customers.ensure(tx, [who], now)
        return (await conversations.ensure(tx, channel, account, [ids[who]], now))[ids[who]].id

    return await desk.store.write(add)


async def test_customer_service_waits_three_five_and_fifteen_minutes_for_those_on_duty_5(
    store: Store,
) -> None:
    desk = await opened(store)
    number, now = await talk_of(desk, "kf", "wkA", "wmZ"), desk.clock.now()
    said = NewMessage(
        conversation_id=number,
        source="kf:wkA",
        msgid="m1",
        author=Author.CUSTOMER,
        kind="text",
        sent_at=now,
        text=PREPAY,
    )
    (message_id,) = await desk.store.write(lambda tx: messages.add(tx, [said], now))
    await desk.store.write(lambda tx: questions.record_kf(tx, number, message_id, PREPAY, now))
    await desk.settle()

    for minutes, told in ((2, 0), (1, 1), (2, 2), (10, 3)):
        await desk.pass_minutes(minutes)
        assert len(await desk.told()) == told

    assert [who for who, _ in await desk.told()] == [ADVISOR, CO_OWNER, LEADER]


async def test_a_second_hand_over_after_an_answer_is_a_question_of_its_own_5(store: Store) -> None:
    desk = await opened(store)
    number = await talk_of(desk, "kf", "wkA", "wmZ")

    async def said(msgid: str, author: Author) -> int:
        now = desk.clock.now()
        new = NewMessage(
            conversation_id=number,
            source="kf:wkA",
            msgid=msgid,
            author=author,
            kind="text",
            sent_at=now,
            text=PREPAY,
            servicer_id=ADVISOR if author is Author.SERVICER else "",
        )
        return (await desk.store.write(lambda tx: messages.add(tx, [new], now)))[0]

    async def handed_over(msgid: str) -> int:
        message_id, now = await said(msgid, Author.CUSTOMER), desk.clock.now()
        return await desk.store.write(lambda tx: questions.record_kf(tx, number, message_id, PREPAY, now))

    first = await handed_over("m1")
    await desk.pass_minutes(60)
    assert await handed_over("m2") == first  # Nobody answered, so it is the same.
    await said("m3", Author.SERVICER)
    await desk.pass_minutes(60)

    second = await handed_over("m4")

    assert second != first
    assert (await desk.find(first)).state is QuestionState.ANSWERED


async def test_a_chat_waits_half_an_hour_for_its_own_advisor_5(store: Store) -> None:
    desk = await opened(store)
    number, now = await talk_of(desk, "chat", ADVISOR, "wmZ"), desk.clock.now()
    heard = await desk.store.write(
        lambda tx: questions.record_heard(
            tx, text=PREPAY, asker="wmZ", asked_at=now, now=now, conversation_id=number
        )
    )
    await desk.settle()

    await desk.pass_minutes(29)
    assert await desk.told() == []
    await desk.pass_minutes(1)
    assert await desk.told() == [(ADVISOR, "usual")]
    await desk.pass_minutes(90)
    assert [who for who, _ in await desk.told()] == [ADVISOR, LEADER]
    assert (await desk.find(heard)).duty == ADVISOR

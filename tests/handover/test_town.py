"""Customers given to people, as they live through it: the roster, the pool, silence, the apology and what follows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from domain.handover import HandoverNote
from domain.roster import NewShift
from sandbox import sessions
from sandbox.faults import Fault, FaultKind, When
from scheduler import handing
from store import conversations, deliveries, handovers, roster, tables
from tests.scenarios.town import ACCOUNT, CUSTOMER, MORNING, Town, town

OTHER = "wmCustomer1"
DUTY = {"duty": ["zhangsan", "lisi"]}
PEOPLE = ("zhangsan", "lisi")


@pytest.fixture
def engine() -> str:
    return "sqlite"


def says(here: Town, text: str, customer: str = CUSTOMER) -> None:
    here.world.customer_says(customer, text, open_kfid=ACCOUNT)


def session(here: Town, customer: str = CUSTOMER) -> tuple[int, str]:
    chat = here.world.chat(customer, ACCOUNT)
    return int(chat.state), chat.servicer_userid


async def records(here: Town) -> list[tuple[str, str, str]]:
    rows = await here.rows(tables.handover)
    return [(row.state, row.staff_platform_id, row.end_kind) for row in rows]


async def state_is(here: Town, wanted: tuple[int, str], customer: str = CUSTOMER) -> None:
    await here.until(lambda: session(here, customer) == wanted, f"{wanted}, now {session(here, customer)}")
    await here.quiet()


async def given_to(here: Town, servicer: str, text: str = "转人工", customer: str = CUSTOMER) -> None:
    """Let the customer ask for a person and wait until `servicer` serves."""
    says(here, text, customer)
    await state_is(here, (3, servicer), customer)


async def plan(here: Town, *people: tuple[str, int]) -> None:
    """Make a roster of everybody's whole week, with a capacity each."""

    async def job(tx: Any) -> None:
        for name, capacity in people:
            for weekday in range(1, 8):
                shift = NewShift(
                    staff_platform_id=name,
                    weekday=weekday,
                    from_minute=0,
                    until_minute=1440,
                    capacity=capacity,
                )
                await roster.add(tx, shift, by="chen", now=here.house.clock.now())

    await here.house.store.write(job)


async def test_who_gets_a_customer_gets_a_note_of_what_was_asked(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url, servicers=PEOPLE, service=DUTY) as here:
        says(here, "提前还款要违约金吗")
        await here.heard()
        await given_to(here, "zhangsan")

        async with here.house.store.read() as tx:
            (row,) = await here.rows(tables.handover)
            kept = await handovers.find_open(tx, row.conversation_id)
        notice = next(one for one in await here.rows(tables.notice) if one.recipient == "zhangsan")
        assert kept is not None
        assert kept.note.asked == ("提前还款要违约金吗", "转人工")
        assert len(kept.note.answered) == 1
        assert "提前还款" in kept.note.answered[0]
        assert [one.what for one in kept.note.promised] == []
        assert kept.case_id is not None
        assert kept.note.answered[0] in notice.text
        assert "要违约金吗" not in notice.text.replace(kept.note.answered[0], "")
        assert notice.url == f"/sidebar/customer?external_userid={CUSTOMER}"
        assert (notice.kind, notice.is_exempt) == ("question", False)
        assert HandoverNote() != kept.note


async def test_full_people_get_nobody_more_and_the_pool_gives_one_text_until_there_is_room(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, servicers=PEOPLE, customers=3) as here:
        await plan(here, ("zhangsan", 1))  # 李四 receives, but is not on duty.
        await given_to(here, "zhangsan")
        says(here, "转人工", OTHER)
        await state_is(here, (2, ""), OTHER)
        says(here, "还有多久", OTHER)
        await here.quiet()
        waiting = here.said(OTHER)
        sessions.says(here.world, "zhangsan", CUSTOMER, "您好，已经处理好了", ACCOUNT)
        sessions.end(here.world, "zhangsan", CUSTOMER, ACCOUNT)
        await here.advance(seconds=6)
        await state_is(here, (3, "zhangsan"), OTHER)

        assert len(waiting) == 1
        assert "排队" in waiting[0]
        assert len(here.said(OTHER)) == 2
        assert "转接" in here.said(OTHER)[1]
        assert "满意" in here.said()[-1]
        assert await records(here) == [("ended", "zhangsan", "done"), ("serving", "zhangsan", "")]


async def test_two_customers_at_once_do_not_overfill_one_person(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url, servicers=PEOPLE, customers=6) as here:
        await plan(here, ("zhangsan", 2), ("lisi", 1))
        for number in range(1, 6):
            says(here, "转人工", f"wmCustomer{number}")
        await here.until(
            lambda: all(session(here, f"wmCustomer{number}")[0] in (2, 3) for number in range(1, 6)),
            "five moves",
        )
        await here.quiet()

        got = sorted(session(here, f"wmCustomer{number}") for number in range(1, 6))
        assert got == [(2, ""), (2, ""), (3, "lisi"), (3, "zhangsan"), (3, "zhangsan")]


async def test_a_session_ended_without_an_answer_is_apologised_for_and_not_rated(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, servicers=PEOPLE, service=DUTY) as here:
        await given_to(here, "zhangsan")
        await here.advance(seconds=5)
        sessions.says(here.world, "zhangsan", CUSTOMER, "您好，我是张三", ACCOUNT)
        says(here, "我的贷款怎么还没批")
        sessions.end(here.world, "zhangsan", CUSTOMER, ACCOUNT)
        await here.until(lambda: here.menu_ids() != [], "the apology")
        await here.quiet()

        assert "抱歉" in here.said()[-1]
        assert here.menu_ids() == ["act_idle_bot", "act_idle_person", "act_idle_call_back"]
        assert await here.rows(tables.satisfaction) == []
        assert await records(here) == [("ended", "zhangsan", "idle")]
        open_ones = await here.rows(tables.question, tables.question.c.state == "open")
        assert [one.text for one in open_ones] == ["我的贷款怎么还没批"]

        here.world.customer_taps(CUSTOMER, here.last_msgid(), "act_idle_person", open_kfid=ACCOUNT)
        await state_is(here, (3, "lisi"))
        assert [row.choice for row in await here.rows(tables.handover)] == ["person", ""]


async def test_thanks_at_the_end_want_no_answer(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url, service=DUTY) as here:
        await given_to(here, "zhangsan")
        sessions.says(here.world, "zhangsan", CUSTOMER, "已经为您办好", ACCOUNT)
        says(here, "好的，谢谢")
        sessions.end(here.world, "zhangsan", CUSTOMER, ACCOUNT)
        await here.until(lambda: here.menu_ids() != [], "the question how it was")

        assert here.menu_ids()[0] == "sat_4"
        await here.quiet()
        assert await records(here) == [("ended", "zhangsan", "done")]


async def test_whom_nobody_answers_is_taken_back_with_a_choice_and_the_bot_answers(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, service=DUTY | {"idle_minutes": 30}) as here:
        await given_to(here, "zhangsan")
        says(here, "提前还款要违约金吗")
        await here.quiet()
        await here.advance(minutes=29)
        await here.quiet()
        still = session(here)
        await here.advance(minutes=2)
        await here.poll()
        await here.until(lambda: here.menu_ids() != [], "the apology")
        await here.quiet()

        assert still == (3, "zhangsan")
        assert session(here) == (4, "")
        assert here.menu_ids()[0] == "act_idle_bot"
        assert await records(here) == [("ended", "zhangsan", "idle")]
        assert all(row.apologised_at for row in await here.rows(tables.handover))

        before = len(here.said())
        here.world.customer_taps(CUSTOMER, here.last_msgid(), "act_idle_bot", open_kfid=ACCOUNT)
        said = await here.heard(before + 1)
        await here.quiet()
        assert "提前" in said[-1]
        assert [row.choice for row in await here.rows(tables.handover)] == ["bot"]
        assert all(row.state == "open" for row in await here.rows(tables.question))


async def test_a_call_back_is_a_case_with_a_date(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url, service=DUTY) as here:
        await given_to(here, "zhangsan")
        sessions.end(here.world, "zhangsan", CUSTOMER, ACCOUNT)
        await here.until(lambda: here.menu_ids() != [], "the apology")
        before = len(here.said())
        here.world.customer_taps(CUSTOMER, here.last_msgid(), "act_idle_call_back", open_kfid=ACCOUNT)
        said = await here.heard(before + 1)
        await here.quiet()

        (case,) = await here.rows(tables.case, tables.case.c.kind == "callback")
        assert f"{case.id:06d}" in said[-1]
        assert "11月24日前" in said[-1]


async def test_who_stops_in_the_middle_keeps_customers_that_do_not_wait_and_loses_those_that_do(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, servicers=PEOPLE, customers=3, service=DUTY) as here:
        await given_to(here, "zhangsan")
        await given_to(here, "lisi", customer=OTHER)
        sessions.says(here.world, "lisi", OTHER, "您好，正在查", ACCOUNT)
        sessions.says(here.world, "zhangsan", CUSTOMER, "您好，正在查", ACCOUNT)
        sessions.set_receiving(here.world, "zhangsan", False)
        await here.quiet()
        await here.advance(minutes=10)
        await here.quiet()
        kept = session(here)
        says(here, "查到了吗")
        await here.quiet()
        await here.advance(minutes=6)
        await here.poll()
        await state_is(here, (3, "lisi"))

        assert kept == (3, "zhangsan")
        assert session(here, OTHER) == (3, "lisi")
        assert [one[:2] for one in await records(here)] == [("serving", "lisi"), ("serving", "lisi")]


async def test_a_customer_is_moved_to_another_person_and_given_back_to_the_bot(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, servicers=PEOPLE, service=DUTY) as here:
        await given_to(here, "zhangsan")
        store, clock = here.house.store, here.house.clock

        async def talk() -> Any:
            (row,) = await here.rows(tables.conversation)
            async with store.read() as tx:
                return await conversations.get(tx, row.id)

        move = handing.give(await talk(), ("lisi",), nonce="chen", now=clock.now())
        await store.write(lambda tx: deliveries.add(tx, [move], clock.now()))
        await state_is(here, (3, "lisi"))
        sessions.says(here.world, "lisi", CUSTOMER, "都办好了", ACCOUNT)
        await here.poll()
        say = handing.words_of(here.house.library.knowledge(), handing.BACK_REPLY)
        back = handing.end(await talk(), handing.BACK_REPLY, say, nonce="chen", now=clock.now())
        await store.write(lambda tx: deliveries.add(tx, [back], clock.now()))
        await state_is(here, (4, ""))

        assert here.menu_ids()[0] == "sat_4"
        assert [row.servicer_id for row in await here.rows(tables.satisfaction)] == ["lisi"]
        assert await records(here) == [("ended", "lisi", "taken_back")]
        says(here, "提前还款要违约金吗")
        await here.until(lambda: "提前" in here.said()[-1], "the bot's answer")
        assert session(here)[0] == 1


async def test_only_registered_people_get_questions_of_a_restricted_line(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, servicers=PEOPLE, service=DUTY) as here:
        await here.receiving("lisi")

        async def register(tx: Any) -> None:
            (row,) = (
                await tx.execute(sa.select(tables.staff.c.id).where(tables.staff.c.platform_id == "lisi"))
            ).all()
            await tx.execute(
                sa.insert(tables.staff_registration).values(
                    staff_id=row.id,
                    line="insurance",
                    number="0001",
                    valid_until=here.house.clock.now().date(),
                )
            )

        await here.house.store.write(register)
        says(here, "退保能拿回多少")
        await here.heard()
        await given_to(here, "lisi")

        assert [row.line for row in await here.rows(tables.handover)] == ["insurance"]


async def test_sessions_of_before_go_live_are_no_hand_overs_6(tmp_path: Path, database_url: str) -> None:
    def history(box: Any) -> None:
        for customer in (CUSTOMER, OTHER):
            box.world.customer_says(customer, "转人工", open_kfid=ACCOUNT)
            chat = box.world.chat(customer, ACCOUNT)
            sessions.trans(box.world, chat, 2, "")
            sessions.take(box.world, "zhangsan", customer, ACCOUNT)
            sessions.says(box.world, "zhangsan", customer, "您好，我是张三。", ACCOUNT)
            sessions.end(box.world, "zhangsan", customer, ACCOUNT)

    go_live = (MORNING + timedelta(minutes=1)).isoformat()
    kf = {"go_live_at": go_live}
    async with town(
        tmp_path,
        database_url,
        servicers=PEOPLE,
        service=DUTY,
        customers=2,
        before_start=history,
        kf=kf,
    ) as here:
        await here.poll()
        await here.advance(minutes=2)
        await given_to(here, "zhangsan")

        assert await records(here) == [("serving", "zhangsan", "")]


async def test_what_is_asked_after_the_end_is_not_left_idle_by_the_person_6(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, service=DUTY) as here:
        await given_to(here, "zhangsan")
        await here.advance(seconds=5)
        sessions.says(here.world, "zhangsan", CUSTOMER, "已经办好了", ACCOUNT)
        await here.poll()
        sessions.end(here.world, "zhangsan", CUSTOMER, ACCOUNT)
        says(here, "提前还款要违约金吗")
        await here.until(lambda: any("提前" in said for said in here.said()), "the bot's answer")
        await here.quiet()

        assert await records(here) == [("ended", "zhangsan", "done")]
        assert not any("抱歉" in said for said in here.said())
        assert "提前还款要违约金吗" not in [row.text for row in await here.rows(tables.question)]


async def test_moving_on_fills_nobody_beyond_capacity_and_old_sessions_are_closed_6(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, servicers=PEOPLE, customers=3) as here:
        await plan(here, ("zhangsan", 9))
        for customer in (OTHER, "wmCustomer2"):
            await given_to(here, "zhangsan", customer=customer)
        await plan(here, ("lisi", 1))
        sessions.set_receiving(here.world, "zhangsan", False)
        await here.poll()
        await here.advance(minutes=6)
        await here.poll()
        await here.until(
            lambda: "lisi" in (session(here, OTHER)[1], session(here, "wmCustomer2")[1]), "a move"
        )
        await here.quiet()
        got = sorted((session(here, OTHER), session(here, "wmCustomer2")))
        await here.advance(hours=49)

        async def are_closed() -> bool:
            return [one[0] for one in await records(here)] == ["ended", "ended"]

        await here.eventually(are_closed, "the end")

        assert got == [(3, "lisi"), (3, "zhangsan")]
        assert {row.state for row in await here.rows(tables.kf_state)} == {4}


async def test_an_end_for_idleness_whose_answer_was_lost_counts_as_idle_6(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, service=DUTY | {"idle_minutes": 30}) as here:
        await given_to(here, "zhangsan")
        says(here, "我的贷款怎么还没批")
        await here.quiet()
        here.box.faults.add(
            Fault(kind=FaultKind.RESET, match="kf/service_state/trans", count=1, when=When.AFTER)
        )
        await here.advance(minutes=31)
        await here.poll()
        await here.until(lambda: session(here)[0] == 4, "the end")
        says(here, "提前还款要违约金吗")
        await here.quiet()
        await here.advance(minutes=3)

        async def is_closed() -> bool:
            return (await records(here))[0][0] == "ended"

        await here.eventually(is_closed, "the end")

        assert await records(here) == [("ended", "zhangsan", "idle")]
        assert [row.apologised_at for row in await here.rows(tables.handover)] == [None]


async def test_nobody_stays_in_the_pool_overnight_while_somebody_receives_6(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, customers=2) as here:
        await plan(here, ("zhangsan", 1))
        await given_to(here, "zhangsan")
        says(here, "转人工", OTHER)
        await state_is(here, (2, ""), OTHER)
        await here.advance(hours=12)
        await state_is(here, (3, "zhangsan"), OTHER)

        assert "转接" in here.said(OTHER)[-1]

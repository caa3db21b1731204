"""The verdict while somebody types, and one tap to say that it was wrong, as the sidebar asks for them."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, DummyCookieJar

from bot.clock import FrozenClock
from domain.verdict import AlarmState
from handlers import false_alarms as alarming
from store import desk_erasures, false_alarms
from store.database import Store
from tests.push.factory import begin_talk
from tests.sidebar import doors
from tests.sidebar import factory as sidebar_factory
from tests.sidebar.conftest import ServePhone
from tests.verdicts import factory

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
ME = sidebar_factory.OWNER
BLOCKED = "🙂🙂放心买，这款保本。合同我发您。"


class Desk:
    """An advisor's page."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def ask(self, path: str, *, csrf: str = doors.CSRF, **asked: object) -> tuple[int, Any]:
        async with self._session.post(
            f"{self._url}/sidebar/{path}", json=asked, headers={"X-CSRF-Token": csrf}
        ) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else await answer.text()


@pytest.fixture
async def desk(serve_phone: ServePhone, store: Store, frozen_clock: FrozenClock) -> AsyncIterator[Desk]:
    """The owner of the group, who has no registration; lisi has one."""
    phone = await serve_phone(facts=factory.FACTS)
    known = dataclasses.replace(factory.knowledge(), today=frozen_clock.now().date())
    object.__setattr__(phone.ctx.console, "knowledge", lambda: known)
    now = frozen_clock.now()
    await store.write(lambda tx: factory.add_staff(tx, ME, [], now, known_as="张三"))
    await store.write(lambda tx: factory.add_staff(tx, "lisi", [factory.REGISTERED], now, known_as="李四"))
    cookies = await doors.sign_in(store, frozen_clock, ME)
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    async with ClientSession(cookie_jar=DummyCookieJar(), headers={"Cookie": header}) as session:
        yield Desk(session, phone.url)


async def test_blocked_words_come_with_their_place_and_a_lawful_rewrite(desk: Desk) -> None:
    status, told = await desk.ask("check", text=BLOCKED, line="wealth")

    worst = told["problems"][0]
    # A page counts an emoji as two.
    units = BLOCKED.encode("utf-16-le")
    pointed = units[2 * worst["span"][0] : 2 * worst["span"][1]].decode("utf-16-le")
    assert (status, told["blocked"], worst["severity"], worst["is_blocking"]) == (200, True, "S0", True)
    assert pointed in BLOCKED
    assert "保本" in pointed or "放心买" in pointed
    assert "合同我发您。" in told["rewrite"]
    assert (await desk.ask("check", text=told["rewrite"], line="wealth"))[1]["blocked"] is False


async def test_who_may_not_speak_for_a_line_is_told_who_may(desk: Desk) -> None:
    _, told = await desk.ask("check", text="重疾险的等待期一般是90天。")

    assert (told["line"], told["qualified"], told["blocked"]) == ("insurance", False, False)
    assert told["colleagues"] == [{"id": "lisi", "name": "李四"}]
    assert told["introduction"] == ""


async def test_the_first_words_about_insurance_come_with_an_introduction(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    now = frozen_clock.now()
    await store.write(lambda tx: factory.add_staff(tx, ME, [factory.REGISTERED], now, known_as="张三"))

    _, told = await desk.ask("check", text="重疾险的等待期一般是90天。", recipient="wm1")
    _, again = await desk.ask("check", text=f"{told['introduction']}\n重疾险的等待期一般是90天。")

    assert told["introduction"] == f"您好，我是示例金融服务有限公司的张三，执业登记编号：{factory.NUMBER}。"
    assert told["qualified"] is True
    assert again["introduction"] == ""


async def test_a_false_alarm_goes_to_compliance_once_and_lets_nothing_through(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    status, told = await desk.ask("false-alarms", text=BLOCKED, line="wealth", conversation=999)
    again = await desk.ask("false-alarms", text=BLOCKED, line="wealth")

    async with store.read() as tx:
        (alarm,) = await false_alarms.list_page(tx, AlarmState.OPEN)
    assert (status, told) == (200, {"ok": True, "alarm": "open", "alarm_note": ""})
    assert again == (status, told)
    assert (alarm.staff_platform_id, alarm.text, alarm.conversation_id) == (ME, BLOCKED, None)
    assert {one.severity for one in alarm.rules} <= {"S0", "S1"}

    now = frozen_clock.now()
    await store.write(
        lambda tx: false_alarms.decide(tx, alarm.id, AlarmState.AGREED, by="zhao", note="会改", now=now)
    )
    _, after = await desk.ask("check", text=BLOCKED, line="wealth")
    assert (after["blocked"], after["alarm"], after["alarm_note"]) == (True, "agreed", "会改")


async def test_a_false_alarm_is_kept_masked_with_its_own_talk_and_erased_with_it_6(
    desk: Desk, store: Store, frozen_clock: FrozenClock
) -> None:
    await doors.befriend(store, frozen_clock, ME, "wmFriend")
    others = await begin_talk(store, frozen_clock, "wmOther", servicer="wangwu")
    texts = [f"{BLOCKED}{word}打13800138000找我。" for word in "甲乙"]
    told = [
        await desk.ask("false-alarms", text=texts[0], conversation=others),
        await desk.ask("false-alarms", text=texts[1], conversation=others, recipient="wmFriend"),
    ]
    _, known = await desk.ask("check", text=texts[1])

    async with store.read() as tx:
        mine, foreign = await false_alarms.list_page(tx, AlarmState.OPEN)
    listed = alarming.keepers_list([mine, foreign], [True, True])
    assert [status for status, _ in told] == [200, 200]
    assert known["alarm"] == "open"
    assert foreign.conversation_id is None
    assert mine.conversation_id not in (None, others)
    assert mine.text == texts[1].replace("13800138000", "138****8000")
    assert "13800138000" not in f"{mine} {foreign} {listed}"

    number, now = mine.conversation_id or 0, frozen_clock.now()
    await store.write(lambda tx: desk_erasures.blank_talk(tx, number, now))
    async with store.read() as tx:
        gone = await false_alarms.find(tx, mine.id)
    assert gone is not None
    assert (gone.text, {rule.said for rule in gone.rules}) == ("", {""})
    assert [rule.rule_id for rule in gone.rules] == [rule.rule_id for rule in mine.rules]


async def test_what_is_not_blocked_is_no_false_alarm(desk: Desk) -> None:
    status, told = await desk.ask("false-alarms", text="好的，明天见。")

    assert status == 400
    assert told["refused"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"text": "字" * 4001}, 413),
        ({"text": 7}, 400),
        ({"text": "字" * 2000, "line": "bonds", "conversation": "x", "recipient": None}, 200),
        ({"text": "好\0的", "conversation": 10**30}, 200),
        ({}, 200),
    ],
)
async def test_odd_questions_get_a_clear_answer(desk: Desk, asked: dict[str, object], status: int) -> None:
    assert (await desk.ask("check", **asked))[0] == status


async def test_a_stranger_page_is_not_answered(desk: Desk) -> None:
    assert (await desk.ask("check", csrf="other", text="x"))[0] == 403

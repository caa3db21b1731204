"""kf/send_msg and kf/send_msg_on_event: budget, window, repeats, codes and the form of messages."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.settings import RepeatMode
from tests.sandbox import caller
from tests.sandbox.caller import CUSTOMER, KFID, Caller

HOUR = 3600


def received(app: Caller) -> list[str]:
    return [str(one.body["content"]) for one in app.box.world.received(CUSTOMER)]


async def test_five_messages_for_each_of_the_customers(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    codes = [(await app.send(f"答 {number}"))["errcode"] for number in range(6)]
    app.box.world.customer_says(CUSTOMER, "还在吗")
    again = (await app.send("在的"))["errcode"]

    assert codes == [0, 0, 0, 0, 0, 95001]
    assert again == 0
    assert received(app) == ["答 0", "答 1", "答 2", "答 3", "答 4", "在的"]


async def test_window_closes_after_48_hours_and_ends_the_session(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    await app.jump(48 * HOUR - 5)
    inside = await app.send()
    app.box.world.clock.jump(10)
    outside = await app.send()

    assert inside["errcode"] == 0
    assert outside["errcode"] == 95002
    assert await app.state() == 4


@pytest.mark.parametrize("state", [2, 3])
async def test_only_the_assistants_states_may_send(app: Caller, state: int) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    before = await app.send()
    await app.trans(state, "zhangsan" if state == 3 else "")
    after = await app.send()

    assert before["errcode"] == 0
    assert after["errcode"] == 95018


async def test_customer_who_never_wrote_cannot_be_written_to(app: Caller) -> None:
    assert (await app.send())["errcode"] == 95018
    assert (await app.send(touser="wmNobody"))["errcode"] == 40096


@pytest.mark.parametrize(
    ("mode", "errcode", "copies"), [(RepeatMode.REFUSE, 95100, 1), (RepeatMode.ACCEPT, 0, 2)]
)
async def test_repeated_msgid(mode: RepeatMode, errcode: int, copies: int) -> None:
    async with caller.calling(repeat=mode) as app:
        app.box.world.customer_says(CUSTOMER, "在吗")
        first = await app.send(msgid="turn_1")
        second = await app.send(msgid="turn_1")

        assert first == {"errcode": 0, "errmsg": "ok", "msgid": "turn_1"}
        assert second["errcode"] == errcode
        assert len(app.box.world.received(CUSTOMER)) == copies


async def test_repeat_is_told_as_a_repeat_when_a_person_has_taken_over(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    await app.send(msgid="turn_1")
    await app.trans(3, "zhangsan")

    assert (await app.send(msgid="turn_1"))["errcode"] == 95100


async def test_long_text_is_cut_at_whole_characters(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    await app.send("长" * 1000)

    assert received(app) == ["长" * 682]  # 2046 bytes; one more character would be 2049


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"msgid": "has space"}, 40058),
        ({"msgid": "x" * 33}, 40058),
        ({"msgtype": "poem", "poem": {}}, 40008),
        ({"text": {"content": ""}}, 44004),
        ({"msgtype": "image", "image": {"media_id": "gone"}}, 40007),
        ({"msgtype": "location", "location": {"latitude": 91, "longitude": 0}}, 40058),
        ({"msgtype": "link", "link": {"title": "题", "url": "https://e.com"}}, 40063),
    ],
)
async def test_malformed_message_is_refused_and_costs_no_budget(
    app: Caller, change: dict[str, Any], errcode: int
) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")

    assert (await app.send(**change))["errcode"] == errcode
    assert app.box.world.chat(CUSTOMER).sent_since_last == 0


def menu(*items: dict[str, Any], head: str = "请选择") -> dict[str, Any]:
    return {"msgtype": "msgmenu", "msgmenu": {"head_content": head, "list": list(items)}}


def click(number: int, content: str = "选项") -> dict[str, Any]:
    return {"type": "click", "click": {"id": f"faq_{number}", "content": content}}


@pytest.mark.parametrize(
    ("fields", "errcode"),
    [
        (menu(*map(click, range(10))), 0),
        (menu(*map(click, range(11))), 95008),
        (menu(*({"type": "text", "text": {"content": "行"}} for _ in range(50))), 0),
        (menu(*({"type": "text", "text": {"content": "行"}} for _ in range(51))), 95008),
        (menu({"type": "dance", "dance": {}}), 95009),
        (menu({"type": "click", "click": {"id": "has-dash", "content": "x"}}), 40058),
        (menu(click(1, "长" * 43)), 40058),
        (menu(head="长" * 342), 40058),
        (menu({"type": "view", "view": {"url": "javascript:x", "content": "x"}}), 40058),
    ],
)
async def test_menu_limits(app: Caller, fields: dict[str, Any], errcode: int) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")

    assert (await app.send(**fields))["errcode"] == errcode


async def test_tapped_menu_item_comes_back_as_text_with_its_id(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    sent = await app.send(**menu(click(7, "理赔要多久")))
    app.box.world.customer_taps(CUSTOMER, sent["msgid"], "faq_7")
    message = (await app.sync())["msg_list"][-1]

    assert message["text"] == {"content": "理赔要多久", "menu_id": "faq_7"}


async def test_message_a_customer_rejects_is_taken_and_reported_as_failed(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    app.box.world.customer_rejects(CUSTOMER)
    sent = await app.send(msgid="lost_1")
    failed = (await app.events())[-1]

    assert sent["errcode"] == 0
    assert (failed["event_type"], failed["fail_msgid"], failed["fail_type"]) == (
        "msg_send_fail",
        "lost_1",
        10,
    )
    assert app.box.world.received(CUSTOMER) == []


# -- event codes ---------------------------------------------------------------------------------------------------


async def on_event(app: Caller, code: str, **more: Any) -> int:
    body = {"code": code, "msgtype": "text", "text": {"content": "欢迎"}} | more
    return int((await app.post("kf/send_msg_on_event", **body))["errcode"])


async def test_welcome_code_works_once_within_20_seconds(app: Caller) -> None:
    app.box.world.clock.set_rate(0)
    code = app.box.world.customer_enters(CUSTOMER, scene="grp_d1", scene_param="a%3D1")
    app.box.world.clock.jump(19)

    assert await on_event(app, code) == 0
    assert await on_event(app, code) == 41050
    assert received(app) == ["欢迎"]


async def test_welcome_code_is_dead_after_20_seconds(app: Caller) -> None:
    app.box.world.clock.set_rate(0)
    code = app.box.world.customer_enters(CUSTOMER)
    app.box.world.clock.jump(20)

    assert await on_event(app, code) == 41050
    assert await on_event(app, "invented") == 41050


async def test_welcome_code_comes_only_after_48_quiet_hours(app: Caller) -> None:
    world = app.box.world
    first = world.customer_enters(CUSTOMER)
    unused = world.customer_enters(CUSTOMER)
    await on_event(app, unused)
    welcomed = world.customer_enters(CUSTOMER)
    world.clock.jump(48 * HOUR + 1)
    later = world.customer_enters(CUSTOMER)
    world.customer_says(CUSTOMER, "在吗")
    spoken = world.customer_enters(CUSTOMER)

    assert [bool(code) for code in (first, unused, welcomed, later, spoken)] == [
        True,
        True,
        False,
        True,
        False,
    ]


async def test_entering_by_link_carries_scene_and_parameter(app: Caller) -> None:
    link = (await app.post("kf/add_contact_way", open_kfid=KFID, scene="grp_d1"))["url"]
    app.box.world.customer_enters_by_url(CUSTOMER, f"{link}&scene_param=a%3D1")
    event = (await app.events())[-1]
    people = await app.post(
        "kf/customer/batchget", external_userid_list=[CUSTOMER, "wmC2"], need_enter_session_context=1
    )

    assert (event["event_type"], event["scene"], event["scene_param"]) == ("enter_session", "grp_d1", "a%3D1")
    assert event["welcome_code"]
    assert people["customer_list"][0]["enter_session_context"] == {"scene": "grp_d1", "scene_param": "a%3D1"}
    assert people["invalid_external_userid"] == ["wmC2"]


async def test_pool_code_takes_one_text_while_the_customer_waits(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "转人工")
    code = (await app.trans(2))["msg_code"]
    as_menu = await on_event(app, code, **menu(click(1)))
    as_text = await on_event(app, code)

    assert as_menu == 40008
    assert as_text == 0


async def test_code_is_dead_when_the_session_has_moved_on(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "转人工")
    code = (await app.trans(2))["msg_code"]
    await app.trans(3, "zhangsan")

    assert await on_event(app, code) == 95018


async def test_end_code_takes_a_satisfaction_menu_for_20_seconds(app: Caller) -> None:
    app.box.world.clock.set_rate(0)
    app.box.world.customer_says(CUSTOMER, "转人工")
    await app.trans(3, "zhangsan")
    code = (await app.trans(4))["msg_code"]
    accepted = await on_event(app, code, **menu(click(5, "满意")))
    app.box.world.customer_says(CUSTOMER, "转人工")
    await app.trans(3, "zhangsan")
    late_code = (await app.trans(4))["msg_code"]
    app.box.world.clock.jump(20)

    assert accepted == 0
    assert await on_event(app, late_code, **menu(click(5, "满意"))) == 41050


async def test_menu_on_an_event_has_ten_items_at_most(app: Caller) -> None:
    code = app.box.world.customer_enters(CUSTOMER)
    rows = [{"type": "text", "text": {"content": "行"}} for _ in range(11)]

    assert await on_event(app, code, **menu(*rows)) == 95008
    assert await on_event(app, code, **menu(*rows[:10])) == 0

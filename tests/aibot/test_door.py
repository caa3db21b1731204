"""The robot's door, knocked at as WeCom would and as it never would: committed first, answered once."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.faq import Line
from store import tables
from tests.aibot.office import PREPAY, Office, message, refresh
from tests.scenarios import town

LATE = "https://elsewhere.example.com/cgi-bin/aibot/response?response_code=1"


async def whole(office: Office, who: str, stream_id: str) -> dict[str, Any]:
    """Ask for the rest until it is there, and return the last frame."""
    frame: dict[str, Any] = {}

    async def is_there() -> bool:
        frame.update((await office.told(refresh(who, stream_id)))["stream"])
        return bool(frame["finish"])

    await office.eventually(is_there, "the whole answer")
    return frame


async def test_the_address_passes_the_platforms_check(office: Office) -> None:
    assert await office.box.postman.verify("aibot") == ""


async def test_the_question_is_on_record_before_its_first_words_leave(office: Office) -> None:
    office.works(False)

    first = (await office.told(message("m1", "zhangsan", f"@知识助手 {PREPAY}")))["stream"]

    asked = await office.question("zhangsan")
    assert (asked.msgid, asked.asked, asked.state) == ("aibot:m1", PREPAY, "working")
    assert first["id"] == asked.stream_id == first["feedback"]["id"]
    assert (first["finish"], first["content"]) == (False, "正在查找已审批的知识…")
    assert await office.deliveries("zhangsan") == []


async def test_the_answer_is_attempting_until_its_last_frame_was_fetched(office: Office) -> None:
    stream = (await office.told(message("m1", "zhangsan", PREPAY)))["stream"]["id"]
    before = await office.delivered("zhangsan", "attempting")

    frame = await whole(office, "zhangsan", stream)
    after = await office.delivered("zhangsan", "accepted")
    again = await whole(office, "zhangsan", stream)

    assert before.key == after.key
    assert "feedback" not in frame
    assert again["content"] == frame["content"] == after.body["text"]
    assert len(await office.deliveries("zhangsan")) == 1


async def test_a_message_told_again_gets_the_same_stream_and_one_answer(office: Office) -> None:
    told = [
        await office.told(message("m1", "zhangsan", PREPAY, response_url=f"{office.box.url}/{number}"))
        for number in range(3)
    ]
    await whole(office, "zhangsan", told[0]["stream"]["id"])

    assert len({one["stream"]["id"] for one in told}) == 1
    assert len(await office.rows(tables.staff_question)) == 1
    assert len(await office.rows(tables.event)) == 1
    assert len(await office.deliveries("zhangsan")) == 1


async def test_a_stream_nobody_knows_is_ended_with_a_word(office: Office) -> None:
    frame = (await office.told(refresh("zhangsan", "never-given")))["stream"]

    assert frame == {"id": "never-given", "finish": True, "content": "这条回答已经找不到了，请再问一次。"}
    assert await office.rows(tables.event) == []
    assert await office.rows(tables.delivery) == []


async def test_what_was_not_fetched_in_six_minutes_goes_once_to_the_late_address(office: Office) -> None:
    code = office.box.robots.new_code(office.box.robots.chat("", "lisi"), "lisi")
    address = f"{office.box.url}/cgi-bin/aibot/response?response_code={code}"
    stream = (await office.told(message("m1", "lisi", PREPAY, response_url=address)))["stream"]["id"]
    await office.delivered("lisi", "attempting")

    await office.advance(minutes=6)
    frames = [(await office.told(refresh("lisi", stream)))["stream"] for _ in range(2)]
    await office.questions.lapse_due()
    late = await office.delivered("lisi", "accepted")

    assert {frame["content"] for frame in frames} == {"这条回答来晚了，已经另发一条消息给你。"}
    passive = (await office.deliveries("lisi"))[0]
    assert (passive.state, passive.outcome) == ("failed", "not_fetched")
    assert (late.act, late.send_class, late.channel) == ("text", 3, "aibot")
    assert len(await office.deliveries("lisi")) == 2
    shown = [line for line in office.box.robots.chat("", "lisi").lines if line.via == "late"]
    assert [line.content for line in shown] == [passive.body["text"]]
    assert (await office.question("lisi")).state == "lapsed"


async def test_a_late_address_is_forgotten_once_it_was_used_or_is_of_no_use_6(office: Office) -> None:
    codes = [office.box.robots.new_code(office.box.robots.chat("", who), who) for who in ("lisi", "wangwu")]
    addresses = [f"{office.box.url}/cgi-bin/aibot/response?response_code={code}" for code in codes]
    late = (await office.told(message("m1", "lisi", PREPAY, response_url=addresses[0])))["stream"]["id"]
    await office.told(message("m2", "wangwu", PREPAY, response_url=addresses[1]))
    await office.delivered("lisi", "attempting")
    await office.delivered("wangwu", "attempting")
    soon = (await office.question("wangwu")).stream_id
    await office.told(refresh("wangwu", soon))
    kept = (await office.question("lisi")).response_url

    await office.advance(minutes=6)
    await office.questions.lapse_due()
    await office.delivered("lisi", "accepted")

    assert kept == addresses[0]
    assert [(await office.question(who)).response_url for who in ("lisi", "wangwu")] == ["", ""]
    frame = (await office.told(refresh("lisi", late)))["stream"]
    assert frame["content"] == "这条回答来晚了，已经另发一条消息给你。"


async def test_an_answer_found_too_late_takes_the_late_way_by_itself(office: Office) -> None:
    office.works(False)
    code = office.box.robots.new_code(office.box.robots.chat("", "lisi"), "lisi")
    address = f"{office.box.url}/cgi-bin/aibot/response?response_code={code}"
    await office.told(message("m1", "lisi", PREPAY, response_url=address))

    await office.advance(minutes=7)
    await office.questions.lapse_due()
    nothing_yet = await office.deliveries("lisi")
    office.works(True)
    late = await office.delivered("lisi", "accepted")

    assert nothing_yet == []
    assert (late.channel, len(await office.deliveries("lisi"))) == ("aibot", 1)


async def test_no_late_answer_goes_to_an_address_of_somebody_else_or_after_an_hour(office: Office) -> None:
    office.works(False)
    await office.told(message("m1", "lisi", PREPAY, response_url=LATE))
    await office.told(message("m2", "wangwu", PREPAY, response_url=f"{office.box.url}/x"))

    await office.advance(minutes=59)
    await office.questions.lapse_due()
    await office.advance(minutes=2)
    office.works(True)

    async def is_done() -> bool:
        return all(one.state == "done" for one in await office.rows(tables.event))

    await office.eventually(is_done, "both questions")
    assert await office.deliveries("lisi") == await office.deliveries("wangwu") == []


async def test_the_late_way_refuses_an_address_that_is_not_the_platforms(office: Office) -> None:
    await office.told(message("m1", "lisi", PREPAY, response_url=LATE))
    await office.delivered("lisi", "attempting")

    await office.advance(minutes=6, seconds=1)
    await office.questions.lapse_due()
    refused = await office.delivered("lisi", "refused")

    assert "no address of the platform" in refused.error
    assert "elsewhere" not in refused.error


async def test_a_used_late_address_is_refused_and_not_tried_again(office: Office) -> None:
    code = office.box.robots.new_code(office.box.robots.chat("", "lisi"), "lisi")
    office.box.robots.codes[code].used = True
    address = f"{office.box.url}/cgi-bin/aibot/response?response_code={code}"
    await office.told(message("m1", "lisi", PREPAY, response_url=address))
    await office.delivered("lisi", "attempting")

    await office.advance(minutes=6)
    await office.questions.lapse_due()
    refused = await office.delivered("lisi", "refused")

    assert refused.outcome == "errcode 40029"


async def test_a_line_stopped_before_the_answer_is_fetched_says_so_instead(office: Office) -> None:
    stream = (await office.told(message("m1", "lisi", PREPAY)))["stream"]["id"]
    found = await office.delivered("lisi", "attempting")

    office.known = replace(office.known, stopped=frozenset({Line.LOAN}))
    frame = await whole(office, "lisi", stream)
    told = await office.delivered("lisi", "accepted")

    assert "这条业务线刚刚停用" in frame["content"]
    assert (told.body["text"], told.faq_id) == (frame["content"], "")
    first = (await office.deliveries("lisi"))[0]
    assert (first.key, first.state, first.outcome) == (found.key, "refused", "stopped")


async def test_nonsense_and_wrong_keys_leave_no_trace(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good = message("m1", "zhangsan", "秘密的问题")
    asked = {
        "wrong key": await office.knock(good, key="sandboxKeySandboxKeySandboxKeySandboxKeySxA"),
        "wrong token": await office.knock(good, token="sandboxToken05"),
        "an id at the end": await office.knock(good, receive_id=town.CORP),
        "not JSON": await office.knock("秘密的问题".encode()),
        "XML": await office.knock(b"<xml><MsgType>text</MsgType></xml>"),
        "a list": await office.knock([good]),
        "not UTF-8": await office.knock(b'{"msgtype":"\xff\xfe"}'),
        "too deep": await office.knock(b"[" * 30_000),
    }

    statuses = {name: status for name, (status, _) in asked.items()}
    assert statuses["wrong token"] == statuses["an id at the end"] == 403
    assert statuses["wrong key"] in (400, 403)
    assert {
        status
        for name, status in statuses.items()
        if name not in ("wrong key", "wrong token", "an id at the end")
    } == {400}
    assert all(body == b"" for _, body in asked.values())
    assert await office.rows(tables.event) == await office.rows(tables.staff_question) == []
    assert "秘密" not in caplog.text


async def test_genuine_callbacks_of_unknown_shape_are_kept_and_answered_empty(office: Office) -> None:
    head = {"msgid": "x", "aibotid": "A", "from": {"userid": "zhangsan"}}
    odd: list[dict[str, Any]] = [
        {},
        {**head, "msgtype": "hologram"},
        {**head, "msgtype": "event", "event": {"eventtype": "template_card_event"}},
        {**head, "msgtype": "event", "event": "enter_chat"},
        {"msgtype": "text", "text": {"content": "没有发送人"}},
        {**head, "msgtype": "stream", "stream": {"id": 7}},
        {
            **head,
            "msgtype": "event",
            "event": {"eventtype": "feedback_event", "feedback_event": {"type": [1]}},
        },
    ]

    answers = [await office.told(one) for one in odd]

    async def all_seen() -> bool:
        return {one.state for one in await office.rows(tables.event)} == {"unhandled"}

    await office.eventually(all_seen, "the unhandled")
    assert answers == [{}] * len(odd)
    assert len(await office.rows(tables.event)) == len(odd)
    assert await office.rows(tables.staff_question) == []


async def test_odd_values_in_a_question_are_put_up_with(office: Office) -> None:
    fields = message("m1", "zhangsan", f"\0{PREPAY}\ud800" + "啊" * 3000)
    fields |= {"chatid": 5, "quote": [1], "response_url": None, "create_time": 10**30}

    stream = (await office.told(json.dumps(fields).encode()))["stream"]["id"]
    frame = await whole(office, "zhangsan", stream)

    assert frame["content"]
    assert len((await office.question("zhangsan")).asked) <= 2000


async def test_while_the_store_is_down_the_platform_is_told_to_come_again(office: Office) -> None:
    writer = office.store._task
    assert writer is not None
    writer.cancel()

    assert await office.knock(message("m1", "zhangsan", PREPAY)) == (503, b"")


async def test_an_answer_fetched_but_never_reported_becomes_unknown(office: Office) -> None:
    stream = (await office.told(message("m1", "zhangsan", PREPAY)))["stream"]["id"]
    await office.delivered("zhangsan", "attempting")
    question = await office.questions.find(stream)
    assert question is not None
    # As after a kill between the commit and the response.
    await office.questions.give(question)

    await office.advance(minutes=8)
    await office.questions.lapse_due()
    await office.outbox.reap()

    unknown = await office.delivered("zhangsan", "unknown")
    assert unknown.outcome == "unreported"
    assert unknown.finished_at - unknown.attempted_at >= timedelta(minutes=7)

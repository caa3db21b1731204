"""message/send: recipients, duplicate check, limits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.caller import Caller


async def send(app: Caller, **more: Any) -> dict[str, Any]:
    fields = {"touser": "zhangsan", "agentid": 1000002, "msgtype": "text", "text": {"content": "新工单"}}
    return await app.post("message/send", **(fields | more))


async def test_unknown_members_are_named_in_lower_case(app: Caller) -> None:
    partly = await send(app, touser="zhangsan|WangWu")
    none = await send(app, touser="WangWu")

    assert (partly["errcode"], partly["invaliduser"]) == (0, "wangwu")
    assert none["errcode"] == 81013
    assert app.box.world.app_messages[0].userids == ("zhangsan",)


async def test_identical_message_within_the_interval_arrives_once(app: Caller) -> None:
    first = await send(app, enable_duplicate_check=1)
    second = await send(app, enable_duplicate_check=1)
    app.box.world.clock.jump(1801)
    third = await send(app, enable_duplicate_check=1)
    fourth = await send(app)

    assert first["msgid"] == second["msgid"] != third["msgid"]
    assert fourth["errcode"] == 0
    assert len(app.box.world.app_messages) == 3


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"agentid": 1000003}, 301002),
        ({"agentid": None}, 41011),
        ({"touser": ""}, 81012),
        ({"touser": "|".join(["x"] * 1001)}, 40032),
        ({"msgtype": "poem"}, 40008),
        ({"text": {"content": "长" * 683}}, 45002),
        ({"text": {"content": ""}}, 44004),
        ({"duplicate_check_interval": 14401}, 40058),
        ({"msgtype": "news", "news": {"articles": []}}, 45008),
    ],
)
async def test_rules(app: Caller, change: dict[str, Any], errcode: int) -> None:
    assert (await send(app, **change))["errcode"] == errcode


async def test_more_than_thirty_a_minute_are_dropped_without_a_word(app: Caller) -> None:
    app.box.world.clock.set_rate(0)
    codes = {(await send(app))["errcode"] for _ in range(31)}

    assert codes == {0}
    assert [one.dropped for one in app.box.world.app_messages][-2:] == [(), ("zhangsan",)]


async def test_interactive_card_has_a_response_code(app: Caller) -> None:
    card = {
        "card_type": "button_interaction",
        "task_id": "t1",
        "main_title": {"title": "确认"},
        "button_list": [{"text": "完成", "key": "done"}],
    }
    answer = await send(app, msgtype="template_card", template_card=card)

    assert answer["response_code"]


async def test_member_can_be_read(app: Caller) -> None:
    assert (await app.get("user/get", userid="zhangsan"))["name"] == "张三"
    assert (await app.get("user/get", userid="ghost"))["errcode"] == 60111

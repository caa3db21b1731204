"""appchat/*: internal chats of an app."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.settings import AppSettings
from tests.sandbox import caller
from tests.sandbox.caller import Caller

CHAT = {"name": "运营群", "owner": "zhangsan", "userlist": ["zhangsan", "lisi"], "chatid": "ops1"}


async def send(app: Caller, **more: Any) -> int:
    fields = {"chatid": "ops1", "msgtype": "text", "text": {"content": "今天都按时。"}}
    return int((await app.post("appchat/send", **(fields | more)))["errcode"])


async def test_a_text_reaches_every_member_of_the_chat(app: Caller) -> None:
    made = await app.post("appchat/create", **CHAT)
    again = await app.post("appchat/create", **CHAT)
    shown = await app.get("appchat/get", chatid="ops1")

    assert (made["chatid"], again["errcode"]) == ("ops1", 86215)
    assert shown["chat_info"]["userlist"] == ["zhangsan", "lisi"]
    assert await send(app) == 0
    [message] = app.box.world.app_messages
    assert (message.userids, message.body["content"]) == (("zhangsan", "lisi"), "今天都按时。")


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"userlist": ["zhangsan"]}, 86006),
        ({"userlist": ["zhangsan", "nobody"]}, 40031),
        ({"owner": "wangwu"}, 40058),
        ({"chatid": "ops 1"}, 40058),
    ],
)
async def test_a_chat_that_cannot_be_is_refused(app: Caller, change: dict[str, Any], errcode: int) -> None:
    assert (await app.post("appchat/create", **(CHAT | change)))["errcode"] == errcode


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"chatid": "nobody"}, 40050),
        ({"text": {"content": ""}}, 44004),
        ({"text": {"content": "长" * 683}}, 45002),
        ({"msgtype": "carrier_pigeon"}, 40008),
    ],
)
async def test_a_text_that_cannot_be_said_is_refused(
    app: Caller, change: dict[str, Any], errcode: int
) -> None:
    await app.post("appchat/create", **CHAT)

    assert await send(app, **change) == errcode
    assert await send(app) == 0


async def test_an_app_of_one_department_may_not() -> None:
    small = AppSettings(agent_id=1000002, name="小应用", secret=caller.SECRET, departments=(2,))
    async with caller.calling(apps=(small,)) as app:
        assert (await app.post("appchat/create", **CHAT))["errcode"] == 48002

"""Internal chats and group welcome templates: both leave once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.channels.wecom.app_chats import AppChats, ChatChannel
from bot.clock import FrozenClock
from domain import errors
from domain.delivery import Act, Attached, DeliveryState, NewDelivery, SendClass
from sandbox.faults import Fault, FaultKind, When
from store.database import Store
from tests.outbox.office import OWNER, PICTURE, PICTURE_DIGEST, Office, delivery
from tests.wecom import edge as wire

ADD = "externalcontact/group_welcome_template/add"


def report(text: str = "今天 3 个群按时完成。") -> NewDelivery:
    return delivery("chat", Act.CHAT, SendClass.ONCE, {"text": text, "targets": ("ops1",)}, recipient="")


def welcome(text: str = "欢迎 %NICKNAME%，课程每晚八点开始。", **body: Any) -> NewDelivery:
    content = {"text": text, "lines": ("service",), **body}
    return delivery("welcome_library", Act.GROUP_WELCOME, SendClass.ONCE, content, recipient="")


@pytest.fixture
async def edge(
    office: Office, store: Store, frozen_clock: FrozenClock
) -> AsyncIterator[tuple[wire.Edge, AppChats]]:
    """A platform with appchat, which the sandbox has not."""
    async with wire.running() as running, wire.caller(running.url, store, frozen_clock, secret="e") as client:
        chats = AppChats(client)
        office.channels["chat"] = ChatChannel(chats)
        yield running, chats


async def test_a_report_is_said_in_the_internal_chat(
    office: Office, edge: tuple[wire.Edge, AppChats]
) -> None:
    sent = await office.send(report())

    assert sent.state is DeliveryState.ACCEPTED
    assert edge[0].last("appchat/send") == {
        "chatid": "ops1",
        "msgtype": "text",
        "text": {"content": "今天 3 个群按时完成。"},
        "safe": 0,
    }


async def test_a_report_to_a_chat_that_is_not_there_is_refused(
    office: Office, edge: tuple[wire.Edge, AppChats]
) -> None:
    edge[0].says("appchat/send", errcode=40050, errmsg="no such chat")

    refused = await office.send(report())

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, "errcode 40050")


@pytest.mark.parametrize("text", ["", "长" * 683])
async def test_a_report_over_the_limit_is_refused_before_the_call(
    office: Office, edge: tuple[wire.Edge, AppChats], text: str
) -> None:
    refused = await office.send(report(text))

    assert (refused.outcome, edge[0].calls["appchat/send"]) == ("malformed", 0)


async def test_a_chat_is_made_unless_it_is_there(edge: tuple[wire.Edge, AppChats]) -> None:
    platform, chats = edge

    made = await chats.ensure("ops1", "运营群", OWNER, ["lisi"])
    platform.says("appchat/create", errcode=86215, errmsg="exists")
    again = await chats.ensure("ops1", "运营群", OWNER, ["lisi"])

    assert (made, again) == ("ops1", "ops1")
    assert platform.last("appchat/create")["userlist"] == [OWNER, "lisi"]
    for chat_id, members in (("ops 1", ["lisi"]), ("ops1", [])):
        with pytest.raises(errors.ChannelRefused):
            await chats.ensure(chat_id, "运营群", OWNER, members)


async def test_a_template_is_made_with_its_picture_and_without_a_note_to_everybody(office: Office) -> None:
    await office.keep_file(PICTURE, "welcome.png")
    picture = Attached(kind="image", name="欢迎.png", digest=PICTURE_DIGEST)

    sent = await office.send(welcome(attachments=(picture,)))

    made = office.world.corp.welcome_templates[sent.receipt]
    assert sent.state is DeliveryState.ACCEPTED
    assert made.content["text"] == {"content": sent.body.text}
    assert office.world.media.describe(made.content["image"]["media_id"])["filename"] == "欢迎.png"


async def test_a_template_whose_making_broke_off_is_not_made_again(office: Office) -> None:
    office.box.faults.add(Fault(kind=FaultKind.RESET, match=ADD, count=1, when=When.AFTER))

    unknown = await office.send(welcome())
    await office.outbox.reap(everything=True)
    await office.sent(unknown.key)

    assert unknown.state is DeliveryState.UNKNOWN
    assert len(office.world.corp.welcome_templates) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"text": "长" * 1001},
        {"text": ""},
        {"attachments": tuple(Attached(kind="link", title="t", url="https://a.b") for _ in range(2))},
    ],
)
async def test_a_template_over_the_limits_is_refused(office: Office, body: dict[str, Any]) -> None:
    refused = await office.send(welcome(**body))

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, "malformed")
    assert office.world.corp.welcome_templates == {}

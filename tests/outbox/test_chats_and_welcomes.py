"""Internal chats and group welcome templates: both leave once."""

from __future__ import annotations

from typing import Any

import pytest

from domain import errors
from domain.delivery import Act, Attached, DeliveryState, NewDelivery, SendClass
from sandbox.faults import Fault, FaultKind, When
from tests.outbox.office import OWNER, PICTURE, PICTURE_DIGEST, Office, delivery

ADD = "externalcontact/group_welcome_template/add"


def report(text: str = "今天 3 个群按时完成。") -> NewDelivery:
    return delivery("chat", Act.CHAT, SendClass.ONCE, {"text": text, "targets": ("ops1",)}, recipient="")


def welcome(text: str = "欢迎 %NICKNAME%，课程每晚八点开始。", **body: Any) -> NewDelivery:
    content = {"text": text, "lines": ("service",), **body}
    return delivery("welcome_library", Act.GROUP_WELCOME, SendClass.ONCE, content, recipient="")


async def test_a_report_is_said_in_the_internal_chat_once(office: Office) -> None:
    await office.chats.ensure("ops1", "运营群", OWNER, ["lisi"])
    sent = await office.send(report())
    await office.sent(sent.key)

    [message] = office.world.app_messages
    assert sent.state is DeliveryState.ACCEPTED
    assert (message.userids, message.body["content"]) == ((OWNER, "lisi"), "今天 3 个群按时完成。")


async def test_a_report_whose_answer_was_lost_is_not_said_again(office: Office) -> None:
    await office.chats.ensure("ops1", "运营群", OWNER, ["lisi"])
    office.box.faults.add(Fault(kind=FaultKind.RESET, match="appchat/send", count=1, when=When.AFTER))
    unknown = await office.send(report())
    await office.outbox.reap(everything=True)
    await office.sent(unknown.key)

    assert unknown.state is DeliveryState.UNKNOWN
    assert len(office.world.app_messages) == 1


@pytest.mark.parametrize(
    ("text", "outcome"), [("今天 3 个群。", "errcode 40050"), ("", "malformed"), ("长" * 683, "malformed")]
)
async def test_a_report_nobody_could_read_is_refused(office: Office, text: str, outcome: str) -> None:
    refused = await office.send(report(text))

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, outcome)


async def test_a_chat_is_made_unless_it_is_there(office: Office) -> None:
    for _ in range(2):
        assert await office.chats.ensure("ops1", "运营群", OWNER, ["lisi"]) == "ops1"

    assert office.world.corp.app_chats["ops1"].userids == [OWNER, "lisi"]
    for chat_id, members in (("ops 1", ["lisi"]), ("ops2", [])):
        with pytest.raises(errors.ChannelRefused):
            await office.chats.ensure(chat_id, "运营群", OWNER, members)


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

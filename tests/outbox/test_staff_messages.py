"""Cards and texts to staff: once whatever breaks, cut to size, changed after a tap."""

from __future__ import annotations

from typing import Any

import pytest

from domain import errors
from domain.delivery import Act, CardButton, DeliveryState, NewDelivery, SendClass
from domain.faq import Line
from sandbox import cards
from sandbox.faults import Fault, FaultKind, When
from store import tables
from tests.outbox.office import OWNER, Office, card, delivery


def text(said: str = "李女士入群了。", **changes: Any) -> NewDelivery:
    return delivery("app", Act.TEXT, SendClass.CHECKED, {"text": said}, **changes)


def lost_answer(endpoint: str = "message/send") -> Fault:
    return Fault(kind=FaultKind.RESET, match=endpoint, count=1, when=When.AFTER)


async def test_a_card_with_buttons_arrives_and_its_tap_can_be_answered_once(office: Office) -> None:
    office.world.on_card = lambda receiver, fields, message, userid: None
    sent = await office.send(card())
    code = cards.tap(office.world, OWNER, sent.receipt, "done")

    await office.app.update_card(code, [OWNER], "已完成")

    [message] = office.world.app_messages
    assert sent.state is DeliveryState.ACCEPTED
    assert message.body["card_type"] == "button_interaction"
    assert [one["key"] for one in message.body["button_list"]] == ["done", "later"]
    assert message.shown[OWNER] == {"replace_name": "已完成"}
    with pytest.raises(errors.CodeUsed):
        await office.app.update_card(code, [OWNER], "已完成")


async def test_a_card_without_buttons_leads_to_its_page_or_is_plain_text(office: Office) -> None:
    notice = {"buttons": (), "task_id": "n-1", "url": "https://example.com/sidebar/", "rows": (("群", "07"),)}
    await office.send(card(key="app-1", face=notice))
    await office.send(card(key="app-2", face={**notice, "url": "", "task_id": "n-2"}))

    linked, plain = office.world.app_messages
    assert (linked.body["card_type"], linked.body["card_action"]["url"]) == ("text_notice", notice["url"])
    assert (plain.msgtype, plain.body["content"]) == ("text", "群07 今天的任务\n请确认发送\n群：07")


async def test_words_over_the_size_of_a_card_are_cut(office: Office) -> None:
    rows = (("负责人姓名", "张" * 31),)
    await office.send(card(face={"title": "长" * 37, "desc": "述" * 44, "text": "文" * 161, "rows": rows}))

    body = office.world.app_messages[0].body
    assert body["main_title"] == {"title": "长" * 35 + "…", "desc": "述" * 44}
    assert body["sub_title_text"] == "文" * 159 + "…"
    assert body["horizontal_content_list"] == [{"keyname": "负责人姓名", "value": "张" * 29 + "…"}]


@pytest.mark.parametrize(
    ("face", "words"),
    [
        ({"task_id": "任务"}, "task_id"),
        ({"rows": (("群", "07"),) * 7}, "7 rows"),
        ({"buttons": (CardButton(key="k", text="好"),) * 7}, "7 buttons"),
        ({"buttons": (CardButton(key="", text="好"),)}, "key"),
        ({"url": "https://example.com/" + "a" * 2048}, "2048 bytes"),
        ({"title": "", "text": ""}, "neither"),
    ],
)
async def test_a_card_the_platform_would_not_take_is_refused_before_the_call(
    office: Office, face: dict[str, Any], words: str
) -> None:
    refused = await office.send(card(face=face))

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, "malformed")
    assert words in refused.error
    assert list(office.world.app_messages) == []


async def test_a_card_whose_answer_was_lost_arrives_once(office: Office) -> None:
    office.box.faults.add(lost_answer())
    waiting = await office.send(card())
    await office.lapse(seconds=10)
    sent = await office.sent(waiting.key)

    assert (waiting.state, sent.state) == (DeliveryState.DUE, DeliveryState.ACCEPTED)
    assert len(office.world.app_messages) == 1


async def test_a_card_repeated_after_a_long_crash_counts_as_sent(office: Office) -> None:
    office.box.faults.add(lost_answer())
    waiting = await office.send(card())
    await office.lapse(hours=6)
    sent = await office.sent(waiting.key)

    assert (sent.state, sent.outcome) == (DeliveryState.ACCEPTED, "repeat")
    assert len(office.world.app_messages) == 1


async def test_a_task_id_somebody_else_used_is_no_repeat(office: Office) -> None:
    await office.send(card())

    refused = await office.send(card(key="app-2", face={"text": "另一件事"}))

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, "errcode 42014")


async def test_a_text_is_repeated_only_while_the_platform_knows_it_again(office: Office) -> None:
    for number, hours in enumerate((0.5, 2.0)):
        office.box.faults.add(lost_answer())
        waiting = await office.send(text(f"第{number}条", key=f"app-{number}"))
        await office.lapse(hours=hours)
        await office.sent(waiting.key)

    assert [(await office.get(f"app-{number}")).state for number in range(2)] == [
        DeliveryState.ACCEPTED,
        DeliveryState.UNKNOWN,
    ]
    assert len(office.world.app_messages) == 2


async def test_several_people_get_one_message_and_who_cannot_is_named(office: Office) -> None:
    sent = await office.send(text(recipient=f"{OWNER}|lisi|Nobody"))

    assert office.world.app_messages[0].userids == (OWNER, "lisi")
    assert (sent.state, sent.outcome, sent.error) == (DeliveryState.ACCEPTED, "partly", "not to nobody")


@pytest.mark.parametrize(
    ("recipient", "targets", "outcome"),
    [
        ("nobody", (), "errcode 81013"),
        ("", (), "malformed"),
        ("", tuple(f"u{number}" for number in range(1001)), "malformed"),
    ],
)
async def test_what_reaches_nobody_or_too_many_is_refused(
    office: Office, recipient: str, targets: tuple[str, ...], outcome: str
) -> None:
    refused = await office.send(card(recipient=recipient, body={"targets": targets}))

    assert (refused.state, refused.outcome) == (DeliveryState.REFUSED, outcome)


async def test_a_text_over_the_limit_is_refused(office: Office) -> None:
    sent = await office.send(text("长" * 682, key="app-1"))
    refused = await office.send(text("长" * 683, key="app-2"))

    assert (sent.state, refused.state) == (DeliveryState.ACCEPTED, DeliveryState.REFUSED)


async def test_staff_read_what_customers_may_not_and_quotes_are_free(office: Office) -> None:
    no_risk_words = await office.send(card(key="app-1", face={"text": "基金课讲完了", "task_id": "a"}))
    quoted = await office.send(
        card(key="app-2", face={"text": "客户说：「你们讲过保本保息稳赚不赔」", "task_id": "b"})
    )
    ours = await office.send(card(key="app-3", face={"text": "请告诉客户保本保息稳赚不赔", "task_id": "c"}))

    assert [one.state for one in (no_risk_words, quoted)] == [DeliveryState.ACCEPTED] * 2
    assert (ours.state, ours.outcome) == (DeliveryState.REFUSED, "compliance")


async def test_a_card_about_a_stopped_line_does_not_leave(office: Office) -> None:
    office.stop_line(Line.WEALTH)

    refused = await office.send(card(body={"lines": ("wealth",)}))

    assert refused.outcome == "stopped"


async def test_a_failed_card_opens_no_case(office: Office) -> None:
    await office.send(text(recipient="nobody"))

    async with office.store.read() as tx:
        assert (await tx.execute(tables.case.select())).all() == []

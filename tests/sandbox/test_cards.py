"""Template cards: their form, taps, updates by the API and inside the answer, recall, and their codes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox import cards, envelope
from sandbox.callbacks import xml_of
from tests.sandbox.caller import USUAL, Caller, Hook, calling, hooked

CARD: dict[str, Any] = {
    "card_type": "button_interaction",
    "task_id": "sop-2026-0001",
    "main_title": {"title": "群07 Day1 任务", "desc": "请确认发送"},
    "horizontal_content_list": [{"keyname": "群", "value": "理财新手营07"}],
    "action_menu": {"desc": "更多", "action_list": [{"text": "不再提醒", "key": "mute"}]},
    "button_list": [
        {"text": "完成", "style": 1, "key": "done"},
        {"text": "稍后", "style": 2, "key": "later"},
    ],
}
VOTE = {"checkbox": {"question_key": "q", "option_list": [{"id": "a", "text": "甲"}]}}


async def send(app: Caller, card: dict[str, Any] = CARD, **more: Any) -> dict[str, Any]:
    fields = {"touser": "zhangsan|lisi", "agentid": 1000002, "msgtype": "template_card"}
    return await app.post("message/send", **(fields | {"template_card": card} | more))


async def update(app: Caller, code: str, **more: Any) -> dict[str, Any]:
    fields = {"userids": ["zhangsan"], "agentid": 1000002, "response_code": code}
    return await app.post(
        "message/update_template_card", **(fields | {"button": {"replace_name": "已确认"}} | more)
    )


def passive(hook: Hook, **fields: Any) -> str:
    """The encrypted answer of an application to a callback."""
    sealed = envelope.seal(hook.receiver.aes_key, hook.corp_id, xml_of(fields))
    signature = envelope.signature_of(hook.receiver.token, "1", "2", sealed)
    outer = {"Encrypt": sealed, "MsgSignature": signature, "TimeStamp": 1, "Nonce": "2"}
    return xml_of(outer).decode()


async def test_a_tap_is_told_to_the_apps_own_receiver(app: Caller) -> None:
    async with hooked(app.box, "assistant") as hook:
        sent = await send(app)
        code = cards.tap(app.box.world, "zhangsan", sent["msgid"], "done", {"when": ["t1", "t2"]})
        await app.box.postman.drained()
        tapped = hook.fields()
        cards.tap(app.box.world, "zhangsan", sent["msgid"], "mute")
        await app.box.postman.drained()
        menu = hook.fields()

    assert (tapped["Event"], tapped["FromUserName"]) == ("template_card_event", "zhangsan")
    assert (tapped["EventKey"], tapped["TaskId"]) == ("done", "sop-2026-0001")
    assert (tapped["CardType"], tapped["AgentID"]) == ("button_interaction", "1000002")
    assert tapped["ResponseCode"] == code != sent["response_code"]
    assert tapped["SelectedItems/QuestionKey"] == "when"
    assert tapped["SelectedItems/OptionId"] == "t1 t2"
    assert menu["Event"] == "template_card_menu_event"


async def test_a_response_code_changes_the_card_once_within_72_hours(app: Caller) -> None:
    world = app.box.world
    sent = await send(app)
    first = await update(app, sent["response_code"], userids=["zhangsan", "ghost"])
    codes = [(await update(app, sent["response_code"]))["errcode"], (await update(app, "RCnone"))["errcode"]]
    late = cards.tap(world, "lisi", sent["msgid"], "later")
    await app.jump(72 * 3600)
    codes.append((await update(app, late, userids=["lisi"]))["errcode"])

    assert (first["errcode"], first["invaliduser"]) == (0, ["ghost"])
    assert codes == [60140, 60140, 60140]
    assert world.app_messages[0].shown == {"zhangsan": {"replace_name": "已确认"}}
    tapped = await app.control("member/taps", userid="zhangsan", msgid=sent["msgid"], key="done")
    assert (tapped["status"], tapped["error"]) == (409, "这张卡片已经处理过")


async def test_the_answer_to_a_tap_may_change_the_card(app: Caller) -> None:
    async with hooked(app.box, "assistant") as hook:
        sent = await send(app)
        hook.reply = passive(hook, MsgType="update_button", Button={"ReplaceName": "已完成"})
        cards.tap(app.box.world, "zhangsan", sent["msgid"], "done")
        await app.box.postman.drained()
        title = {"Title": "已推迟", "Desc": "20:00"}
        hook.reply = passive(
            hook, MsgType="update_template_card", TemplateCard={"CardType": "text_notice", "MainTitle": title}
        )
        cards.tap(app.box.world, "lisi", sent["msgid"], "later")
        await app.box.postman.drained()
    shown = app.box.world.app_messages[0].shown

    assert shown["zhangsan"] == {"replace_name": "已完成"}
    assert shown["lisi"]["card"]["main_title"] == {"title": "已推迟", "desc": "20:00"}


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"card_type": "poem"}, 42031),
        ({"task_id": ""}, 42014),
        ({"task_id": "有 空格"}, 42014),
        ({"main_title": {}}, 42033),
        ({"button_list": []}, 42038),
        ({"button_list": [{"text": "x", "key": "y"}] * 7}, 42038),
        ({"button_list": [{"text": "x"}]}, 42039),
        ({"button_list": [{"text": "x", "key": "长" * 342}]}, 42039),
        ({"button_list": [{"text": "x", "type": 1}]}, 42028),
        ({"horizontal_content_list": [{"keyname": "k"}] * 7}, 42035),
        ({"horizontal_content_list": [{"value": "v"}]}, 42027),
        ({"jump_list": [{"title": "t"}] * 4}, 42042),
        ({"action_menu": {"action_list": [{"text": "a", "key": "k"}] * 2}}, 42051),
        ({"button_selection": {"question_key": "", "option_list": []}}, 42043),
        ({"card_type": "text_notice"}, 42045),
        ({"card_type": "text_notice", "card_action": {"type": 1}}, 42028),
        ({"card_type": "news_notice", "card_action": {"type": 1, "url": "https://a"}}, 42044),
        ({"card_type": "vote_interaction", **VOTE, "submit_button": {"key": "k"}}, 42049),
        ({"card_type": "vote_interaction", **VOTE, "submit_button": {"text": "好", "key": "k"}}, 0),
        ({"card_type": "multiple_interaction", "select_list": []}, 42047),
    ],
)
async def test_form(app: Caller, change: dict[str, Any], errcode: int) -> None:
    assert (await send(app, CARD | change))["errcode"] == errcode


async def test_a_task_id_is_used_once_and_cards_need_a_callback_address(app: Caller) -> None:
    codes = [(await send(app))["errcode"], (await send(app))["errcode"]]
    receivers = tuple(one for one in USUAL.receivers if not one.agent_id)
    async with calling(replace(USUAL, receivers=receivers)) as deaf:
        codes.append((await send(deaf))["errcode"])

    assert codes == [0, 42014, 43012]


async def test_update_has_its_rules(app: Caller) -> None:
    code = (await send(app))["response_code"]
    bad = [
        (await update(app, code, agentid=None))["errcode"],
        (await update(app, code, agentid=1000003))["errcode"],
        (await update(app, code, button=None))["errcode"],
        (await update(app, code, userids=[]))["errcode"],
        (await update(app, code, template_card={"card_type": "poem"}))["errcode"],
    ]
    whole = await update(app, code, template_card=CARD | {"replace_text": "已提交"}, atall=1)

    assert bad == [41011, 301002, 40063, 82001, 42031]
    assert whole["errcode"] == 0
    assert set(app.box.world.app_messages[0].shown) == {"zhangsan", "lisi"}


async def test_recall_within_a_day(app: Caller) -> None:
    first, second = await send(app), await send(app, CARD | {"task_id": "t2"})
    codes = [(await app.post("message/recall", msgid=first["msgid"]))["errcode"]]
    await app.jump(24 * 3600 + 1)
    codes.append((await app.post("message/recall", msgid=second["msgid"]))["errcode"])
    codes.append((await app.post("message/recall", msgid="none"))["errcode"])

    assert codes == [0, 42052, 40058]
    assert app.box.world.app_messages[0].recalled


async def test_a_member_gets_no_more_than_a_thousand_an_hour(app: Caller) -> None:
    world = app.box.world
    world.clock.set_rate(0)
    text = {"agentid": 1000002, "touser": "zhangsan", "msgtype": "text", "text": {"content": "提醒"}}
    for _ in range(34):
        for _ in range(30):
            await app.post("message/send", **text)
        world.clock.jump(60)

    dropped = [bool(one.dropped) for one in world.app_messages]
    assert (dropped[:1000].count(True), dropped[1000:].count(False)) == (0, 0)


async def test_person_times_of_a_day_are_counted() -> None:
    async with calling(account_limit=0) as app:
        assert (await send(app))["errcode"] == 45009


async def test_parties_reach_everybody_below(app: Caller) -> None:
    text = {"agentid": 1000002, "toparty": "1|9", "msgtype": "text", "text": {"content": "提醒"}}
    answer = await app.post("message/send", **text)

    assert (answer["errcode"], answer["invalidparty"]) == (0, "9")
    assert set(app.box.world.app_messages[0].userids) == {"zhangsan", "lisi"}

"""Template cards (模板卡片): their form, the taps of members, what an update shows, and recall.

Source: WeCom docs 90236 (form), 90240 (events), 94888 (update), 94867 (recall), 90313 (codes). A response code lives 72
hours and is good once; every tap gives a new one.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from sandbox import address_book
from sandbox.codes import ApiError, WorldError
from sandbox.messages import inner, text
from sandbox.protocol import strings
from sandbox.records import AppMessage, Json, ResponseCode
from sandbox.settings import AppSettings
from sandbox.world import World

INTERACTIVE = ("button_interaction", "vote_interaction", "multiple_interaction")
KINDS = ("text_notice", "news_notice", *INTERACTIVE)
CODE_SECONDS, RECALL_SECONDS = 72 * 3600, 24 * 3600
KEY_BYTES = 1024
KEPT = 10_000


def check(card: Json) -> None:
    """The form of a card. Raises ApiError 42014 to 42051 or 40058."""
    if card.get("card_type") not in KINDS:
        raise ApiError(42031)
    kind = str(card["card_type"])
    menu = card.get("action_menu")
    task_id = card.get("task_id") or ""
    if not isinstance(task_id, str) or not re.fullmatch(r"[0-9A-Za-z_\-@]{0,128}", task_id):
        raise ApiError(42014)
    if not task_id and (kind in INTERACTIVE or menu):
        raise ApiError(42014, "task_id is missing")
    title = inner(card, "main_title").get("title") if card.get("main_title") else None
    if not title and not card.get("sub_title_text"):
        raise ApiError(42033)
    for row in _rows(card, "horizontal_content_list", 0, 6, 42035):
        _word(row, "keyname", 42027)
    for row in _rows(card, "jump_list", 0, 3, 42042):
        _word(row, "title", 42033)
    if menu:
        keys = [
            _word(row, "key", 42039) for row in _rows(inner(card, "action_menu"), "action_list", 1, 3, 40058)
        ]
        if len(set(keys)) < len(keys):
            raise ApiError(42051)
    PARTS[kind](card)


def _notice(card: Json) -> None:
    action = card.get("card_action")
    if not isinstance(action, dict) or action.get("type") not in (1, 2):
        raise ApiError(42045)
    if action["type"] == 1:
        _word(action, "url", 42028)


def _news(card: Json) -> None:
    _notice(card)
    if not card.get("image_text_area"):
        _word(card.get("card_image") or {}, "url", 42044)


def _buttons(card: Json) -> None:
    for row in _rows(card, "button_list", 1, 6, 42038):
        _word(row, "text", 42038)
        if row.get("type") == 1:
            _word(row, "url", 42028)
        elif len(_word(row, "key", 42039).encode(errors="replace")) > KEY_BYTES:
            raise ApiError(42039)
    if card.get("button_selection"):
        _options(inner(card, "button_selection"), 10)


def _vote(card: Json) -> None:
    _options(inner(card, "checkbox"), 20)
    _submit(card)


def _choices(card: Json) -> None:
    for row in _rows(card, "select_list", 1, 3, 42047):
        _options(row, 10)
    _submit(card)


def _submit(card: Json) -> None:
    button = inner(card, "submit_button")
    _word(button, "text", 42049)
    _word(button, "key", 42046)


def _options(holder: Json, most: int) -> None:
    _word(holder, "question_key", 42043)
    for row in _rows(holder, "option_list", 1, most, 42037):
        _word(row, "id", 42040)
        _word(row, "text", 42041)


PARTS = {
    "text_notice": _notice,
    "news_notice": _news,
    "button_interaction": _buttons,
    "vote_interaction": _vote,
    "multiple_interaction": _choices,
}


def _rows(holder: Json, name: str, least: int, most: int, code: int) -> list[Json]:
    rows = holder.get(name) or []
    if not isinstance(rows, list) or not least <= len(rows) <= most:
        raise ApiError(code)
    if not all(isinstance(row, dict) for row in rows):
        raise ApiError(code)
    return rows


def _word(holder: Any, name: str, code: int) -> str:
    value = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(value, str) or not value:
        raise ApiError(code)
    return value


# -- sending and changing ----------------------------------------------------------------------------------------


def check_new(world: World, app: AppSettings, kind: str, card: Json) -> None:
    """What can only be judged when sending. Raises ApiError 43012 (no callback address) or 42014 (task_id used)."""
    if kind != "template_card":
        return
    if card["card_type"] in INTERACTIVE and receiver_of(world, app.agent_id) is None:
        raise ApiError(43012)
    if (app.agent_id, card.get("task_id")) in world.app_outbox.task_ids:
        raise ApiError(42014, "task_id was used")


def keep(world: World, message: AppMessage) -> str:
    """Remember a message that went out; returns the response code of an interactive card, else ""."""
    outbox = world.app_outbox
    world.app_messages.append(message)
    outbox.by_msgid[message.msgid] = message
    if len(outbox.by_msgid) > KEPT:
        del outbox.by_msgid[next(iter(outbox.by_msgid))]
    if message.task_id:
        outbox.task_ids.add((message.agent_id, message.task_id))
    world.tell("messages", msgid=message.msgid)
    if world.on_app_message:
        world.on_app_message(message)
    return _new_code(world, message) if message.body.get("card_type") in INTERACTIVE else ""


def _new_code(world: World, message: AppMessage, userid: str = "") -> str:
    code = world.new_id("RC")
    codes = world.app_outbox.codes
    codes[code] = ResponseCode(
        msgid=message.msgid,
        agent_id=message.agent_id,
        expires_at=world.now() + CODE_SECONDS,
        userid=userid,
    )
    if len(codes) > KEPT:
        del codes[next(iter(codes))]
    return code


def update(world: World, app: AppSettings, body: Json) -> Json:
    """message/update_template_card. Raises ApiError 60140 and that of a broken rule."""
    if body.get("agentid") is None:
        raise ApiError(41011)
    if str(body["agentid"]) != str(app.agent_id):
        raise ApiError(301002)
    code = world.app_outbox.codes.get(text(body, "response_code", least=1, most=512))
    if code is None or code.used or world.clock.now() >= code.expires_at:
        raise ApiError(60140)
    if code.agent_id != app.agent_id:
        raise ApiError(42015)
    if body.get("template_card"):
        card = inner(body, "template_card")
        check(card)
        shown: Json = {"card": card}
    else:
        shown = {"replace_name": _word(inner(body, "button"), "replace_name", 42038)}
    wanted = strings(body, "userids", 1000)
    message = world.app_outbox.by_msgid.get(code.msgid)
    if message is None:
        raise ApiError(60140)
    everybody = body.get("atall") == 1
    targets = [one for one in message.userids if everybody or one in wanted]
    if not wanted and not everybody:
        raise ApiError(82001)
    code.used = True
    for userid in targets:
        message.shown[userid] = shown
    world.tell("messages", msgid=message.msgid)
    return {"invaliduser": [one for one in wanted if one not in message.userids]}


def recall(world: World, app: AppSettings, body: Json) -> None:
    """message/recall. Raises ApiError 42052 or 40058."""
    message = world.app_outbox.by_msgid.get(text(body, "msgid", least=1, most=256))
    if message is None or message.agent_id != app.agent_id:
        raise ApiError(40058, "msgid")
    if world.clock.now() - message.at > RECALL_SECONDS:
        raise ApiError(42052)
    message.recalled = True
    world.tell("messages", msgid=message.msgid)


# -- what members do ---------------------------------------------------------------------------------------------


def tap(world: World, userid: str, msgid: str, key: str, selected: dict[str, list[str]] | None = None) -> str:
    """A member taps a button or a menu item of a card; returns the new response code. Raises WorldError.

    `selected`: option ids by question_key.
    """
    address_book.member(world, userid)
    message = world.app_outbox.by_msgid.get(msgid)
    if message is None or userid not in message.userids or message.recalled:
        raise WorldError("这位成员没有收到这张卡片")
    shown = message.shown.get(userid, {})
    card = shown.get("card", message.body)
    if "replace_name" in shown or card.get("replace_text"):
        raise WorldError("这张卡片已经处理过")
    in_menu = key in {row.get("key") for row in (card.get("action_menu") or {}).get("action_list", [])}
    buttons = [*card.get("button_list", []), card.get("submit_button") or {}]
    if not in_menu and key not in {row.get("key") for row in buttons}:
        raise WorldError("这张卡片没有这个按钮")
    receiver = receiver_of(world, message.agent_id)
    if receiver is None or world.on_card is None:
        raise WorldError("应用没有配置接收消息的地址")
    code = _new_code(world, message, userid)
    fields: Json = {
        "FromUserName": userid,
        "CreateTime": int(world.now()),
        "MsgType": "event",
        "Event": "template_card_menu_event" if in_menu else "template_card_event",
        "EventKey": key,
        "TaskId": message.task_id,
        "CardType": card["card_type"],
        "ResponseCode": code,
        "AgentID": message.agent_id,
    }
    if selected:
        rows = [{"QuestionKey": name, "OptionIds": {"OptionId": list(ids)}} for name, ids in selected.items()]
        fields["SelectedItems"] = {"SelectedItem": rows}
    world.on_card(receiver, fields, message, userid)
    return code


def receiver_of(world: World, agent_id: int) -> str | None:
    """The name of the app's own receiver: the one called assistant where several carry its agent id."""
    names = [one.name for one in world.settings.receivers if one.agent_id == agent_id]
    return "assistant" if "assistant" in names else next(iter(names), None)


def reply_arrived(world: World, message: AppMessage, userid: str, plain: str) -> None:
    """Show what a passive reply made of the card, for the member who tapped (doc 90241)."""
    reply = ElementTree.fromstring(plain)  # noqa: S314 - judged and signed before it comes here
    kind = reply.findtext("MsgType")
    if kind == "update_button":
        message.shown[userid] = {"replace_name": reply.findtext("Button/ReplaceName") or ""}
    elif kind == "update_template_card":
        card = {
            "card_type": reply.findtext("TemplateCard/CardType") or "",
            "main_title": {
                "title": reply.findtext("TemplateCard/MainTitle/Title") or "",
                "desc": reply.findtext("TemplateCard/MainTitle/Desc") or "",
            },
            "sub_title_text": reply.findtext("TemplateCard/SubTitleText") or "",
            "replace_text": reply.findtext("TemplateCard/ReplaceText") or "",
        }
        message.shown[userid] = {"card": card}
    world.tell("messages", msgid=message.msgid)

"""appchat/*: internal group chats of an app (WeCom docs 90245-90248). Customers are never in them.

A text reaches every member like a message of the app; the chat is seen with its first one. Only an app whose visible
range is the root department may call these (48002).
"""

from __future__ import annotations

from sandbox import address_book, cards
from sandbox.codes import ApiError
from sandbox.corp import ROOT_DEPARTMENT, AppChat
from sandbox.messages import inner, text
from sandbox.protocol import Call, Endpoint, strings
from sandbox.records import AppMessage, Json

LEAST_MEMBERS, MOST_MEMBERS, NAME_CHARACTERS, TEXT_BYTES = 2, 2000, 50, 2048
CHAT_ID = "[0-9A-Za-z]{1,32}"


async def create(call: Call) -> Json:
    _check_app(call)
    world, body = call.world, call.body
    chat_id = text(body, "chatid", most=32, pattern=CHAT_ID) or world.new_id("chat").replace("_", "")
    if chat_id in world.corp.app_chats:
        raise ApiError(86215)
    userids = list(dict.fromkeys(strings(body, "userlist", MOST_MEMBERS)))
    if len(userids) < LEAST_MEMBERS:
        raise ApiError(86006)
    if any(not address_book.sees(world, call.app, one) for one in userids):
        raise ApiError(40031)
    owner = text(body, "owner", most=64) or userids[0]
    if owner not in userids:
        raise ApiError(40058, "owner should be one of userlist")
    name = text(body, "name", most=1024)[:NAME_CHARACTERS]
    world.corp.app_chats[chat_id] = AppChat(
        chat_id=chat_id, agent_id=call.app.agent_id, name=name, owner=owner, userids=userids
    )
    return {"chatid": chat_id}


async def get(call: Call) -> Json:
    _check_app(call)
    chat = _chat(call, call.query("chatid"))
    shown = {"chatid": chat.chat_id, "name": chat.name, "owner": chat.owner, "userlist": chat.userids}
    return {"chat_info": shown}


async def send(call: Call) -> Json:
    _check_app(call)
    world, body = call.world, call.body
    chat = _chat(call, text(body, "chatid", least=1, most=64))
    kind = text(body, "msgtype", least=1, most=32)
    if kind not in ("text", "markdown"):
        raise ApiError(40008, kind)
    content = inner(body, kind).get("content")
    if not isinstance(content, str) or not content:
        raise ApiError(44004)
    if len(content.encode(errors="replace")) > TEXT_BYTES:
        raise ApiError(45002)
    cards.keep(
        world,
        AppMessage(
            msgid=world.new_id("A"),
            at=world.clock.now(),
            agent_id=call.app.agent_id,
            userids=tuple(one for one in chat.userids if one in world.members),
            msgtype=kind,
            body={"content": content, "chatid": chat.chat_id},
        ),
    )
    return {}


def _check_app(call: Call) -> None:
    if ROOT_DEPARTMENT not in call.app.departments:
        raise ApiError(48002)


def _chat(call: Call, chat_id: str) -> AppChat:
    """The chat, which only the app that made it can use. Raises ApiError 40050."""
    chat = call.world.corp.app_chats.get(chat_id)
    if chat is None or chat.agent_id != call.app.agent_id:
        raise ApiError(40050)
    return chat


ENDPOINTS = [
    Endpoint(path="appchat/create", method="POST", handler=create),
    Endpoint(path="appchat/get", method="GET", handler=get),
    Endpoint(path="appchat/send", method="POST", handler=send),
]

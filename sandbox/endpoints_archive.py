"""msgaudit/*: who is archived, who agreed, internal groups, robots (WeCom docs 91614, 91782, 92951, 91774).

Only an app with `archive` may call them: the archive has a secret of its own.
"""

from __future__ import annotations

from sandbox.archive_desk import ArchiveDesk
from sandbox.codes import ApiError
from sandbox.messages import integer, text
from sandbox.protocol import Call, Endpoint
from sandbox.records import Json

MOST_PAIRS = 100
ROBOT_CALLS_A_MINUTE = 600


async def list_permitted(call: Call) -> Json:
    desk = _desk(call)
    kind = integer(call.body, "type", least=1, most=3, default=2)
    # Everybody has the service licence (2).
    return {"ids": desk.permitted if kind == 2 else []}


async def check_single(call: Call) -> Json:
    desk = _desk(call)
    asked = call.body.get("info")
    if not isinstance(asked, list) or not asked:
        raise ApiError(40058, "info should be a list")
    if len(asked) > MOST_PAIRS:
        raise ApiError(301060)
    found = []
    for one in asked:
        if not isinstance(one, dict):
            raise ApiError(40058, "info")
        userid = text(one, "userid", least=1, most=64)
        customer = text(one, "exteranalopenid", least=1, most=64)
        if userid not in desk.permitted:
            raise ApiError(301061, userid)
        if word := desk.words.get((userid, customer)):
            found.append({"userid": userid, **_word_json(customer, word)})
    return {"agreeinfo": found}


async def check_room(call: Call) -> Json:
    desk = _desk(call)
    chat_id = text(call.body, "roomid", least=1, most=64)
    group = call.world.corp.groups.get(chat_id)
    if group is None:
        raise ApiError(40050)
    outside = [one.member_id for one in group.members.values() if not one.is_staff]
    words = {who: desk.words.get((chat_id, who), ("Agree", group.members[who].joined_at)) for who in outside}
    return {"agreeinfo": [_word_json(who, word) for who, word in words.items()]}


async def get_group(call: Call) -> Json:
    _desk(call)
    chat_id = text(call.body, "roomid", least=1, most=64)
    chat = call.world.corp.app_chats.get(chat_id)
    if chat is None:
        raise ApiError(301059)
    members = [{"memberid": one, "jointime": 0} for one in chat.userids]
    return {
        "roomname": chat.name,
        "creator": chat.owner,
        "room_create_time": 0,
        "notice": "",
        "members": members,
    }


async def get_robot(call: Call) -> Json:
    desk = _desk(call)
    if not desk.robots.allows("robot", ROBOT_CALLS_A_MINUTE):
        raise ApiError(45009)
    robot = call.query("robot_id")
    if not robot.startswith("wb"):
        raise ApiError(92002)
    return {"data": {"robot_id": robot, "name": "群机器人", "creator_userid": ""}}


def _desk(call: Call) -> ArchiveDesk:
    if not call.app.archive:
        raise ApiError(48002)
    if call.world.archive is None:
        raise ApiError(301053)
    return call.world.archive


def _word_json(customer: str, word: tuple[str, float]) -> Json:
    status, since = word
    return {"status_change_time": int(since), "exteranalopenid": customer, "agree_status": status}


ENDPOINTS = [
    Endpoint(path="msgaudit/get_permit_user_list", method="POST", handler=list_permitted),
    Endpoint(path="msgaudit/check_single_agree", method="POST", handler=check_single),
    Endpoint(path="msgaudit/check_room_agree", method="POST", handler=check_room),
    Endpoint(path="msgaudit/groupchat/get", method="POST", handler=get_group),
    Endpoint(path="msgaudit/get_robot_info", method="GET", handler=get_robot),
]

"""联系我: the endpoints, and the customer who scans a code of one (WeCom doc 92228).

Temporary chats (is_temp) are for medical corps only and refused here. config_id is the only handle.
"""

from __future__ import annotations

from sandbox import address_book, relations
from sandbox.codes import ApiError, WorldError
from sandbox.corp import JoinWay
from sandbox.messages import integer, text
from sandbox.protocol import Call, Endpoint, Handler, page, strings
from sandbox.records import Json
from sandbox.world import World

PEOPLE, TEXT_CHARACTERS = 100, 30
ADD_WAY_BY_CODE = 1


def scan(world: World, config_id: str, external_userid: str) -> tuple[str, str]:
    """A customer scans the code of a contact way; returns whom he added and the welcome code. Raises WorldError.

    Of several members the one with the fewest customers is given; without skip_verify the friendship is whole at once
    too, because nobody sits at the other end to agree.
    """
    way = world.corp.contact_ways.get(config_id)
    if way is None:
        raise WorldError("这个「联系我」不存在或已删除")
    there = [
        one for one in _people(world, way.content) if one in world.members and world.members[one].follows
    ]
    if not there:
        raise WorldError("这个「联系我」没有可添加的成员")
    userid = min(there, key=lambda one: (len(world.corp.by_member.get(one, {})), one))
    state = str(way.content["state"])
    return userid, relations.add_friend(world, userid, external_userid, add_way=ADD_WAY_BY_CODE, state=state)


async def add(call: Call) -> Json:
    made = JoinWay(config_id=call.world.new_id("CW"), content=_way(call))
    call.world.corp.contact_ways[made.config_id] = made
    code = {"qr_code": _code(made)} if made.content["scene"] == 2 else {}
    return {"config_id": made.config_id, **code}


async def get(call: Call) -> Json:
    way = _found(call)
    return {"contact_way": {"config_id": way.config_id, **way.content, "qr_code": _code(way)}}


async def list_ways(call: Call) -> Json:
    shown, cursor = page(list(call.world.corp.contact_ways.values()), call.body, default=100, most=1000)
    return {"contact_way": [{"config_id": one.config_id} for one in shown], "next_cursor": cursor}


async def update(call: Call) -> Json:
    """Changes what is given; kind and scene stay as they are."""
    way = _found(call)
    kept = {name: way.content[name] for name in ("type", "scene")}
    way.content = _way(call, way.content | call.body | kept)
    return {}


async def delete(call: Call) -> Json:
    del call.world.corp.contact_ways[_found(call).config_id]
    return {}


def _way(call: Call, given: Json | None = None) -> Json:
    body = call.body if given is None else given
    for name, missing, wrong in (("type", 41037, 41039), ("scene", 41038, 41040)):
        if body.get(name) is None:
            raise ApiError(missing)
        if body[name] not in (1, 2) or isinstance(body[name], bool):
            raise ApiError(wrong)
    if body.get("is_temp"):
        raise ApiError(48002, "temporary chats are for medical corps")
    userids = strings(body, "user", PEOPLE)
    parties = body.get("party") or []
    if not isinstance(parties, list) or not all(type(one) is int for one in parties):
        raise ApiError(40058, "party should be a list of numbers")
    remark, state = text(body, "remark", most=120), text(body, "state", most=120)
    if len(remark) > TEXT_CHARACTERS or len(state) > TEXT_CHARACTERS:
        raise ApiError(40058, f"remark and state have at most {TEXT_CHARACTERS} characters")
    way: Json = {
        "type": int(body["type"]),
        "scene": int(body["scene"]),
        "style": integer(body, "style", least=0, most=10, default=1),
        "remark": remark,
        "skip_verify": body.get("skip_verify") is not False,
        "state": state,
        "user": userids,
        "party": parties,
    }
    people = _people(call.world, way)
    if not people:
        raise ApiError(40063, "user or party")
    if len(people) > (1 if way["type"] == 1 else PEOPLE):
        raise ApiError(41041)
    for userid in userids:
        if userid not in call.world.members:
            raise ApiError(40003)
        if not address_book.sees(call.world, call.app, userid):
            raise ApiError(60011)
        if not call.world.members[userid].follows:
            raise ApiError(84074)
    return way


def _people(world: World, way: Json) -> list[str]:
    """The members named and those of the departments named, below them too."""
    wanted = set(way["party"])
    of_parties = [
        one.userid
        for one in world.members.values()
        if any(wanted.intersection(address_book.lineage(world, own)) for own in one.departments)
    ]
    return list(dict.fromkeys([*way["user"], *of_parties]))


def _found(call: Call) -> JoinWay:
    config_id = text(call.body, "config_id", most=128)
    if not config_id:
        raise ApiError(41043)
    way = call.world.corp.contact_ways.get(config_id)
    if way is None:
        raise ApiError(41044)
    return way


def _code(way: JoinWay) -> str:
    return f"https://wework.qpic.cn/contact/{way.config_id}"


PATHS: tuple[tuple[str, Handler], ...] = (
    ("add_contact_way", add),
    ("get_contact_way", get),
    ("list_contact_way", list_ways),
    ("update_contact_way", update),
    ("del_contact_way", delete),
)
ENDPOINTS = [
    Endpoint(path=f"externalcontact/{path}", method="POST", handler=handler, contacts=True)
    for path, handler in PATHS
]

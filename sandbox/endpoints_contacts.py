"""The endpoints of customers: list, read, remark, tag, welcome (WeCom docs 92113 to 92118, 92137, 92571, 92994).

What is changed here fires no callback (doc 92130).
"""

from __future__ import annotations

from sandbox import address_book, relations
from sandbox.codes import ApiError
from sandbox.corp import Relation
from sandbox.messages import text
from sandbox.protocol import Call, Endpoint, page, strings
from sandbox.records import Customer, Json

FOLLOWERS_PER_PAGE = 500
USERS_PER_BATCH = 100
MOBILES = 5


async def list_customers(call: Call) -> Json:
    userid = call.query("userid")
    if not userid:
        raise ApiError(41009)
    check_follower(call, userid)
    kept = call.world.corp.by_member.get(userid)
    if not kept:
        raise ApiError(84061)
    return {"external_userid": [one for one, relation in kept.items() if not relation.half]}


async def list_followers(call: Call) -> Json:
    members = call.world.members.values()
    rows = [
        one.userid for one in members if one.follows and address_book.sees(call.world, call.app, one.userid)
    ]
    return {"follow_user": rows}


async def get_customer(call: Call) -> Json:
    customer = find_customer(call, call.query("external_userid"))
    kept = [
        one
        for one in call.world.corp.by_customer.get(customer.external_userid, {}).values()
        if address_book.sees(call.world, call.app, one.userid) and not one.half
    ]
    if not kept:
        raise ApiError(84061)
    shown, cursor = page(
        kept, {"cursor": call.query("cursor")}, default=FOLLOWERS_PER_PAGE, most=FOLLOWERS_PER_PAGE
    )
    return {
        "external_contact": _customer_json(customer),
        "follow_user": [{**_relation_json(one), "tags": _tags_json(call, one)} for one in shown],
        **({"next_cursor": cursor} if cursor else {}),
    }


async def list_customers_of_users(call: Call) -> Json:
    userids = strings(call.body, "userid_list", USERS_PER_BATCH)
    if not userids:
        raise ApiError(41009)
    for userid in userids:
        check_follower(call, userid)
    corp = call.world.corp
    kept = [
        relation
        for userid in dict.fromkeys(userids)
        for relation in corp.by_member.get(userid, {}).values()
        if not relation.half
    ]
    shown, cursor = page(kept, call.body, default=50, most=100)
    rows = [
        {
            "external_contact": _customer_json(call.world.customers[one.external_userid]),
            "follow_info": {**_relation_json(one), "tag_id": list(one.tag_ids)},
        }
        for one in shown
    ]
    return {"external_contact_list": rows, "next_cursor": cursor}


async def remark(call: Call) -> Json:
    relation = _relation(call)
    body = call.body
    changes: Json = {}
    limits = (
        ("remark", "remark", relations.REMARK_CHARACTERS),
        ("description", "description", relations.DESCRIPTION_CHARACTERS),
        ("remark_company", "remark_company", relations.COMPANY_CHARACTERS),
    )
    for name, own, most in limits:
        if body.get(name) is not None:
            value = text(body, name, most=most * 4)
            if len(value) > most:
                raise ApiError(40058, f"{name} should be at most {most} characters")
            changes[own] = value
    if body.get("remark_mobiles") is not None:
        changes["remark_mobiles"] = _mobiles(body["remark_mobiles"])
    if media_id := text(body, "remark_pic_mediaid", most=512):
        call.world.media.get(media_id, call.world.clock.now())
    elif not changes:
        raise ApiError(40063, "remark, description, remark_company, remark_mobiles or remark_pic_mediaid")
    for own, value in changes.items():
        setattr(relation, own, value)
    call.world.tell("relations", userid=relation.userid, external_userid=relation.external_userid)
    return {}


def _mobiles(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value) or len(value) > MOBILES:
        raise ApiError(40058, "remark_mobiles")
    return [one for one in value if one]


async def mark_tag(call: Call) -> Json:
    relation = _relation(call)
    added, removed = strings(call.body, "add_tag", 100), strings(call.body, "remove_tag", 100)
    if not added and not removed:
        raise ApiError(40063, "add_tag or remove_tag")
    known = {tag for group in call.world.corp.tag_groups.values() for tag in group.tags}
    if any(one not in known for one in (*added, *removed)):
        raise ApiError(40068)
    kept = [one for one in relation.tag_ids if one not in removed]
    relation.tag_ids = list(dict.fromkeys([*kept, *added]))
    call.world.tell("relations", userid=relation.userid, external_userid=relation.external_userid)
    return {}


async def send_welcome(call: Call) -> Json:
    relations.send_welcome(call.world, call.body)
    return {}


def check_follower(call: Call, userid: str) -> None:
    """Raises ApiError 40003 (no such member), 60011 (out of the visible range) or 84074 (no 客户联系)."""
    if userid not in call.world.members:
        raise ApiError(40003)
    if not address_book.sees(call.world, call.app, userid):
        raise ApiError(60011)
    if not call.world.members[userid].follows:
        raise ApiError(84074)


def find_customer(call: Call, external_userid: str) -> Customer:
    """Raises ApiError 41035 or 40096."""
    if not external_userid:
        raise ApiError(41035)
    customer = call.world.customers.get(external_userid)
    if customer is None:
        raise ApiError(40096)
    return customer


def _relation(call: Call) -> Relation:
    userid = text(call.body, "userid", most=64)
    if not userid:
        raise ApiError(41009)
    check_follower(call, userid)
    customer = find_customer(call, text(call.body, "external_userid", most=64))
    relation = call.world.corp.relations.get((userid, customer.external_userid))
    if relation is None or relation.half:
        raise ApiError(84061)
    return relation


def _customer_json(customer: Customer) -> Json:
    return {
        "external_userid": customer.external_userid,
        "name": customer.nickname,
        "avatar": "",
        "type": 2 if customer.external_userid.startswith("wo") else 1,
        "gender": 0,
        "unionid": customer.unionid,
    }


def _relation_json(one: Relation) -> Json:
    return {
        "userid": one.userid,
        "remark": one.remark,
        "description": one.description,
        "createtime": int(one.created_at),
        "remark_corp_name": one.remark_company,
        "remark_mobiles": list(one.remark_mobiles),
        "oper_userid": one.userid,
        "add_way": one.add_way,
        **({"state": one.state} if one.state else {}),
    }


def _tags_json(call: Call, relation: Relation) -> list[Json]:
    return [
        {"group_name": group.name, "tag_name": tag.name, "tag_id": tag.tag_id, "type": 1}
        for group in call.world.corp.tag_groups.values()
        for tag in group.tags.values()
        if tag.tag_id in relation.tag_ids
    ]


PATHS = (
    ("externalcontact/get_follow_user_list", "GET", list_followers),
    ("externalcontact/list", "GET", list_customers),
    ("externalcontact/get", "GET", get_customer),
    ("externalcontact/batch/get_by_user", "POST", list_customers_of_users),
    ("externalcontact/remark", "POST", remark),
    ("externalcontact/mark_tag", "POST", mark_tag),
    ("externalcontact/send_welcome_msg", "POST", send_welcome),
)
ENDPOINTS = [
    Endpoint(path=path, method=method, handler=handler, contacts=True) for path, method, handler in PATHS
]

"""The endpoints of customer groups: list, get, hand-over, join ways, welcome templates, statistics.

WeCom docs 92120, 92122, 92127, 92229, 92366, 95703. What is changed here fires no callback (doc 92130).
"""

from __future__ import annotations

from sandbox import address_book, group_statistics, groups
from sandbox.codes import ApiError
from sandbox.corp import ROOT_DEPARTMENT, Group, JoinWay, OwnerStatus, WelcomeTemplate
from sandbox.messages import inner, integer, text
from sandbox.protocol import Call, Endpoint, Handler, page, strings
from sandbox.records import Json

MOST_TEMPLATES, MOST_CHATS_OF_WAY, MOST_OWNERS = 100, 5, 1000
TRANSFERS_PER_GROUP, TRANSFER_SECONDS = 2, 90 * 24 * 3600


async def list_groups(call: Call) -> Json:
    status = integer(call.body, "status_filter", least=0, most=3, default=0)
    asked = (
        strings(inner(call.body, "owner_filter"), "userid_list", 100) if call.body.get("owner_filter") else []
    )
    world = call.world
    if not asked and sum(address_book.sees(world, call.app, one) for one in world.members) > MOST_OWNERS:
        raise ApiError(81017)
    for userid in asked:
        if userid not in world.members and userid not in world.corp.left:
            raise ApiError(40003)
    owned = [one for userid in dict.fromkeys(asked) for one in world.corp.owned(userid)]
    rows = [
        one
        for one in (owned if asked else world.corp.groups.values())
        if not one.dismissed and _is_visible(call, one) and (status == 0 or int(one.status) == status)
    ]
    shown, cursor = page(rows, call.body, default=None, most=1000)
    listed = [{"chat_id": one.chat_id, "status": int(one.status)} for one in shown]
    return {"group_chat_list": listed, "next_cursor": cursor}


async def get_group(call: Call) -> Json:
    group = _group(call, text(call.body, "chat_id", least=1, most=64))
    named = integer(call.body, "need_name", least=0, most=1, default=0)
    members, version = groups.detail(call.world, group)
    rows: list[Json] = []
    for one in members.values():
        row: Json = {
            "userid": one.member_id,
            "type": 1 if one.is_staff else 2,
            "join_time": int(one.joined_at),
            "join_scene": one.join_scene,
            "group_nickname": one.nickname,
        }
        if one.invitor:
            row["invitor"] = {"userid": one.invitor}
        if named:
            row["name"] = groups.name_of(call.world, one.member_id)
        if one.state:
            row["state"] = one.state
        if one.member_id in call.world.customers:
            row["unionid"] = call.world.customers[one.member_id].unionid
        rows.append(row)
    found = {
        "chat_id": group.chat_id,
        "name": group.name,
        "owner": group.owner,
        "create_time": int(group.created_at),
        **({"notice": group.notice} if group.notice else {}),
        "member_list": rows,
        "admin_list": [{"userid": one} for one in group.admins],
        "member_version": version,
    }
    return {"group_chat": found}


async def transfer(call: Call) -> Json:
    """分配离职成员的客户群: groups whose owner has left get a new one."""
    return _hand_over(call, on_the_job=False)


async def transfer_on_the_job(call: Call) -> Json:
    """分配在职成员的客户群: at most twice per group in 90 days."""
    return _hand_over(call, on_the_job=True)


def _hand_over(call: Call, *, on_the_job: bool) -> Json:
    new_owner = text(call.body, "new_owner", least=1, most=64)
    if new_owner not in call.world.members:
        raise ApiError(40003)
    if not address_book.sees(call.world, call.app, new_owner):
        raise ApiError(60011)
    if not call.world.members[new_owner].follows:
        raise ApiError(84074)
    chat_ids = strings(call.body, "chat_id_list", 100)
    if not chat_ids:
        raise ApiError(40063, "chat_id_list")
    failed: list[Json] = []
    for chat_id in chat_ids:
        group = call.world.corp.groups.get(chat_id)
        code = _transfer_problem(call, group, new_owner, on_the_job=on_the_job)
        if group is None or code:
            failed.append({"chat_id": chat_id, "errcode": code, "errmsg": str(ApiError(code))})
            continue
        groups.set_owner(call.world, group, new_owner)
        if on_the_job:
            group.onjob_transfers.append(call.world.clock.now())
        else:
            group.status = OwnerStatus.MOVED
    return {"failed_chat_list": failed}


def _transfer_problem(call: Call, group: Group | None, new_owner: str, *, on_the_job: bool) -> int:
    if group is None or group.dismissed:
        return 90501
    has_left = group.owner in call.world.corp.left
    if not on_the_job:
        return 0 if has_left else 90500
    if has_left:
        return 90502
    if group.owner == new_owner:
        return 90504
    since = call.world.clock.now() - TRANSFER_SECONDS
    return 40129 if sum(one > since for one in group.onjob_transfers) >= TRANSFERS_PER_GROUP else 0


def _group(call: Call, chat_id: str) -> Group:
    """Raises ApiError 90501 (none of ours), 49008 (dismissed) or 60011 (its owner is out of the visible range)."""
    group = call.world.corp.groups.get(chat_id)
    if group is None:
        raise ApiError(90501)
    if group.dismissed:
        raise ApiError(49008)
    if not _is_visible(call, group):
        raise ApiError(60011)
    return group


def _is_visible(call: Call, group: Group) -> bool:
    """Of a member who has left nobody can say where he was; his groups are seen by apps that see everybody."""
    if group.owner in call.world.corp.left:
        return ROOT_DEPARTMENT in call.app.departments
    return address_book.sees(call.world, call.app, group.owner)


# -- join ways ---------------------------------------------------------------------------------------------------


async def add_join_way(call: Call) -> Json:
    made = JoinWay(config_id=call.world.new_id("JW"), content=_way(call))
    call.world.corp.join_ways[made.config_id] = made
    return {"config_id": made.config_id}


async def get_join_way(call: Call) -> Json:
    way = _join_way(call)
    code = f"https://wework.qpic.cn/join/{way.config_id}"
    return {"join_way": {"config_id": way.config_id, **way.content, "qr_code": code}}


async def update_join_way(call: Call) -> Json:
    """Overwrites every field: what is not given is gone."""
    way = _join_way(call)
    way.content = _way(call)
    return {}


async def delete_join_way(call: Call) -> Json:
    del call.world.corp.join_ways[_join_way(call).config_id]
    return {}


def _join_way(call: Call) -> JoinWay:
    way = call.world.corp.join_ways.get(text(call.body, "config_id", least=1, most=128))
    if way is None:
        raise ApiError(41044)
    return way


def _way(call: Call) -> Json:
    body = call.body
    chat_ids = strings(body, "chat_id_list", 100)
    if not chat_ids:
        raise ApiError(40063, "chat_id_list")
    if len(chat_ids) > MOST_CHATS_OF_WAY:
        raise ApiError(41091)
    for chat_id in chat_ids:
        _group(call, chat_id)
    name, state = text(body, "room_base_name", most=160), text(body, "state", most=120)
    if len(name) > 40 or len(state) > 30:
        raise ApiError(40058, "room_base_name has at most 40 characters, state at most 30")
    return {
        "scene": integer(body, "scene", least=1, most=2),
        "remark": text(body, "remark", most=4096)[:30],
        "auto_create_room": integer(body, "auto_create_room", least=0, most=1, default=1),
        "room_base_name": name,
        "room_base_id": integer(body, "room_base_id", least=0, most=2**31, default=1),
        "chat_id_list": chat_ids,
        "state": state,
        "mark_source": body.get("mark_source") is not False,
    }


# -- welcome templates -------------------------------------------------------------------------------------------


async def add_template(call: Call) -> Json:
    content = groups.add_template(call.world, call.app.agent_id, call.body)
    kept = call.world.corp.welcome_templates
    if len(kept) >= MOST_TEMPLATES:
        raise ApiError(41055)
    made = WelcomeTemplate(template_id=call.world.new_id("TPL"), agent_id=call.app.agent_id, content=content)
    kept[made.template_id] = made
    call.world.tell("groups")
    return {"template_id": made.template_id}


async def edit_template(call: Call) -> Json:
    template = _template(call)
    template.content = groups.add_template(call.world, call.app.agent_id, call.body)
    return {}


async def get_template(call: Call) -> Json:
    return dict(_template(call, own=False).content)


async def delete_template(call: Call) -> Json:
    template = _template(call)
    del call.world.corp.welcome_templates[template.template_id]
    for group in call.world.corp.groups.values():
        if group.template_id == template.template_id:
            group.template_id = ""
    return {}


def _template(call: Call, *, own: bool = True) -> WelcomeTemplate:
    template = call.world.corp.welcome_templates.get(text(call.body, "template_id", least=1, most=128))
    if template is None:
        raise ApiError(40058, "template_id")
    if own and template.agent_id != call.app.agent_id:
        raise ApiError(41058)
    return template


PATHS: tuple[tuple[str, Handler], ...] = (
    ("groupchat/list", list_groups),
    ("groupchat/get", get_group),
    ("groupchat/transfer", transfer),
    ("groupchat/onjob_transfer", transfer_on_the_job),
    ("groupchat/statistic", group_statistics.by_owner),
    ("groupchat/statistic_group_by_day", group_statistics.by_day),
    ("groupchat/add_join_way", add_join_way),
    ("groupchat/get_join_way", get_join_way),
    ("groupchat/update_join_way", update_join_way),
    ("groupchat/del_join_way", delete_join_way),
    ("group_welcome_template/add", add_template),
    ("group_welcome_template/edit", edit_template),
    ("group_welcome_template/get", get_template),
    ("group_welcome_template/del", delete_template),
)
ENDPOINTS = [
    Endpoint(path=f"externalcontact/{path}", method="POST", handler=handler, contacts=True)
    for path, handler in PATHS
]

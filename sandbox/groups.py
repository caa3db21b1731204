"""Customer groups (客户群) and what people do in them: create, join, leave, hand over, rename, talk, dismiss.

Every act of a person fires change_external_chat (WeCom doc 92130). JoinScene of the event (0 invited, 3 by code) is
not join_scene of groupchat/get (1 direct, 2 by link, 3 by code).
"""

from __future__ import annotations

from sandbox import address_book, attachments, relations
from sandbox.codes import ApiError, WorldError
from sandbox.corp import Group, GroupMember, Line, LineVia, OwnerStatus, Passage
from sandbox.records import Json
from sandbox.world import World

EVENT = "change_external_chat"
MOST_MEMBERS = 500
BY_HAND, BY_LINK, BY_CODE = 1, 2, 3  # join_scene
EVENT_SCENES = {BY_HAND: 0, BY_LINK: 0, BY_CODE: 3}
LEFT, REMOVED = 0, 1  # QuitScene
NAME_CHARACTERS, NOTICE_CHARACTERS = 30, 600


def create(
    world: World,
    owner: str,
    name: str,
    customers: list[str] | None = None,
    *,
    members: list[str] | None = None,
    chat_id: str = "",
) -> Group:
    """The owner makes a group of customers and colleagues; fires `create`. Raises WorldError."""
    if not address_book.member(world, owner).follows:
        raise WorldError(f"{owner} 没有开通客户联系")
    chat_id = chat_id or world.new_id("wr")
    if chat_id in world.corp.groups:
        raise WorldError(f"群 {chat_id} 已存在")
    group = Group(chat_id=chat_id, name=name[:NAME_CHARACTERS], owner=owner, created_at=world.now())
    for one in [owner, *(members or []), *(customers or [])]:
        _put(world, group, one, BY_HAND, owner)
    world.corp.groups[chat_id] = group
    world.corp.by_owner.setdefault(owner, {})[chat_id] = group
    world.emit(EVENT, ChatId=chat_id, ChangeType="create")
    _note(world, group, f"{name_of(world, owner)} 建立了群聊")
    return group


def get(world: World, chat_id: str) -> Group:
    """A group that is not dismissed. Raises WorldError."""
    group = world.corp.groups.get(chat_id)
    if group is None or group.dismissed:
        raise WorldError(f"没有群 {chat_id}" if group is None else "这个群已经解散")
    return group


def join(
    world: World,
    chat_id: str,
    who: list[str],
    *,
    scene: int = BY_CODE,
    invitor: str = "",
    state: str = "",
) -> None:
    """People join: userids or external_userids; `invitor` stands for scenes 1 and 2. Raises WorldError."""
    group = get(world, chat_id)
    new = [one for one in dict.fromkeys(who) if one not in group.members]
    if not new:
        raise WorldError("他们已经在群里")
    if len(group.members) + len(new) > MOST_MEMBERS:
        raise WorldError(f"群成员不能超过 {MOST_MEMBERS} 人")
    former = _keep_former(world, group)
    for one in new:
        _put(world, group, one, scene, invitor if scene != BY_CODE else "", state)
    group.changes += 1
    _update(world, group, "add_member", _change(group, former, new, "JoinScene", EVENT_SCENES.get(scene, 0)))
    names = "、".join(name_of(world, one) for one in new)
    _note(world, group, f"{names} {'扫码' if scene == BY_CODE else '受邀'}进群")
    for one in new:
        _welcome(world, group, one)


def join_by_way(world: World, config_id: str, who: list[str]) -> str:
    """People scan the code of a join way; returns the group they came into: the first that has room.

    When all are full and the way says so, the owner of the last makes a new one, named after it. Raises WorldError.
    """
    way = world.corp.join_ways.get(config_id)
    if way is None:
        raise WorldError("这个进群码不存在或已删除")
    known = [world.corp.groups[one] for one in way.content["chat_id_list"]]
    there = [one for one in known if not one.dismissed]
    if not there:
        raise WorldError("这个进群码关联的群都已解散")
    open_ones = [one for one in there if len(one.members) + len(who) <= MOST_MEMBERS]
    if not open_ones and not way.content["auto_create_room"]:
        raise WorldError("群已满")
    if not open_ones:
        number = way.content["room_base_id"]
        open_ones = [
            create(world, there[-1].owner, f"{way.content['room_base_name'] or there[-1].name}{number}")
        ]
        way.content["room_base_id"] = number + 1
        way.content["chat_id_list"] = [*(one.chat_id for one in there), open_ones[0].chat_id][-5:]
    group = open_ones[0]
    join(world, group.chat_id, who, scene=BY_CODE, state=str(way.content["state"]))
    return group.chat_id


def quit_group(world: World, chat_id: str, who: list[str], *, scene: int = LEFT) -> None:
    """People leave (0) or are removed (1). The owner cannot. Raises WorldError."""
    group = get(world, chat_id)
    gone = [one for one in dict.fromkeys(who) if one in group.members]
    if not gone:
        raise WorldError("群里没有这位成员")
    if group.owner in gone:
        raise WorldError("群主不能退群，请先转让")
    former = _keep_former(world, group)
    for one in gone:
        left = group.members.pop(one)
        passage = Passage(at=world.now(), member_id=one, joined=False, is_staff=left.is_staff, scene=scene)
        group.passages.append(passage)
        if one in group.admins:
            group.admins.remove(one)
    group.changes += 1
    _update(world, group, "del_member", _change(group, former, gone, "QuitScene", scene))
    names = "、".join(name_of(world, one) for one in gone)
    _note(world, group, f"{names} {'被移出了群聊' if scene == REMOVED else '退出了群聊'}")


def change_owner(world: World, chat_id: str, userid: str) -> None:
    """The owner hands the group to a colleague in it. Raises WorldError."""
    group = get(world, chat_id)
    address_book.member(world, userid)
    if userid not in group.members:
        raise WorldError(f"{userid} 不在群里")
    set_owner(world, group, userid)
    _update(world, group, "change_owner", {})


def set_owner(world: World, group: Group, userid: str) -> None:
    """Make a member the owner, without an event: also the way of the API."""
    owners = world.corp.by_owner
    del owners[group.owner][group.chat_id]
    owners.setdefault(userid, {})[group.chat_id] = group
    group.owner = userid
    group.template_id = ""
    group.status = OwnerStatus.NORMAL
    if userid not in group.members:
        _put(world, group, userid, BY_HAND, userid)
    _note(world, group, f"{name_of(world, userid)} 成为新群主")


def rename(world: World, chat_id: str, name: str) -> None:
    group = get(world, chat_id)
    group.name = relations.spoken(name)[:NAME_CHARACTERS]
    _update(world, group, "change_name", {})
    _note(world, group, f"群名改为「{group.name}」")


def set_notice(world: World, chat_id: str, notice: str) -> None:
    group = get(world, chat_id)
    group.notice = notice[:NOTICE_CHARACTERS]
    _update(world, group, "change_notice", {})
    _note(world, group, f"群公告：{group.notice}" if notice else "群公告已清空")


def set_admin(world: World, chat_id: str, userid: str, is_admin: bool = True) -> None:
    """The owner makes a colleague administrator, or no longer; no event is published for it."""
    group = get(world, chat_id)
    if userid not in group.members or not group.members[userid].is_staff:
        raise WorldError(f"{userid} 不在群里")
    if is_admin and userid not in group.admins:
        group.admins.append(userid)
    elif not is_admin and userid in group.admins:
        group.admins.remove(userid)
    world.tell("groups", chat_id=chat_id)


def dismiss(world: World, chat_id: str) -> None:
    """The owner dismisses the group."""
    group = get(world, chat_id)
    group.dismissed = True
    world.emit(EVENT, ChatId=chat_id, ChangeType="dismiss")
    _note(world, group, "群聊已解散")


def choose_template(world: World, chat_id: str, template_id: str) -> None:
    """The owner picks a welcome template in the client ("" none): the API only makes the material (doc 92366)."""
    group = get(world, chat_id)
    if template_id and template_id not in world.corp.welcome_templates:
        raise WorldError("没有这个入群欢迎语")
    group.template_id = template_id
    world.tell("groups", chat_id=chat_id)


def says(world: World, chat_id: str, who: str, content: str) -> Line:
    """Somebody in the group writes. No callback tells of it."""
    group = get(world, chat_id)
    if who not in group.members:
        raise WorldError("不在群里的人不能发言")
    return show(world, group, who, LineVia.TYPED, "text", {"content": relations.spoken(content)})


def show(
    world: World, group: Group, by: str, via: LineVia, msgtype: str, body: Json, msgid: str = ""
) -> Line:
    """Add a line to the group's chat."""
    made = relations.line(world, by, via, msgtype, body, msgid)
    group.lines.append(made)
    if world.archive is not None:
        world.archive.heard_group(group, made)
    world.tell("groups", chat_id=group.chat_id)
    return made


def deliver(
    world: World, group: Group, by: str, via: LineVia, content: str, attached: list[Json], msgid: str = ""
) -> None:
    """Show a text and its attachments, each a message of its own, the text first."""
    if content:
        show(world, group, by, via, "text", {"content": content}, msgid)
    for one in attached:
        show(world, group, by, via, one["msgtype"], one[one["msgtype"]], msgid)


def name_of(world: World, who: str) -> str:
    """The name of a member or a customer, of those who have left too."""
    if who in world.members:
        return world.members[who].name
    return world.customers[who].nickname if who in world.customers else who


def add_template(world: World, agent_id: int, body: Json) -> Json:
    """Content of a new or edited welcome template; raises ApiError for a broken rule or a foreign agentid."""
    if body.get("agentid") is not None and str(body["agentid"]) != str(agent_id):
        raise ApiError(301002)
    return attachments.check_template(world, body)


def _put(world: World, group: Group, who: str, scene: int, invitor: str, state: str = "") -> None:
    is_staff = who in world.members
    if not is_staff:
        world.customer(who)
    if scene not in EVENT_SCENES:
        raise WorldError("进群方式只能是 1（邀请）、2（邀请链接）或 3（扫码）")
    group.members[who] = GroupMember(
        member_id=who,
        is_staff=is_staff,
        joined_at=world.now(),
        join_scene=scene,
        invitor=invitor,
        state=state,
    )
    passage = Passage(
        at=world.now(), member_id=who, joined=True, is_staff=is_staff, scene=EVENT_SCENES[scene]
    )
    group.passages.append(passage)


def detail(world: World, group: Group) -> tuple[dict[str, GroupMember], str]:
    """Members and version as groupchat/get tells them: right after a change still those of before, if so set."""
    lag = world.settings.group_detail_lag_seconds
    if group.stale and world.clock.now() - group.stale[0] < lag:
        return group.stale[1], group.stale[2]
    return group.members, group.member_version


def _keep_former(world: World, group: Group) -> str:
    """Remember the members as groupchat/get tells them now; returns the version before the change."""
    if world.settings.group_detail_lag_seconds:
        members, version = detail(world, group)
        group.stale = (world.now(), dict(members), version)
    return group.member_version


def _change(group: Group, former: str, who: list[str], scene_name: str, scene: int) -> Json:
    return {
        scene_name: scene,
        "MemChangeCnt": len(who),
        "MemChangeList": {"Item": list(who)},
        "LastMemVer": former,
        "CurMemVer": group.member_version,
    }


def _update(world: World, group: Group, detail: str, fields: Json) -> None:
    world.emit(EVENT, ChatId=group.chat_id, ChangeType="update", UpdateDetail=detail, **fields)
    world.tell("groups", chat_id=group.chat_id)


def _note(world: World, group: Group, content: str) -> None:
    show(world, group, "", LineVia.NOTICE, "notice", {"content": content})


def _welcome(world: World, group: Group, who: str) -> None:
    template = world.corp.welcome_templates.get(group.template_id)
    if template is None or who not in world.customers:
        return
    text = template.content.get("text", {}).get("content", "").replace("%NICKNAME%", name_of(world, who))
    attached = [{"msgtype": kind, kind: body} for kind, body in template.content.items() if kind != "text"]
    deliver(world, group, group.owner, LineVia.WELCOME, text, attached)

"""Corp tags (企业客户标签): the endpoints and what people change in the console (WeCom docs 92117, 92130)."""

from __future__ import annotations

from sandbox.codes import ApiError, WorldError
from sandbox.corp import Tag, TagGroup
from sandbox.messages import integer, text
from sandbox.protocol import Call, Endpoint, strings
from sandbox.records import Json
from sandbox.world import World

EVENT = "change_external_tag"
MOST = 10_000
NAME_CHARACTERS = 30


def add(world: World, group_name: str, names: list[str]) -> TagGroup:
    """An administrator adds tags to a group, new or old; fires one event for each. Raises WorldError."""
    group = _group_named(world, group_name)
    fresh = group is None
    group = group or _new_group(world, group_name, agent_id=0)
    if fresh:
        world.emit(EVENT, Id=group.group_id, TagType="tag_group", ChangeType="create")
    for name in names:
        if any(one.name == name for one in group.tags.values()):
            raise WorldError(f"标签 {name} 已存在")
        tag = _new_tag(world, group, name, agent_id=0)
        world.emit(EVENT, Id=tag.tag_id, TagType="tag", ChangeType="create")
    return group


def remove(world: World, tag_id: str) -> None:
    """An administrator deletes a tag. Raises WorldError."""
    if not any(tag_id in group.tags for group in world.corp.tag_groups.values()):
        raise WorldError("没有这个标签")
    _remove_tag(world, tag_id)
    world.emit(EVENT, Id=tag_id, TagType="tag", ChangeType="delete")


async def list_tags(call: Call) -> Json:
    tag_ids = strings(call.body, "tag_id", MOST)
    group_ids = [] if tag_ids else strings(call.body, "group_id", MOST)
    rows: list[Json] = []
    for group in call.world.corp.tag_groups.values():
        shown = [one for one in group.tags.values() if not tag_ids or one.tag_id in tag_ids]
        if shown and (not group_ids or group.group_id in group_ids):
            rows.append(_group_json(group, shown, deleted=True))
    return {"tag_group": rows}


async def add_tags(call: Call) -> Json:
    body, corp = call.body, call.world.corp
    _check_agent(call)
    rows = body.get("tag")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ApiError(40058, "tag should be a list of objects")
    names = [_name(row, "name") for row in rows]
    orders = [integer(row, "order", least=0, most=2**32, default=0) for row in rows]
    if group_id := text(body, "group_id", most=128):
        group = corp.tag_groups.get(group_id)
        if group is None:
            raise ApiError(40068)
    else:
        group = _group_named(call.world, _name(body, "group_name"))
    taken = {one.name for one in group.tags.values()} if group else set()
    if taken.intersection(names) or len(set(names)) < len(names):
        raise ApiError(40071)
    if sum(len(one.tags) for one in corp.tag_groups.values()) + len(names) > MOST:
        raise ApiError(40126)
    order = integer(body, "order", least=0, most=2**32, default=0)
    agent_id = call.app.agent_id
    group = group or _new_group(call.world, _name(body, "group_name"), agent_id=agent_id, order=order)
    made = [
        _new_tag(call.world, group, name, agent_id=agent_id, order=place)
        for name, place in zip(names, orders, strict=True)
    ]
    return {"tag_group": _group_json(group, made)}


async def edit_tag(call: Call) -> Json:
    _check_agent(call)
    wanted = text(call.body, "id", least=1, most=128)
    groups = call.world.corp.tag_groups
    found: TagGroup | Tag | None = groups.get(wanted)
    for group in groups.values():
        found = found or group.tags.get(wanted)
    if found is None:
        raise ApiError(40068)
    if found.agent_id != call.app.agent_id:
        raise ApiError(48002, "made by another")
    if call.body.get("name"):
        name = _name(call.body, "name")
        around = [one for one in groups.values() if wanted in one.tags]
        if any(tag.name == name and tag.tag_id != wanted for one in around for tag in one.tags.values()):
            raise ApiError(40071)
        found.name = name
    found.order = integer(call.body, "order", least=0, most=2**32, default=found.order)
    return {}


async def delete_tags(call: Call) -> Json:
    _check_agent(call)
    tag_ids, group_ids = strings(call.body, "tag_id", MOST), strings(call.body, "group_id", MOST)
    if not tag_ids and not group_ids:
        raise ApiError(40063, "tag_id or group_id")
    groups = call.world.corp.tag_groups
    known = {tag.tag_id: tag for group in groups.values() for tag in group.tags.values()}
    if any(one not in known for one in tag_ids) or any(one not in groups for one in group_ids):
        raise ApiError(40068)
    wanted = {*tag_ids, *(tag for group_id in group_ids for tag in groups[group_id].tags)}
    if any(known[one].agent_id != call.app.agent_id for one in wanted):
        raise ApiError(48002, "made by another")
    for one in wanted:
        _remove_tag(call.world, one)
    return {}


def _check_agent(call: Call) -> None:
    value = call.body.get("agentid")
    if value is not None and str(value) != str(call.app.agent_id):
        raise ApiError(301002)


def _name(holder: Json, name: str) -> str:
    value = text(holder, name, least=1, most=NAME_CHARACTERS * 4)
    if len(value) > NAME_CHARACTERS:
        raise ApiError(40058, f"{name} should be at most {NAME_CHARACTERS} characters")
    return value


def _group_named(world: World, name: str) -> TagGroup | None:
    return next((one for one in world.corp.tag_groups.values() if one.name == name), None)


def _new_group(world: World, name: str, *, agent_id: int, order: int = 0) -> TagGroup:
    made = TagGroup(
        group_id=world.new_id("etG"), name=name, created_at=world.now(), order=order, agent_id=agent_id
    )
    world.corp.tag_groups[made.group_id] = made
    return made


def _new_tag(world: World, group: TagGroup, name: str, *, agent_id: int, order: int = 0) -> Tag:
    made = Tag(tag_id=world.new_id("etT"), name=name, created_at=world.now(), order=order, agent_id=agent_id)
    group.tags[made.tag_id] = made
    return made


def _remove_tag(world: World, tag_id: str) -> None:
    """Take a tag from its group and from every customer; a group without tags disappears."""
    for group in list(world.corp.tag_groups.values()):
        group.tags.pop(tag_id, None)
        if not group.tags:
            del world.corp.tag_groups[group.group_id]
    for relation in world.corp.relations.values():
        if tag_id in relation.tag_ids:
            relation.tag_ids.remove(tag_id)


def _group_json(group: TagGroup, tags: list[Tag], *, deleted: bool = False) -> Json:
    gone = {"deleted": False} if deleted else {}
    return {
        "group_id": group.group_id,
        "group_name": group.name,
        "create_time": int(group.created_at),
        "order": group.order,
        **gone,
        "tag": [
            {
                "id": one.tag_id,
                "name": one.name,
                "create_time": int(one.created_at),
                "order": one.order,
                **gone,
            }
            for one in tags
        ],
    }


PATHS = (
    ("get_corp_tag_list", list_tags),
    ("add_corp_tag", add_tags),
    ("edit_corp_tag", edit_tag),
    ("del_corp_tag", delete_tags),
)
ENDPOINTS = [
    Endpoint(path=f"externalcontact/{path}", method="POST", handler=handler, contacts=True)
    for path, handler in PATHS
]

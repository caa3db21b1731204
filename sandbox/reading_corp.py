"""What can be read of the corp under /sandbox/ (GET, JSON): for the pages, tests and benches."""

from __future__ import annotations

from aiohttp import web

from sandbox import mass_sending
from sandbox.corp import Group, Line, MassPart, MassTask, Relation
from sandbox.reading import clock_json, json_answer, refusal
from sandbox.records import AppMessage, Json, SessionState
from sandbox.world import World

LINES_SHOWN = 200
GROUPS_SHOWN = 500  # the youngest


class CorpReading:
    """Handlers that change nothing."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sandbox/people", self._people),
            web.get("/sandbox/client", self._client),
            web.get("/sandbox/groups", self._groups),
            web.get("/sandbox/group", self._group),
            web.get("/sandbox/friend", self._friend),
            web.get("/sandbox/mass", self._mass),
            web.get("/sandbox/passages", self._passages),
            web.get("/sandbox/picture/{name}", self._picture),
        ]

    async def _people(self, _: web.Request) -> web.Response:
        """Departments, members with their moods, those who left, tags."""
        world, corp = self._world, self._world.corp
        world.agenda.run_due()
        return json_answer(
            {
                "clock": clock_json(world),
                "departments": [
                    {
                        "department_id": one.department_id,
                        "name": one.name,
                        "parent_id": one.parent_id,
                        "leaders": list(one.leaders),
                    }
                    for one in corp.departments.values()
                ],
                "members": [
                    {
                        "userid": one.userid,
                        "name": one.name,
                        "departments": list(one.departments),
                        "leaders": list(one.leaders),
                        "position": one.position,
                        "follows": one.follows,
                        "mood": corp.moods.get(one.userid, "manual"),
                        "customers": len(corp.by_member.get(one.userid, {})),
                        "groups": len(corp.owned(one.userid)),
                    }
                    for one in world.members.values()
                ],
                "left": [{"userid": userid, "at": at} for userid, at in corp.left.items()],
            }
        )

    async def _client(self, request: web.Request) -> web.Response:
        """What a member's client shows: app messages, mass sends, groups, customers."""
        world, corp = self._world, self._world.corp
        world.agenda.run_due()
        userid = request.query.get("userid", "")
        member = world.members.get(userid)
        if member is None:
            return refusal(404, f"没有成员 {userid}，可能已离开企业")
        messages = [_message_json(one, userid) for one in world.app_messages if userid in one.userids]
        tasks = [
            _part_json(world, one, one.parts[userid])
            for one in corp.mass_tasks.values()
            if userid in one.parts
        ]
        mine = [one for one in corp.groups.values() if userid in one.members and not one.dismissed]
        return json_answer(
            {
                "clock": clock_json(world),
                "member": {"userid": userid, "name": member.name, "mood": corp.moods.get(userid, "manual")},
                "messages": messages[-100:],
                "mass": tasks[-100:],
                "groups": [_brief(one) for one in mine],
                "friends": [_friend_json(world, one) for one in corp.by_member.get(userid, {}).values()],
                "service": _service_json(world, userid),
                "templates": [
                    {"template_id": one.template_id, **one.content} for one in corp.welcome_templates.values()
                ],
            }
        )

    async def _groups(self, _: web.Request) -> web.Response:
        self._world.agenda.run_due()
        rows = [_brief(one) for one in list(self._world.corp.groups.values())[-GROUPS_SHOWN:]]
        return json_answer({"clock": clock_json(self._world), "groups": rows})

    async def _group(self, request: web.Request) -> web.Response:
        world = self._world
        world.agenda.run_due()
        group = world.corp.groups.get(request.query.get("chat_id", ""))
        if group is None:
            return refusal(404, "没有这个群")
        names = {one.by: _name(world, one.by) for one in group.lines if one.by}
        members = [
            {
                "id": one.member_id,
                "name": _name(world, one.member_id),
                "is_staff": one.is_staff,
                "joined_at": one.joined_at,
                "join_scene": one.join_scene,
            }
            for one in group.members.values()
        ]
        return json_answer(
            {
                "clock": clock_json(world),
                "group": _brief(group),
                "members": members,
                "names": names,
                "lines": [_line_json(one) for one in group.lines[-LINES_SHOWN:]],
                "mass_used": mass_sending.used(world, group.chat_id),
            }
        )

    async def _friend(self, request: web.Request) -> web.Response:
        key = (request.query.get("userid", ""), request.query.get("external_userid", ""))
        relation = self._world.corp.relations.get(key)
        if relation is None:
            return refusal(404, "他们不是好友")
        lines = [_line_json(one) for one in relation.lines[-LINES_SHOWN:]]
        names = {one: _name(self._world, one) for one in key}
        return json_answer(
            {
                "clock": clock_json(self._world),
                "friend": _friend_json(self._world, relation),
                "names": names,
                "lines": lines,
            }
        )

    async def _mass(self, _: web.Request) -> web.Response:
        """Every mass send with its parts and targets, for benches and tests."""
        world = self._world
        world.agenda.run_due()
        rows = []
        for task in world.corp.mass_tasks.values():
            parts = [_part_json(world, task, one) for one in task.parts.values()]
            rows.append({"msgid": task.msgid, "chat_type": task.chat_type, "parts": parts})
        return json_answer({"clock": clock_json(world), "mass": rows})

    async def _passages(self, _: web.Request) -> web.Response:
        """Who came into and went out of every group, as it was: what a run with lost events is compared with."""
        world = self._world
        world.agenda.run_due()
        names = ("at", "member_id", "joined", "is_staff", "scene")
        rows = {
            group.chat_id: [{name: getattr(one, name) for name in names} for one in group.passages]
            for group in world.corp.groups.values()
        }
        return json_answer({"clock": clock_json(world), "passages": rows})

    async def _picture(self, request: web.Request) -> web.Response:
        found = self._world.web.pictures.get(request.match_info["name"])
        if found is None:
            return refusal(404, "没有这张图片")
        return web.Response(
            body=found[1], content_type=found[0], headers={"X-Content-Type-Options": "nosniff"}
        )


def _name(world: World, who: str) -> str:
    if who in world.members:
        return world.members[who].name
    return world.customers[who].nickname if who in world.customers else who


def _line_json(one: Line) -> Json:
    row: Json = {
        "number": one.number,
        "at": one.at,
        "by": one.by,
        "via": one.via.value,
        "msgtype": one.msgtype,
        "body": one.body,
    }
    return {**row, "msgid": one.msgid} if one.msgid else row


def _brief(one: Group) -> Json:
    return {
        "chat_id": one.chat_id,
        "name": one.name,
        "owner": one.owner,
        "created_at": one.created_at,
        "notice": one.notice,
        "admins": list(one.admins),
        "size": len(one.members),
        "customers": sum(not member.is_staff for member in one.members.values()),
        "status": int(one.status),
        "dismissed": one.dismissed,
        "template_id": one.template_id,
        "last": _line_json(one.lines[-1]) if one.lines else None,
    }


def _friend_json(world: World, one: Relation) -> Json:
    return {
        "userid": one.userid,
        "external_userid": one.external_userid,
        "name": _name(world, one.external_userid),
        "remark": one.remark,
        "tags": [
            tag.name
            for group in world.corp.tag_groups.values()
            for tag in group.tags.values()
            if tag.tag_id in one.tag_ids
        ],
        "state": one.state,
        "half": one.half,
        "customer_left": one.customer_left,
        "blocked": one.blocked,
        "last": _line_json(one.lines[-1]) if one.lines else None,
    }


def _message_json(one: AppMessage, userid: str) -> Json:
    return {
        "msgid": one.msgid,
        "at": one.at,
        "agent_id": one.agent_id,
        "msgtype": one.msgtype,
        "body": one.body,
        "recalled": one.recalled,
        "shown": one.shown.get(userid),
    }


def _part_json(world: World, task: MassTask, part: MassPart) -> Json:
    names = world.corp.groups
    return {
        "msgid": task.msgid,
        "chat_type": task.chat_type,
        "userid": part.userid,
        "created_at": task.created_at,
        "text": task.text,
        "attachments": task.attachments,
        "personal": task.personal,
        "cancelled": task.cancelled_at is not None,
        "reminded": list(task.reminded),
        "confirmed_at": part.confirmed_at,
        "open_choice": part.open_choice,
        "targets": [
            {
                "id": one.target_id,
                "name": names[one.target_id].name if one.target_id in names else _name(world, one.target_id),
                "status": int(one.status),
                "sent_at": one.sent_at,
            }
            for one in part.targets.values()
        ],
    }


def _service_json(world: World, userid: str) -> Json | None:
    """The member's customer-service chats: who waits, whom the member serves; None for who is no servicer."""
    servicer = world.servicers.get(userid)
    if servicer is None:
        return None
    world.settle_desk()
    mine = [chat for chat in world.desk.values() if servicer.serves(chat.open_kfid)]
    return {
        "receiving": servicer.receiving,
        "waiting": [world.chat_json(chat) for chat in mine if chat.state is SessionState.WAITING],
        "serving": [world.chat_json(chat) for chat in mine if chat.servicer_userid == userid],
    }

"""What can be done and read of robots and of the staff app's chat under /sandbox/, and the address of late answers.

The list of routes with their fields is in docs/sandbox.md.
"""

from __future__ import annotations

import json

from aiohttp import web

from sandbox import address_book, cards
from sandbox.callbacks import Postman
from sandbox.codes import MESSAGES, ApiError, WorldError
from sandbox.control import Act, door, field
from sandbox.reading import clock_json, json_answer, refusal
from sandbox.records import Json
from sandbox.robot_wire import Wire
from sandbox.robots import RobotChat, Robots
from sandbox.world import World

LINES_SHOWN = 200
TEXT_BYTES = 2048


class RobotDoors:
    """Handlers of the robots' chats. `said_to_apps`: what members wrote to apps, by userid and agent."""

    def __init__(self, world: World, robots: Robots, wire: Wire, postman: Postman) -> None:
        self._world, self._robots, self._wire, self._postman = world, robots, wire, postman
        self._said_to_apps: dict[tuple[str, int], list[Json]] = {}

    def routes(self) -> list[web.RouteDef]:
        acts: dict[str, Act] = {
            "robot/says": self._says,
            "robot/enters": self._enters,
            "robot/rates": self._rates,
            "app/says": self._says_to_app,
        }
        posts = [web.post(f"/sandbox/{path}", door(self._world, act)) for path, act in acts.items()]
        return [
            *posts,
            web.get("/sandbox/robot", self._chats),
            web.get("/sandbox/robot/chat", self._chat),
            web.get("/sandbox/app", self._app_chat),
            web.post("/cgi-bin/aibot/response", self._respond),
        ]

    # -- acts ----------------------------------------------------------------------------------------------------

    def _says(self, body: Json) -> Json:
        return self._wire.says(
            field(body, "receiver", str, ""),
            field(body, "userid", str),
            field(body, "content", str),
            chat_id=field(body, "chat_id", str, ""),
            msgtype=field(body, "msgtype", str, "text"),
            quote=field(body, "quote", int, 0),
        )

    def _enters(self, body: Json) -> None:
        self._wire.enters(field(body, "receiver", str, ""), field(body, "userid", str))

    def _rates(self, body: Json) -> None:
        self._wire.rates(
            field(body, "receiver", str, ""),
            field(body, "userid", str),
            field(body, "number", int),
            field(body, "type", int),
            chat_id=field(body, "chat_id", str, ""),
            content=field(body, "content", str, ""),
        )

    def _says_to_app(self, body: Json) -> Json:
        """A member writes to an app (接收消息, WeCom doc 90239)."""
        userid, agent_id = field(body, "userid", str), field(body, "agent_id", int)
        content = field(body, "content", str)
        address_book.member(self._world, userid)
        receiver = cards.receiver_of(self._world, agent_id)
        if receiver is None:
            raise WorldError("这个应用没有设置接收消息的地址")
        if not content.strip() or len(content.encode(errors="replace")) > TEXT_BYTES:
            raise WorldError(f"内容为空或超过 {TEXT_BYTES} 字节")
        now, msgid = self._world.clock.now(), self._world.next_number()
        told = {"number": msgid, "at": now, "by": userid, "content": content}
        self._said_to_apps.setdefault((userid, agent_id), []).append(told)
        fields: Json = {
            "FromUserName": userid,
            "MsgType": "text",
            "Content": content,
            "MsgId": msgid,
            "AgentID": agent_id,
        }
        self._postman.post_fields(receiver, fields)
        self._robots.tell()
        return {"msgid": str(msgid)}

    # -- reading -------------------------------------------------------------------------------------------------

    async def _chats(self, request: web.Request) -> web.Response:
        """Which robots, groups and apps a member can write to."""
        world, userid = self._world, request.query.get("userid", "")
        if userid not in world.members:
            return refusal(404, "没有这个成员")
        robots = [
            {"receiver": one.name, "name": one.robot, **_last(self._robots.chat(one.name, userid))}
            for one in self._robots.receivers.values()
        ]
        groups = [
            {"chat_id": one.chat_id, "name": one.name, "size": len(one.members), **_last(one)}
            for one in self._robots.groups.values()
            if userid in one.members
        ]
        apps = [
            {"agent_id": one.agent_id, "name": one.name}
            for one in world.settings.apps
            if cards.receiver_of(world, one.agent_id) and address_book.sees(world, one, userid)
        ]
        return json_answer({"clock": clock_json(world), "robots": robots, "groups": groups, "apps": apps})

    async def _chat(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            chat = self._robots.chat(
                query.get("receiver", ""), query.get("userid", ""), query.get("chat_id", "")
            )
        except WorldError as error:
            return refusal(404, str(error))
        return json_answer(
            {
                "clock": clock_json(self._world),
                "robot": self._robots.robot(chat.receiver).robot,
                "chat": {"chat_id": chat.chat_id, "name": chat.name, "members": list(chat.members)},
                "names": {one.userid: one.name for one in self._world.members.values()},
                "lines": [line.as_json() for line in chat.lines[-LINES_SHOWN:]],
            }
        )

    async def _app_chat(self, request: web.Request) -> web.Response:
        """What a member wrote to an app and the texts it sent to this member, in order; its cards are elsewhere."""
        userid = request.query.get("userid", "")
        try:
            agent_id = int(request.query.get("agent_id", "0"))
        except ValueError:
            return refusal(400, "agent_id 应为整数")
        said = self._said_to_apps.get((userid, agent_id), [])
        texts = [
            {"number": 0, "at": one.at, "by": "", "content": str(one.body.get("content", ""))}
            for one in self._world.app_messages
            if one.agent_id == agent_id
            and userid in one.userids
            and one.msgtype in ("text", "markdown")
            and "chatid" not in one.body
        ]
        lines = sorted([*said, *texts], key=lambda line: line["at"])
        return json_answer({"clock": clock_json(self._world), "lines": lines[-LINES_SHOWN:]})

    async def _respond(self, request: web.Request) -> web.Response:
        """The address of a late answer: plain JSON, no access token (WeCom doc 101138)."""
        try:
            body = json.loads(await request.read())
            if not isinstance(body, dict):
                raise ApiError(40058)
            self._robots.answer_late(request.query.get("response_code", ""), body)
        except ApiError as error:
            return json_answer({"errcode": error.code, "errmsg": str(error)})
        except ValueError:
            return json_answer({"errcode": 40058, "errmsg": MESSAGES[40058]})
        return json_answer({"errcode": 0, "errmsg": "ok"})


def _last(chat: RobotChat) -> Json:
    return {"last": chat.lines[-1].as_json() if chat.lines else None}

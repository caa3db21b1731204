"""The control API under /sandbox/: what people, tests and benches make the pretend world do (POST, JSON).

Refusals of the world (WorldError) answer 409 with a Chinese sentence, malformed requests 400. The list of routes with
their fields is in docs/sandbox.md; what is only read is in reading.py. It has no login: it belongs on loopback, and
other origins are turned away.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from sandbox import reading, sessions
from sandbox.callbacks import Postman
from sandbox.codes import ApiError, WorldError
from sandbox.faults import Fault, FaultBox, FaultKind, When
from sandbox.live import Live
from sandbox.pace import PaceMode
from sandbox.records import Json, Member
from sandbox.world import World

Kind = TypeVar("Kind", str, int, float, bool, dict[str, Any], list[Any])
Act = Callable[[Json], "Json | Awaitable[Json | None] | None"]
MEDIA_KINDS = ("image", "voice", "video", "file")


class Control:
    """Handlers of the control API."""

    def __init__(self, world: World, faults: FaultBox, postman: Postman, live: Live) -> None:
        self._world = world
        self._faults = faults
        self._postman = postman
        self._live = live

    def routes(self) -> list[web.RouteDef]:
        acts: dict[str, Act] = {
            "customers": self._add_customers,
            "customer/says": self._customer_says,
            "customer/taps": self._customer_taps,
            "customer/sends": self._customer_sends,
            "customer/enters": self._customer_enters,
            "customer/recalls": self._customer_recalls,
            "customer/rejects": self._customer_rejects,
            "customer/fail_next": self._fail_next,
            "messages": self._messages,
            "servicer/receiving": self._servicer_receiving,
            "servicer/takes": self._servicer_takes,
            "servicer/says": self._servicer_says,
            "servicer/transfers": self._servicer_transfers,
            "servicer/ends": self._servicer_ends,
            "servicer/recalls": self._servicer_recalls,
            "servicer/rejects": self._servicer_rejects,
            "member/says": self._member_says,
            "clock/jump": self._clock_jump,
            "clock/rate": self._clock_rate,
            "clock/pace": self._clock_pace,
            "clock/hint": self._clock_hint,
            "faults": self._add_fault,
            "faults/remove": self._remove_fault,
            "callbacks/send": self._send_callback,
            "callbacks/verify": self._verify_callback,
            "callbacks/point": self._point_callback,
        }
        return [web.post(f"/sandbox/{path}", door(self._world, act)) for path, act in acts.items()]

    # -- customers -----------------------------------------------------------------------------------------------

    def _add_customers(self, body: Json) -> Json:
        rows = body.get("customers", [body])
        made = [
            self._world.add_customer(
                field(row, "nickname", str),
                external_userid=field(row, "external_userid", str, ""),
                avatar=field(row, "avatar", str, ""),
            )
            for row in rows
        ]
        return {"customers": [self._world.customer_json(one) for one in made]}

    def _customer_says(self, body: Json) -> Json:
        content = field(body, "content", str)
        menu_id = field(body, "menu_id", str, "")
        return {
            "msgid": self._world.customer_says(_who(body), content, open_kfid=_where(body), menu_id=menu_id)
        }

    def _messages(self, body: Json) -> Json:
        return {"msgids": [self._customer_says(row)["msgid"] for row in field(body, "messages", list)]}

    def _customer_taps(self, body: Json) -> Json:
        msgid, menu_id = field(body, "msgid", str), field(body, "menu_id", str)
        return {"msgid": self._world.customer_taps(_who(body), msgid, menu_id, open_kfid=_where(body))}

    def _customer_sends(self, body: Json) -> Json:
        """`msgtype` with `body`, or for media `content` in base64 (absent: a sample) and `filename`."""
        kind = field(body, "msgtype", str)
        content = field(body, "body", dict, {})
        if kind not in MEDIA_KINDS or content:
            return {"msgid": self._world.customer_sends(_who(body), kind, content, open_kfid=_where(body))}
        try:
            raw = base64.b64decode(field(body, "content", str, ""), validate=True)
        except binascii.Error as error:
            raise ValueError("content 不是 base64") from error
        filename = field(body, "filename", str, "")
        return {
            "msgid": self._world.customer_sends_media(
                _who(body), kind, raw, filename=filename, open_kfid=_where(body)
            )
        }

    def _customer_enters(self, body: Json) -> Json:
        if url := field(body, "url", str, ""):
            return {"welcome_code": self._world.customer_enters_by_url(_who(body), url)}
        scene, scene_param = field(body, "scene", str, ""), field(body, "scene_param", str, "")
        code = self._world.customer_enters(
            _who(body), open_kfid=_where(body), scene=scene, scene_param=scene_param
        )
        return {"welcome_code": code}

    def _customer_recalls(self, body: Json) -> None:
        self._world.customer_recalls(_who(body), field(body, "msgid", str), open_kfid=_where(body))

    def _customer_rejects(self, body: Json) -> None:
        self._world.customer_rejects(_who(body), field(body, "rejects", bool, True))

    def _fail_next(self, body: Json) -> None:
        self._world.fail_next(_who(body), field(body, "fail_type", int), field(body, "times", int, 1))

    # -- servicers -----------------------------------------------------------------------------------------------

    def _servicer_receiving(self, body: Json) -> None:
        stop_type = field(body, "stop_type", int, 0)
        sessions.set_receiving(
            self._world, _servicer(body), field(body, "receiving", bool), stop_type=stop_type
        )

    def _servicer_takes(self, body: Json) -> None:
        sessions.take(self._world, _servicer(body), _who(body), _where(body))

    def _servicer_says(self, body: Json) -> Json:
        content = field(body, "content", str)
        return {"msgid": sessions.says(self._world, _servicer(body), _who(body), content, _where(body))}

    def _servicer_transfers(self, body: Json) -> None:
        sessions.transfer(
            self._world, _servicer(body), field(body, "to_userid", str), _who(body), _where(body)
        )

    def _servicer_ends(self, body: Json) -> None:
        sessions.end(self._world, _servicer(body), _who(body), _where(body))

    def _servicer_recalls(self, body: Json) -> None:
        sessions.recalls(self._world, _servicer(body), _who(body), field(body, "msgid", str), _where(body))

    def _servicer_rejects(self, body: Json) -> None:
        rejects = field(body, "rejects", bool, True)
        sessions.reject_customer(self._world, _servicer(body), _who(body), rejects, _where(body))

    def _member_says(self, body: Json) -> Json:
        """A member writes to the app behind a receiver: a text callback with MsgId."""
        receiver = self._postman.receivers[field(body, "receiver", str)]
        userid = _servicer(body)
        msgid = self._world.next_number()
        self._world.members.setdefault(userid, Member(userid=userid, name=userid))
        fields: Json = {
            "FromUserName": userid,
            "MsgType": "text",
            "Content": field(body, "content", str),
            "MsgId": msgid,
            "AgentID": receiver.agent_id,
        }
        self._postman.post_fields(receiver.name, fields)
        return {"msgid": str(msgid)}

    # -- time, faults, callbacks ---------------------------------------------------------------------------------

    def _clock_jump(self, body: Json) -> Json:
        self._world.pace.take_hands_off()
        self._world.clock.jump(field(body, "seconds", float))
        return self._clock_changed()

    def _clock_rate(self, body: Json) -> Json:
        self._world.pace.take_hands_off()
        self._world.clock.set_rate(field(body, "rate", float))
        return self._clock_changed()

    def _clock_pace(self, body: Json) -> Json:
        self._world.pace.begin(PaceMode(field(body, "mode", str)))
        return self._clock_changed()

    def _clock_hint(self, body: Json) -> Json:
        self._world.pace.hint(field(body, "at", float, 0.0) or None)
        return reading.clock_json(self._world)

    def _clock_changed(self) -> Json:
        if self._live.has_readers:
            self._world.settle_all()
        self._live.tell("clock", reading.clock_json(self._world))
        return reading.clock_json(self._world)

    def _add_fault(self, body: Json) -> Json:
        known = {"kind", "match", "probability", "count", "seconds", "code", "when", "seed"}
        if unknown := set(body) - known:
            raise ValueError(f"不认识的字段 {', '.join(sorted(unknown))}")
        fault = Fault(**{**body, "kind": FaultKind(body["kind"]), "when": When(body.get("when", "before"))})
        fault_id = self._faults.add(fault)
        self._live.tell("faults", {"faults": reading.faults_json(self._faults)})
        return {"fault_id": fault_id}

    def _remove_fault(self, body: Json) -> None:
        fault_id = field(body, "fault_id", str, "")
        if fault_id:
            self._faults.remove(fault_id)
        else:
            self._faults.clear()
        self._live.tell("faults", {"faults": reading.faults_json(self._faults)})

    def _send_callback(self, body: Json) -> None:
        """`fields` (flat, ToUserName and CreateTime added) or the whole `xml`, to `receiver`."""
        name = field(body, "receiver", str)
        if name not in self._postman.receivers:
            raise KeyError(name)
        if xml := field(body, "xml", str, ""):
            self._postman.post(name, xml.encode())
        else:
            self._postman.post_fields(name, field(body, "fields", dict))

    async def _verify_callback(self, body: Json) -> Json:
        problem = await self._postman.verify(field(body, "receiver", str))
        return {"good": not problem, "problem": problem}

    def _point_callback(self, body: Json) -> None:
        self._postman.point(field(body, "receiver", str), field(body, "url", str))


def door(world: World, act: Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Make a handler of `act`: it gets the JSON body after everything that is due has happened."""

    async def serve(request: web.Request) -> web.StreamResponse:
        if not _is_same_origin(request):
            return reading.refusal(403, "只接受本页面的请求")
        try:
            body = await request.json() if request.can_read_body else {}
            if not isinstance(body, dict):
                return reading.refusal(400, "请求应为 JSON 对象")
            world.agenda.run_due()
            result = act(body)
            answer = await result if isinstance(result, Awaitable) else result
            return reading.json_answer(answer or {})
        except WorldError as error:
            return reading.refusal(409, str(error))
        except ApiError as error:
            return reading.refusal(409, f"{error.code} {error}")
        except (ValueError, KeyError, TypeError) as error:
            return reading.refusal(400, f"请求有误：{error}")

    return serve


def field(body: Json, name: str, kind: type[Kind], default: Kind | None = None) -> Kind:
    """The field `name` of a request, of the type `kind`. Raises KeyError or ValueError."""
    value = body.get(name, default)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if value is None:
        raise KeyError(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{name} 类型不对")
    if isinstance(value, str):
        value.encode()  # half a surrogate pair could be shown nowhere
    if not _is_finite(value):
        raise ValueError(f"{name} 应为有限的数")
    return value


def _is_finite(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _who(body: Json) -> str:
    return field(body, "external_userid", str)


def _where(body: Json) -> str:
    return field(body, "open_kfid", str, "")


def _servicer(body: Json) -> str:
    return field(body, "userid", str)


def _is_same_origin(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host

"""What can be read of the pretend world under /sandbox/ (GET, JSON): for the page, tests and benches."""

from __future__ import annotations

import json

from aiohttp import web

from sandbox import sessions
from sandbox.callbacks import Postman
from sandbox.codes import ApiError, WorldError
from sandbox.faults import FaultBox
from sandbox.protocol import Protocol
from sandbox.records import Json, Via
from sandbox.world import World


class Reading:
    """Handlers that change nothing."""

    def __init__(self, world: World, faults: FaultBox, postman: Postman, protocol: Protocol) -> None:
        self._world = world
        self._faults = faults
        self._postman = postman
        self._protocol = protocol

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/sandbox/state", self._state),
            web.get("/sandbox/clock", self._time),
            web.get("/sandbox/transcript", self._transcript),
            web.get("/sandbox/received", self._received),
            web.get("/sandbox/calls", self._calls),
            web.get("/sandbox/stats", self._stats),
            web.get("/sandbox/app_messages", self._app_messages),
            web.get("/sandbox/media/{media_id}", self._media),
        ]

    async def _state(self, _: web.Request) -> web.Response:
        world = self._world
        world.settle_desk()
        return json_answer(
            {
                "clock": clock_json(self._world),
                "corp_id": world.settings.corp_id,
                "repeat": world.settings.repeat.value,
                "sidebar_url": world.settings.sidebar_url,
                "sidebar_urls": {
                    "single": world.settings.sidebar_single_url,
                    "group": world.settings.sidebar_group_url,
                    "kf": world.settings.sidebar_kf_url,
                },
                "suggestions": list(world.settings.suggestions),
                "accounts": [
                    {"open_kfid": one.open_kfid, "name": one.name} for one in world.accounts.values()
                ],
                "customers": [
                    world.customer_json(one) for one in world.customers.values() if not one.simulated
                ],
                "servicers": [sessions.servicer_json(one) for one in world.servicers.values()],
                "desk": [world.chat_json(chat) for chat in world.desk.values()],
                "faults": faults_json(self._faults),
                "callbacks": self._postman.status(),
            }
        )

    async def _time(self, _: web.Request) -> web.Response:
        """The time; asked every few seconds by an open page, so sessions that have run out are ended here too."""
        self._world.settle_all()
        return json_answer(clock_json(self._world))

    async def _transcript(self, request: web.Request) -> web.Response:
        try:
            limit = int(request.query.get("limit", "200"))
            chat = self._world.chat(
                request.query.get("external_userid", ""), request.query.get("open_kfid", "")
            )
        except (WorldError, ValueError) as error:
            return refusal(404, str(error))
        bubbles = [bubble.as_json() for bubble in chat.bubbles[-limit:]] if limit else []
        return json_answer(
            {"chat": self._world.chat_json(chat), "bubbles": bubbles, "total": len(chat.bubbles)}
        )

    async def _received(self, _: web.Request) -> web.Response:
        """What every customer got, for benches: external_userid → list in order."""
        found: dict[str, list[Json]] = {}
        for (_kfid, external_userid), chat in self._world.chats.items():
            found.setdefault(external_userid, []).extend(bubble.as_json() for bubble in chat.received)
        return json_answer({"received": found})

    async def _calls(self, _: web.Request) -> web.Response:
        return json_answer({"counts": self._counts(), "recent": list(self._protocol.recent)})

    def _counts(self) -> list[Json]:
        rows = sorted(self._protocol.counts.items())
        return [{"endpoint": path, "outcome": outcome, "count": count} for (path, outcome), count in rows]

    async def _stats(self, _: web.Request) -> web.Response:
        by_via = {via.value: 0 for via in Via}
        for chat in self._world.chats.values():
            for bubble in chat.bubbles:
                by_via[bubble.via.value] += 1
        replies = [
            {"receiver": one.receiver, "code": one.code, "text": one.text} for one in self._postman.replies
        ]
        return json_answer(
            {
                "clock": clock_json(self._world),
                "customers": len(self._world.customers),
                "chats": len(self._world.chats),
                "bubbles": by_via,
                "counts": self._counts(),
                "callbacks": self._postman.status(),
                "replies": replies,
                "faults": faults_json(self._faults),
            }
        )

    async def _app_messages(self, _: web.Request) -> web.Response:
        names = ("msgid", "at", "agent_id", "userids", "msgtype", "body", "dropped")
        rows = [{name: getattr(one, name) for name in names} for one in self._world.app_messages]
        return json_answer({"messages": rows})

    async def _media(self, request: web.Request) -> web.Response:
        try:
            media = self._world.media.get(request.match_info["media_id"], self._world.clock.now())
        except ApiError:
            return refusal(404, "素材不存在或已过期（3 天）")
        # Only pictures are shown in place; anything else a customer uploads must not run in this origin.
        kind = media.content_type if media.kind in ("image", "video", "voice") else "application/octet-stream"
        headers = {
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return web.Response(body=media.content, content_type=kind, headers=headers)


def clock_json(world: World) -> Json:
    return {"now": world.clock.now(), "rate": world.clock.rate, "pace": world.pace.mode.value}


def faults_json(faults: FaultBox) -> list[Json]:
    names = ("fault_id", "kind", "match", "probability", "count", "seconds", "code", "when", "struck")
    return [{name: getattr(fault, name) for name in names} for fault in faults.all()]


def json_answer(content: Json) -> web.Response:
    return web.Response(
        text=json.dumps(content, ensure_ascii=False),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def refusal(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)

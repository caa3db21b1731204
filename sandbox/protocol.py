"""The door the application calls: /cgi-bin/…, with tokens, limits, faults and WeCom's way of answering.

Errors are JSON with HTTP status 200 and the headers Error-Code and Error-Msg (WeCom doc 91039). What the endpoints do
stands in endpoints_kf.py and endpoints_base.py.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.codes import ApiError
from sandbox.faults import Fault, FaultBox, FaultKind, When
from sandbox.limits import Limiter
from sandbox.messages import integer, text
from sandbox.records import Json
from sandbox.settings import AppSettings
from sandbox.world import World

# Faults that a pattern such as * must not put on gettoken: they speak of a token or of what it may do.
TOKEN_CODES = (40014, 42001, 48002, 60020)
CALLS_KEPT = 200


@dataclass(kw_only=True, slots=True)
class Call:
    """One call: whose token it carries, its query and its JSON body."""

    world: World
    app: AppSettings
    request: web.Request
    body: Json

    def query(self, name: str) -> str:
        return self.request.query.get(name, "")


Handler = Callable[[Call], Awaitable[Json | web.StreamResponse]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A path under /cgi-bin/. `json`: the body is JSON; `open`: needs no token; `kf`, `contacts`: rights of the app."""

    path: str
    method: str
    handler: Handler
    json: bool = True
    open: bool = False
    kf: bool = False
    contacts: bool = False


NOBODY = AppSettings(agent_id=0, name="", secret="")


class Protocol:
    """Serves the endpoints and counts every call by endpoint and errcode."""

    def __init__(self, world: World, faults: FaultBox, endpoints: list[Endpoint]) -> None:
        self._world = world
        self._faults = faults
        self._limiter = Limiter(world.clock)
        self._endpoints = {endpoint.path: endpoint for endpoint in endpoints}
        self._running: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        self.counts: Counter[tuple[str, int]] = Counter()
        self.recent: deque[Json] = deque(maxlen=CALLS_KEPT)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        path = request.match_info["path"].rstrip("/")
        self._running[path] += 1
        started = time.perf_counter()
        outcome = 0
        try:
            if fault := self._faults.strike(FaultKind.DELAY, path):
                await asyncio.sleep(fault.seconds)
            if early := self._early_break(request, path):
                outcome = _outcome(early)
                return early
            response = await self._answer(request, path)
            outcome = _outcome(response)
            if late := self._late_break(request, path):
                outcome = _outcome(late)
                return late
            return response
        finally:
            self._running[path] -= 1
            self._count(path, outcome, time.perf_counter() - started)

    def _count(self, path: str, outcome: int, seconds: float) -> None:
        self.counts[path if path in self._endpoints else "unknown", outcome] += 1
        self.recent.append(
            {
                "number": next(self._numbers),
                "at": self._world.clock.now(),
                "endpoint": path,
                "outcome": outcome,
                "milliseconds": round(seconds * 1000, 1),
            }
        )

    # -- faults --------------------------------------------------------------------------------------------------

    def _early_break(self, request: web.Request, path: str) -> web.Response | None:
        return self._break(request, path, When.BEFORE)

    def _late_break(self, request: web.Request, path: str) -> web.Response | None:
        if fault := self._strike_errcode(path, When.AFTER):
            return error_response(ApiError(_code(fault, -1), "fault after the act"))
        return self._break(request, path, When.AFTER)

    def _break(self, request: web.Request, path: str, when: When) -> web.Response | None:
        if fault := self._faults.strike(FaultKind.HTTP, path, when):
            return web.Response(
                status=_code(fault, 502), text="<html>bad gateway</html>", content_type="text/html"
            )
        if self._faults.strike(FaultKind.RESET, path, when) and request.transport is not None:
            request.transport.abort()
            return web.Response(status=599)
        return None

    def _strike_errcode(self, path: str, when: When) -> Fault | None:
        fault = self._faults.strike(FaultKind.ERRCODE, path, when)
        if fault and path == "gettoken" and fault.code in TOKEN_CODES and "gettoken" not in fault.match:
            fault.struck -= 1
            fault.count = fault.count + 1 if fault.count is not None else None
            return None
        return fault

    # -- acting --------------------------------------------------------------------------------------------------

    async def _answer(self, request: web.Request, path: str) -> web.StreamResponse:
        try:
            return json_response(await self._act(request, path))
        except ApiError as error:
            return error_response(error)

    async def _act(self, request: web.Request, path: str) -> Json | web.StreamResponse:
        endpoint = self._endpoints.get(path)
        if endpoint is None:
            raise ApiError(40066, path)
        if request.method != endpoint.method:
            raise ApiError(40063, f"use {endpoint.method}")
        if fault := self._strike_errcode(path, When.BEFORE):
            raise ApiError(_code(fault, -1), "fault")
        app = NOBODY if endpoint.open else self._admit(request, path)
        if (endpoint.kf and not app.kf) or (endpoint.contacts and not app.contacts):
            raise ApiError(48002)
        self._check_limits(path)
        self._world.agenda.run_due()
        body = await _read_json(request) if endpoint.method == "POST" and endpoint.json else {}
        if path == "kf/sync_msg" and not body.get("token"):
            self._check_tokenless_sync(body)
        return await endpoint.handler(Call(world=self._world, app=app, request=request, body=body))

    def _admit(self, request: web.Request, path: str) -> AppSettings:
        now = self._world.clock.now()
        if self._faults.strike(FaultKind.EXPIRE_TOKENS, path):
            self._world.tokens.expire_all(now)
        return self._world.tokens.check(request.query.get("access_token", ""), now)

    def _check_limits(self, path: str) -> None:
        settings = self._world.settings
        if settings.max_concurrent and self._running[path] > settings.max_concurrent:
            raise ApiError(45033)
        if not self._limiter.allows(path, settings.calls_per_minute):
            raise ApiError(45009)

    def _check_tokenless_sync(self, body: Json) -> None:
        key = f"sync without token {body.get('open_kfid')}"
        if not self._limiter.allows(key, self._world.settings.sync_without_token_per_minute):
            raise ApiError(45009, "sync_msg without token")


def _outcome(response: web.StreamResponse) -> int:
    """The errcode, or the HTTP status as a negative number when the fault was below the protocol (-599: reset)."""
    if response.status in (200, 206):
        return int(response.headers.get("Error-Code", "0"))
    return -response.status


def _code(fault: Fault, default: int) -> int:
    return default if fault.code is None else fault.code


async def _read_json(request: web.Request) -> Json:
    raw = await request.read()
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ApiError(47001) from error
    if not isinstance(body, dict):
        raise ApiError(47001)
    return body


def json_response(answer: Json | web.StreamResponse) -> web.StreamResponse:
    """Dress a handler's answer: JSON gets errcode 0, and both headers; other responses pass."""
    if isinstance(answer, web.StreamResponse):
        return answer
    return _as_response({"errcode": 0, "errmsg": "ok", **answer})


def error_response(error: ApiError) -> web.Response:
    hint = "more info at https://open.work.weixin.qq.com/devtool/query?e="
    return _as_response({"errcode": error.code, "errmsg": f"{error}, from ip: 127.0.0.1, {hint}{error.code}"})


def _as_response(content: Json) -> web.Response:
    message = "".join(letter for letter in content["errmsg"][:200] if " " <= letter <= "~")
    headers = {"Error-Code": str(content["errcode"]), "Error-Msg": message}
    # A refusal may quote half a surrogate pair; as an escape it is still JSON.
    body = json.dumps(content, ensure_ascii=False).encode(errors="backslashreplace")
    return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)


def open_kfid(call: Call) -> str:
    """The open_kfid of the body. Raises ApiError 40063, 95000 (malformed) or 95004 (unknown or deleted)."""
    value = text(call.body, "open_kfid", least=1, most=64)
    if value not in call.world.accounts:
        raise ApiError(95004 if value.startswith("wk") else 95000)
    return value


def strings(holder: dict[str, Any], name: str, most: int) -> list[str]:
    """A list of strings, "" never among them. Raises ApiError 40058 or 40032."""
    value = holder.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ApiError(40058, f"{name} should be a list of strings")
    if len(value) > most:
        raise ApiError(40032, name)
    return value


def page(rows: list[Any], body: dict[str, Any], *, default: int | None, most: int) -> tuple[list[Any], str]:
    """The rows a cursor and a limit ask for, and the next cursor ("" at the end).

    Raises ApiError 40058, 40063 (no limit where it must be there) or 50100.
    """
    limit = integer(body, "limit", least=1, most=most, default=default)
    cursor = text(body, "cursor", most=64)
    if cursor and not re.fullmatch(r"CUR[0-9]{1,9}", cursor):
        raise ApiError(50100)
    begin = int(cursor[3:] or 0) if cursor else 0
    rest = begin + limit
    return rows[begin:rest], f"CUR{rest}" if rest < len(rows) else ""

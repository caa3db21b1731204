"""The other end of the wire: an HTTP server that answers exactly what a test tells it to.

For what a faithful sandbox cannot do on demand: a platform that refuses every token, broken answers, cut
connections. Behaviour of the real platform is tested against sandbox/.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.channels.wecom import client, errors, pacing
from domain.ports import Clock
from store.database import Store

Answer = Callable[[web.Request, bytes], Awaitable[web.StreamResponse | dict[str, Any]]]


@dataclass
class Edge:
    """`answers`: endpoint to what answers it; anything else gets errcode 0. `valid`: the tokens it takes."""

    url: str = ""
    calls: Counter[str] = field(default_factory=Counter)
    bodies: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    valid: set[str] = field(default_factory=set)
    refusal: int = 40014

    async def serve(self, request: web.Request) -> web.StreamResponse:
        endpoint, body = request.match_info["path"], await request.read()
        self.calls[endpoint] += 1
        self.bodies.append((endpoint, dict(request.query), body))
        if endpoint in self.answers:
            answer = await self.answers[endpoint](request, body)
        elif endpoint == "gettoken":
            answer = {"access_token": self.new_token(), "expires_in": 7200}
        elif request.query.get("access_token") not in self.valid:
            answer = {"errcode": self.refusal, "errmsg": "token, more info at x"}
        else:
            answer = {"errcode": 0, "errmsg": "ok"}
        return web.json_response(answer) if isinstance(answer, dict) else answer

    def new_token(self) -> str:
        token = f"AT_{self.calls['gettoken']}"
        self.valid = {token}
        return token

    def says(self, endpoint: str, **answer: Any) -> None:
        """Answer `endpoint` with these JSON fields."""

        async def same(request: web.Request, body: bytes) -> dict[str, Any]:
            return answer

        self.answers[endpoint] = same

    def last(self, endpoint: str) -> dict[str, Any]:
        """The last JSON body sent to `endpoint`."""
        return next(json.loads(body) for name, _, body in reversed(self.bodies) if name == endpoint)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Edge]:
    edge = Edge()
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_route("*", "/cgi-bin/{path:.+}", edge.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    edge.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield edge
    await runner.cleanup()


@contextlib.asynccontextmanager
async def caller(
    url: str,
    store: Store,
    clock: Clock,
    *,
    secret: str = "s",
    pace: pacing.Pacing | None = None,
    **settings: Any,
) -> AsyncIterator[client.WeComClient]:
    """A client of the server at `url`."""
    settings = {"corp_id": "ww1", "rules": errors.Rules()} | settings
    made = client.WeComClient(
        client.Settings(api_base=url, secret=secret, **settings), store, clock, pace or pacing.Pacing(clock)
    )
    yield made
    await made.close()

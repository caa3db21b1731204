"""The phone page on a free port, beside a sandbox that plays WeCom: its people, its silent login, its SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channels.wecom.web_login import WebLogin
from bot.clock import FrozenClock, write_clock_file
from console.context import SidebarContext
from console.sidebar import routes
from sandbox import server
from store.database import Store
from tests.sidebar import factory
from tests.wecom import edge

ServePhone = Callable[..., Awaitable["Phone"]]


@dataclass(frozen=True, kw_only=True)
class Phone:
    """The running page. `box`: the sandbox; `ids`: of the rows a test may want."""

    url: str
    box: server.Box
    ctx: SidebarContext
    app: web.Application
    scene: factory.Scene

    def at(self, path: str) -> str:
        return self.url + path


@pytest.fixture
async def box(tmp_path: Path, frozen_clock: FrozenClock) -> AsyncIterator[server.Box]:
    clock_file = tmp_path / "clock.json"
    write_clock_file(clock_file, virtual_at=frozen_clock.now(), rate=0.0)
    async with server.running(factory.company(str(clock_file))) as running:
        yield running


@pytest.fixture
async def serve_phone(
    store: Store, frozen_clock: FrozenClock, box: server.Box, tmp_path: Path
) -> AsyncIterator[ServePhone]:
    """Start the page: `await serve_phone(signer=None)`; what is given changes the context."""
    running: list[TestServer] = []
    async with edge.caller(box.url, store, frozen_clock, corp_id=factory.CORP, secret="s") as client:
        login = WebLogin(client, store, frozen_clock, agent_id=factory.AGENT_ID, base=box.url)

        async def start(**changes: Any) -> Phone:
            scene = await factory.make_scene(store, frozen_clock)
            ctx = factory.make_context(store, frozen_clock, tmp_path, box.url, login, **changes)
            app = web.Application()
            routes.add_routes(app, ctx)
            served = TestServer(app)
            await served.start_server()
            running.append(served)
            return Phone(url=str(served.make_url("")).rstrip("/"), box=box, ctx=ctx, app=app, scene=scene)

        yield start
        for served in running:
            await served.close()
        await login.close()


@pytest.fixture
async def phone(serve_phone: ServePhone) -> Phone:
    """The page as a company runs it."""
    return await serve_phone()

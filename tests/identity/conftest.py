"""The console and the phone page on a free port, beside a sandbox that plays WeCom's ways in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar, web
from aiohttp.test_utils import TestServer

from bot.channels.wecom.web_login import WebLogin
from bot.clock import FrozenClock, write_clock_file
from console import demo, routes
from console.sidebar import routes as phone_routes
from sandbox import server
from store.database import Store
from tests.console import factory as console_factory
from tests.sidebar import factory
from tests.wecom import edge

DESK = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"
)
WECOM = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 wxwork/4.1.30 MicroMessenger/7.0.1 Language/zh"
)
ServeDoors = Callable[..., Awaitable["Doors"]]
NewBrowser = Callable[..., ClientSession]


@dataclass(frozen=True, kw_only=True)
class Doors:
    """The running pages, and the sandbox they send browsers to."""

    url: str
    box: server.Box

    def at(self, path: str) -> str:
        return self.url + path

    async def come_in(self, browser: ClientSession, member: str, wanted: str = "") -> ClientResponse:
        """Let `member` scan the code that the login page of this browser leads to; return our own answer."""
        begun = await browser.get(
            self.at("/console/login/wecom"), params={"next": wanted}, allow_redirects=False
        )
        scanned = await browser.get(
            begun.headers["Location"] + f"&sandbox_member={member}", allow_redirects=False
        )
        return await browser.get(scanned.headers["Location"], allow_redirects=False)


@pytest.fixture
async def serve_doors(store: Store, frozen_clock: FrozenClock, tmp_path: Path) -> AsyncIterator[ServeDoors]:
    """Start both: `await serve_doors(picker=True)`; what is given changes the console's context."""
    clock_file = tmp_path / "clock.json"
    write_clock_file(clock_file, virtual_at=frozen_clock.now(), rate=0.0)
    running: list[TestServer] = []
    async with (
        server.running(factory.company(str(clock_file))) as box,
        edge.caller(box.url, store, frozen_clock, corp_id=factory.CORP, secret="s") as client,
    ):
        login = WebLogin(
            client, store, frozen_clock, agent_id=factory.AGENT_ID, base=box.url, sso_base=box.url
        )

        async def start(**changes: Any) -> Doors:
            await store.write(lambda tx: demo.ensure_logins(tx, frozen_clock.now()))
            values = {"login": login, "entry_secret": "s", **changes}
            console = console_factory.make_context(store, frozen_clock, tmp_path, **values)
            phone = factory.make_context(store, frozen_clock, tmp_path, box.url, login)
            app = web.Application()
            routes.add_routes(app, console)
            phone_routes.add_routes(app, replace(phone, console=console))
            served = TestServer(app)
            await served.start_server()
            running.append(served)
            return Doors(url=str(served.make_url("")).rstrip("/"), box=box)

        yield start
        for served in running:
            await served.close()
        await login.close()


@pytest.fixture
async def doors(serve_doors: ServeDoors) -> Doors:
    """The pages as a company runs them."""
    return await serve_doors()


@pytest.fixture
async def new_browser() -> AsyncIterator[NewBrowser]:
    """A browser with cookies of its own: `new_browser()` on a desk, `new_browser(WECOM)` inside the client."""
    opened: list[ClientSession] = []

    def start(user_agent: str = DESK) -> ClientSession:
        session = ClientSession(cookie_jar=CookieJar(unsafe=True), headers={"User-Agent": user_agent})
        opened.append(session)
        return session

    yield start
    for session in opened:
        await session.close()

"""The pages for customers on a free port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import CookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from bot.clock import FrozenClock
from console.week import routes
from store.database import Store
from tests.week_pages import factory

Client = TestClient[web.Request, web.Application]
Serve = Callable[..., Awaitable[Client]]
# What WeChat's own browser sends on a phone.
WECHAT = (
    "Mozilla/5.0 (Linux; Android 13; V2203A Build/TP1A.220624.014; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160065 MMWEBSDK/20231202 MicroMessenger/8.0.47.2560"
    "(0x28002F30) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN ABI/arm64"
)


@pytest.fixture
async def serve(store: Store, frozen_clock: FrozenClock) -> AsyncIterator[Serve]:
    """Start the pages: `await serve(may_say=…)`; what is given changes the context."""
    running: list[TestClient[Any, Any]] = []

    async def start(**changes: object) -> Client:
        app = web.Application()
        routes.add_routes(app, factory.make_context(store, frozen_clock, **changes))
        headers = {"User-Agent": WECHAT}
        client = TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True), headers=headers)
        await client.start_server()
        running.append(client)
        return client

    yield start
    for client in running:
        await client.close()


@pytest.fixture
async def pages(serve: Serve) -> Client:
    """The pages as a customer finds them."""
    return await serve()

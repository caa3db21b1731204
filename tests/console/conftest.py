"""The pages on a free port, with people and talks in the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import CookieJar, TCPConnector, web
from aiohttp.test_utils import TestClient, TestServer

from bot.clock import FrozenClock
from console import routes
from console.context import ConsoleContext
from domain.login import Role
from store.database import Store
from tests.console import factory, group_factory

Serve = Callable[..., Awaitable["Pages"]]


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The running pages. `client` keeps no cookies: each request says who asks."""

    client: TestClient[web.Request, web.Application]
    ctx: ConsoleContext
    names: dict[Role, str]
    app: web.Application

    def url(self, path: str) -> str:
        return str(self.client.make_url(path))


@pytest.fixture
async def serve(store: Store, frozen_clock: FrozenClock, tmp_path: Path) -> AsyncIterator[Serve]:
    """Start the pages: `await serve(picker=True)`; what is given changes the context."""
    running: list[TestClient[Any, Any]] = []

    async def start(**changes: object) -> Pages:
        ctx = factory.make_context(store, frozen_clock, tmp_path, **changes)
        app = web.Application()
        routes.add_routes(app, ctx)
        names = await factory.add_people(store, frozen_clock)
        # A connection each: one that the server is just closing must not be taken for the next request.
        connector = TCPConnector(force_close=True)
        client = TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True), connector=connector)
        await client.start_server()
        running.append(client)
        return Pages(client=client, ctx=ctx, names=names, app=app)

    yield start
    for client in running:
        await client.close()


@pytest.fixture
async def pages(serve: Serve) -> Pages:
    """The pages as a company runs them."""
    return await serve()


@pytest.fixture
async def scene(store: Store, frozen_clock: FrozenClock, tmp_path: Path) -> factory.Scene:
    """A small company's morning in the store."""
    return await factory.make_scene(store, frozen_clock, tmp_path)


@pytest.fixture
async def groups(store: Store, frozen_clock: FrozenClock) -> group_factory.Groups:
    """Groups in every state the pages show."""
    return await group_factory.make_groups(store, frozen_clock)

"""The console's pages around a library that really serves what is approved."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import ClientResponse, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from bot.library import Library, LibraryRules
from console import routes
from domain.draft import Draft
from domain.faq import EntityMode, Line, Thresholds
from domain.hours import ServiceHours
from domain.login import Role
from store import content_drafts
from store.database import Store
from tests.console import factory

CSRF = "csrf-of-the-test"
HOURS = ServiceHours(zone=ZoneInfo("Asia/Shanghai"), periods=(), closed_on=frozenset())
MakeLibrary = Callable[..., Awaitable[Library]]


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The pages with a library behind them. `cookies` of each role."""

    client: TestClient[web.Request, web.Application]
    store: Store
    clock: FrozenClock
    library: Library
    cookies: Mapping[Role, dict[str, str]]

    def url(self, path: str) -> str:
        return str(self.client.make_url(path))

    async def read(self, path: str, role: Role = Role.CONTENT) -> str:
        answer = await self.client.get(path, cookies=self.cookies[role])
        assert answer.status == 200, path
        return await answer.text()

    async def post(self, path: str, role: Role = Role.CONTENT, **fields: Any) -> ClientResponse:
        """Send a form; fields with several values are lists."""
        parts = [("csrf", CSRF)]
        for name, value in fields.items():
            parts += [(name, one) for one in (value if isinstance(value, list) else [value])]
        return await self.client.post(path, data=parts, cookies=self.cookies[role], allow_redirects=False)

    async def draft(self, draft_id: int) -> Draft:
        async with self.store.read() as tx:
            found = await content_drafts.find(tx, draft_id)
        assert found is not None
        return found


@pytest.fixture
def content_folder(tmp_path: Path) -> Path:
    """A folder of words that a test may change."""
    return Path(shutil.copytree(factory.HOUSE / "content", tmp_path / "content", ignore=_python))


def _python(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name.endswith(".py") or name == "__pycache__"]


@pytest.fixture
async def make_library(store: Store, frozen_clock: FrozenClock, tmp_path: Path) -> AsyncIterator[MakeLibrary]:
    """Open a library over the store: `await make_library(folder)`; several are replicas."""
    opened: list[Library] = []

    async def make(folder: Path = factory.HOUSE / "content", *, serves_samples: bool = True) -> Library:
        rules = LibraryRules(
            folder=folder,
            data_folder=tmp_path,
            serves_samples=serves_samples,
            by_meaning=False,
            entity_modes=MappingProxyType(dict.fromkeys(Line, EntityMode.LICENSED)),
            thresholds=Thresholds(),
            hours=HOURS,
        )
        library = Library(store, frozen_clock, rules)
        await library.load()
        await library.warm_up()
        opened.append(library)
        return library

    yield make
    for library in opened:
        await library.stop()


@pytest.fixture
async def desk(
    store: Store,
    frozen_clock: FrozenClock,
    tmp_path: Path,
    make_library: MakeLibrary,
) -> AsyncIterator[Desk]:
    """The pages, with two editors (content, compliance) and everybody else."""
    library = await make_library()
    ctx = factory.make_context(
        store,
        frozen_clock,
        tmp_path,
        knowledge=library.knowledge,
        refresh_content=library.refresh,
        rehearse=library.rehearse,
    )
    app = web.Application()
    routes.add_routes(app, ctx)
    names = await factory.add_people(store, frozen_clock)
    client = TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True))
    await client.start_server()
    cookies = {role: await factory.sign_in(store, name, frozen_clock) for role, name in names.items()}
    yield Desk(client=client, store=store, clock=frozen_clock, library=library, cookies=cookies)
    await client.close()


async def ask(store: Store, clock: FrozenClock, texts: Mapping[str, str], decision: str = "clarify") -> None:
    """Let customers ask: platform id to words; the bot was not sure."""

    async def job(tx: AsyncConnection) -> None:
        make = factory.Maker(tx, clock.now())
        for who, text in texts.items():
            talk = await make.talk(who)
            asked = await make.says(talk, text)
            await make.decides(talk, asked, decision, ("loan.prepay", 0.2, ["x"]))

    await store.write(job)

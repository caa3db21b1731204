"""Every address of the whole house: each stands in a table of docs/access.md, and no form works without its token."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, web
from aiohttp.test_utils import TestServer

from bot import app, config
from bot.clock import FrozenClock, write_clock_file
from bot.loops import Loops
from console import routes, sessions
from console.sidebar import entrance
from domain.login import Role
from store.database import Store
from tests.console import factory as console_factory
from tests.sidebar import doors as phone_doors
from tests.sidebar import factory

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

ACCESS = console_factory.HOUSE / "docs" / "access.md"
# The ways in: whoever sends one of these forms has no session yet; a seed in a cookie stands for it.
WITHOUT_SESSION = {"/console/login", "/console/pick"}
# Doors for machines and customers; their own tests say who may.
NOT_FOR_STAFF = ("/callback/", "/g/")
PARTS = {
    "line": "loan",
    "kind": "faq",
    "key": "loan.prepay",
    "session": "0" * 16,
    "template": "finance_week1",
    "subject": "x",
}


@dataclass(frozen=True, kw_only=True)
class House:
    """The whole program's doors on a free port, its loops at rest."""

    url: str
    routes: frozenset[tuple[str, str]]
    store: Store
    clock: FrozenClock


@pytest.fixture
async def house(tmp_path: Path, database_url: str, frozen_clock: FrozenClock) -> AsyncIterator[House]:
    clock_file = tmp_path / "clock.json"
    write_clock_file(clock_file, virtual_at=frozen_clock.now(), rate=0.0)
    (tmp_path / "WW_verify_abc123.txt").write_text("abc123")
    receiver = {"secret": "s", "token": "t", "aes_key": "a" * 42 + "A", "agent_id": factory.AGENT_ID}
    values = {
        "server": {"port": 0, "verify_file": "WW_verify_abc123.txt"},
        "store": {"url": database_url, "data_folder": str(tmp_path / "data")},
        "wecom": {
            "corp_id": factory.CORP,
            "api_base": "http://127.0.0.1:9",
            "receivers": {"kf": receiver, "assistant": receiver},
        },
        "content": {"serve_samples": True},
        "company": {"name": "示例信息服务有限公司"},
        "clock": {"file": str(clock_file)},
        "console": {"secure_cookies": False},
        "answering": {"by_meaning": False},
    }
    async with app.opened(config.build(values, tmp_path)) as opened:
        application: web.Application = app.application_of(opened, Loops(opened))
        served = TestServer(application)
        await served.start_server()
        yield House(
            url=str(served.make_url("")).rstrip("/"),
            routes=frozenset(_routes(application)),
            store=opened.store,
            clock=frozen_clock,
        )
        await served.close()


def _routes(application: web.Application) -> list[tuple[str, str]]:
    return [
        (route.method, route.resource.canonical)
        for resource in application.router.resources()
        for route in resource
        if route.resource is not None and route.method != "HEAD"
    ]


def documented() -> set[tuple[str, str]]:
    """Every address named in a table of docs/access.md, whichever."""
    rows = [line for line in ACCESS.read_text("utf-8").splitlines() if line.startswith("|")]
    first = [row.strip("|").split("|")[0] for row in rows]
    found = {pair for cell in first for pair in re.findall(r"\b(GET|POST) (/[^\s`|,]*)", cell)}
    phone = ACCESS.read_text("utf-8")
    # The phone page's open doors stand in a sentence.
    return found | {("GET", path) for path in re.findall(r"`(/sidebar/[a-z/]+)`", phone)}


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: PARTS.get(match[1], "1"), path)


def named(path: str) -> str:
    """The address as the page writes it."""
    if path.startswith("/WW_verify_"):
        return "/WW_verify_….txt"
    return path.removesuffix("/") if path == "/sidebar/" else path


async def test_every_address_of_the_house_stands_in_a_table(house: House) -> None:
    told = {(method, named(path)) for method, path in documented()}

    missing = {
        (method, path)
        for method, path in house.routes
        if (method, named(path)) not in told and not path.startswith(("/sidebar/static/", "/sidebar/lib/"))
    }

    assert missing == set()
    assert len(house.routes) > 100


async def test_the_file_that_proves_the_domain_is_served(house: House) -> None:
    async with ClientSession() as browser:
        answer = await browser.get(f"{house.url}/WW_verify_abc123.txt")
        assert (answer.status, await answer.text()) == (200, "abc123")


async def test_no_form_works_without_the_sessions_token(house: House) -> None:
    # Every role at once, so that nothing is refused for want of a right.
    cookies = await _everybody(house)
    posts = [
        path
        for method, path in house.routes
        if method == "POST" and path not in WITHOUT_SESSION and not path.startswith(NOT_FOR_STAFF)
    ]
    passed = []
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        for path in posts:
            for form in ({}, {"csrf": "guessed"}):
                answer = await browser.post(
                    house.url + filled(path), data=form, cookies=cookies, allow_redirects=False
                )
                if answer.status != 403:
                    passed.append(f"{path} with {form}: {answer.status}")

    assert passed == []
    assert len(posts) > 40


async def test_every_page_goes_with_the_strict_headers(house: House) -> None:
    cookies, loose = await _everybody(house), []
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        for method, path in house.routes:
            if method != "GET" or not path.startswith(("/console/", "/sidebar/")) or "stream" in path:
                continue
            answer = await browser.get(house.url + filled(path), cookies=cookies, allow_redirects=False)
            policy = answer.headers.get("Content-Security-Policy", "")
            if "default-src 'none'" not in policy or "unsafe" in policy or "*" in policy:
                loose.append(f"{path}: {policy}")
            loose += [
                f"{path}: {name}"
                for name, value in routes.HEADERS.items()
                if name not in ("Content-Security-Policy", "Cache-Control")
                and answer.headers.get(name) != value
            ]

    assert loose == []


async def test_the_token_of_one_door_opens_no_other_6(house: House) -> None:
    cookies = await _everybody(house)
    swapped = {
        sessions.COOKIE: cookies[entrance.COOKIE],
        entrance.COOKIE: cookies[sessions.COOKIE],
    }
    pages = [
        path
        for method, path in house.routes
        if method == "GET" and path.startswith(("/console/", "/sidebar/")) and "/lib/" not in path
    ]
    answers: dict[str, int] = {}
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        for path in pages:
            answer = await browser.get(house.url + filled(path), cookies=swapped, allow_redirects=False)
            answers[path] = answer.status
        own = await browser.get(f"{house.url}/console/account", cookies=cookies, allow_redirects=False)

    assert own.status == 200
    assert {path for path, status in answers.items() if status == 200} <= {"/console/login"}


async def _everybody(house: House) -> dict[str, str]:
    phone = await phone_doors.sign_in(house.store, house.clock, "boss", list(Role))
    console = await console_factory.sign_in(house.store, "boss", house.clock, token="boss")
    assert set(phone) == {entrance.COOKIE}
    assert set(console) == {sessions.COOKIE}
    return phone | console

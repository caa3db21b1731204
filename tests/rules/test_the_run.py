"""The test run itself: what tests/plugins promise to every test."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiohttp import web
from playwright import async_api as playwright

from bot import clock
from store import database
from store.tables import instance
from tests.plugins import browser as browsers
from tests.rules import sources

POLICY = "default-src 'self'"
PAGE = "<!doctype html><link rel=icon href=data:,><h1>你好</h1>{}"


async def test_store_is_fresh_and_can_be_written(store: database.Store) -> None:
    await store.add(instance, {"key": "seen", "value": "once"})

    async with store.read() as tx:
        rows = (await tx.execute(sa.select(instance.c.key).where(instance.c.key == "seen"))).all()

    assert len(rows) == 1


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "bot.example.com"])
def test_sockets_other_than_loopback_are_closed(host: str, outside_attempts: list[str]) -> None:
    with pytest.raises(OSError, match="not this machine"):
        socket.create_connection((host, 443), timeout=1)

    assert outside_attempts == [host]
    outside_attempts.clear()


def test_frozen_clock_moves_only_by_hand(frozen_clock: clock.FrozenClock) -> None:
    before = frozen_clock.now()

    frozen_clock.advance(timedelta(minutes=5))

    assert frozen_clock.now() - before == timedelta(minutes=5)


def test_a_loop_of_its_own_is_possible_beside_the_shared_one() -> None:
    assert asyncio.run(asyncio.sleep(0, "answer")) == "answer"


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """A page at /, the same with a script inside it at /?broken."""

    async def show(request: web.Request) -> web.Response:
        script = "<script>document.title = 'ran'</script>" if "broken" in request.query else ""
        headers = {"Content-Security-Policy": f"{POLICY}; img-src data:"}
        return web.Response(text=PAGE.format(script), content_type="text/html", headers=headers)

    app = web.Application()
    app.router.add_get("/", show)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_page_shows_chinese(page: playwright.Page, site: str) -> None:
    await page.goto(site)

    assert await page.inner_text("h1") == "你好"


async def test_page_tells_of_a_policy_violation(
    page: playwright.Page, site: str, page_problems: list[str]
) -> None:
    await page.goto(site)
    before = list(page_problems)

    await page.goto(f"{site}?broken")

    assert before == []
    assert any("script" in problem for problem in page_problems)
    assert await page.title() != "ran"
    page_problems.clear()


async def test_browser_reaches_this_machine_only(page: playwright.Page, page_problems: list[str]) -> None:
    with pytest.raises(playwright.Error, match="ERR_NAME_NOT_RESOLVED"):
        await page.goto("http://bot.example.com/")

    page_problems.clear()


async def test_two_sessions_share_no_cookies(open_page: browsers.OpenPage, site: str) -> None:
    desk, phone = await open_page(), await open_page(viewport=browsers.PHONE)
    await desk.goto(site)

    await desk.context.add_cookies([{"name": "who", "value": "desk", "url": site}])

    assert len(await desk.context.cookies()) == 1
    assert await phone.context.cookies() == []


OUTCOMES = """
import asyncio
import pytest

def test_skips():
    pytest.skip("no such thing here")

def test_skips_without_shared():
    pytest.skip("../shared is absent: wecom/vectors.json")

@pytest.mark.xfail(reason="some day")
def test_fails_as_expected():
    assert False

@pytest.mark.xfail(reason="#12: some day")
def test_fails_as_its_issue_says():
    assert False

async def test_leaves_a_task_behind():
    asyncio.get_running_loop().left = asyncio.create_task(asyncio.sleep(60))
"""


@pytest.mark.parametrize(
    ("required", "workers", "outcome"),
    [
        ("0", "0", {"skipped": 2, "xfailed": 2, "errors": 1}),
        ("1", "0", {"failed": 2, "skipped": 1, "xfailed": 1, "errors": 1}),
        ("1", "1", {"failed": 2, "skipped": 1, "xfailed": 1, "errors": 1}),
    ],
    ids=["usually", "with REQUIRE_ALL=1", "with REQUIRE_ALL=1 in a worker"],
)
def test_what_does_not_run_fails_where_all_is_required(
    required: str, workers: str, outcome: dict[str, int], tmp_path: Path
) -> None:
    (tmp_path / "test_outcomes.py").write_text(OUTCOMES, "utf-8")
    plugins = ["-p", "tests.plugins.required", "-p", "tests.plugins.tidy", "-p", "no:cacheprovider"]
    settings = [
        "-c",
        str(sources.ROOT / "pyproject.toml"),
        "--rootdir",
        str(tmp_path),
        "--confcutdir",
        str(tmp_path),
        "-n",
        workers,
    ]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, *plugins, str(tmp_path)],
        cwd=sources.ROOT,
        env=os.environ | {"REQUIRE_ALL": required},
        capture_output=True,
        text=True,
        check=False,
    )

    summary = done.stdout.splitlines()[-1]
    for word, count in outcome.items():
        assert f"{count} {word.removesuffix('s') if count == 1 else word}" in summary, done.stdout

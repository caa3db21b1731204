"""Headless Chromium for tests of the pages, driven by Playwright.

The browser starts once per run and reaches this machine only. A page that logs an error, breaks the content
security policy or fails a request fails its test; a test that means to do so empties `page_problems`.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from playwright import async_api as playwright
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request

OpenPage: TypeAlias = Callable[..., Awaitable[Page]]

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
_USUAL = {"viewport": DESK, "locale": "zh-CN", "timezone_id": "Asia/Shanghai", "reduced_motion": "reduce"}
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = [
    "--no-sandbox",  # Root in a container may not use Chromium's sandbox; the pages are our own.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
# Tells of a violation in the console, also where the browser itself would not.
_WATCH_POLICY = """document.addEventListener('securitypolicyviolation', event =>
    console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI}`));"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"browser", "page", "open_page"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The run's Chromium; skips where it is not installed."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium to test the pages with: apt-get install -y chromium fonts-noto-cjk")
    async with playwright.async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield started
        await started.close()


@pytest.fixture
def page_problems() -> list[str]:
    """What went wrong in the test's pages so far; must be empty at the end."""
    return []


@pytest.fixture
async def open_page(browser: Browser, page_problems: list[str]) -> AsyncIterator[OpenPage]:
    """Open a page of its own session (own cookies). `await open_page(**options)`: options of new_context."""
    contexts: list[BrowserContext] = []

    async def open_one(**options: Any) -> Page:
        context = await browser.new_context(**(_USUAL | options))
        contexts.append(context)
        context.set_default_timeout(10_000)
        await context.add_init_script(_WATCH_POLICY)
        page = await context.new_page()
        _listen(page, page_problems)
        return page

    yield open_one
    for context in contexts:
        await context.close()
    if page_problems:
        pytest.fail("the page had problems:\n" + "\n".join(page_problems))


@pytest.fixture
async def page(open_page: OpenPage) -> Page:
    """A page as wide as a desk's screen, in Chinese."""
    return await open_page()


def _listen(page: Page, problems: list[str]) -> None:
    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            problems.append(f"{page.url}: {message.type}: {message.text} ({message.location['url']})")

    def on_error(error: Error) -> None:
        problems.append(f"{page.url}: {error}")

    def on_failure(request: Request) -> None:
        # Leaving a page ends its open requests, such as a stream of events; that is no fault.
        if request.failure != "net::ERR_ABORTED":
            problems.append(f"{page.url}: {request.method} {request.url}: {request.failure}")

    page.on("console", on_console)
    page.on("pageerror", on_error)
    page.on("requestfailed", on_failure)

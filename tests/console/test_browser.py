"""The pages in a real browser, at desk and phone width: no script error, no violation of the policy, no sideways scroll.

CONSOLE_SCREENSHOTS=folder keeps a picture of every page.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page

from bot.clock import FrozenClock
from domain.login import Role
from store.database import Store
from tests.console import factory
from tests.console.conftest import Pages, Serve
from tests.plugins.browser import DESK, PHONE, OpenPage

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

WIDTHS = {"desk": DESK, "phone": PHONE}


async def open_as(
    open_page: OpenPage, pages: Pages, store: Store, clock: FrozenClock, role: Role, width: str
) -> Page:
    page = await open_page(viewport=WIDTHS[width])
    cookie = await factory.sign_in(store, pages.names[role], clock)
    ((name, value),) = cookie.items()
    await page.context.add_cookies([{"name": name, "value": value, "url": pages.url("/")}])
    return page


async def keep_picture(page: Page, name: str, *, full: bool = True) -> None:
    folder = os.environ.get("CONSOLE_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=f"{folder}/{name}.png", full_page=full)


async def assert_fits(page: Page) -> None:
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} scrolls sideways by {wide} px"


@pytest.mark.parametrize("width", WIDTHS)
async def test_every_page_fits_and_runs_clean(
    pages: Pages,
    scene: factory.Scene,
    open_page: OpenPage,
    store: Store,
    frozen_clock: FrozenClock,
    width: str,
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.ADMIN, width)
    paths = {
        "overview": "/console/",
        "conversations": "/console/conversations",
        "reader": f"/console/conversations/{scene.own_talk}",
        "reader-answered": f"/console/conversations/{scene.own_talk - 1}",
        "reader-trouble": f"/console/conversations/{scene.other_talk}",
        "cases": "/console/cases",
        "case": f"/console/cases/{scene.own_case}",
        "events": "/console/events",
        "event": f"/console/events/{scene.failed_event}",
        "deliveries": "/console/deliveries",
        "unanswered": "/console/unanswered",
        "content": "/console/content",
        "text": "/console/content/faq/loan.prepay",
        "lines": "/console/lines",
        "health": "/console/health",
        "logins": "/console/logins",
        "access-log": "/console/access-log",
        "account": "/console/account",
        "nothing": "/console/conversations?search=没有这个人",
    }

    for name, path in paths.items():
        answer = await page.goto(pages.url(path))

        assert answer is not None
        assert answer.status == 200, path
        await assert_fits(page)
        await keep_picture(page, f"{name}-{width}", full=not name.startswith("reader"))

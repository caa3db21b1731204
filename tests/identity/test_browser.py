"""Coming into the console in a real browser: by a scan at a desk's width, unseen in the client on a small phone.

IDENTITY_SCREENSHOTS=folder keeps pictures.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.clock import FrozenClock
from console.sessions import COOKIE, digest_of
from store import login_sessions
from store.database import Store
from tests.identity.conftest import WECOM, Doors, ServeDoors
from tests.identity.test_coming_in import SUPERVISOR, UNKNOWN
from tests.plugins.browser import OpenPage

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

SMALL = {"width": 360, "height": 740}


async def keep_picture(page: Page, name: str) -> None:
    folder = os.environ.get("IDENTITY_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)


async def assert_fits(page: Page) -> None:
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} scrolls sideways by {wide} px"


async def test_a_scan_opens_the_page_and_an_ended_session_leads_back_to_it(
    serve_doors: ServeDoors, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    doors, page = await serve_doors(picker=True), await open_page()
    await page.goto(doors.at("/console/cases"))
    await keep_picture(page, "login")
    await page.get_by_role("link", name="企业微信扫码登录").click()
    await page.get_by_role("link", name="林主管").click()
    await page.wait_for_url("**/console/cases")
    await page.goto(doors.at("/console/account"))
    await assert_fits(page)
    await keep_picture(page, "account")
    await expect(page.get_by_text("扫码登录")).to_be_visible()

    # Somebody ends the session while its page is open in two tabs.
    other = await page.context.new_page()
    await other.goto(doors.at("/console/"))
    (token,) = [one["value"] for one in await page.context.cookies() if one["name"] == COOKIE]
    key = digest_of(token)[:16]
    await store.write(lambda tx: login_sessions.end(tx, key, frozen_clock.wall()))
    await page.goto(doors.at("/console/cases"))
    await page.get_by_role("link", name="企业微信扫码登录").click()
    await page.get_by_role("link", name="林主管").click()

    await page.wait_for_url("**/console/cases")
    # The other tab may have found out by itself meanwhile and stand at the login page.
    await other.goto(doors.at("/console/"))
    await expect(other.get_by_role("heading", name="今日")).to_be_visible()


async def test_inside_the_client_a_member_is_in_at_once_or_reads_why_not(
    doors: Doors, open_page: OpenPage, page_problems: list[str]
) -> None:
    page = await open_page(viewport=SMALL, user_agent=WECOM, has_touch=True)
    member = {"name": "sandbox_member", "url": doors.box.url}
    await page.context.add_cookies([member | {"value": UNKNOWN}])  # type: ignore[list-item]
    await page.goto(doors.at("/console/account"))
    await expect(page.get_by_role("heading", name="你还没有后台的角色")).to_be_visible()
    await assert_fits(page)
    await keep_picture(page, "no-role")
    page_problems.clear()  # The page is a 403, which the browser logs.

    await page.context.add_cookies([member | {"value": SUPERVISOR}])  # type: ignore[list-item]
    await page.get_by_role("link", name="换一位成员登录").tap()

    await page.wait_for_url("**/console/account**")
    await expect(page.get_by_text("企业微信内打开")).to_be_visible()
    await assert_fits(page)
    await keep_picture(page, "account-phone")

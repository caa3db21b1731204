"""The pages in a real browser, at desk and phone width: no script error, no broken policy, no sideways scroll.

CONSOLE_SCREENSHOTS=folder keeps a picture of every page.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.login import Role
from store import lines
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
        "unanswered-each": "/console/unanswered?show=each",
        "content": "/console/content",
        "content-ending": "/console/content?state=ending",
        "content-own": "/console/content?state=own",
        "try": "/console/try",
        "try-answer": "/console/try?q=提前还款要违约金吗",
        "try-menu": "/console/try?q=利息",
        "try-person": "/console/try?q=我要投诉，转人工",
        "try-none": "/console/try?q=今天天气怎么样",
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


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_entrance_lets_a_visitor_choose_who_to_be(
    serve: Serve, scene: factory.Scene, open_page: OpenPage, width: str
) -> None:
    pages = await serve(picker=True)
    page = await open_page(viewport=WIDTHS[width])

    await page.goto(pages.url("/console/"))
    await assert_fits(page)
    await keep_picture(page, f"picker-{width}")
    await page.get_by_role("button", name="林主管").click()

    await page.wait_for_url("**/console/")
    assert await page.get_by_role("heading", name="今日").is_visible()


async def test_the_entrance_of_a_company_asks_for_a_password(pages: Pages, open_page: OpenPage) -> None:
    page = await open_page()

    await page.goto(pages.url("/console/"))

    await keep_picture(page, "login-desk")
    assert await page.get_by_label("用户名").is_visible()
    await page.get_by_label("用户名").fill("nobody")
    await page.get_by_label("密码").fill("wrong")
    await page.get_by_role("button", name="登录").click()
    assert await page.get_by_role("alert").is_visible()


async def test_a_new_message_appears_by_itself_and_opened_details_stay_open(
    pages: Pages, scene: factory.Scene, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.SUPERVISOR, "desk")
    await page.goto(pages.url(f"/console/conversations/{scene.other_talk}"))
    await page.get_by_text("为什么").first.click()
    await keep_picture(page, "reader-why-desk", full=False)

    async def speak(tx: AsyncConnection) -> None:
        make = factory.Maker(tx, frozen_clock.now())
        await make.says(await make.talk("wmChen00000003"), "还在吗，我刚发的消息")

    await store.write(speak)

    await page.get_by_text("还在吗，我刚发的消息").wait_for()
    assert await page.locator("details.why[open]").count() == 1


async def test_a_line_is_stopped_from_the_page(
    pages: Pages, scene: factory.Scene, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.COMPLIANCE, "phone")
    await page.goto(pages.url("/console/lines"))

    await page.locator("#stop-loan summary").click()
    await page.get_by_label("原因").first.fill("利率口径有误")
    await page.get_by_label("我确认停用“贷款”").check()
    await keep_picture(page, "lines-stop-phone")
    await page.get_by_role("button", name="停用", exact=True).click()

    await page.get_by_text("已停用。一分钟内").wait_for()
    await keep_picture(page, "lines-stopped-phone")
    async with store.read() as tx:
        assert [line.value for line in await lines.list_stopped(tx)] == ["loan"]


async def test_the_keyboard_reaches_the_content_and_the_navigation(
    pages: Pages, scene: factory.Scene, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.SUPERVISOR, "desk")
    await page.goto(pages.url("/console/"))

    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "跳到正文"
    for _ in range(3):
        await page.keyboard.press("Tab")
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


async def test_the_phones_navigation_opens(
    pages: Pages, scene: factory.Scene, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.ADMIN, "phone")
    await page.goto(pages.url("/console/"))

    await page.get_by_text("导航").click()
    await keep_picture(page, "menu-phone", full=False)
    await page.get_by_role("link", name="运行状况").click()

    await page.wait_for_url("**/console/health")


async def test_a_note_written_after_the_login_ran_out_is_still_there_after_the_next(
    serve: Serve,
    scene: factory.Scene,
    open_page: OpenPage,
    store: Store,
    frozen_clock: FrozenClock,
) -> None:
    pages = await serve(picker=True)
    page = await open_as(open_page, pages, store, frozen_clock, Role.ADVISOR, "desk")
    address = pages.url(f"/console/cases/{scene.own_case}")
    await page.goto(address)
    await page.context.clear_cookies()
    await page.locator("textarea[name=note]").fill("客户答应周五再来")
    await page.get_by_role("button", name="记下备注").click()
    await page.get_by_role("button", name="张三").click()

    await page.wait_for_url(address)
    assert await page.locator("textarea[name=note]").input_value() == "客户答应周五再来"

    await page.get_by_role("button", name="记下备注").click()
    await page.wait_for_url("**done=noted")
    await page.goto(address)
    assert await page.locator("textarea[name=note]").input_value() == ""


async def test_a_question_is_tried_while_it_is_typed_and_followed_up(
    pages: Pages, scene: factory.Scene, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.CONTENT, "phone")
    await page.goto(pages.url("/console/try"))

    await page.get_by_label("客户的话").fill("提前还款要违约金吗")
    await page.get_by_text("用来回答").wait_for()
    await assert_fits(page)
    assert page.url.endswith("/console/try")
    await page.get_by_role("link", name="接着这个回答再问").click()

    await page.get_by_text("接着上一个回答问").wait_for()
    await page.get_by_label("客户的话").fill("有什么依据")
    await page.locator(".chat.theirs").get_by_text("民法典").wait_for()
    await keep_picture(page, "try-follow-up-phone")


async def test_a_question_is_tried_without_scripts(
    pages: Pages, scene: factory.Scene, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    page = await open_page(java_script_enabled=False)
    cookie = await factory.sign_in(store, pages.names[Role.CONTENT], frozen_clock)
    ((name, value),) = cookie.items()
    await page.context.add_cookies([{"name": name, "value": value, "url": pages.url("/")}])
    await page.goto(pages.url("/console/try"))

    await page.get_by_label("客户的话").fill("提前还款要违约金吗")
    await page.get_by_role("button", name="试一试").click()

    await page.get_by_text("用来回答").wait_for()

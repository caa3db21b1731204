"""The pages of groups and SOPs in a real browser: pictures really drawn, nothing too wide, everything by keyboard.

CONSOLE_SCREENSHOTS=folder keeps a picture of every page.
"""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from bot.clock import FrozenClock
from domain.login import Role
from store.database import Store
from tests.console.conftest import Pages
from tests.console.group_factory import Groups
from tests.console.test_browser import WIDTHS, assert_fits, keep_picture, open_as
from tests.plugins.browser import OpenPage

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

# How many colours a picture has: an empty canvas has one.
_COLOURS = """(id) => {
  const canvas = document.querySelector(`#${id} canvas`);
  const { width, height } = canvas;
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const seen = new Set();
  for (let at = 0; at < pixels.length; at += 4) {
    seen.add(`${pixels[at]},${pixels[at + 1]},${pixels[at + 2]},${pixels[at + 3]}`);
  }
  return seen.size;
}"""


async def assert_drawn(page: Page, *names: str) -> None:
    for name in names:
        await page.locator(f"#{name}[data-drawn]").wait_for()
        assert await page.evaluate(_COLOURS, name) > 20, f"{name} is blank"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rhythm", ["calm", "full"])
async def test_the_calendar_of_a_template_is_drawn(
    pages: Pages, open_page: OpenPage, store: Store, frozen_clock: FrozenClock, width: str, rhythm: str
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.CONTENT, width)

    await page.goto(pages.url(f"/console/sops/finance_week1/preview?from=2026-11-23&rhythm={rhythm}"))

    await assert_drawn(page, "calendar", "burden", "quota")
    await assert_fits(page)
    await keep_picture(page, f"preview-{rhythm}-{width}")


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_templates_are_listed_and_lead_to_their_calendar(
    pages: Pages, open_page: OpenPage, store: Store, frozen_clock: FrozenClock, width: str
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.SUPERVISOR, width)
    await page.goto(pages.url("/console/sops"))
    await assert_fits(page)
    await keep_picture(page, f"sops-{width}")

    card = page.get_by_role("region", name="群修复")
    card = card if await card.count() else page.locator("section.card").nth(1)
    await card.get_by_label("开群日").fill("2026-12-28")
    await card.get_by_role("button", name="预览日历").click()

    await page.wait_for_url("**/preview?from=2026-12-28**")
    await assert_drawn(page, "calendar")
    await assert_fits(page)
    await keep_picture(page, f"preview-holiday-{width}")


@pytest.mark.parametrize("width", WIDTHS)
async def test_every_page_of_groups_fits_and_runs_clean(
    pages: Pages,
    groups: Groups,
    open_page: OpenPage,
    store: Store,
    frozen_clock: FrozenClock,
    width: str,
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.ADMIN, width)
    paths = {
        "groups": "/console/groups",
        "groups-running": "/console/groups?show=running",
        "groups-all": "/console/groups?show=all",
        "groups-risk": "/console/groups?show=risk",
        "groups-none": "/console/groups?show=all&q=没有这个群",
        "group-fresh": f"/console/groups/{groups.fresh}",
        "group-done": f"/console/groups/{groups.done}",
        "group-waiting": f"/console/groups/{groups.waiting}",
        "group-empty": f"/console/groups/{groups.empty}",
        "group-other": f"/console/groups/{groups.other}",
        "step": f"/console/groups/{groups.own}/steps/{groups.own_step}",
        "enrol": f"/console/groups/{groups.fresh}/enrol?template=finance_week1&on=2026-11-25",
        "quits-sources": "/console/groups/quits",
    }

    for name, path in paths.items():
        answer = await page.goto(pages.url(path))

        assert answer is not None
        assert answer.status == 200, path
        await assert_fits(page)
        await keep_picture(page, f"{name}-{width}")


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_groups_page_draws_its_members_and_tells_proof_from_words(
    pages: Pages,
    groups: Groups,
    open_page: OpenPage,
    store: Store,
    frozen_clock: FrozenClock,
    width: str,
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.OWNER, width)

    await page.goto(pages.url(f"/console/groups/{groups.own}"))

    await assert_drawn(page, "members", "gates")
    await assert_fits(page)
    await keep_picture(page, f"group-{width}")
    told = await page.locator(".step .proof.told").first.evaluate("one => getComputedStyle(one).borderStyle")
    proven = await page.locator(".step .proof.good").first.evaluate(
        "one => getComputedStyle(one).borderStyle"
    )
    assert (told, proven) == ("dashed", "solid")


async def test_the_words_of_a_step_are_fetched_when_its_line_is_opened_by_keyboard(
    pages: Pages, groups: Groups, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.OWNER, "desk")
    await page.goto(pages.url(f"/console/groups/{groups.own}"))
    step = page.locator(f"#step-{groups.own_step}")

    await step.locator(".said summary").focus()
    await page.keyboard.press("Enter")

    await step.get_by_text("各位早上好，今天开群。").wait_for()
    assert await step.get_by_text("平台自己的发送结果").is_visible()
    await keep_picture(page, "group-said-desk")


async def test_a_group_is_enrolled_paused_and_ended_from_its_page(
    pages: Pages, groups: Groups, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.SUPERVISOR, "phone")
    await page.goto(pages.url(f"/console/groups/{groups.fresh}"))

    await page.get_by_label("想哪天开群").fill("2026-11-27")
    await page.get_by_role("button", name="下一步：看会怎么排").click()
    await page.get_by_label("我确认让").check()
    await assert_fits(page)
    await keep_picture(page, "enrol-sure-phone")
    await page.get_by_role("button", name="进入流程").click()
    await page.get_by_text("已进入流程").wait_for()
    await page.get_by_text("暂停", exact=True).click()
    await page.locator("#act-pause").get_by_label("原因").fill("老师生病了")
    await page.get_by_label("我确认暂停").check()
    await keep_picture(page, "group-pause-phone", full=False)
    await page.get_by_role("button", name="暂停流程").click()
    await page.get_by_text("已暂停：").wait_for()

    assert await page.get_by_text("老师生病了").is_visible()
    await assert_fits(page)

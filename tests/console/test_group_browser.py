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

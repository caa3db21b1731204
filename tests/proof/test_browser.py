"""Search, requests and an export on paper, in a real browser at desk and phone width."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from bot.clock import FrozenClock
from bot.sealing import Sealer
from domain.login import Role
from store.database import Store
from tests.console.conftest import Pages
from tests.console.test_browser import assert_fits, keep_picture, open_as
from tests.plugins.browser import OpenPage
from tests.proof import factory

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def _find(page: Page, pages: Pages, words: str) -> None:
    await page.goto(pages.url("/console/search"))
    await page.keyboard.type(words)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("mark")


@pytest.mark.parametrize("width", ["desk", "phone"])
async def test_words_are_found_by_keyboard_and_the_talk_is_handed_out_on_paper(
    pages: Pages, open_page: OpenPage, store: Store, frozen_clock: FrozenClock, tmp_path: Path, width: str
) -> None:
    record = await factory.fill(store, frozen_clock.now())
    await Sealer(store, frozen_clock).seal(everything=True)
    page = await open_as(open_page, pages, store, frozen_clock, Role.COMPLIANCE, width)

    await _find(page, pages, "还款")
    marked = await page.locator("mark").all_inner_texts()
    await assert_fits(page)
    await keep_picture(page, f"search-{width}")
    await page.locator(".search-hit").first.click()
    await page.wait_for_url(f"**/conversations/{record.conversation}?before=*")
    for name, path in {
        "privacy": f"/console/privacy/{record.customer}",
        "evidence": f"/console/privacy/{record.customer}/evidence",
        "holds": "/console/privacy",
        "log": f"/console/access-log?customer={record.customer}",
        "export": "/console/export?customer=wmAnna",
    }.items():
        await page.goto(pages.url(path))
        await assert_fits(page)
        await keep_picture(page, f"{name}-{width}")
    async with page.expect_download() as coming:
        await page.locator("main button.primary").click()
    file = tmp_path / "talk.html"
    await (await coming.value).save_as(file)
    paper = await open_page()
    await paper.goto(file.as_uri())
    await paper.emulate_media(media="print")
    printed = await paper.pdf(format="A4")

    assert marked == ["还款"]
    assert await paper.locator("article").count() == 3
    assert printed.startswith(b"%PDF")
    await keep_picture(paper, f"paper-{width}")

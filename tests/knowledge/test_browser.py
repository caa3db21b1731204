"""The editor in a real browser: checks while one types, two clicks from a gap, and the decision of somebody else.

CONSOLE_SCREENSHOTS=folder keeps pictures.
"""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from bot.clock import FrozenClock
from domain.draft import DraftState
from domain.faq import Choice
from domain.login import Role
from store import content_drafts
from store.database import Store
from tests.console.test_browser import assert_fits, keep_picture
from tests.knowledge.conftest import Desk, ask
from tests.knowledge.test_editor import ASKED, ENTRY
from tests.plugins.browser import DESK, OpenPage

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

NARROW = {"width": 360, "height": 780}


async def open_as(desk: Desk, open_page: OpenPage, role: Role, viewport: dict[str, int]) -> Page:
    page = await open_page(viewport=viewport)
    ((name, value),) = desk.cookies[role].items()
    await page.context.add_cookies([{"name": name, "value": value, "url": desk.url("/")}])
    return page


async def test_from_a_gap_to_an_answer_by_two_people(
    desk: Desk, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    await ask(store, frozen_clock, ASKED)
    writer = await open_as(desk, open_page, Role.CONTENT, NARROW)
    await writer.goto(desk.url("/console/gaps"))
    await assert_fits(writer)
    await keep_picture(writer, "knowledge-gaps-phone")
    await writer.get_by_role("link", name="写成条目").first.click()

    checks = writer.locator("#checks")
    await expect(writer.get_by_role("textbox", name="标准问法", exact=True)).to_have_value(ASKED["wm1"])
    await writer.get_by_role("textbox", name="回答", exact=True).fill("保本保息，放心买。")
    await expect(checks.get_by_text("承诺或暗示保本")).to_be_attached()
    await expect(writer.locator("#verdict-mark")).to_contain_text("处要改")
    await writer.get_by_role("textbox", name="编号", exact=True).fill("pet")
    await writer.get_by_role("combobox", name="业务线", exact=True).select_option("insurance")
    await writer.get_by_role("textbox", name="客户的说法", exact=True).fill(str(ENTRY["asks"]))
    await writer.locator("textarea[name=answer]").fill(str(ENTRY["answer"]))
    await writer.locator("textarea[name=short]").fill(str(ENTRY["short"]))
    await writer.locator("textarea[name=source]").fill(str(ENTRY["source"]))
    for box in await writer.locator("input[name=risk_lines]").all():
        await box.set_checked(await box.get_attribute("value") == "RL-INS")
    await expect(checks.get_by_text("以条款为准。").first).to_be_attached()
    await expect(checks.get_by_text("检查通过")).to_be_attached()
    await assert_fits(writer)
    await keep_picture(writer, "draft-phone")
    await writer.get_by_role("button", name="保存并送审").click()
    await expect(writer.get_by_text("已送审")).to_be_visible()
    await assert_fits(writer)

    reader = await open_as(desk, open_page, Role.COMPLIANCE, DESK)
    await reader.goto(desk.url("/console/drafts"))
    await reader.get_by_role("link", name=ASKED["wm1"]).click()
    await expect(reader.get_by_text("3 次提问")).to_be_visible()
    await expect(reader.get_by_text("现在能答了").first).to_be_visible()
    await assert_fits(reader)
    await keep_picture(reader, "draft-review-desk")
    await reader.get_by_role("button", name="的名义批准").click()
    await expect(reader.get_by_text("已批准，从现在起对客户使用")).to_be_visible()

    assert desk.library.knowledge().decide(ASKED["wm1"]).choice is Choice.ANSWER
    async with store.read() as tx:
        counts = await content_drafts.count_by_state(tx)
    assert counts[DraftState.APPROVED] == 1


async def test_a_change_is_shown_word_by_word_and_kept_by_the_keyboard(
    desk: Desk, open_page: OpenPage
) -> None:
    page = await open_as(desk, open_page, Role.CONTENT, DESK)
    await page.goto(desk.url("/console/content/faq/loan.prepay"))
    await page.get_by_role("link", name="修改").click()
    answer = page.locator("textarea[name=answer]")
    await answer.fill((await answer.input_value()).replace("提前还", "提早还"))

    await expect(page.locator("#checks ins").first).to_contain_text("提早")
    await expect(page.locator("#checks del").first).to_contain_text("提前")
    await expect(page.get_by_text("有没保存的改动")).to_be_visible()
    await assert_fits(page)
    await keep_picture(page, "draft-desk")
    await page.keyboard.press("Control+s")

    await expect(page.get_by_text("草稿已保存")).to_be_visible()

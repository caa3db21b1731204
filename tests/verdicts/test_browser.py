"""The queue of false alarms in a real browser: at phone width nothing scrolls sideways, and a tap decides.

CONSOLE_SCREENSHOTS=folder keeps a picture.
"""

from __future__ import annotations

import pytest

from bot.clock import FrozenClock
from domain.login import Role
from domain.verdict import AlarmRule, AlarmState
from store import false_alarms
from store.database import Store
from tests.console.conftest import Pages
from tests.console.test_browser import assert_fits, keep_picture, open_as
from tests.plugins.browser import OpenPage

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
TEXT = "没有哪只基金是稳赚的😀" + "收益不确定，" * 60 + "<script>alert(1)</script>" + "w" * 300
RULE = AlarmRule(
    rule_id="promise.profit", label="GUARANTEE", severity="S0", said="稳赚", message="承诺或预测赚钱"
)


async def test_compliance_decides_with_one_tap_on_a_phone(
    pages: Pages, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    for text in (TEXT, "这款产品不是稳赚的，请看风险等级。"):
        await store.write(
            lambda tx, text=text: false_alarms.tell(
                tx, "lisi", text, [RULE], rules_version="v1", conversation_id=None, now=frozen_clock.now()
            )
        )
    page = await open_as(open_page, pages, store, frozen_clock, Role.COMPLIANCE, "phone")

    await page.goto(pages.url("/console/false-alarms"))
    await assert_fits(page)
    await keep_picture(page, "false-alarms-phone")
    first = page.locator("article").first
    await first.get_by_label("说明").fill("例外里补上“不是”")
    await first.get_by_role("button", name="是误报").click()

    await page.get_by_text("已同意，并告诉了顾问").wait_for()
    await page.get_by_role("link", name="是误报").click()
    await page.get_by_text("规则已改好").wait_for()
    await assert_fits(page)
    await keep_picture(page, "false-alarms-agreed")
    async with store.read() as tx:
        assert len(await false_alarms.list_page(tx, AlarmState.AGREED)) == 1

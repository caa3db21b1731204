"""A red line in a real browser: judged at the desk by keyboard, appealed on a phone, decided by a second person.

REVIEW_SCREENSHOTS=folder keeps a picture of every step.
"""

from __future__ import annotations

import functools
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.clock import FrozenClock
from domain.audit import FindingState
from domain.login import Role
from store import findings
from store.database import Store
from tests.console import factory as console_factory
from tests.console.conftest import Pages
from tests.plugins.browser import DESK, OpenPage
from tests.reviews import factory
from tests.reviews.conftest import Case, make_case
from tests.sidebar.conftest import Phone

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

SMALL = {"width": 360, "height": 740}


class Browsers:
    """Windows of several people."""

    def __init__(
        self, open_page: OpenPage, pages: Pages, phone: Phone, store: Store, clock: FrozenClock
    ) -> None:
        self._open, self._pages, self._phone = open_page, pages, phone
        self._store, self._clock = store, clock
        self._count = 0

    async def desk(self, role: Role, *, viewport: dict[str, int] = DESK) -> Page:
        page = await self._open(viewport=viewport)
        self._count += 1
        who, token = self._pages.names[role], f"window-{self._count}"
        cookies = await console_factory.sign_in(self._store, who, self._clock, token=token)
        ((name, value),) = cookies.items()
        await page.context.add_cookies([{"name": name, "value": value, "url": self._pages.url("/")}])
        return page

    async def phone(self, member: str) -> Page:
        page = await self._open(viewport=SMALL)
        box = self._phone.box.url
        await page.context.add_cookies([{"name": "sandbox_member", "value": member, "url": box}])
        return page

    def at(self, path: str) -> str:
        return self._pages.url(path)

    def on_phone(self, path: str) -> str:
        return self._phone.at(path)


@pytest.fixture
async def browsers(
    open_page: OpenPage, pages: Pages, phone: Phone, store: Store, frozen_clock: FrozenClock
) -> Browsers:
    return Browsers(open_page, pages, phone, store, frozen_clock)


@pytest.fixture
async def mine(store: Store, frozen_clock: FrozenClock) -> Case:
    made = await store.write(functools.partial(make_case, subject="zhangsan"))
    frozen_clock.advance(timedelta(hours=1))
    return made


async def keep_picture(page: Page, name: str) -> None:
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    folder = os.environ.get("REVIEW_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    assert wide <= 0, f"{page.url} scrolls sideways by {wide} px"


async def test_a_red_line_is_judged_appealed_and_decided(
    browsers: Browsers, mine: Case, store: Store, frozen_clock: FrozenClock
) -> None:
    one = await factory.open_review(store, frozen_clock, mine)
    lead = await browsers.desk(Role.SUPERVISOR)
    await lead.goto(browsers.at("/console/audit/reviews"))
    await keep_picture(lead, "queue")
    await lead.get_by_role("link", name="红线疑似").click()

    # The evidence is marked in place, and the verdict is given without a mouse.
    await expect(lead.locator("mark.is-here")).to_have_text("本金一分都不会")
    await keep_picture(lead, "review")
    await lead.keyboard.press("1")
    await expect(lead.get_by_role("radio", name="是违规")).to_be_checked()
    await lead.get_by_label("理由").fill("客户问会不会亏，回答保证本金")
    await lead.keyboard.press("Control+Enter")
    await expect(lead.get_by_text("复核已记下。")).to_be_visible()

    # The advisor sees it on the phone, with the rule, and appeals in one tap.
    advisor = await browsers.phone("zhangsan")
    await advisor.goto(browsers.on_phone("/sidebar/audit"))
    await expect(advisor.get_by_text("还不显示")).to_be_visible()
    await keep_picture(advisor, "phone-audit")
    await advisor.locator(f"#finding-{mine.red}").get_by_role("link").click()
    await expect(advisor.get_by_text("确认了这一条")).to_be_visible()
    await keep_picture(advisor, "phone-finding")
    await advisor.get_by_role("button", name="我是在提醒风险，不是承诺").click()
    await expect(advisor.get_by_text("申诉已提交。")).to_be_visible()
    await expect(advisor.get_by_text("待复核，不计分")).to_be_visible()
    await keep_picture(advisor, "phone-appealed")

    # Who judged hands it on and cannot decide; compliance can.
    await lead.goto(browsers.at("/console/audit/appeals"))
    await keep_picture(lead, "appeals")
    await lead.locator("tbody a").first.click()
    await lead.get_by_role("button", name="受理").click()
    await lead.get_by_label("理由").fill("请合规同事看原话")
    await lead.get_by_role("button", name="转给另一人复核").click()
    await expect(lead.get_by_text("要由另一位同事决定")).to_be_visible()
    second = await browsers.desk(Role.COMPLIANCE)
    await second.goto(lead.url.partition("?")[0])
    await keep_picture(second, "appeal")
    await expect(second.get_by_role("button", name=re.compile("部分成立"))).to_have_count(0)
    await second.get_by_label("理由").fill("上下文是在提醒风险")
    await second.get_by_role("button", name="撤销").click()
    await expect(second.get_by_text("分数和统计已重新计算")).to_be_visible()

    await advisor.reload()
    await expect(advisor.get_by_text("这一条不成立，没有扣分。")).to_be_visible()
    await expect(advisor.get_by_text("上下文是在提醒风险")).to_be_visible()
    await keep_picture(advisor, "phone-decided")
    async with store.read() as tx:
        assert (await findings.get(tx, mine.red)).state is FindingState.OVERTURNED
    assert one.finding_id == mine.red


async def test_the_other_pages_fit_desk_and_phone(
    browsers: Browsers, mine: Case, store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.confirm(store, frozen_clock, mine)
    whole = await factory.open_whole(store, frozen_clock, mine)
    for width, viewport in {"desk": DESK, "small": SMALL}.items():
        lead = await browsers.desk(Role.SUPERVISOR, viewport=viewport)
        for name in ("reviews?show=done", "sampling", "agreement", "calibration", "appeals"):
            await lead.goto(browsers.at(f"/console/audit/{name}"))
            await expect(lead.locator("h1")).to_be_visible()
            await keep_picture(lead, f"{name.partition('?')[0]}-{width}")
        await lead.goto(browsers.at("/console/audit/reviews?show=done"))
        await lead.locator("tbody a").first.click()
        await expect(lead.get_by_role("radio", name="是违规")).to_be_disabled()
        await keep_picture(lead, f"review-done-{width}")
        await lead.goto(browsers.at(f"/console/audit/reviews/{whole.id}"))
        await lead.get_by_text("逐项判断").click()
        await lead.keyboard.press("j")
        await keep_picture(lead, f"review-whole-{width}")
    advisor = await browsers.desk(Role.ADVISOR)
    await advisor.goto(browsers.at("/console/audit/mine"))
    await keep_picture(advisor, "own-desk")
    await advisor.goto(browsers.at(f"/console/audit/mine/findings/{mine.red}"))
    await keep_picture(advisor, "own-finding-desk")
    empty = await browsers.phone("lisi")
    await empty.goto(browsers.on_phone("/sidebar/audit"))
    await expect(empty.get_by_text("没有需要你看的")).to_be_visible()
    await keep_picture(empty, "phone-empty")

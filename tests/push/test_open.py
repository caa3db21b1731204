"""Going to a talk in WeCom, in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from bot.clock import FrozenClock
from store.database import Store
from tests.plugins.browser import OpenPage
from tests.push import factory
from tests.sidebar import factory as sidebar_factory
from tests.sidebar.conftest import Phone

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

PHONE = {"width": 360, "height": 740}


async def test_the_way_to_a_talk_leads_through_the_client_and_says_so_outside_it(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    mine = await factory.begin_talk(
        store, frozen_clock, sidebar_factory.CUSTOMER, servicer=sidebar_factory.OWNER
    )
    others = await factory.begin_talk(store, frozen_clock, "wmOther", servicer=sidebar_factory.STRANGER)
    page = await open_page(viewport=PHONE)
    await page.context.add_cookies(
        [{"name": "sandbox_member", "value": sidebar_factory.OWNER, "url": phone.box.url}]
    )

    await page.goto(phone.at(f"/sidebar/open?conversation={mine}"))

    await expect(page.get_by_text("现在不在企业微信里")).to_be_visible()
    await expect(page.get_by_role("button", name="复制链接")).to_be_visible()
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    refused = await page.request.get(phone.at(f"/sidebar/open?conversation={others}"))
    assert refused.status == 404

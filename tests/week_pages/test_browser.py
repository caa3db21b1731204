"""The pages for customers in a real browser at the width of a small phone, with and without scripts.

WEEK_SCREENSHOTS=folder keeps a picture of every page.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page

from bot.clock import FrozenClock
from domain.enrolment import OccurrenceState
from domain.week_pages import WeekPage
from store import page_visits
from store.database import Store
from tests.plugins.browser import OpenPage
from tests.week_pages import factory
from tests.week_pages.conftest import WECHAT, Client

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

SMALL = {"width": 360, "height": 740}
PHONE = {"viewport": SMALL, "user_agent": WECHAT, "has_touch": True, "is_mobile": True}


def url(pages: Client, page: str) -> str:
    return str(pages.make_url(f"/g/{factory.CODE}/{page}"))


async def keep_picture(page: Page, name: str) -> None:
    folder = os.environ.get("WEEK_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)


async def assert_fits(page: Page) -> None:
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} scrolls sideways by {wide} px"
    small = await page.evaluate(
        "[...document.querySelectorAll('button, .choice, a.button, textarea')]"
        ".filter(one => one.getBoundingClientRect().height < 44).map(one => one.textContent)"
    )
    assert small == [], "too small for a thumb"


@pytest.mark.parametrize("scripts", [True, False])
async def test_every_page_fits_a_small_phone_and_counts_who_opened_it(
    pages: Client, open_page: OpenPage, store: Store, frozen_clock: FrozenClock, scripts: bool
) -> None:
    week = await factory.add_week(store, frozen_clock.now(), publication=OccurrenceState.WAITING_OWNER)
    await factory.add_questions(store, week, frozen_clock.now(), "answered", "answered", "answered")
    page = await open_page(**PHONE, java_script_enabled=scripts)

    for name in WeekPage:
        answer = await page.goto(url(pages, name))
        assert answer is not None
        assert answer.status == 200
        if scripts:
            await assert_fits(page)
            await keep_picture(page, name)
        await page.reload()

    async with store.read() as tx:
        counts = await page_visits.counts(tx, week)
    assert {name: count.visitors for name, count in counts.items()} == dict.fromkeys(WeekPage, 1)


async def test_a_visitor_says_they_want_to_hear_it_and_changes_their_mind(
    pages: Client, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    week = await factory.add_week(store, frozen_clock.now())
    page = await open_page(**PHONE, java_script_enabled=False)
    await page.goto(url(pages, "event"))
    await keep_picture(page, "event-before")

    await page.get_by_role("button", name="想听", exact=True).click()
    await page.get_by_text("记下了，谢谢您").wait_for()
    await keep_picture(page, "event-interested")
    await page.get_by_role("button", name="不想听了").click()

    await page.get_by_role("button", name="想听", exact=True).wait_for()
    async with store.read() as tx:
        count = (await page_visits.counts(tx, week))[WeekPage.EVENT]
    assert (count.visitors, count.answers) == (1, 0)


async def test_feedback_is_given_without_scripts_and_changed(
    pages: Client, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    week = await factory.add_week(store, frozen_clock.now())
    page = await open_page(**PHONE, java_script_enabled=False)
    await page.goto(url(pages, "feedback"))

    await page.get_by_text("2 用处不大").click()
    await page.get_by_role("textbox").fill("例子再多一点就好了")
    await page.get_by_role("button", name="提交").click()
    await page.get_by_text("收到了，谢谢您").wait_for()
    await keep_picture(page, "feedback-given")
    assert await page.get_by_text("例子再多一点").count() == 0
    await page.get_by_text("4 有用").click()
    await page.get_by_role("button", name="改好了").click()

    await page.locator("input[value='4']:checked").wait_for()
    async with store.read() as tx:
        assert await page_visits.find_feedback(tx, week) == 4.0
        assert [one.note for one in await page_visits.list_notes(tx, week)] == ["例子再多一点就好了"]


async def test_script_and_endless_words_in_facts_stay_text_and_fit(
    pages: Client, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    facts = {
        "event_title": "<script>document.title='broken'</script>" + "看" * 40 + "A" * 80,
        "teacher": "<img src=x onerror=alert(1)>",
        "teacher_title": "w" * 120,
    }
    await factory.add_week(store, frozen_clock.now(), facts=facts, publication=OccurrenceState.SENT)
    page = await open_page(**PHONE)

    for name in ("event", "article", "replay"):
        await page.goto(url(pages, name))
        await assert_fits(page)
        assert await page.title() != "broken"
        assert await page.get_by_text("<img src=x onerror=alert(1)>").count() >= 1
    await keep_picture(page, "hostile")


async def test_what_is_not_there_yet_or_any_more_is_readable(
    pages: Client, open_page: OpenPage, store: Store, frozen_clock: FrozenClock, page_problems: list[str]
) -> None:
    week = await factory.add_week(store, frozen_clock.now())
    page = await open_page(**PHONE)
    await page.goto(url(pages, "article"))
    await assert_fits(page)
    await keep_picture(page, "not-yet")
    assert page_problems == []

    await factory.set_enrolment(store, week, state="cancelled")
    await page.goto(url(pages, "guide"))
    await assert_fits(page)
    await keep_picture(page, "ended")

    page_problems.clear()  # The browser notes every answer that is not 200.

"""An open page in a real browser: what the customer writes and what a supervisor whispers appear by themselves."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from bot.clock import FrozenClock
from bot.desk_rounds import DeskRounds
from bot.desk_watch import DeskWatch
from domain.suggestion import NewRound, NewSuggestion, RoundHow, SuggestionSource
from store import suggestions
from store.database import Store
from tests.plugins.browser import OpenPage
from tests.push import factory
from tests.push.test_rounds import desk_of
from tests.sidebar import factory as sidebar_factory
from tests.sidebar.conftest import ServePhone

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

OWNER, CUSTOMER = sidebar_factory.OWNER, sidebar_factory.CUSTOMER
ASKED, WHISPERED = "提前还款要违约金吗", "请先核实客户是哪一份合同。"


def whispered(talk: int, message: int) -> NewRound:
    words = NewSuggestion(
        source=SuggestionSource.WHISPER,
        source_id="1",
        question="",
        text=WHISPERED,
        line=None,
        score=1.0,
        reasons=(),
    )
    return NewRound(
        conversation_id=talk,
        staff_platform_id=OWNER,
        message_id=message,
        question_id=None,
        asked=ASKED,
        question_key="",
        line=None,
        how=RoundHow.PUSHED,
        needs_qualified=None,
        suggestions=(words,),
    )


async def test_words_and_suggestions_appear_without_a_touch(
    serve_phone: ServePhone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    watch = DeskWatch(store, frozen_clock, process="p1")
    rounds: DeskRounds = desk_of(store, frozen_clock, watch.streams)
    watch.on_customer = rounds.want
    phone = await serve_phone(streams=watch.streams, suggester=rounds.suggester)
    talk = await factory.begin_talk(store, frozen_clock, CUSTOMER, servicer=OWNER)
    await factory.say(store, frozen_clock, talk, "你好")
    page = await open_page(viewport={"width": 360, "height": 740})
    await page.context.add_cookies([{"name": "sandbox_member", "value": OWNER, "url": phone.box.url}])
    async with page.expect_response(lambda answer: "/sidebar/stream" in answer.url):
        await page.goto(
            phone.at(f"/sidebar/customer?external_userid={CUSTOMER}&entry=single_kf_tools"),
            wait_until="domcontentloaded",
        )

    message = await factory.say(store, frozen_clock, talk, ASKED)
    await watch.watch()
    await rounds.make_due()

    await expect(page.get_by_text(ASKED, exact=True).first).to_be_visible()
    await expect(page.locator("[data-suggestion]").first).to_be_visible()

    await store.write(lambda tx: suggestions.record_round(tx, whispered(talk, message), frozen_clock.now()))
    await watch.watch()

    await expect(page.get_by_text(WHISPERED)).to_be_visible()
    await expect(page.get_by_text("主管建议").first).to_be_visible()

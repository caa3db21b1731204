"""Answers and approved posts into a group: once, by who may say them, and never lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from aiohttp import ClientSession, DummyCookieJar
from playwright.async_api import expect

from bot.clock import FrozenClock
from domain.compliance import Registration
from domain.delivery import Delivery, DeliveryState
from domain.faq import Line
from sandbox.corp import LineVia
from scheduler import acts
from store import deliveries, questions, registrations, tables
from store.database import Store
from tests.plugins.browser import OpenPage
from tests.sidebar import doors, factory
from tests.sidebar.conftest import Phone
from tests.sidebar.test_browser import keep_picture, open_as, open_beside_chat

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

INSURANCE = "犹豫期内退保能拿回多少钱"


class Hand:
    """A member at the phone page, without a browser."""

    def __init__(self, session: ClientSession, phone: Phone, cookies: dict[str, str]) -> None:
        self._session, self._phone, self._cookies = session, phone, cookies

    async def get(self, path: str) -> str:
        async with self._session.get(self._phone.at(path), cookies=self._cookies) as answer:
            return await answer.text()

    async def post(self, path: str, **fields: str) -> tuple[int, dict[str, object]]:
        data = {"csrf": doors.CSRF, **fields}
        headers = {"Accept": "application/json"}
        url = self._phone.at(path)
        async with self._session.post(url, data=data, headers=headers, cookies=self._cookies) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else {}


async def by_hand(store: Store, ref: str) -> list[Delivery]:
    async with store.read() as tx:
        return await deliveries.list_by_hand(tx, ref)


async def register(store: Store, clock: FrozenClock, who: str) -> str:
    """Register a member for insurance; return the number."""
    held = Registration(line=Line.INSURANCE, number="REG-77", valid_until=clock.now().date())
    await store.write(lambda tx: registrations.set_all(tx, {who: [held]}))
    return held.number


async def test_a_question_is_answered_once_and_by_the_one_who_began_6(
    phone: Phone, store: Store, frozen_clock: FrozenClock
) -> None:
    path = f"/sidebar/questions/{phone.scene.question}"
    page = f"/sidebar/group?chat_id={factory.CHAT}"
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        owner, colleague = [
            Hand(session, phone, await doors.sign_in(store, frozen_clock, who))
            for who in (factory.OWNER, factory.CO_OWNER)
        ]
        _, begun = await owner.post(f"{path}/begin", faq_id="loan.prepay")
        at_once = await owner.post(f"{path}/begin", faq_id="loan.prepay", again="yes")
        theirs = await colleague.post(f"{path}/begin", faq_id="loan.prepay")
        stolen = await colleague.post(f"{path}/sent", key=str(begun["key"]), is_sent="yes")
        fresh = await owner.get(page)
        frozen_clock.advance(acts.REPORT_WAIT)
        asked = await owner.get(page)
        later = await owner.post(f"{path}/begin", faq_id="loan.prepay")
        looked, anew = await owner.post(f"{path}/begin", faq_id="loan.prepay", again="yes")
        told = [await owner.post(f"{path}/sent", key=str(anew["key"]), is_sent="yes") for _ in range(2)]
        over = await owner.post(f"{path}/begin", faq_id="loan.prepay", again="yes")

    assert [status for status, _ in (at_once, theirs, later, over)] == [409] * 4
    assert [said["why"] for _, said in (at_once, theirs, later, over)] == ["pending"] * 3 + ["changed"]
    assert [said["again"] for _, said in (at_once, theirs, later)] == [False, False, True]
    assert (stolen, looked) == ((200, {"ok": False}), 200)
    assert ("没看到" in fresh, "没看到" in asked) == (False, True)
    assert told == [(200, {"ok": True}), (200, {"ok": False})]
    states = [one.state for one in await by_hand(store, f"question.{phone.scene.question}")]
    assert states == [DeliveryState.ATTEMPTING, DeliveryState.ACCEPTED]


async def test_only_the_registered_get_answers_about_insurance_in_a_group_6(
    phone: Phone, store: Store, frozen_clock: FrozenClock
) -> None:
    number = await store.write(
        lambda tx: questions.mark(
            tx, text=INSURANCE, by=factory.OWNER, now=frozen_clock.now(), group_id=phone.scene.group
        )
    )
    page, begin = f"/sidebar/group?chat_id={factory.CHAT}", f"/sidebar/questions/{number}/begin"
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        owner = Hand(session, phone, await doors.sign_in(store, frozen_clock, factory.OWNER))
        without = await owner.get(page)
        refused = await owner.post(begin, faq_id="insurance.cooling_off")
        registration = await register(store, frozen_clock, factory.OWNER)
        shown = await owner.get(page)
        status, begun = await owner.post(begin, faq_id="insurance.cooling_off")

    assert "请转给有登记的同事" in without
    assert 'data-faq="insurance.' not in without
    assert 'data-faq="loan.prepay"' in without
    assert (refused[0], refused[1]["why"]) == (409, "unqualified")
    assert "请转给有登记的同事" not in shown
    assert 'data-faq="insurance.cooling_off"' in shown
    assert "data-copy" not in shown
    assert status == 200
    assert registration in str(begun["messages"])


async def test_a_post_about_insurance_is_sent_by_the_registered_who_alone_report_it_6(
    phone: Phone, store: Store, frozen_clock: FrozenClock
) -> None:
    text = "早上好，今天说说保险：犹豫期内可以退保，具体天数看您自己的合同。投保前请看清条款。"
    its = tables.occurrence.c.id == phone.scene.send
    await store.write(lambda tx: tx.execute(sa.update(tables.occurrence).where(its).values(text=text)))
    step = f"/sidebar/steps/{phone.scene.send}"
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        owner, colleague = [
            Hand(session, phone, await doors.sign_in(store, frozen_clock, who))
            for who in (factory.OWNER, factory.CO_OWNER)
        ]
        without = await owner.get(step)
        refused = await owner.post(f"{step}/begin")
        before = await by_hand(store, f"occurrence.{phone.scene.send}")
        await register(store, frozen_clock, factory.OWNER)
        shown = await owner.get(step)
        status, begun = await owner.post(f"{step}/begin")
        stolen, _ = await colleague.post(f"{step}/sent", key=str(begun["key"]), is_sent="yes")
        told, _ = await owner.post(f"{step}/sent", key=str(begun["key"]), is_sent="yes")

    assert refused[0] == 409
    assert "有执业登记的同事" in str(refused[1]["refused"])
    assert before == []
    assert ("有执业登记的同事" in without, "有执业登记的同事" in shown) == (True, False)
    assert ('data-copy="said"' in without, 'data-copy="said"' in shown) == (False, True)
    assert (status, stolen, told) == (200, 409, 200)


async def test_an_answer_that_left_is_not_offered_again_when_its_report_is_lost_6(
    phone: Phone, open_page: OpenPage, store: Store, page_problems: list[str]
) -> None:
    frame = await open_beside_chat(open_page, phone, "/sidebar/group", group="安心理财")
    page = frame.owner.page
    await page.route("**/sent", lambda route: route.abort("connectionfailed"))

    await frame.locator("summary", has_text="提前还").first.click()
    await frame.get_by_role("button", name="发到群里").first.click()
    await expect(frame.get_by_text("已发出，记录稍后补")).to_be_visible()
    await page.unroute("**/sent")

    # Told by itself, as soon as the network lets it through.
    await expect(frame.get_by_text("等答复的问题")).to_be_hidden(timeout=15_000)
    (told,) = await by_hand(store, f"question.{phone.scene.question}")
    assert told.state is DeliveryState.ACCEPTED
    lines = phone.box.world.corp.groups[factory.CHAT].lines
    assert len([one for one in lines if one.via is LineVia.SIDEBAR]) == 1
    page_problems.clear()  # The lost reports were meant.


async def test_an_answer_that_was_copied_is_on_record_and_asked_about_6(
    phone: Phone, open_page: OpenPage, store: Store
) -> None:
    page = await open_as(open_page, phone, factory.OWNER, permissions=["clipboard-read", "clipboard-write"])
    await page.goto(phone.at(f"/sidebar/group?chat_id={factory.CHAT}"))

    await page.locator("summary", has_text="提前还").first.click()
    await page.get_by_role("button", name="复制").first.click()
    await expect(page.get_by_text("发出去了吗？")).to_be_visible()
    (begun,) = await by_hand(store, f"question.{phone.scene.question}")
    copied = await page.evaluate("navigator.clipboard.readText()")
    await keep_picture(page, "answer-copied", full=False)
    await page.reload()
    await page.get_by_role("button", name="看到了").click()

    await expect(page.get_by_text("问题已标为答复。")).to_be_visible()
    (told,) = await by_hand(store, f"question.{phone.scene.question}")
    assert copied == begun.body.text
    assert (begun.state, told.state) == (DeliveryState.ATTEMPTING, DeliveryState.ACCEPTED)
    assert told.created_at - begun.created_at == timedelta(0)

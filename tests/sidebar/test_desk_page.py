"""The advisor's desk in a real browser: one tap, keys, the live verdict, the SDK's errors, two tabs, its weight.

A stand-in for the SDK plays a session of customer service; the last test is docked in the sandbox's client.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest
import sqlalchemy as sa
from playwright.async_api import CDPSession, Page, Route, expect

from bot.clock import FrozenClock
from domain.delivery import Delivery, DeliveryState
from domain.suggestion import SuggestionState
from sandbox.corp import LineVia
from store import customers, deliveries, tables
from store.database import Store
from tests.plugins.browser import OpenPage
from tests.sidebar import desk_factory, doors, factory
from tests.sidebar.conftest import Phone, ServePhone
from tests.sidebar.test_browser import (
    SMALL,
    WIDTHS,
    assert_fits,
    keep_picture,
    open_as,
    open_beside_chat,
)

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

NAME = "陈阿姨😀<script>alert(1)</script>"
LONG = "我想问问提前还款的事情，" * 167
DESK = f"/sidebar/customer?external_userid={factory.CUSTOMER}&entry=single_kf_tools"
SDK = """
window.sent = [];
window.fails = {};
window.holds ??= {};
const say = async (api, more) => {
  await window.holds[api];
  if (window.fails[api]) throw { errMsg: window.fails[api], errCode: -1 };
  return { errMsg: `${api}:ok`, errCode: 0, ...more };
};
window.ww = {
  env: { isWeCom: true },
  register() {},
  getContext: () => say("getContext", { entry: ENTRY }),
  getCurExternalContact: () => say("getCurExternalContact", { userId: CUSTOMER }),
  sendChatMessage: (message) => {
    window.sent.push(message);
    return say("sendChatMessage");
  },
};
"""
# The part after the colon as the platform writes it (sidebar's reference, section 3), and what people read.
ERRORS = {
    "sendChatMessage:cancel": "你取消了发送",
    "sendChatMessage:fail no permission": "没有给这个页面权限",
    "claimClassAdmin:fail without context of external contact": "这里不是聊天工具栏",
    "sendChatMessage:fail invalid signature": "签名没有通过（40093）",
    "sendChatMessage:fail 42012": "签名用错了凭证（42012）",
    "sendChatMessage:fail 92002": "不是本企业（92002）",
    "sendChatMessage:fail 85005 domain": "可信域名还没有校验（85005）",
    "sendChatMessage:fail invalid msgtype": "发不了这种内容",
    "sendChatMessage:fail something new": "没有发出去（fail something new）",
}


async def sendings(store: Store) -> list[Delivery]:
    async with store.read() as tx:
        found = await tx.execute(sa.select(tables.delivery).order_by(tables.delivery.c.id))
        return [deliveries.delivery_of(row) for row in found.all()]


async def seat(store: Store, clock: FrozenClock, *texts: str) -> int:
    """Let the owner serve a customer with an odd name who said `texts`."""
    talk = await desk_factory.serve(store, clock, factory.OWNER)
    await store.write(lambda tx: customers.set_names(tx, {factory.CUSTOMER: (NAME, "")}))
    await desk_factory.say(store, clock, talk, *texts)
    return talk


async def sit_down(
    open_page: OpenPage,
    phone: Phone,
    *,
    viewport: object = SMALL,
    entry: str = "single_kf_tools",
    before: str = "",
    **options: object,
) -> Page:
    """Open the desk of the owner inside a WeCom that `window.fails` can make refuse and `window.holds` wait.

    `before`: a script that runs before the page's own.
    """
    page = await open_as(open_page, phone, factory.OWNER, **options)
    if before:
        await page.add_init_script(before)
    await page.set_viewport_size(viewport)  # type: ignore[arg-type]
    script = SDK.replace("ENTRY", json.dumps(entry)).replace("CUSTOMER", json.dumps(factory.CUSTOMER))

    async def stand_in(route: Route) -> None:
        await route.fulfill(body=script, content_type="text/javascript")

    await page.route("**/assets/ww.js", stand_in)
    await page.goto(phone.at(DESK))
    await expect(page.locator("#desk")).not_to_have_class("is-by-hand")
    return page


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_customer_is_answered_with_one_tap_and_with_keys(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock, width: str
) -> None:
    await seat(store, frozen_clock, LONG, "在吗", desk_factory.QUESTION)
    page = await sit_down(open_page, phone, viewport=WIDTHS[width])

    await expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
    await expect(page.get_by_text("提前还款怎么算")).to_be_visible()
    await expect(page.get_by_role("button", name="发送第 1 条")).to_be_in_viewport()
    await assert_fits(page)
    await keep_picture(page, f"desk-{width}", full=False)
    await page.get_by_role("button", name="发送第 1 条").click()
    await expect(page.get_by_text("已经回复")).to_be_visible()

    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("/")
    await page.get_by_role("combobox").fill("wh")
    await expect(page.locator("[data-phrase]").first).to_be_visible()
    await keep_picture(page, f"desk-quick-{width}", full=False)
    await assert_fits(page)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="发送", exact=True)).to_be_enabled()
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_label("回复客户")).to_have_value("")

    first, second = await sendings(store)
    assert [one.state for one in (first, second)] == [DeliveryState.ACCEPTED] * 2
    assert await page.evaluate("window.sent.map(one => one.text.content)") == [
        first.body.text,
        second.body.text,
    ]
    async with store.read() as tx:
        states = (await tx.execute(sa.select(tables.suggestion.c.state))).scalars().all()
    assert states.count(SuggestionState.USED) == 1
    assert first.faq_id == "loan.prepay"


async def test_the_verdict_follows_what_is_typed(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock, page_problems: list[str]
) -> None:
    await seat(store, frozen_clock, "理财保本吗")
    page = await sit_down(open_page, phone)
    words, send = page.get_by_label("回复客户"), page.get_by_role("button", name="发送", exact=True)
    held: list[Route] = []

    async def slow(route: Route) -> None:
        held.append(route)

    # The answer about the first words comes after the one about the second.
    await page.route("**/sidebar/check", slow)
    async with page.expect_request("**/sidebar/check"):
        await words.fill("这款贷款内部渠道包过，保证下款。")
    await page.unroute("**/sidebar/check")
    await words.fill("好的，我帮您查一下。")
    await expect(send).to_be_enabled()
    for route in held:
        await route.abort()

    await words.fill("您放心，这个产品保本保息，绝对没有风险。")
    await expect(page.locator("#verdict")).to_contain_text("保本")
    await expect(send).to_be_disabled()
    await keep_picture(page, "desk-blocked", full=False)
    await assert_fits(page)
    await words.press("Control+Enter")
    await page.get_by_role("button", name="这是误报").click()
    await expect(page.get_by_text("已告诉合规")).to_be_visible()
    await page.get_by_role("button", name="换成可以说的").click()
    await expect(send).to_be_enabled()
    assert "保本保息" not in await words.input_value()

    assert await sendings(store) == []
    page_problems.clear()  # What was held back was meant.


async def test_what_the_client_says_is_told_by_name_and_copying_works(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    await seat(store, frozen_clock, desk_factory.QUESTION)
    page = await sit_down(open_page, phone, permissions=["clipboard-read", "clipboard-write"])
    words, line = page.get_by_label("回复客户"), page.locator("#sdk-line")
    await words.fill("好的，我帮您查一下。")

    for said, told in ERRORS.items():
        await page.evaluate("said => { window.fails = { sendChatMessage: said } }", said)
        await page.get_by_role("button", name="发送", exact=True).click()
        await expect(line).to_contain_text(told)
    await keep_picture(page, "desk-refused", full=False)
    await page.get_by_role("button", name="复制后自己发").click()
    await expect(line).to_contain_text("已复制")
    assert await page.evaluate("navigator.clipboard.readText()") == "好的，我帮您查一下。"
    await assert_fits(page)
    await page.get_by_role("button", name="发出去了", exact=True).click()
    await expect(words).to_have_value("")

    *failed, copied = await sendings(store)
    assert [one.error for one in failed] == list(ERRORS)
    assert {one.state for one in failed} == {DeliveryState.FAILED}
    assert (copied.state, copied.body.text) == (DeliveryState.ACCEPTED, "好的，我帮您查一下。")


async def test_two_tabs_a_slow_network_and_a_session_that_ended(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock, page_problems: list[str]
) -> None:
    await seat(store, frozen_clock, desk_factory.QUESTION)
    first, second = await sit_down(open_page, phone), await sit_down(open_page, phone)
    held: list[Route] = []

    async def slow(route: Route) -> None:
        held.append(route)

    await first.route("**/customer/begin*", slow)
    await first.get_by_role("button", name="发送第 1 条").click()
    await expect(first.locator("#sdk-line")).to_have_text("正在发送…")
    await first.get_by_role("button", name="发送第 2 条").click()
    await expect(first.get_by_role("button", name="发送第 1 条")).to_be_disabled()
    for route in held:
        await route.continue_()
    await expect(first.get_by_text("已经回复")).to_be_visible()
    await second.get_by_role("button", name="发送第 1 条").click()
    await expect(second.locator("#sdk-line")).to_contain_text("已经发过了")
    assert len(await sendings(store)) == 1

    await first.get_by_label("回复客户").fill("我再帮您核对一下。")
    await store.write(lambda tx: tx.execute(sa.delete(tables.login_session)))
    await first.unroute("**/customer/begin*")
    await first.get_by_role("button", name="发送", exact=True).click()
    await expect(first.locator("#sdk-line")).to_have_text("已重新登录，请再点一次。")
    await expect(first.get_by_label("回复客户")).to_have_value("我再帮您核对一下。")
    await first.get_by_role("button", name="发送", exact=True).click()
    await expect(first.get_by_label("回复客户")).to_have_value("")

    assert [one.body.text for one in (await sendings(store))[1:]] == ["我再帮您核对一下。"]
    page_problems.clear()  # Refusals are 409 and 401, which the browser notes.


async def test_a_tap_waits_for_the_client_and_a_lost_answer_sends_nothing_old_6(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock, page_problems: list[str]
) -> None:
    await seat(store, frozen_clock, desk_factory.QUESTION)
    hold = "window.holds = { getContext: new Promise((done) => { window.letGo = done; }) };"
    page = await sit_down(open_page, phone, before=hold)
    words, line = page.get_by_label("回复客户"), page.locator("#sdk-line")
    await page.get_by_role("button", name="发送第 1 条").click()
    await expect(line).to_have_text("正在连接…")

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort("connectionfailed")

    await page.route("**/customer/begin*", lose)
    await page.evaluate("window.letGo()")
    await expect(line).to_contain_text("网络不通")
    offered = await words.input_value()
    await page.unroute("**/customer/begin*")

    # The card's own button means the words as they were changed in the editor.
    await words.fill(f"陈阿姨，{offered}")
    await page.get_by_role("button", name="发送第 1 条").click()
    await expect(words).to_have_value("")

    lost, sent = await sendings(store)
    assert (lost.state, sent.state) == (DeliveryState.FAILED, DeliveryState.ACCEPTED)
    left = await page.evaluate("window.sent.map(one => one.text.content)")
    assert left == [sent.body.text]
    assert sent.body.text.endswith(f"陈阿姨，{offered}")
    page_problems.clear()  # The lost answer was meant.


async def test_a_silent_client_is_no_failure_and_a_lost_report_is_told_later_6(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock, page_problems: list[str]
) -> None:
    await seat(store, frozen_clock, desk_factory.QUESTION)
    page = await sit_down(open_page, phone)
    words, line = page.get_by_label("回复客户"), page.locator("#sdk-line")
    send = page.get_by_role("button", name="发送", exact=True)
    await page.clock.install()
    await page.evaluate("() => { window.holds.sendChatMessage = new Promise(() => {}); }")
    await words.fill("好的，我帮您查一下。")
    await send.click()
    await page.evaluate(
        """() => new Promise(done => {
          const look = () => (window.sent.length === 1 ? done() : requestAnimationFrame(look));
          look();
        })"""
    )  # Looking again and again by words would be an eval, which the page's policy forbids.
    await page.clock.fast_forward(11_000)
    await expect(line).to_contain_text("聊天里看到它了吗")
    (silent,) = await sendings(store)
    assert silent.state is DeliveryState.ATTEMPTING
    await send.click()
    await expect(line).to_contain_text("聊天里看到它了吗")
    await page.locator("#ends").get_by_role("button", name="看到了").click()
    await expect(words).to_have_value("")

    await page.evaluate("window.holds = {}")
    await page.route("**/customer/sent*", lambda route: route.fulfill(status=429))
    await words.fill("我再帮您核对一下。")
    await send.click()
    await expect(line).to_have_text("已发出，记录稍后补。")
    await expect(words).to_have_value("")
    await expect(page.locator("#ends")).to_be_hidden()
    await page.unroute("**/customer/sent*")
    await page.clock.fast_forward(120_000)
    await expect(line).to_have_text("")

    assert [one.state for one in await sendings(store)] == [DeliveryState.ACCEPTED] * 2
    assert await page.evaluate("window.sent.length") == 2
    page_problems.clear()  # The 429 was meant.


async def test_parts_and_quick_phrases_are_told_6(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    await seat(store, frozen_clock, desk_factory.QUESTION)
    page = await sit_down(open_page, phone)
    words, send = page.get_by_label("回复客户"), page.get_by_role("button", name="发送", exact=True)
    await page.evaluate(
        """Object.defineProperty(window.fails, "sendChatMessage", {
          get: () => (window.sent.length === 2 ? "sendChatMessage:fail no permission" : ""),
        })"""
    )
    await words.fill("我们一起看看还款的安排。\n" * 140)
    async with page.expect_request("**/customer/sent*") as told:
        await send.click()
    fields = parse_qs((await told.value).post_data or "")
    assert (fields["parts_sent"], fields["parts"], fields["is_sent"]) == (["1"], ["2"], ["yes"])
    await expect(page.locator("#sdk-line")).to_contain_text("其余的在回复框里")
    assert await words.input_value() == await page.evaluate("window.sent[1].text.content")

    await words.fill("")
    await words.press("/")
    await page.locator("[data-phrase]").first.click()
    async with page.expect_request("**/customer/begin*") as begun:
        await send.click()
    assert parse_qs((await begun.value).post_data or "").get("phrase")


async def test_the_page_is_light(
    serve_phone: ServePhone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    phone = await serve_phone(jssdk_url="")
    await seat(store, frozen_clock, "在吗", desk_factory.QUESTION)
    page = await open_as(open_page, phone, factory.OWNER)
    await page.goto(phone.at("/sidebar/"))
    network: CDPSession = await page.context.new_cdp_session(page)
    await network.send("Network.enable")
    await network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    weights: list[float] = []
    network.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))

    await page.goto(phone.at(DESK))
    await expect(page.get_by_text("提前还款怎么算")).to_be_visible()
    await page.wait_for_load_state("load")

    assert len(weights) > 8
    assert sum(weights) < 150_000, f"{sum(weights):.0f} bytes over the wire"
    print(f"{sum(weights):.0f} bytes over the wire in {len(weights)} answers")


async def test_beside_a_chat_nobody_archives_a_pasted_question_is_answered(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    await doors.befriend(store, frozen_clock, factory.OWNER, factory.CUSTOMER)
    frame = await open_beside_chat(open_page, phone, "/sidebar/customer", group="陈阿姨", viewport=SMALL)

    await expect(frame.get_by_text("没有开通会话存档")).to_be_visible()
    await frame.get_by_label("客户的问题").fill(desk_factory.QUESTION)
    await frame.get_by_role("button", name="找建议").click()
    await frame.get_by_role("button", name="发送第 1 条").click()
    await expect(frame.get_by_text("已经回复")).to_be_visible()
    await keep_picture(frame.owner.page, "desk-docked", full=False)

    (sent,) = await sendings(store)
    (told,) = [
        line
        for relation in phone.box.world.corp.relations.values()
        for line in relation.lines
        if line.via is LineVia.SIDEBAR
    ]
    assert told.body == {"content": sent.body.text}
    assert (sent.state, sent.recipient) == (DeliveryState.ACCEPTED, factory.CUSTOMER)

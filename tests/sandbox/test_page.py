"""The page of the sandbox in a real browser: chat, menus, hand-over, time, faults, at desk and phone width."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from sandbox.records import SessionState
from tests.sandbox import caller
from tests.sandbox.caller import CUSTOMER, KFID, Caller

OpenPage = Callable[..., Awaitable[Page]]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


async def test_customer_types_and_taps_a_menu(app: Caller, open_page: OpenPage) -> None:
    page = await open_page(viewport=DESK)
    await page.goto(app.box.url)
    phone = page.get_by_label("王女士的手机")
    await phone.get_by_role("textbox").fill("<b>退保</b>\n能拿回多少")
    await phone.get_by_role("textbox").press("Enter")
    await expect(phone.locator(".own .bubble")).to_have_text("<b>退保</b>\n能拿回多少")
    items = [{"type": "click", "click": {"id": "faq_1", "content": "理赔要什么材料"}}]
    await app.send(msgtype="msgmenu", msgmenu={"head_content": "您想问", "list": items})
    await phone.get_by_role("button", name="理赔要什么材料").click()
    await expect(phone.locator(".own .bubble").last).to_have_text("理赔要什么材料")

    assert (await app.sync())["msg_list"][-1]["text"]["menu_id"] == "faq_1"
    await expect(phone.locator(".chip")).to_have_text("机器人接待")
    await expect(phone.locator(".budget")).to_contain_text("已发 0/5")


async def test_servicer_takes_answers_and_ends(app: Caller, open_page: OpenPage) -> None:
    app.box.world.customer_says(CUSTOMER, "转人工")
    await app.trans(2)
    page = await open_page(viewport=DESK)
    await page.goto(app.box.url)
    phone = page.get_by_label("王女士的手机")
    await expect(phone.locator(".chip")).to_have_text("排队中")
    await page.get_by_role("button", name="接入王女士").click()
    await page.get_by_label("回复客户").fill("您好，我是张三")
    await page.get_by_label("回复客户").press("Enter")
    await expect(phone.locator(".other .bubble")).to_have_text("您好，我是张三")
    await expect(phone.locator(".chip")).to_have_text("人工 张三")
    await page.get_by_role("button", name="结束会话").click()
    await expect(phone.locator(".chip")).to_have_text("会话已结束")

    assert app.box.world.chat(CUSTOMER).state is SessionState.ENDED


async def test_picture_place_and_recall(app: Caller, open_page: OpenPage) -> None:
    page = await open_page(viewport=DESK)
    await page.goto(app.box.url)
    phone = page.get_by_label("王女士的手机")
    await phone.get_by_label("更多：图片、语音、位置等").click()
    await phone.get_by_role("button", name="示例图片").click()
    await phone.get_by_role("button", name="保单照片").click()
    await expect(phone.get_by_role("img", name="图片")).to_be_visible()
    await phone.get_by_label("更多：图片、语音、位置等").click()
    await phone.get_by_role("button", name="位置", exact=True).click()
    await expect(phone.get_by_text("人民广场", exact=True)).to_be_visible()
    await phone.locator(".own .content").last.click(button="right")
    await page.get_by_role("menuitem", name="撤回").click()
    await expect(phone.get_by_text("你撤回了一条消息")).to_be_visible()

    kinds = [one["msgtype"] for one in (await app.sync())["msg_list"]]
    assert kinds == ["image", "location", "event"]


async def test_scanning_a_code_enters_the_session(app: Caller, open_page: OpenPage) -> None:
    page = await open_page(viewport=DESK)
    await page.goto(app.box.url)
    await page.get_by_role("button", name="王女士 扫码进入会话").click()
    await page.get_by_label("场景值 scene").fill("grp_d1")
    await page.get_by_role("button", name="王女士 扫码进入", exact=True).click()
    await expect(page.get_by_text("通过链接进入会话（场景 grp_d1）")).to_be_visible()

    assert (await app.events())[0]["scene"] == "grp_d1"


async def test_fast_forward_moves_the_clock(app: Caller, open_page: OpenPage) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    page = await open_page(viewport=DESK)
    await page.goto(app.box.url)
    before = app.box.world.clock.now()
    await page.get_by_role("button", name="+1 天").click()
    await expect(page.get_by_text("沙盒时间已快进 1 天")).to_be_visible()
    await expect(page.get_by_label("王女士的手机").locator("time")).to_contain_text("昨天")

    assert app.box.world.clock.now() - before > 24 * 3600


async def test_fault_switch_puts_a_fault_in_force_and_takes_it_away(app: Caller, open_page: OpenPage) -> None:
    page = await open_page(viewport=DESK)
    await page.goto(app.box.url)
    await page.get_by_role("button", name="故障与接口").click()
    switch = page.get_by_role("switch", name="每条回调送两次")
    await switch.click()
    await expect(page.locator(".bar .count")).to_have_text("1")
    in_force = [fault.kind.value for fault in app.box.faults.all()]
    await switch.click()
    await expect(page.locator(".bar .count")).to_be_hidden()

    assert in_force == ["duplicate"]
    assert app.box.faults.all() == []


async def test_application_that_is_down_is_told(open_page: OpenPage) -> None:
    async with caller.calling(retry_seconds=(600.0,)) as app:
        app.box.postman.point("kf", "http://127.0.0.1:1/callback")
        page = await open_page(viewport=DESK)
        await page.goto(app.box.url)
        await expect(page.locator(".health")).to_have_text("等待第一条消息")
        app.box.world.customer_says(CUSTOMER, "在吗")
        await expect(page.locator(".health")).to_have_text("回调未送达，正在重试")
        await expect(page.get_by_label("王女士的手机").locator(".warning")).to_be_visible()


async def test_phone_width_shows_one_phone_at_a_time(app: Caller, open_page: OpenPage) -> None:
    page = await open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    await page.goto(app.box.url)
    await expect(page.locator(".slot:visible")).to_have_count(1)
    await page.get_by_role("button", name="李先生", exact=True).tap()
    await expect(page.get_by_label("李先生的手机")).to_be_visible()
    await expect(page.locator(".slot:visible")).to_have_count(1)
    await page.get_by_role("button", name="转人工").and_(page.locator(":visible")).tap()
    await expect(page.locator(".slot:visible .own .bubble")).to_have_text("转人工")
    width = await page.evaluate("document.documentElement.scrollWidth")

    assert width == 390


async def test_page_without_customers_offers_to_add_one(open_page: OpenPage) -> None:
    async with caller.calling(customers=()) as app:
        page = await open_page(viewport=DESK)
        await page.goto(app.box.url)
        await page.get_by_role("main").get_by_role("button", name="添加客户").click()
        await page.get_by_label("昵称").fill("新客户")
        await page.get_by_role("button", name="添加", exact=True).click()
        await expect(page.get_by_label("新客户的手机")).to_be_visible()

        assert [one.nickname for one in app.box.world.customers.values()] == ["新客户"]
        await page.close()  # Before its server: a picture it still fetches would be refused.


async def test_page_reconnects_and_catches_up(app: Caller, open_page: OpenPage) -> None:
    page = await open_page(viewport=DESK)
    await page.goto(app.box.url)
    phone = page.get_by_label("王女士的手机")
    await expect(phone.locator(".empty")).to_be_visible()
    app.box.live.close()
    app.box.world.customer_says(CUSTOMER, "断线时说的话")

    await expect(phone.locator(".own .bubble")).to_have_text("断线时说的话")


async def test_page_has_a_strict_policy_and_no_inline_code(app: Caller) -> None:
    async with app.session.get(f"{app.box.url}/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        text = await answer.text()

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", text)
    assert KFID not in text


async def test_the_page_turns_to_the_servicer_who_got_the_customer(app: Caller, open_page: OpenPage) -> None:
    app.box.world.customer_says(CUSTOMER, "转人工")
    page = await open_page(viewport=DESK)
    await page.goto(app.box.url)
    await expect(page.get_by_role("tab", name="张三")).to_have_attribute("aria-selected", "true")

    await app.trans(3, "lisi")

    await expect(page.get_by_role("tab", name="李四")).to_have_attribute("aria-selected", "true")
    await expect(page.locator(".group").filter(has_text="我的接待")).to_contain_text("王女士")


async def test_a_servicer_who_is_busy_is_not_turned_away_from_and_the_other_seat_is_marked(
    app: Caller, open_page: OpenPage
) -> None:
    app.box.world.customer_says(CUSTOMER, "转人工")
    await app.trans(2)
    page = await open_page(viewport=DESK)
    await page.goto(app.box.url)
    await page.get_by_role("button", name="接入王女士").click()
    await expect(page.get_by_role("button", name="结束会话")).to_be_visible()
    app.box.world.customer_says("wmC2", "转人工")

    await app.post(
        "kf/service_state/trans",
        open_kfid=KFID,
        external_userid="wmC2",
        service_state=3,
        servicer_userid="lisi",
    )

    seat = page.get_by_role("tab", name="李四")
    await expect(seat.locator(".count")).to_have_class(re.compile(r"^count\s*$"))
    await expect(page.get_by_role("tab", name="张三")).to_have_attribute("aria-selected", "true")


async def test_the_servicers_thread_shows_the_newest_words(app: Caller, open_page: OpenPage) -> None:
    app.box.world.customer_says(CUSTOMER, "转人工")
    await app.trans(3, "zhangsan")
    page = await open_page(viewport=DESK)
    await page.goto(app.box.url)
    await page.locator(".servicers .chat-row").first.click()
    for number in range(25):
        app.box.world.customer_says(CUSTOMER, f"第 {number} 句，" + "很长的话" * 20)

    await expect(page.locator(".room .bubble").last).to_contain_text("第 24 句")
    await expect(page.locator(".room .bubble").last).to_be_in_viewport()

"""The phone page in a real browser, by itself and docked in the sandbox's client, at 360 and 1280 px.

SIDEBAR_SCREENSHOTS=folder keeps a picture of every page.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from playwright.async_api import FrameLocator, Page, Route, expect

from bot.clock import FrozenClock
from domain.delivery import DeliveryState
from domain.enrolment import EvidenceKind, Occurrence, OccurrenceState
from sandbox import web_login
from sandbox.corp import LineVia
from store import deliveries, occurrences, tables
from store.database import Store
from tests.plugins.browser import DESK, OpenPage
from tests.sidebar import doors, factory
from tests.sidebar.conftest import Phone, ServePhone

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

SMALL = {"width": 360, "height": 740}
WIDTHS = {"phone": SMALL, "desk": DESK}


async def open_as(open_page: OpenPage, phone: Phone, member: str, **options: object) -> Page:
    """Open a page in the browser of a member."""
    page = await open_page(viewport=SMALL, **options)
    await page.context.add_cookies([{"name": "sandbox_member", "value": member, "url": phone.box.url}])
    return page


async def open_beside_chat(
    open_page: OpenPage, phone: Phone, path: str, *, group: str, viewport: object = DESK
) -> FrameLocator:
    """Open a page of ours in the chat toolbar of the sandbox's client, as the group's owner.

    `group`: part of the name of the group, or of the customer whose chat it is.
    """
    page = await open_page(viewport=viewport)
    await page.goto(f"{phone.box.url}/client?userid={factory.OWNER}")
    await page.evaluate("url => localStorage.setItem('sandbox-sidebar-url', url)", phone.at(path))
    await page.get_by_role("tab", name="客户与群").click()
    await page.get_by_text(group, exact=False).first.click()
    await page.get_by_role("button", name="侧边栏", exact=True).click()
    return page.frame_locator("aside.sidebar iframe")


async def keep_picture(page: Page, name: str, *, full: bool = True) -> None:
    folder = os.environ.get("SIDEBAR_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=f"{folder}/{name}.png", full_page=full)


async def assert_fits(page: Page) -> None:
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} scrolls sideways by {wide} px"


async def step_of(store: Store, number: int) -> Occurrence:
    async with store.read() as tx:
        found = await occurrences.find(tx, number)
    assert found is not None
    return found


async def sending_states(store: Store, number: int) -> list[DeliveryState]:
    async with store.read() as tx:
        return [one.state for one in await deliveries.list_by_hand(tx, f"occurrence.{number}")]


@pytest.mark.parametrize("width", WIDTHS)
async def test_every_page_fits_and_runs_clean(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock, width: str
) -> None:
    await doors.befriend(store, frozen_clock, factory.OWNER, factory.CUSTOMER)
    page = await open_as(open_page, phone, factory.OWNER)
    await page.set_viewport_size(WIDTHS[width])  # type: ignore[arg-type]
    scene = phone.scene
    paths = {
        "today": "/sidebar/",
        "send": f"/sidebar/steps/{scene.send}",
        "confirm": f"/sidebar/steps/{scene.confirm}",
        "points": f"/sidebar/steps/{scene.points}",
        "bind": f"/sidebar/steps/{scene.bind}",
        "do": f"/sidebar/steps/{scene.do}",
        "coming": f"/sidebar/steps/{scene.coming}",
        "finished": f"/sidebar/steps/{scene.finished}",
        "long": f"/sidebar/steps/{scene.long}",
        "groups": "/sidebar/group",
        "group": f"/sidebar/group?chat_id={factory.CHAT}",
        "customer": f"/sidebar/customer?external_userid={factory.CUSTOMER}",
        "customer-none": "/sidebar/customer",
    }

    for name, path in paths.items():
        answer = await page.goto(phone.at(path))

        assert answer is not None
        assert answer.status == 200, path
        await assert_fits(page)
        await keep_picture(page, f"{name}-{width}")


async def test_a_members_name_and_a_groups_name_are_shown_as_text(phone: Phone, open_page: OpenPage) -> None:
    page = await open_as(open_page, phone, factory.OWNER)

    await page.goto(phone.at("/sidebar/"))

    await expect(page.get_by_text(factory.GROUP_NAME).first).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("张三")


async def test_one_tap_sends_the_words_into_the_chat(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    frame = await open_beside_chat(open_page, phone, f"/sidebar/steps/{phone.scene.send}", group="安心理财")

    await frame.get_by_role("button", name="发送到群").click()
    await expect(frame.get_by_text("已发到群里。")).to_be_visible()

    (line,) = [one for one in phone.box.world.corp.groups[factory.CHAT].lines if one.via is LineVia.SIDEBAR]
    done = await step_of(store, phone.scene.send)
    assert line.body == {"content": "大家早上好，我是张三，欢迎来到这里。"}
    assert (done.state, done.evidence and done.evidence.kind) == (OccurrenceState.SENT, EvidenceKind.SIDEBAR)
    assert await sending_states(store, phone.scene.send) == [DeliveryState.ACCEPTED]
    await keep_picture(frame.owner.page, "docked-sent", full=False)


async def test_a_text_too_long_for_the_client_is_told_and_stays_to_be_done(
    phone: Phone, open_page: OpenPage, store: Store, page_problems: list[str]
) -> None:
    frame = await open_beside_chat(open_page, phone, f"/sidebar/steps/{phone.scene.long}", group="安心理财")

    await expect(frame.get_by_role("button", name="发送到群")).to_be_enabled()
    await keep_picture(frame.owner.page, "docked-long", full=False)
    await frame.get_by_role("button", name="发送到群").click()
    # 2,000 characters are 6,000 bytes, more than sendChatMessage takes.
    await expect(frame.locator("#sdk-line")).to_contain_text("没有发出去")

    await expect(frame.get_by_role("button", name="我已发出")).to_be_visible()
    assert (await step_of(store, phone.scene.long)).state is OccurrenceState.WAITING_OWNER
    assert await sending_states(store, phone.scene.long) == [DeliveryState.FAILED]
    page_problems.clear()  # The sandbox refuses by a 409, which the browser notes.


async def test_beside_another_groups_chat_nothing_is_sent(
    phone: Phone, open_page: OpenPage, store: Store
) -> None:
    frame = await open_beside_chat(open_page, phone, f"/sidebar/steps/{phone.scene.send}", group="别的群")

    await expect(frame.locator("#sdk-line")).to_contain_text("另一个群")

    await expect(frame.get_by_role("button", name="发送到群")).to_be_hidden()
    assert await sending_states(store, phone.scene.send) == []


async def test_a_signature_of_the_wrong_app_is_told_with_what_to_do(
    serve_phone: ServePhone, open_page: OpenPage, store: Store
) -> None:
    phone = await serve_phone(agent_id=99)
    frame = await open_beside_chat(open_page, phone, f"/sidebar/steps/{phone.scene.send}", group="安心理财")

    await expect(frame.locator("#sdk-line")).to_contain_text("管理员")

    await expect(frame.get_by_role("button", name="复制文字")).to_be_visible()


# What WeCom's client puts into a page, as @wecom/jssdk 2.4.4 calls it; it notes what was asked.
BRIDGE = """window.asked = []; window.WeixinJSBridge = { on() {}, invoke(name, params, answer) {
    window.asked.push([name, params]);
    const said = { getContext: { entry: "group_chat_tools" }, getCurExternalChat: { chatId: "CHAT" } };
    setTimeout(() => answer({ err_msg: `${name}:ok`, ...said[name] }));
} };"""


async def test_the_sdk_that_is_set_up_sends_through_the_clients_bridge(
    serve_phone: ServePhone, open_page: OpenPage, store: Store
) -> None:
    phone = await serve_phone(jssdk_url="", frame_ancestors=())
    page = await open_as(
        open_page, phone, factory.OWNER, user_agent="Mozilla/5.0 wxwork/4.1.20 MicroMessenger/7.0"
    )
    await page.add_init_script(BRIDGE.replace("CHAT", factory.CHAT))
    await page.goto(phone.at(f"/sidebar/steps/{phone.scene.send}"))
    await expect(page.get_by_role("button", name="发送到群")).to_be_enabled()
    await keep_picture(page, "send-in-wecom", full=False)
    asked = await page.evaluate("window.asked")
    async with page.expect_navigation(url="**/sidebar/steps/*"):
        await page.get_by_role("button", name="发送到群").click()

    await expect(page.get_by_text("已发到群里。")).to_be_visible()
    ((_, config),) = [one for one in asked if one[0] == "agentConfig"]
    address = phone.at(f"/sidebar/steps/{phone.scene.send}")
    body = {"kind": "agent", "corpId": config["corpid"], "agentId": int(config["agentid"]), "url": address}
    body |= {name: config[name] for name in ("timestamp", "nonceStr", "signature")}
    assert web_login.signature_problem(phone.box.world, body) == ""
    assert (await step_of(store, phone.scene.send)).state is OccurrenceState.SENT


async def test_outside_the_client_the_words_are_copied_and_told(
    phone: Phone, open_page: OpenPage, store: Store
) -> None:
    page = await open_as(open_page, phone, factory.OWNER, permissions=["clipboard-read", "clipboard-write"])
    await page.goto(phone.at(f"/sidebar/steps/{phone.scene.send}"))

    await page.get_by_role("button", name="复制文字").click()
    await expect(page.get_by_text("已复制")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    await keep_picture(page, "by-hand", full=False)
    await page.get_by_role("button", name="我已发出").click()
    await expect(page.get_by_text("已记下：你发出去了。")).to_be_visible()

    done = await step_of(store, phone.scene.send)
    assert copied == "大家早上好，我是张三，欢迎来到这里。"
    assert (done.state, done.evidence and done.evidence.kind) == (OccurrenceState.SENT, EvidenceKind.TOLD)


async def test_a_second_tab_is_refused_kindly(
    phone: Phone, open_page: OpenPage, store: Store, page_problems: list[str]
) -> None:
    path = f"/sidebar/steps/{phone.scene.send}"
    first = await open_beside_chat(open_page, phone, path, group="安心理财")
    second = await open_beside_chat(open_page, phone, path, group="安心理财")
    await expect(second.get_by_role("button", name="发送到群")).to_be_enabled()

    await first.get_by_role("button", name="发送到群").click()
    await expect(first.get_by_text("已发到群里。")).to_be_visible()
    await second.get_by_role("button", name="发送到群").click()

    await expect(second.locator("#sdk-line")).to_contain_text("这一步已经完成了")
    assert (
        len([one for one in phone.box.world.corp.groups[factory.CHAT].lines if one.via is LineVia.SIDEBAR])
        == 1
    )
    page_problems.clear()  # The refusal is a 409, which the browser notes.


async def test_a_sending_cut_off_asks_what_became_of_it(
    phone: Phone, open_page: OpenPage, store: Store
) -> None:
    frame = await open_beside_chat(open_page, phone, f"/sidebar/steps/{phone.scene.send}", group="安心理财")
    page = frame.owner.page
    await expect(frame.get_by_role("button", name="发送到群")).to_be_enabled()
    await page.get_by_label("SDK 异常").select_option("silent")

    async with page.expect_response("**/begin"):
        await frame.get_by_role("button", name="发送到群").click()
    await page.get_by_label("SDK 异常").select_option("")
    await page.get_by_role("button", name="打开", exact=True).click()
    await frame.get_by_role("button", name="看到了").click()

    await expect(frame.get_by_text("已发到群里。")).to_be_visible()
    assert await sending_states(store, phone.scene.send) == [DeliveryState.ACCEPTED]


async def test_a_lost_report_of_a_step_is_made_up_for_6(
    phone: Phone, open_page: OpenPage, store: Store, page_problems: list[str]
) -> None:
    frame = await open_beside_chat(open_page, phone, f"/sidebar/steps/{phone.scene.send}", group="安心理财")
    page = frame.owner.page
    await page.route("**/sent", lambda route: route.abort("connectionfailed"))

    await frame.get_by_role("button", name="发送到群").click()
    await expect(frame.locator("#sdk-line")).to_contain_text("已发出，记录稍后补")
    await expect(frame.get_by_role("button", name="发送到群")).to_be_hidden()
    await page.unroute("**/sent")

    await expect(frame.get_by_text("已发到群里。")).to_be_visible()
    assert await sending_states(store, phone.scene.send) == [DeliveryState.ACCEPTED]
    page_problems.clear()  # The lost reports were meant.


async def test_a_step_is_put_off_with_a_reason(phone: Phone, open_page: OpenPage, store: Store) -> None:
    page = await open_as(open_page, phone, factory.OWNER)
    await page.goto(phone.at(f"/sidebar/steps/{phone.scene.confirm}"))

    await page.get_by_text("以后再说").click()
    await page.get_by_label("1 小时后").check()
    await page.get_by_label("原因").fill("客户在聊别的事")
    await keep_picture(page, "postpone", full=False)
    await page.get_by_role("button", name="改到这时候").click()

    await expect(page.get_by_text("已改到你选的时间")).to_be_visible()
    async with store.read() as tx:
        notes = (
            await tx.execute(sa.select(tables.enrolment_entry.c.act, tables.enrolment_entry.c.note))
        ).all()
    assert ("postponed", "客户在聊别的事") in [tuple(row) for row in notes]


async def test_points_are_ticked_and_counted(phone: Phone, open_page: OpenPage) -> None:
    page = await open_as(open_page, phone, factory.OWNER)
    await page.goto(phone.at(f"/sidebar/steps/{phone.scene.points}"))
    await expect(page.locator(".sum")).to_contain_text("10 / 70")

    await page.get_by_role("checkbox", name="合规同事已收到").click()

    await expect(page.locator(".sum")).to_contain_text("20 / 70")
    await expect(page.get_by_role("checkbox", name="合规同事已收到")).to_be_checked()


async def test_a_question_is_marked_and_answered_into_the_chat(
    phone: Phone, open_page: OpenPage, store: Store
) -> None:
    frame = await open_beside_chat(open_page, phone, "/sidebar/group", group="安心理财")
    await frame.get_by_label("问了什么").fill("理财会亏本吗")
    await frame.get_by_label("谁问的").select_option(label="陈阿姨")
    await frame.get_by_role("button", name="记下，找答案").click()
    await expect(frame.get_by_text("问题已记下")).to_be_visible()

    card = frame.locator("li.card", has_text="提前还款要违约金吗")
    await card.locator("summary").first.click()
    await keep_picture(frame.owner.page, "docked-group", full=False)
    await card.get_by_role("button", name="发到群里").first.click()
    await expect(frame.get_by_text("问题已标为答复。")).to_be_visible()

    async with store.read() as tx:
        rows = (await tx.execute(sa.select(tables.question).order_by(tables.question.c.id))).all()
    assert [(row.state, row.answered_by) for row in rows] == [("answered", factory.OWNER), ("open", "")]
    assert rows[1].asker == factory.CUSTOMER
    sent = [one for one in phone.box.world.corp.groups[factory.CHAT].lines if one.via is LineVia.SIDEBAR]
    assert len(sent) == 1
    async with store.read() as tx:
        (told,) = await deliveries.list_by_hand(tx, f"question.{phone.scene.question}")
    assert (told.state, told.faq_id, told.recipient) == (
        DeliveryState.ACCEPTED,
        "loan.prepay",
        factory.CHAT,
    )


async def test_beside_a_customers_chat_an_opt_out_is_noted_and_taken_back(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    await doors.befriend(store, frozen_clock, factory.OWNER, factory.CUSTOMER)
    frame = await open_beside_chat(open_page, phone, "/sidebar/", group="陈阿姨", viewport=SMALL)
    page = frame.owner.page

    await frame.get_by_role("link", name="你正在和一位客户聊天").click()
    await expect(frame.get_by_role("heading", level=1)).to_have_text("陈阿姨")
    # The toolbar has a line of one pixel at its left.
    assert await frame.locator("body").evaluate("body => body.clientWidth") == SMALL["width"] - 1
    assert await frame.locator("body").evaluate("body => body.scrollWidth - body.clientWidth") <= 0
    await keep_picture(page, "docked-customer", full=False)
    await frame.locator("#say > summary").click()
    await frame.get_by_label("客户什么时候、怎么说的").fill("今天上午电话里说：别再发课程了")
    await frame.get_by_role("button", name="客户说不想再收").click()
    await expect(frame.get_by_text("以后只发办事回复")).to_be_visible()
    await expect(frame.get_by_text("张三记的：今天上午电话里说")).to_be_visible()
    await keep_picture(page, "docked-customer-out", full=False)
    await frame.get_by_label("怎么同意的").fill("他自己来问下一课")
    await frame.get_by_role("button", name="客户同意再收").click()
    await expect(frame.get_by_text("已记下，立刻生效：客户同意再收。")).to_be_visible()

    async with store.read() as tx:
        (row,) = (await tx.execute(sa.select(tables.opt_out))).all()
    assert (row.source, row.actor, row.evidence) == (
        "advisor",
        factory.OWNER,
        "今天上午电话里说：别再发课程了",
    )
    assert (row.withdrawn_by, row.withdrawn_evidence) == (factory.OWNER, "他自己来问下一课")


@pytest.mark.parametrize("path", ["/sidebar/group", "/sidebar/customer"])
async def test_a_page_that_asks_where_it_is_goes_to_the_customer_beside_it(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock, path: str
) -> None:
    await doors.befriend(store, frozen_clock, factory.OWNER, factory.CUSTOMER)

    frame = await open_beside_chat(open_page, phone, path, group="陈阿姨")

    await expect(frame.get_by_role("heading", level=1)).to_have_text("陈阿姨")


async def test_an_expired_session_is_renewed_unseen(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    page = await open_as(open_page, phone, factory.OWNER)
    await page.goto(phone.at(f"/sidebar/steps/{phone.scene.do}"))
    await store.write(lambda tx: tx.execute(sa.delete(tables.login_session)))

    await page.get_by_text("有困难").click()
    await page.get_by_label("遇到了什么").fill("系统打不开")
    await page.get_by_role("button", name="告诉主管").click()
    await page.wait_for_url(f"**/sidebar/steps/{phone.scene.do}")
    assert await page.get_by_label("遇到了什么").input_value() == "系统打不开"
    assert (await step_of(store, phone.scene.do)).state is OccurrenceState.WAITING_OWNER
    await page.get_by_role("button", name="告诉主管").click()

    await expect(page.get_by_text("已告诉主管")).to_be_visible()


async def test_another_member_at_the_same_browser_sees_their_own_work(
    phone: Phone, open_page: OpenPage
) -> None:
    page = await open_as(open_page, phone, factory.OWNER)
    await page.goto(phone.at("/sidebar/"))
    await expect(page.get_by_role("heading", level=1)).to_contain_text("张三")
    await page.context.add_cookies(
        [{"name": "sandbox_member", "value": factory.STRANGER, "url": phone.box.url}]
    )

    await page.goto(phone.at("/sidebar/"))

    await expect(page.get_by_role("heading", level=1)).to_contain_text("王五")
    assert await page.get_by_text("安心理财").count() == 0


async def test_a_lost_network_is_told_and_comes_back(
    phone: Phone, open_page: OpenPage, page_problems: list[str]
) -> None:
    page = await open_as(open_page, phone, factory.OWNER)
    await page.goto(phone.at("/sidebar/"))
    await page.context.set_offline(True)
    await expect(page.get_by_text("连接中断")).to_be_visible()
    await page.context.set_offline(False)

    await expect(page.get_by_text("连接中断")).to_be_hidden(timeout=12_000)
    page_problems.clear()  # The lost requests were meant.


async def test_on_a_slow_network_a_second_tap_sends_nothing_more(phone: Phone, open_page: OpenPage) -> None:
    frame = await open_beside_chat(open_page, phone, f"/sidebar/steps/{phone.scene.send}", group="安心理财")
    arrives = asyncio.Event()

    async def late(route: Route) -> None:
        await arrives.wait()
        await route.continue_()

    await frame.owner.page.route("**/begin", late)
    await frame.get_by_role("button", name="发送到群").click()
    await expect(frame.locator("#sdk-line")).to_have_text("正在发送…")
    await expect(frame.get_by_role("button", name="发送到群")).to_be_disabled()
    arrives.set()
    await expect(frame.get_by_text("已发到群里。")).to_be_visible()

    lines = phone.box.world.corp.groups[factory.CHAT].lines
    assert len([one for one in lines if one.via is LineVia.SIDEBAR]) == 1


async def test_new_work_appears_by_itself(phone: Phone, open_page: OpenPage, store: Store) -> None:
    page = await open_as(open_page, phone, factory.CO_OWNER)
    await page.goto(phone.at("/sidebar/"))
    await expect(page.get_by_text("现在没有要你做的事")).to_be_visible()
    await keep_picture(page, "empty")

    its = tables.occurrence.c.id == phone.scene.send
    await store.write(
        lambda tx: tx.execute(sa.update(tables.occurrence).where(its).values(executor=factory.CO_OWNER))
    )

    await expect(page.get_by_text("大家早上好")).to_be_visible()


async def test_a_mass_send_that_was_confirmed_shows_by_itself(
    phone: Phone, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    page = await open_as(open_page, phone, factory.OWNER)
    await page.goto(phone.at(f"/sidebar/steps/{phone.scene.confirm}"))
    await expect(page.get_by_role("heading", name="怎么确认")).to_be_visible()

    its = tables.occurrence.c.id == phone.scene.confirm
    proof = {
        "state": OccurrenceState.SENT,
        "evidence_kind": EvidenceKind.PLATFORM,
        "sent_at": frozen_clock.now(),
    }
    await store.write(lambda tx: tx.execute(sa.update(tables.occurrence).where(its).values(**proof)))

    await expect(page.get_by_text("平台自己的发送结果")).to_be_visible(timeout=12_000)
    await expect(page.get_by_role("heading", name="怎么确认")).to_be_hidden()


async def test_a_stranger_to_the_group_finds_nothing(
    phone: Phone, open_page: OpenPage, page_problems: list[str]
) -> None:
    page = await open_as(open_page, phone, factory.STRANGER)

    for path in (f"/sidebar/steps/{phone.scene.send}", f"/sidebar/group?chat_id={quote(factory.CHAT)}"):
        answer = await page.goto(phone.at(path))
        assert answer is not None
        assert answer.status == 404
    await keep_picture(page, "not-found")
    page_problems.clear()  # The browser notes the 404 itself.

"""The pages of the corp in a real browser: members' phones with sidebar, customer groups, the address book."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web
from playwright.async_api import Page, expect

from sandbox import groups, relations, web_login
from tests.sandbox.caller import CUSTOMER, Caller, calling

OpenPage = Callable[..., Awaitable[Page]]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
CARD = {
    "card_type": "button_interaction",
    "task_id": "t1",
    "main_title": {"title": "群07 第 1 天任务"},
    "button_list": [{"text": "完成", "key": "done"}, {"text": "稍后", "key": "later"}],
}
SIDEBAR = """<!doctype html><meta charset="utf-8"><title>应用侧边栏</title>
<script src="{box}/assets/ww.js"></script>
<button id="send">一键发送</button><button id="menu">发菜单</button><p id="said"></p>
<script>
const sign = (kind) => (url) => fetch(`/sign?kind=${{kind}}&url=${{encodeURIComponent(url)}}`).then((r) => r.json());
ww.register({{ corpId: "{corp}", agentId: 1000002, jsApiList: ["sendChatMessage"],
  getConfigSignature: sign("corp"), getAgentConfigSignature: sign("agent") }});
document.getElementById("send").onclick = async () => {{
  const say = (words) => {{ document.getElementById("said").textContent += words + " "; }};
  try {{
    const chat = await ww.getCurExternalChat();
    const sent = await ww.sendChatMessage({{ msgtype: "text", text: {{ content: "各位早上好" }} }});
    say(chat.chatId + " " + sent.errMsg);
  }} catch (problem) {{ say(problem.errMsg); }}
}};
document.getElementById("menu").onclick = async () => {{
  const say = (words) => {{ document.getElementById("said").textContent += words + " "; }};
  try {{
    const {{ entry }} = await ww.getContext();
    const {{ userId }} = await ww.getCurExternalContact();
    const list = [{{ type: "click", click: {{ id: "q_rate", content: "利率怎么算" }} }}];
    const msgmenu = {{ head_content: "想了解哪一项？", list }};
    const sent = await ww.sendChatMessage({{ msgtype: "msgmenu", msgmenu }});
    say(entry + " " + userId + " " + sent.errMsg);
  }} catch (problem) {{ say(problem.errMsg); }}
}};
</script>"""


@contextlib.asynccontextmanager
async def application(app: Caller, tickets: dict[str, str]) -> AsyncIterator[str]:
    """An application's sidebar page on a free port, which signs with these tickets (agent, corp); gives its address."""

    async def page(_: web.Request) -> web.Response:
        content = SIDEBAR.format(box=app.box.url, corp=app.box.world.settings.corp_id)
        return web.Response(text=content, content_type="text/html")

    async def sign(request: web.Request) -> web.Response:
        ticket = tickets[request.query["kind"]]
        signature = web_login.signature_of(ticket, "n", "1763700000", request.query["url"])
        return web.json_response({"timestamp": 1763700000, "nonceStr": "n", "signature": signature})

    server = web.Application()
    server.router.add_get("/sidebar", page)
    server.router.add_get("/sign", sign)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/sidebar"
    finally:
        await runner.cleanup()


async def test_owner_reads_a_card_and_confirms_a_mass_send(app: Caller, open_page: OpenPage) -> None:
    world = app.box.world
    groups.create(world, "zhangsan", "理财新手营07", [CUSTOMER], chat_id="wrG1")
    page = await open_page(viewport=DESK)
    await page.goto(f"{app.box.url}/client?userid=zhangsan")
    phone = page.get_by_label("员工手机", exact=True)
    sent = await app.post(
        "message/send", touser="zhangsan", agentid=1000002, msgtype="template_card", template_card=CARD
    )
    await expect(phone.get_by_label("群07 第 1 天任务")).to_be_visible()
    await phone.get_by_role("button", name="完成").click()
    button = {"replace_name": "已完成"}
    code = list(world.app_outbox.codes)[-1]
    await app.post(
        "message/update_template_card",
        userids=["zhangsan"],
        agentid=1000002,
        response_code=code,
        button=button,
    )
    await expect(phone.get_by_text("已完成")).to_be_visible()
    made = await app.post(
        "externalcontact/add_msg_template",
        chat_type="group",
        sender="zhangsan",
        chat_id_list=["wrG1"],
        text={"content": "<b>今晚</b> 20:00 课堂"},
    )
    await phone.get_by_role("tab", name="群发").click()
    await expect(phone.get_by_text("<b>今晚</b> 20:00 课堂")).to_be_visible()
    await phone.get_by_role("button", name="确认发送").click()
    await expect(phone.get_by_text("送达 1")).to_be_visible()

    assert code != sent["response_code"]
    assert world.corp.mass_tasks[made["msgid"]].parts["zhangsan"].confirmed_at is not None


async def test_sidebar_sends_prepared_words_with_good_signatures_only(
    app: Caller, open_page: OpenPage
) -> None:
    world = app.box.world
    groups.create(world, "zhangsan", "理财新手营07", chat_id="wrG1")
    relations.befriend(world, "zhangsan", CUSTOMER)
    agent, corp = web_login.ticket(world, 1000002)[0], web_login.ticket(world, 0)[0]
    page = await open_page(viewport=DESK)
    frame = page.frame_locator("iframe")
    tickets = {"agent": agent, "corp": corp}
    async with application(app, tickets) as address:
        for answer in ("wrG1 sendChatMessage:ok", "getCurExternalChat:fail 42012"):
            await page.goto(f"{app.box.url}/client?userid=zhangsan")
            await page.get_by_role("tab", name="客户与群").click()
            await page.get_by_role("button", name="理财新手营07").click()
            await page.get_by_role("button", name="侧边栏", exact=True).click()
            await page.get_by_label("侧边栏页面的地址").fill(address)
            await page.get_by_role("button", name="打开").click()
            await frame.get_by_role("button", name="一键发送").click()
            await expect(frame.locator("#said")).to_contain_text(answer)
            tickets["agent"] = corp  # the usual mistake

    lines = [one.body["content"] for one in world.corp.groups["wrG1"].lines if one.via.value == "sidebar"]
    assert lines == ["各位早上好"]


async def test_a_servicer_takes_a_waiting_customer_and_sends_a_menu_from_the_toolbar(
    app: Caller, open_page: OpenPage
) -> None:
    world = app.box.world
    app.box.world.customer_says(CUSTOMER, "转人工")
    await app.trans(2)
    tickets = {"agent": web_login.ticket(world, 1000002)[0], "corp": web_login.ticket(world, 0)[0]}
    page = await open_page(viewport=DESK)
    frame = page.frame_locator("iframe")
    async with application(app, tickets) as address:
        await page.goto(f"{app.box.url}/client?userid=lisi")
        await page.get_by_role("tab", name="客服").click()
        await page.get_by_role("button", name="接入").click()
        await expect(page.get_by_text("微信客服 · 由我接待")).to_be_visible()
        await page.get_by_label("侧边栏页面的地址").fill(address)
        await page.get_by_role("button", name="打开").click()
        await frame.get_by_role("button", name="发菜单").click()
        await expect(frame.locator("#said")).to_contain_text("single_kf_tools wmC1 sendChatMessage:ok")
        await page.get_by_label("SDK 异常").select_option(label="用户取消")
        await frame.get_by_role("button", name="发菜单").click()
        await expect(frame.locator("#said")).to_contain_text("sendChatMessage:cancel")
        await page.get_by_label("SDK 异常").select_option(label="签名无效 40093")
        await frame.get_by_role("button", name="发菜单").click()
        await expect(frame.locator("#said")).to_contain_text("getContext:fail 40093 invalid signature")
        await page.get_by_role("button", name="结束会话").click()
        await expect(page.get_by_text("会话已结束，发消息可重新接入")).to_be_visible()

    shown = [one for one in world.chat(CUSTOMER).bubbles if one.msgtype == "msgmenu"]
    assert [(one.via.value, one.servicer_userid) for one in shown] == [("servicer", "lisi")]


async def test_group_page_lets_people_join_talk_and_leave(app: Caller, open_page: OpenPage) -> None:
    world = app.box.world
    groups.create(world, "zhangsan", "理财新手营07", [CUSTOMER], members=["lisi"], chat_id="wrG1")
    page = await open_page(viewport=DESK)
    await page.goto(f"{app.box.url}/groups")
    await page.get_by_label("在群里说").fill("提前还款要违约金吗")
    await page.get_by_label("在群里说").press("Enter")
    await expect(page.locator(".own .bubble")).to_have_text("提前还款要违约金吗")
    await page.get_by_role("button", name="客户扫码进群").click()
    await page.get_by_label("新客户的昵称").fill("周阿姨")
    await page.get_by_role("button", name="确定").click()
    await expect(page.locator(".notice", has_text="周阿姨 扫码进群")).to_be_visible()
    await page.get_by_label("王女士 的操作").click()
    await page.get_by_role("menuitem", name="自己退群").click()
    await expect(page.locator(".notice", has_text="王女士 退出了群聊")).to_be_visible()

    assert CUSTOMER not in world.corp.groups["wrG1"].members


async def test_address_book_page_sets_moods_and_lets_people_leave(app: Caller, open_page: OpenPage) -> None:
    page = await open_page(viewport=DESK)
    await page.goto(f"{app.box.url}/people")
    await page.get_by_label("张三 的表现").select_option("late")
    await page.get_by_role("button", name="新建下级部门").click()
    await page.get_by_label("部门名称").fill("顾问部")
    await page.get_by_role("button", name="确定").click()
    await expect(page.get_by_role("button", name="顾问部")).to_be_visible()
    await page.get_by_label("李四 的操作").click()
    await page.get_by_role("menuitem", name="离职").click()
    await expect(page.get_by_text("已离职：lisi")).to_be_visible()

    assert app.box.world.corp.moods["zhangsan"] == "late"


async def test_pages_fit_a_phone(open_page: OpenPage) -> None:
    async with calling() as app:
        groups.create(app.box.world, "zhangsan", "理财新手营07", [CUSTOMER], chat_id="wrG1")
        page = await open_page(viewport=PHONE)
        for path in ("client", "groups", "people"):
            await page.goto(f"{app.box.url}/{path}")
            await expect(page.locator("#corp .boot")).to_have_count(0)
            width = await page.evaluate("document.documentElement.scrollWidth")

            assert width <= PHONE["width"], path


async def test_every_page_is_reached_from_the_bar(app: Caller, open_page: OpenPage) -> None:
    page = await open_page(viewport=DESK)
    await page.goto(app.box.url)
    for name in ("员工手机", "客户群", "通讯录", "客户手机"):
        await page.get_by_role("navigation", name="页面").get_by_role("link", name=name).click()
        await expect(page.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")

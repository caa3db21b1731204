"""The sandbox's page in a real browser: a member asks the robot alone, in an internal group, and the staff app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from tests.aibot.office import PREPAY, ROBOT, Office

OpenPage = Callable[..., Awaitable[Page]]
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}


async def test_a_member_asks_alone_in_a_group_and_the_app(office: Office, open_page: OpenPage) -> None:
    page = await open_page(viewport=DESK)
    await page.goto(f"{office.box.url}/bot?userid=zhangsan")
    thread = page.locator(".thread")

    await page.get_by_label("问一个业务问题").fill(PREPAY)
    await page.get_by_label("问一个业务问题").press("Enter")
    await expect(page.get_by_text("条目 loan.prepay", exact=True)).to_be_visible()
    await expect(thread.get_by_text("只对同事开放")).to_be_visible()
    await page.get_by_role("button", name="不准确", exact=True).click()
    await expect(page.get_by_role("button", name="不准确", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )

    await page.get_by_role("button", name="顾问一组").click()
    await page.get_by_label("在群里说").fill("客户问：犹豫期能全额退吗")
    await page.get_by_label("在群里说").press("Enter")
    await page.get_by_role("button", name="引用", exact=True).click()
    await expect(page.get_by_label("在群里说")).to_have_value(f"@{ROBOT} ")
    await page.get_by_label("在群里说").press_sequentially("这个怎么回")
    await page.get_by_label("在群里说").press("Enter")
    await expect(page.get_by_text("条目 insurance.cooling_off", exact=True)).to_be_visible()
    await expect(page.get_by_text("按你引用的那条消息查的。", exact=True)).to_be_visible()

    await page.get_by_role("button", name="合规助手").click()
    await page.get_by_label("问一个业务问题").fill("理财保本吗")
    await page.get_by_label("问一个业务问题").press("Enter")
    await expect(thread.get_by_text("条目 wealth.principal")).to_be_visible()


async def test_on_a_phone_it_fits_and_markup_stays_text(office: Office, open_page: OpenPage) -> None:
    page = await open_page(viewport=PHONE)
    await page.goto(f"{office.box.url}/bot?userid=lisi")

    await page.get_by_label("问一个业务问题").fill(
        "<b>**提前还款**</b><script>document.title='x'</script> 违约金"
    )
    await page.get_by_label("问一个业务问题").press("Enter")

    await expect(page.locator(".row.own").get_by_text("<script>")).to_be_visible()
    await expect(page.get_by_role("button", name="准确", exact=True)).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert await page.title() == "沙盒 · 问机器人"

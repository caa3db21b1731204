"""Take the pictures that the READMEs and docs show: a demo of its own, driven in headless Chromium.

    python scripts/screenshots.py [FOLDER]        # default docs/images; needs the packages of ./test and Chromium

A customer is welcomed, asks, taps, wants a person; the servicer answers and ends the session; another asks something
unclear; then the console shows what is on record. Last, a group's first week in fast-forward: three minutes. The clock
begins on a Monday morning, so that people are on duty and every run gives the same pictures. Look at them afterwards:
they are the first thing a newcomer sees.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.async_api import (  # noqa: E402  # after the path
    Browser,
    FrameLocator,
    Locator,
    Page,
    async_playwright,
    expect,
)

from bench import demo_week  # noqa: E402
from bot import demo  # noqa: E402

DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
TALL = {"width": 1440, "height": 1080}
# Ten in the morning in Shanghai, within the demo's opening hours.
BEGUN_AT = datetime(2026, 11, 23, 2, 2, tzinfo=UTC)
PATIENCE_MILLISECONDS = 20_000
# Looks at how far the week is, a second apart.
WEEK_LOOKS = 400
# So many seconds the audit gets for two days of talks.
AUDIT_LOOKS = 120
HANDED_OVER = "select 1 from occurrence where step = 'opening' and reason = 'hand_over' and state = 'sent'"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# As in tests/plugins/browser.py: root in a container has no browser sandbox, and nothing leaves this machine.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
QUESTION = "我想把保险退了，能拿回来多少钱"
USUAL = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "reduced_motion": "reduce"}


@contextlib.contextmanager
def running_demo() -> Iterator[demo.Plan]:
    """Give a demo that is ready, in a temporary folder, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="guanjia-pictures-") as kept:
        folder = Path(kept) / "demo"
        plan = demo.prepare(folder, port=18_080, sandbox_port=18_180)
        demo.begin_at(folder, BEGUN_AT.timestamp())
        ports = ["--port", str(plan.port), "--sandbox-port", str(plan.sandbox_port)]
        command = [sys.executable, "-m", "bot", "demo", "--folder", str(folder), "--no-browser", *ports]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            if not any("Ctrl-C stops" in line for line in process.stdout):
                raise SystemExit("the demo did not start; run ./run to see why")
            yield plan
        finally:
            process.terminate()
            process.wait(30)


class Town:
    """The pages of one demo and where their pictures go."""

    def __init__(self, browser: Browser, plan: demo.Plan, folder: Path) -> None:
        self._browser, self._plan, self._folder = browser, plan, folder

    async def open(self, url: str, size: dict[str, int]) -> Page:
        context = await self._browser.new_context(viewport=size, **USUAL)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        page = await context.new_page()
        await page.goto(url)
        return page

    async def keep(self, page: Page, name: str) -> None:
        """Write the picture of what is to be seen now."""
        await page.evaluate("document.fonts.ready")
        await page.wait_for_timeout(400)  # The last bubble slides in.
        path = self._folder / f"{name}.png"
        await page.screenshot(path=path)
        print(f"{path}  {path.stat().st_size // 1024} KB")

    # --- the customers' side --------------------------------------------------------------------------------

    async def talk(self) -> None:
        """Let three customers meet the bot, and one of them a person."""
        page = await self.open(self._plan.sandbox_url, DESK)
        wang, li, chen = (page.get_by_label(f"{name}的手机") for name in ("王女士", "李先生", "陈阿姨"))
        await self._enter(page, "李先生")
        await expect(li.locator(".other .bubble").first).to_contain_text("自动智能助手")
        await _ask(wang, QUESTION, "现金价值")
        await wang.get_by_role("button", name="转人工").last.click()
        await expect(wang.locator(".other .bubble").last).to_contain_text("转接人工")
        await _ask(chen, "手续费", "转人工")
        await page.get_by_role("tab", name="李四").click()
        await page.get_by_label("接待人员").get_by_role("button", name="王女士").click()
        await page.get_by_label("回复客户").fill(
            "王女士您好，我是李四。保单号后四位发我就行，我帮您查现金价值。"
        )
        await page.get_by_label("回复客户").press("Enter")
        await expect(wang.locator(".other .bubble").last).to_contain_text("我是李四")
        await self.keep(page, "sandbox")
        await page.get_by_role("button", name="结束会话").click()
        await wang.get_by_role("button", name="满意", exact=True).click()
        await expect(wang.locator(".other .bubble").last).to_contain_text("谢谢")
        await _ask(li, "提前还款要违约金吗", "提前")
        await _ask(chen, "有人自称公安让我转账到安全账户", "验证码")
        await self.keep(page, "sandbox-end")
        await page.context.close()

    async def _enter(self, page: Page, name: str) -> None:
        await page.get_by_role("button", name=f"{name} 扫码进入会话", exact=True).click()
        await page.get_by_role("button", name=f"{name} 扫码进入", exact=True).click()

    async def show_phone(self) -> None:
        """The chat page as it looks on a phone."""
        page = await self.open(self._plan.sandbox_url, PHONE)
        await expect(page.get_by_label("王女士的手机").locator(".own .bubble").first).to_be_attached()
        await self.keep(page, "sandbox-phone")
        await page.context.close()

    # --- the company's side ---------------------------------------------------------------------------------

    async def show_console(self) -> None:
        """The console as the supervisor sees it, the system's health as the administrator does."""
        for size, suffix in ((DESK, ""), (PHONE, "-phone")):
            page = await self._signed_in("林主管", size, picker="console-picker" + suffix)
            await self.keep(page, "console-overview" + suffix)
            await self._visit(page, "conversations", "console-conversations" + suffix)
            await page.get_by_role("link", name="王女士").first.click()
            await page.wait_for_url("**/conversations/*")
            await page.get_by_text("为什么", exact=True).first.click()
            await page.get_by_text(QUESTION, exact=True).first.evaluate(
                "words => { words.style.scrollMarginTop = '48px'; words.scrollIntoView({block: 'start'}); }"
            )
            await self.keep(page, "console-reader" + suffix)
            await self._visit(page, "cases", "console-cases" + suffix)
            await self._visit(page, "try?q=tiqian还款要違約金吗，另外逾期会上征信吗", "console-try" + suffix)
            await page.context.close()
            page = await self._signed_in("陈工", size)
            await self._visit(page, "health", "console-health" + suffix)
            await page.context.close()

    async def _signed_in(self, name: str, size: dict[str, int], *, picker: str = "") -> Page:
        page = await self.open(f"{self._plan.bot_url}/console/", size)
        if picker:
            await self.keep(page, picker)
        await page.get_by_role("button", name=name).click()
        await page.wait_for_url("**/console/")
        return page

    async def _visit(self, page: Page, place: str, name: str) -> None:
        await page.goto(f"{self._plan.bot_url}/console/{place}")
        await self.keep(page, name)

    # --- the advisor's desk ---------------------------------------------------------------------------------

    async def show_desk(self) -> None:
        """Customers who wait for 李四: suggestions, words nobody may say, a phone; then the supervisor's screen."""
        page = await self.open(f"{self._plan.sandbox_url}/client?userid=lisi", TALL)
        desk = await self._beside(page, "周阿姨")
        await self.keep(page, "desk-sidebar")
        await desk.get_by_label("回复客户").fill("您放心，这款保本保息，到期一定拿得回来")
        await expect(desk.get_by_role("button", name="换成可以说的")).to_be_visible()
        await self.keep(page, "desk-blocked")
        await desk.get_by_label("回复客户").fill("")
        await desk.get_by_role("button", name="发送第 1 条").click()
        await expect(desk.get_by_role("button", name="发送第 1 条")).to_have_count(0)
        await page.context.close()
        phone = await self.open(f"{self._plan.sandbox_url}/client?userid=lisi", PHONE)
        await self._beside(phone, "徐女士", is_docked=False)
        await self.keep(phone, "desk-phone")
        await phone.context.close()
        lead = await self._signed_in("林主管", DESK)
        await self._visit(lead, "desk", "desk-screen")
        await lead.context.close()

    async def _beside(self, page: Page, name: str, *, is_docked: bool = True) -> FrameLocator:
        """Open a customer's chat of customer service and return the page beside it, with its suggestions."""
        await page.get_by_role("tab", name="客服").click()
        await page.get_by_role("button", name=name).click()
        if not is_docked:
            await page.get_by_role("button", name="侧边栏", exact=True).click()
        desk = page.frame_locator("iframe")
        await expect(desk.get_by_role("button", name="发送第 1 条")).to_be_visible()
        await expect(desk.get_by_text("可以发", exact=True)).to_be_visible()
        return desk

    # --- the quality audit ----------------------------------------------------------------------------------

    async def show_audit(self) -> None:
        """A red line on its way: suspected, seen in its talk, confirmed, and told to the advisor, who may appeal."""
        lead = await self._signed_in("林主管", DESK)
        for _ in range(AUDIT_LOOKS):
            await lead.goto(f"{self._plan.bot_url}/console/audit/reviews")
            if await lead.locator("tbody tr").filter(has_text="王五").count():
                break
            await lead.wait_for_timeout(1000)
        await self._visit(lead, "audit?period=30", "audit-overview")
        await self._visit(lead, "audit/team?period=30", "audit-team")
        await lead.goto(f"{self._plan.bot_url}/console/audit/reviews")
        row = lead.locator("tbody tr").filter(has_text="王五").first
        await row.get_by_role("link").first.click()
        await lead.wait_for_url("**/reviews/*")
        await self.keep(lead, "audit-review")
        await lead.keyboard.press("1")
        await lead.get_by_label("理由").fill("客户问稳不稳，回答“宝本宝息”，是变着写法承诺保本。")
        await lead.keyboard.press("Control+Enter")
        await expect(lead.get_by_text("复核已记下。")).to_be_visible()
        await lead.context.close()
        advisor = await self.open(f"{self._plan.sandbox_url}/client?userid=wangwu", PHONE)
        cookie = {"name": "sandbox_member", "value": "wangwu", "url": self._plan.sandbox_url}
        await advisor.context.add_cookies([cookie])
        await advisor.goto(f"{self._plan.bot_url}/sidebar/audit")
        await self.keep(advisor, "audit-phone")
        await advisor.locator("[id^=finding-]").filter(has_text="承诺保本").first.get_by_role("link").click()
        await expect(
            advisor.get_by_text("确认了这一条").or_(advisor.get_by_text("待复核")).first
        ).to_be_visible()
        await self.keep(advisor, "audit-appeal-phone")
        await advisor.context.close()

    # --- a group's first week -------------------------------------------------------------------------------

    async def show_week(self) -> None:
        """The owner confirms the opening, sends a line of the ceremony; then the week runs to its score."""
        page = await self.open(f"{self._plan.sandbox_url}/client?userid=lisi", DESK)
        await self._run_until(page, "client?userid=lisi", "mass")
        await page.get_by_role("tab", name="群发").click()
        await expect(page.get_by_role("button", name="确认发送")).to_be_visible()
        await self.keep(page, "week-confirm")
        await page.get_by_role("button", name="确认发送").click()
        await page.get_by_role("tab", name="客户与群").click()
        await page.get_by_text("看懂保险 1 群").first.click()
        await page.get_by_role("button", name="侧边栏").click()
        sidebar = page.frame_locator("iframe")
        line = sidebar.get_by_text("去发送").first
        for _ in range(8):
            await self._next(page)
            await page.get_by_role("button", name="打开", exact=True).click()
            with contextlib.suppress(AssertionError):
                await expect(line).to_be_visible(timeout=2000)
                break
        await line.click()
        await sidebar.get_by_role("button", name="发送").first.click()
        await expect(sidebar.get_by_text("已发到群里")).to_be_visible()
        await self.keep(page, "week-sidebar")
        week = demo_week.Week(self._plan)
        week.act("member/mood", {"userid": "lisi", "mood": "prompt"})
        week.act("clock/pace", {"mode": "auto"})
        await page.context.close()
        console = await self._signed_in("林主管", DESK)
        await self._wait(console, lambda: bool(week.rows(HANDED_OVER)))
        await console.goto(f"{self._plan.bot_url}/console/groups/2")
        stage = console.locator(".stage").filter(has_text="开群仪式").first
        await stage.evaluate(
            "one => { one.style.scrollMarginTop = '16px'; one.scrollIntoView({block: 'start'}); }"
        )
        await self.keep(console, "week-late")
        await self._wait(console, week.is_over)
        week.act("clock/pace", {"mode": "hand"})
        await console.goto(f"{self._plan.bot_url}/console/groups/1?round=1")
        await self.keep(console, "week-score")
        await console.context.close()

    async def _wait(self, page: Page, holds: Callable[[], bool]) -> None:
        for _ in range(WEEK_LOOKS):
            if holds():
                return
            await page.wait_for_timeout(1000)
        raise SystemExit("the week did not come that far")

    async def _run_until(self, page: Page, place: str, what: str) -> None:
        """Go from thing to thing until a list of the member's phone has an entry."""
        for _ in range(20):
            await self._next(page)
            found = await (await page.request.get(f"{self._plan.sandbox_url}/sandbox/{place}")).json()
            if found[what]:
                return
        raise SystemExit(f"no {what} within twenty things")

    async def _next(self, page: Page) -> None:
        await page.get_by_role("button", name="到下一件事").click()
        for _ in range(240):
            await page.wait_for_timeout(250)
            clock = await (await page.request.get(f"{self._plan.sandbox_url}/sandbox/clock")).json()
            if clock["pace"] == "hand":
                return


async def _ask(phone: Locator, question: str, expected: str) -> None:
    """Type a question and wait for the answer that says `expected`."""
    before = await phone.locator(".other .bubble").count()
    await phone.get_by_role("textbox").fill(question)
    await phone.get_by_role("textbox").press("Enter")
    await expect(phone.locator(".other .bubble").nth(before)).to_contain_text(
        expected, timeout=PATIENCE_MILLISECONDS
    )


async def take(folder: Path, only: str = "") -> None:
    """Take every picture, or those of one part: desk, talk, audit or week."""
    folder.mkdir(parents=True, exist_ok=True)
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise SystemExit("no Chromium found: apt-get install -y chromium fonts-noto-cjk")
    with running_demo() as plan:
        async with async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=program, args=ARGUMENTS)
            town = Town(browser, plan, folder)
            if only in ("", "desk"):
                await town.show_desk()
            if only in ("", "audit"):
                await town.show_audit()
            if only in ("", "talk"):
                await town.talk()
                await town.show_phone()
                await town.show_console()
            if only in ("", "week"):
                await town.show_week()
            await browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--only", choices=("desk", "talk", "audit", "week"), default="")
    chosen = parser.parse_args()
    asyncio.run(take(chosen.folder, chosen.only))

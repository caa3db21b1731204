"""Every page as people who do not see, or use no mouse, meet it: judged by axe-core, and walked through by Tab.

axe-core (package.json, devDependencies) runs in the page as the tests' own script; the pages' policy does not concern
it. Violations of WCAG 2.1 A and AA that it calls serious or critical fail, contrast among them. A11Y_SCREENSHOTS=folder
keeps a picture of each page, A11Y_ALL=1 counts the lesser ones too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Page, expect

from tests.a11y import sites
from tests.a11y.sites import Visit
from tests.console.factory import HOUSE
from tests.plugins.browser import OpenPage

AXE = HOUSE / "node_modules" / "axe-core" / "axe.min.js"
RUN = """axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations'],
    preload: false, iframes: false, elementRef: false,
}).then(result => result.violations.map(one => ({
    id: one.id, impact: one.impact, help: one.help,
    nodes: one.nodes.slice(0, 4).map(node => `${node.target.join(' ')}  ${node.any.map(a => a.message).join('; ')}`),
    count: one.nodes.length,
})))"""
GRAVE = ("serious", "critical")
# What each stop of the Tab key looks like: is it there to be seen, and marked as the place where one is?
STOP = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
    const label = one.closest('label') || one;
    const marked = [one, label, one.nextElementSibling].some(each => each && (
        getComputedStyle(each).outlineStyle !== 'none' && parseFloat(getComputedStyle(each).outlineWidth) > 0
        || getComputedStyle(each).boxShadow !== 'none'));
    return {
        name: `${one.tagName} ${one.textContent.trim().slice(0, 20)}`, isPage: one === document.body,
        marked, hasSize: box.width > 0 && box.height > 0,
    };
}"""


async def go(page: Page, visit: Visit) -> int:
    """Open the page; return what it was answered with."""
    context = page.context
    if {one["name"]: one["value"] for one in await context.cookies(visit.url)} != visit.cookies:
        await context.clear_cookies()
        await context.add_cookies(
            [{"name": name, "value": value, "url": visit.url} for name, value in visit.cookies.items()]
        )
    if page.viewport_size != visit.viewport:
        await page.set_viewport_size(visit.viewport)  # type: ignore[arg-type]
    answer = await page.goto(visit.url)
    return answer.status if answer else 0


async def keep_picture(page: Page, visit: Visit) -> None:
    folder = os.environ.get("A11Y_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=f"{folder}/{quote(visit.path, safe='')[:90]}.png", full_page=True)


@pytest.mark.timeout(300)
async def test_no_page_has_a_grave_barrier_or_loses_the_tab_key(
    sqlite_template: Path, tmp_path: Path, open_page: OpenPage, page_problems: list[str]
) -> None:
    if not AXE.is_file():
        pytest.skip("no axe-core to judge the pages with: ./test installs it (npm ci)")
    page, barriers = await open_page(), list[str]()
    await page.context.add_init_script(path=AXE)

    async with sites.running(tmp_path, sqlite_template) as visits:
        only = os.environ.get("A11Y_ONLY", "")
        for visit in (one for one in visits if only in one.path):
            if (status := await go(page, visit)) != visit.status:
                barriers.append(f"{visit.path}: answered {status}")
            if visit.typed:
                await page.get_by_label("回复客户").fill(visit.typed)
                await expect(page.locator("#verdict")).to_contain_text("保本")
            await keep_picture(page, visit)
            barriers += [f"{visit.path}: {one}" for one in await judged(page)]
            if visit.is_walked:
                barriers += [f"{visit.path}: {one}" for one in await walked(page)]
        await page.close()
    # Pages that are errors on purpose log their status.
    page_problems[:] = [one for one in page_problems if "the server responded with a status of 40" not in one]

    assert not barriers, f"{len(barriers)} barriers:\n" + "\n".join(barriers)
    assert len(visits) > 50


async def judged(page: Page) -> list[str]:
    """What axe-core has against the page."""
    found: list[dict[str, Any]] = await page.evaluate(RUN)
    is_chinese = await page.evaluate("document.documentElement.lang === 'zh-CN'")
    return ([] if is_chinese else ["not said to be Chinese"]) + [
        f"{one['impact']} {one['id']} ({one['count']}): {one['help']}\n    " + "\n    ".join(one["nodes"])
        for one in found
        if one["impact"] in GRAVE or os.environ.get("A11Y_ALL")
    ]


async def walked(page: Page) -> list[str]:
    """What is wrong with the first stops of the Tab key: in the page's order, each to be seen and marked."""
    lost = []
    if await page.evaluate("[...document.querySelectorAll('[tabindex]')].some(one => one.tabIndex > 0)"):
        lost.append("a tabindex above 0 breaks the order")
    for number in range(12):
        await page.keyboard.press("Tab")
        stop = await page.evaluate(STOP)
        if stop["isPage"]:
            break
        if not stop["marked"] or not stop["hasSize"]:
            lost.append(f"stop {number} of the Tab key: {stop}")
    return lost

"""The boards in a real browser: pictures drawn, bars that lead to their sessions, nothing too wide, nothing broken.

CONSOLE_SCREENSHOTS=folder keeps a picture of every page.
"""

from __future__ import annotations

import pytest

from bot.clock import FrozenClock
from domain.login import Role
from store.database import Store
from tests.boards.scene import Scene
from tests.console.conftest import Pages
from tests.console.test_browser import WIDTHS, assert_fits, keep_picture, open_as
from tests.console.test_group_browser import assert_drawn
from tests.plugins.browser import OpenPage

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.mark.parametrize("width", WIDTHS)
async def test_every_board_fits_and_runs_clean(
    pages: Pages,
    audited: Scene,
    open_page: OpenPage,
    store: Store,
    frozen_clock: FrozenClock,
    width: str,
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.SUPERVISOR, width)
    paths = {
        "audit-week": "/console/audit",
        "audit-overview": "/console/audit?period=30",
        "audit-team": "/console/audit/team?period=30",
        "audit-advisor": "/console/audit/advisors/zhangsan?period=30",
        "audit-advisor-unseen": "/console/audit/advisors/sunli?period=30",
        "audit-response": "/console/audit/response?period=30",
        "audit-compliance": "/console/audit/compliance?period=30",
        "audit-sessions": "/console/audit/sessions?period=30",
        "audit-sessions-behind": "/console/audit/sessions?period=30&wait=600&clock=working&label=GUARANTEE",
        "audit-session": f"/console/audit/sessions/{audited.full}",
        "audit-session-group": f"/console/audit/sessions/{audited.group}",
        "audit-session-kf": f"/console/audit/sessions/{audited.kf}",
        "audit-session-open": f"/console/audit/sessions/{audited.open}",
    }
    charts = {
        "audit-advisor": ["score-chart"],
        "audit-response": ["waits-chart", "hours-chart"],
        "audit-compliance": ["violations-chart"],
    }

    for name, path in paths.items():
        answer = await page.goto(pages.url(path))

        assert answer is not None
        assert answer.status == 200, path
        await assert_drawn(page, *charts.get(name, []))
        await assert_fits(page)
        await keep_picture(page, f"{name}-{width}")


async def test_a_bar_leads_to_the_sessions_behind_it(
    pages: Pages, audited: Scene, open_page: OpenPage, store: Store, frozen_clock: FrozenClock
) -> None:
    page = await open_as(open_page, pages, store, frozen_clock, Role.SUPERVISOR, "desk")
    await page.goto(pages.url("/console/audit/response?period=30"))
    row = page.get_by_role("row").filter(has_text="5–10 分钟")
    count = int(await row.get_by_role("link").inner_text())

    await row.get_by_role("link").click()

    await page.wait_for_url("**/console/audit/sessions?**wait=600**")
    assert await page.locator("table.sessions-table tbody tr").count() == count > 0

"""What the pages of the audit say: coverage beside figures, nothing too early or of others, help where nothing is."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.clock import FrozenClock
from domain.login import Role
from domain.review import ReviewKind
from store import logins, reviews, tables
from store.database import Store
from store.reviews import NewReview
from tests.boards.scene import Scene
from tests.console import factory
from tests.console.conftest import Pages

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


class Reader:
    """Fetches pages as one of the demo's people."""

    def __init__(self, pages: Pages, store: Store, clock: FrozenClock) -> None:
        self._pages, self._store, self._clock = pages, store, clock
        self._cookies: dict[Role, dict[str, str]] = {}

    async def get(self, path: str, role: Role = Role.SUPERVISOR, *, status: int = 200) -> str:
        if role not in self._cookies:
            self._cookies[role] = await factory.sign_in(self._store, self._pages.names[role], self._clock)
        answer = await self._pages.client.get(path, cookies=self._cookies[role], allow_redirects=False)
        assert answer.status == status, path
        return await answer.text()


@pytest.fixture
def reader(pages: Pages, store: Store, frozen_clock: FrozenClock) -> Reader:
    return Reader(pages, store, frozen_clock)


BOARDS = ("", "/team", "/response", "/compliance", "/sessions")


async def test_a_company_that_just_began_is_told_what_to_do(reader: Reader) -> None:
    for board in BOARDS:
        page = await reader.get(f"/console/audit{board}")

        assert "还没有会话可以质检" in page, board
    assert "开通会话存档" in await reader.get("/console/audit")


async def test_what_was_not_seen_is_never_full_marks(reader: Reader, audited: Scene) -> None:
    assert audited.full
    team = await reader.get("/console/audit/team?period=30")
    overview = await reader.get("/console/audit?period=30")
    unseen = await reader.get("/console/audit/advisors/sunli?period=30")
    bot = await reader.get("/console/audit/advisors/bot?period=30")

    row = team[team.index("advisors/sunli") :]
    assert "没有开通存档" in row
    assert row.count("N/A") >= 6
    assert "样本不足" in team[team.index("advisors/zhaoqiang") : team.index("advisors/sunli")]
    assert "没有看到 1 位" in overview
    assert "没有看到孙丽的会话" in unseen
    assert "数据不够，判断不了" in unseen
    assert "近 30 天的诊断" not in bot


async def test_suspicions_stand_apart_and_count_for_nobody(reader: Reader, audited: Scene) -> None:
    assert audited.red
    team = await reader.get("/console/audit/team?period=30")

    row = team[team.index("advisors/wangfang") : team.index("advisors/lina")]
    assert "另有怀疑 " in row
    assert 'data-label="红线"><span class="cell-in"><span class="number">0</span>' in row


async def test_an_advisor_reads_an_own_session_with_the_own_findings_only(
    reader: Reader, audited: Scene, store: Store, frozen_clock: FrozenClock
) -> None:
    its = tables.finding.c.id == audited.red
    later = frozen_clock.now() + timedelta(days=1)
    await store.write(lambda tx: tx.execute(sa.update(tables.finding).where(its).values(shown_at=later)))

    own = await reader.get(f"/console/audit/sessions/{audited.full}", Role.ADVISOR)
    whole = await reader.get(f"/console/audit/sessions/{audited.full}", Role.SUPERVISOR)

    assert "躲避检查" in whole
    assert "躲避检查" not in own  # Found, and not told to the advisor yet.
    assert "承诺个人负责亏损" in own
    assert "复核" not in own[own.index("audit-aside") :]
    await reader.get(f"/console/audit/sessions/{audited.other}", Role.ADVISOR, status=404)
    await reader.get("/console/audit/team", Role.ADVISOR, status=403)


async def test_findings_stand_in_the_words_and_customers_write_no_html(
    reader: Reader, audited: Scene
) -> None:
    page = await reader.get(f"/console/audit/sessions/{audited.full}")

    assert "陈阿姨&lt;b&gt;" in page
    assert '<mark class="hit doubt">本金绝 </mark><mark class="hit doubt many">对安全，</mark>' in page
    assert "内容已按要求删除" in page
    assert "客户没有同意留存" in page
    assert "撤回了这条消息" in page
    assert f'src="/console/media/{audited.media}"' in page
    assert "没有向客户许诺" in page  # Why an item does not apply.
    assert "有确认的红线，所以不合格" in page


async def test_reading_a_session_is_written_down(reader: Reader, audited: Scene, store: Store) -> None:
    await reader.get(f"/console/audit/sessions/{audited.group}")

    async with store.read() as tx:
        wanted = sa.select(tables.session.c.conversation_id).where(tables.session.c.id == audited.group)
        talk = (await tx.execute(wanted)).scalar_one()
        entries = await logins.list_access(tx, limit=5, subject=f"conversation:{talk}")
    assert [entry.act for entry in entries] == ["opened"]


async def test_a_session_that_was_joined_leads_to_the_one_it_is_in(reader: Reader, audited: Scene) -> None:
    await reader.get(f"/console/audit/sessions/{audited.merged}", status=302)
    await reader.get("/console/audit/sessions/999999", status=404)
    await reader.get("/console/audit/advisors/nobody", status=404)


async def test_the_list_goes_on_page_by_page_and_keeps_its_filter(reader: Reader, audited: Scene) -> None:
    assert audited.full
    first = await reader.get("/console/audit/sessions?period=30&kind=chat")
    more = first[first.rindex('href="/console/audit/sessions?') + 6 :]
    second = await reader.get(more[: more.index('"')].replace("&amp;", "&"))

    assert first.count("<tr data-href") == 50
    assert 15 <= second.count("<tr data-href") < 50
    assert "客户群 ·" not in second


async def test_nonsense_in_an_address_shows_the_usual_page(reader: Reader, audited: Scene) -> None:
    assert audited.full
    for query in ("period=x&wait=9&hour=99", "day=yesterday&who=%00&band=x", "from=1-&clock=sun&state=1"):
        await reader.get(f"/console/audit/sessions?{query}")
        await reader.get(f"/console/audit/response?{query}")


async def test_who_judges_a_session_blind_sees_no_score_and_nobodys_decision_5(
    reader: Reader, audited: Scene, store: Store, frozen_clock: FrozenClock, pages: Pages
) -> None:
    path, now = f"/console/audit/sessions/{audited.full}", frozen_clock.now()
    before = await reader.get(path, Role.COMPLIANCE)
    async with store.read() as tx:
        login = await logins.find_login(tx, pages.names[Role.COMPLIANCE])
    assert login is not None
    new = NewReview(
        key="calibration-scene",
        kind=ReviewKind.CALIBRATION,
        session_id=audited.full,
        subject="zhangsan",
        due_at=now,
        reviewer=login.staff_platform_id or login.name,
    )
    await store.write(lambda tx: reviews.add(tx, [new], now))

    blind = await reader.get(path, Role.COMPLIANCE)
    others = await reader.get(path, Role.SUPERVISOR)

    for told in ("已确认", "先讲清楚风险等级", "有确认的红线", "没有向客户许诺"):
        assert told in before, told
        assert told not in blind, told
        assert told in others, told
    assert "独立复核" in blind
    assert 'class="hit red' not in blind
    assert "承诺个人负责亏损" in blind  # The rules' findings stay, all as suspicions.


async def test_an_item_that_lost_points_tells_why_in_the_findings_own_words_5(
    reader: Reader, audited: Scene
) -> None:
    page = await reader.get(f"/console/audit/sessions/{audited.full}")

    scores = page[page.index("audit-aside") :]
    assert "制造紧迫感。</a>" in scores
    assert "用固定收益和存款比较。" not in scores  # A suspicion took nothing off.

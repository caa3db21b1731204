"""The pages of proof: search, export, requests under PIPL, and who read what."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from aiohttp import ClientResponse

from bot import verifying
from bot.clock import FrozenClock
from bot.sealing import Sealer
from domain.audit import TalkKind
from domain.login import Role
from store import erasures, logins, tables
from store.database import Store
from tests.audit import factory as talks
from tests.audit.factory import Line
from tests.console import factory as people
from tests.console.conftest import Pages
from tests.proof import factory
from tests.proof.test_retention import add_session

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
CSRF = "csrf-of-the-test"


class Visitor:
    """Asks as somebody with a role."""

    def __init__(self, pages: Pages, store: Store, clock: FrozenClock) -> None:
        self._pages, self._store, self._clock = pages, store, clock

    async def get(self, role: Role, path: str) -> tuple[int, str]:
        answer = await self._ask(role, "GET", path)
        return answer.status, await answer.text()

    async def post(self, role: Role, path: str, **form: str) -> ClientResponse:
        return await self._ask(role, "POST", path, csrf=CSRF, **form)

    async def _ask(self, role: Role, method: str, path: str, **form: str) -> ClientResponse:
        cookies = await people.sign_in(
            self._store,
            self._pages.names[role],
            self._clock,
            csrf=CSRF,
            token=f"{role} {method} {path} {form}",
        )
        return await self._pages.client.request(
            method, path, data=form or None, cookies=cookies, allow_redirects=False
        )


@pytest.fixture
def visitor(pages: Pages, store: Store, frozen_clock: FrozenClock) -> Visitor:
    return Visitor(pages, store, frozen_clock)


async def log_of(store: Store, subject: str) -> list[tuple[str, str]]:
    async with store.read() as tx:
        return [(one.act, one.note) for one in await logins.list_access(tx, limit=20, subject=subject)]


async def test_a_search_marks_the_words_keeps_to_the_scope_and_is_written_down(
    store: Store, frozen_clock: FrozenClock, visitor: Visitor
) -> None:
    await store.write(lambda tx: factory.talk(tx, frozen_clock.now(), ["这个<b>保本</b>吗", "不保本"]))

    status, page = await visitor.get(Role.SUPERVISOR, "/console/search?q=保本")
    _, short = await visitor.get(Role.SUPERVISOR, "/console/search?q=保")
    _, own = await visitor.get(Role.ADVISOR, "/console/search?q=保本")
    refused, _ = await visitor.get(Role.CONTENT, "/console/search?q=保本")

    assert status == 200
    assert page.count("<mark>保本</mark>") == 2
    assert "&lt;b&gt;" in page
    assert "至少写两个字" in short
    assert "没有找到" in own
    assert refused == 403
    assert await log_of(store, "search") == [("searched", "保本 (0)"), ("searched", "保本 (2)")]


async def test_an_export_is_a_file_and_a_line_in_the_log(
    store: Store, frozen_clock: FrozenClock, visitor: Visitor
) -> None:
    made = await store.write(lambda tx: factory.talk(tx, frozen_clock.now(), ["手机13800138000"]))
    path = "/console/export"

    hidden = await visitor.post(Role.SUPERVISOR, path, customer="wmAnna", format="html", full="yes")
    full = await visitor.post(Role.COMPLIANCE, path, customer="wmAnna", format="html", full="yes")
    unknown = await visitor.post(Role.COMPLIANCE, path, customer="wmNobody", format="html")

    assert "138****8000" in await hidden.text()
    assert "13800138000" in await full.text()
    assert "attachment" in full.headers["Content-Disposition"]
    assert full.headers["X-Content-Type-Options"] == "nosniff"
    assert "wrong=export_customer" in unknown.headers["Location"]
    assert await log_of(store, f"customer:{made.customer}") == [
        ("exported", "html, 1 messages, full"),
        ("exported", "html, 1 messages, masked"),
    ]


async def test_an_advisor_fetches_what_was_found_about_them_and_nothing_else(
    store: Store,
    frozen_clock: FrozenClock,
    visitor: Visitor,
    pages: Pages,
) -> None:
    await factory.fill(store, frozen_clock.now())
    mine = sa.update(tables.finding).where(tables.finding.c.id == 1)
    await store.write(lambda tx: tx.execute(mine.values(subject=pages.names[Role.ADVISOR])))

    answer = await visitor.post(Role.ADVISOR, "/console/export/mine", format="csv")
    text = await answer.text()

    assert answer.status == 200
    assert text.count("guarantee.principal") == 1
    assert (await visitor.post(Role.CONTENT, "/console/export/mine", format="csv")).status == 403


async def test_a_request_erases_what_the_law_does_not_keep_and_proves_it(
    store: Store, frozen_clock: FrozenClock, visitor: Visitor
) -> None:
    async def job(tx: sa.ext.asyncio.AsyncConnection) -> tuple[factory.Record, factory.Record]:
        now = frozen_clock.now()
        service = await factory.talk(tx, now, ["您好", "您好呀"])
        await add_session(tx, service, "service", now)
        loan = await factory.talk(tx, now, ["房贷"], customer="wmBert")
        await add_session(tx, loan, "loan", now)
        return service, loan

    service, loan = await store.write(job)
    anna, bert = f"/console/privacy/{service.customer}", f"/console/privacy/{loan.customer}"

    _, shown = await visitor.get(Role.COMPLIANCE, anna)
    _, kept = await visitor.get(Role.COMPLIANCE, bert)
    unsure = await visitor.post(Role.COMPLIANCE, f"{anna}/erase", reason="request")
    nothing = await visitor.post(Role.COMPLIANCE, f"{bert}/erase", reason="request", sure="yes")
    await visitor.post(Role.COMPLIANCE, f"{anna}/hold", reason="诉讼")
    held = await visitor.post(Role.COMPLIANCE, f"{anna}/erase", reason="request", sure="yes", note="1")
    await visitor.post(Role.COMPLIANCE, "/console/privacy/holds/1/lift")
    done = await visitor.post(Role.COMPLIANCE, f"{anna}/erase", reason="request", sure="yes", note="2")
    _, paper = await visitor.get(Role.COMPLIANCE, f"{anna}/evidence")
    found = await visitor.get(Role.COMPLIANCE, "/console/privacy?customer=wmAnna")

    assert "可以删除" in shown
    assert "《反洗钱法》" in kept
    assert "wrong=erase_unsure" in unsure.headers["Location"]
    assert "wrong=erase_nothing" in nothing.headers["Location"]
    assert "wrong=erase_nothing" in held.headers["Location"]
    assert "done=erased" in done.headers["Location"]
    assert "共删除 2 条" in paper
    assert found[0] == 303
    async with store.read() as tx:
        assert await erasures.count_of(tx, service.conversation) == (0, 2)
    await Sealer(store, frozen_clock).seal(everything=True)
    assert (await verifying.verify(store)).flaws == []


async def test_the_log_tells_who_read_a_customers_talk(
    store: Store, frozen_clock: FrozenClock, visitor: Visitor
) -> None:
    anna = await store.write(lambda tx: factory.talk(tx, frozen_clock.now(), ["您好"]))
    bert = await store.write(lambda tx: factory.talk(tx, frozen_clock.now(), ["您好"], customer="wmBert"))
    await visitor.get(Role.SUPERVISOR, f"/console/conversations/{anna.conversation}")
    frozen_clock.advance(timedelta(minutes=1))
    await visitor.get(Role.SUPERVISOR, f"/console/conversations/{bert.conversation}")

    _, page = await visitor.get(Role.COMPLIANCE, f"/console/access-log?customer={anna.customer}")
    _, nobody = await visitor.get(Role.COMPLIANCE, "/console/access-log?actor=nobody")

    assert f"conversation:{anna.conversation}" in page
    assert f"conversation:{bert.conversation}<" not in page
    assert "没有记录" in nobody


async def test_only_compliance_reads_colleagues_talk_and_the_log_says_so_5(
    store: Store, frozen_clock: FrozenClock, visitor: Visitor
) -> None:
    lines: list[Line] = [(0, "A", "我老婆生病了，想请假")]
    await store.write(lambda tx: talks.talk(tx, TalkKind.INTERNAL, lines, account="li|wang"))
    said = talks.ADVISOR
    form = {"staff": said, "format": "csv", "internal": "yes"}

    for role in (Role.SUPERVISOR, Role.ADMIN):
        _, page = await visitor.get(role, "/console/search?q=老婆&internal=yes")
        assert "没有找到" in page
        assert "连同事之间的对话" not in page
        assert "请假" not in await (await visitor.post(role, "/console/export", **form)).text()
    _, unasked = await visitor.get(Role.COMPLIANCE, "/console/search?q=老婆")
    _, asked = await visitor.get(Role.COMPLIANCE, "/console/search?q=老婆&internal=yes")
    export = await visitor.post(Role.COMPLIANCE, "/console/export", **form)

    assert "没有找到" in unasked
    assert "<mark>老婆</mark>" in asked
    assert "请假" in await export.text()
    assert (await log_of(store, "search"))[0] == ("searched", "老婆 (1) internal=yes")
    assert (await log_of(store, f"staff:{said}"))[0] == (
        "exported",
        "csv, 1 messages, masked, with internal talk",
    )

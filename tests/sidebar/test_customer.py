"""A customer's page: who it is, what is open, and an advisor's note that the customer wants nothing but service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from aiohttp import ClientSession, DummyCookieJar

from bot.clock import FrozenClock
from domain.people import OptOutSource, OptOutWanted, Tag
from domain.sop import Term
from scheduler import audiences
from store import customers, logins, opt_outs, relations, sop_audiences, tables, tags
from store.database import Store
from tests.sidebar import doors, factory
from tests.sidebar.conftest import Phone

ADDRESS = f"/sidebar/customer?external_userid={factory.CUSTOMER}"
EVIDENCE = "今天上午在门店说的：别再发课程了 <b>谢谢</b>"


class Advisor:
    """The customer's advisor at the page."""

    def __init__(self, session: ClientSession, phone: Phone) -> None:
        self._session, self._phone = session, phone

    async def look(self) -> str:
        async with self._session.get(self._phone.at(ADDRESS)) as answer:
            text = await answer.text()
            assert answer.status == 200, text
            return text

    async def note(self, act: str, note: str) -> str:
        """Send a form and return the page that follows."""
        address = self._phone.at(f"/sidebar/customer/{act}?external_userid={quote(factory.CUSTOMER)}")
        async with self._session.post(address, data={"csrf": doors.CSRF, "note": note}) as answer:
            text = await answer.text()
            assert answer.status == 200, text
            return text


@pytest.fixture
async def advisor(phone: Phone, store: Store, frozen_clock: FrozenClock) -> AsyncIterator[Advisor]:
    await doors.befriend(store, frozen_clock, factory.OWNER, factory.CUSTOMER)
    cookies = await doors.sign_in(store, frozen_clock, factory.OWNER)
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    async with ClientSession(cookie_jar=DummyCookieJar(), headers={"Cookie": header}) as session:
        yield Advisor(session, phone)


async def opted_out_in_audience(store: Store, phone: Phone) -> list[bool | None]:
    """Return whether `do_not_contact` means the group's customers."""
    async with store.read() as tx:
        members = await sop_audiences.list_members(tx, phone.scene.group)
    term = Term(name="do_not_contact")
    now = phone.ctx.console.clock.now()
    return [audiences.means(term, one, now, size=1) for one in members]


async def test_page_tells_who_the_customer_is(
    advisor: Advisor, store: Store, frozen_clock: FrozenClock
) -> None:
    now = frozen_clock.now()
    tag = Tag(platform_id="etT1", name="想了解养老", group_platform_id="etG", group_name="意向", place=1)
    pair = (factory.OWNER, factory.CUSTOMER)
    ids = await store.write(lambda tx: customers.ensure(tx, [factory.CUSTOMER], now))
    await store.write(lambda tx: tags.add(tx, [tag], now))
    await store.write(lambda tx: relations.set_tags(tx, pair, added=["etT1"], removed=[], at=now))
    row = {
        "kind": "complaint",
        "customer_id": ids[factory.CUSTOMER],
        "reason": "H1",
        "owner": factory.OWNER,
        "state": "open",
        "opened_at": now,
        "due_at": now + timedelta(days=2),
    }
    await store.write(lambda tx: tx.execute(sa.insert(tables.case).values(row)))

    page = await advisor.look()

    for part in ("陈阿姨", "张三", "想了解养老", "加好友", "扫二维码", "branch7", "投诉", "2 天", "可以发"):
        assert part in page, part
    assert f"chat_id={factory.CHAT}" in page
    async with store.read() as tx:
        (entry, *_) = await logins.list_access(tx, limit=5)
    assert (entry.actor, entry.act) == (factory.OWNER, "opened")
    assert entry.subject == f"customer:{ids[factory.CUSTOMER]}"


async def test_a_note_holds_at_once_and_is_taken_back_with_its_own_evidence(
    advisor: Advisor, phone: Phone, store: Store, frozen_clock: FrozenClock
) -> None:
    before = await opted_out_in_audience(store, phone)
    told = await advisor.note("opt-out", EVIDENCE)
    during = await opted_out_in_audience(store, phone)
    frozen_clock.advance(timedelta(hours=1))
    back = await advisor.note("agree", "客户自己来问下一课的时间")
    after = await opted_out_in_audience(store, phone)

    assert (before, during, after) == ([False], [True], [False])
    assert "以后只发办事回复" in told
    assert "别再发课程了 &lt;b&gt;" in told
    assert "客户同意再收" in back
    async with store.read() as tx:
        ids = await customers.find_ids(tx, [factory.CUSTOMER])
        (record,) = await opt_outs.list_of(tx, ids[factory.CUSTOMER])
        acts = [one.act for one in await logins.list_access(tx, limit=20)]
    assert (record.source, record.actor, record.evidence) == ("advisor", factory.OWNER, EVIDENCE)
    assert (record.withdrawn_by, record.withdrawn_evidence) == (factory.OWNER, "客户自己来问下一课的时间")
    assert record.withdrawn_at == frozen_clock.now()
    assert {"noted opt-out", "noted consent"} <= set(acts)


async def test_without_evidence_nothing_is_noted_and_a_second_tap_adds_none(
    advisor: Advisor, store: Store
) -> None:
    refused = await advisor.note("opt-out", "   ")
    await advisor.note("opt-out", EVIDENCE)
    again = await advisor.note("opt-out", "又点了一次")

    assert "请写一句" in refused
    assert "已经记过了" in again
    async with store.read() as tx:
        ids = await customers.find_ids(tx, [factory.CUSTOMER])
        assert [one.evidence for one in await opt_outs.list_of(tx, ids[factory.CUSTOMER])] == [EVIDENCE]


async def test_an_opt_out_by_words_is_shown_as_the_customers_own(
    advisor: Advisor, store: Store, frozen_clock: FrozenClock
) -> None:
    wanted = OptOutWanted(source=OptOutSource.WORDS, evidence="opt_out")
    ids = await store.write(lambda tx: customers.ensure(tx, [factory.CUSTOMER], frozen_clock.now()))
    who = ids[factory.CUSTOMER]
    await store.write(
        lambda tx: opt_outs.record(tx, who, wanted, actor=factory.CUSTOMER, at=frozen_clock.now())
    )

    page = await advisor.look()

    assert "客户自己写的" in page
    assert "只收办事回复" in page

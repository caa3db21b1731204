"""The phone page by its addresses: what is shown to whom, and what an act leaves behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import ClientSession, CookieJar

from bot.clock import FrozenClock
from console.sidebar import postponing
from domain.attention import NewNotice, NoticeKind
from domain.enrolment import OccurrenceState
from domain.faq import Line
from scheduler import acts
from store import deliveries, enrolments, notices, occurrences, tables
from store.database import Store
from tests.sidebar import factory
from tests.sidebar.conftest import Phone, ServePhone
from tests.sop.factory import SHANGHAI

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


class Member:
    """A member's browser that came in."""

    def __init__(self, session: ClientSession, phone: Phone) -> None:
        self._session, self._phone, self._csrf = session, phone, ""

    async def get(self, path: str) -> str:
        async with self._session.get(self._phone.at(path)) as answer:
            text = await answer.text()
            assert answer.status == 200, text
        self._csrf = text.partition('data-csrf="')[2].partition('"')[0]
        return text

    async def post(self, path: str, **fields: str) -> tuple[int, str]:
        async with self._session.post(self._phone.at(path), data={"csrf": self._csrf, **fields}) as answer:
            return answer.status, await answer.text()

    async def ask(self, path: str, **fields: str) -> tuple[int, dict[str, Any]]:
        headers = {"Accept": "application/json", "X-CSRF-Token": self._csrf}
        async with self._session.post(self._phone.at(path), data=fields, headers=headers) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def owner(phone: Phone) -> AsyncIterator[Member]:
    """The group's owner, on today's list."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        session.cookie_jar.update_cookies({"sandbox_member": factory.OWNER})
        member = Member(session, phone)
        await member.get("/sidebar/")
        yield member


async def test_today_shows_what_is_due_first_and_only_ones_own(owner: Member, phone: Phone) -> None:
    page = await owner.get("/sidebar/")

    assert (
        page.index("现在要做")
        < page.index("等答复的问题")
        < page.index("今天稍后")
        < page.index("今天已完成")
    )
    assert "仪式一：打招呼" in page
    assert "别人的话" not in page
    assert "<script>alert" not in page


async def test_a_notice_that_went_on_no_card_is_listed(
    owner: Member, phone: Phone, store: Store, frozen_clock: FrozenClock
) -> None:
    notice = NewNotice(
        key="n1",
        recipient=factory.OWNER,
        kind=NoticeKind.REPORT,
        title="首日小结",
        text="入群 12 人",
        url=f"/sidebar/steps/{phone.scene.coming}",
        due_at=frozen_clock.now(),
        occurrence_id=phone.scene.coming,
    )
    await store.write(lambda tx: notices.add(tx, [notice], frozen_clock.now()))
    waiting = await owner.get("/sidebar/")
    await store.write(lambda tx: tx.execute(sa.update(tables.notice).values(state="listed")))

    listed = await owner.get("/sidebar/")

    assert "首日小结" not in waiting
    assert "首日小结" in listed
    # A report has its words in the notice alone.
    assert "入群 12 人" in await owner.get(f"/sidebar/steps/{phone.scene.coming}")


async def test_a_second_begin_is_refused_until_somebody_looked_into_the_group(
    owner: Member, phone: Phone, store: Store, frozen_clock: FrozenClock
) -> None:
    path = f"/sidebar/steps/{phone.scene.send}"
    first, begun = await owner.ask(f"{path}/begin")
    second, refusal = await owner.ask(f"{path}/begin")
    frozen_clock.advance(acts.REPORT_WAIT)
    third, stale = await owner.ask(f"{path}/begin")
    fourth, again = await owner.ask(f"{path}/begin", again="yes")

    assert (first, second, third, fourth) == (200, 409, 409, 200)
    assert (refusal["again"], stale["again"]) == (False, True)
    assert refusal["refused"]
    assert begun["messages"] == again["messages"]
    assert begun["key"] != again["key"]


async def test_a_lost_report_still_counts_when_it_arrives(
    owner: Member, phone: Phone, store: Store, frozen_clock: FrozenClock
) -> None:
    path = f"/sidebar/steps/{phone.scene.send}"
    _, begun = await owner.ask(f"{path}/begin")
    frozen_clock.advance(timedelta(minutes=20))

    status, said = await owner.ask(f"{path}/sent", key=begun["key"], is_sent="yes", error="")
    twice, _ = await owner.ask(f"{path}/sent", key=begun["key"], is_sent="no", error="late")

    async with store.read() as tx:
        found = await occurrences.find(tx, phone.scene.send)
    assert (status, said, twice) == (200, {"ok": True}, 200)
    assert found is not None
    assert found.state is OccurrenceState.SENT


async def test_links_go_along_with_the_words_and_pictures_that_cannot_are_named(
    owner: Member, phone: Phone, store: Store
) -> None:
    its = tables.occurrence.c.id == phone.scene.send
    await store.write(lambda tx: tx.execute(sa.update(tables.occurrence).where(its).values(block="opening")))

    _, begun = await owner.ask(f"/sidebar/steps/{phone.scene.send}/begin")

    assert [one["msgtype"] for one in begun["messages"]] == ["text", "news"]
    assert begun["messages"][1]["news"]["link"].startswith(f"{phone.url}/g/")
    assert begun["missing"] == ["opening.png"]


async def test_words_that_the_rules_forbid_meanwhile_are_not_handed_out(
    owner: Member, phone: Phone, store: Store
) -> None:
    its = tables.occurrence.c.id == phone.scene.send
    await store.write(
        lambda tx: tx.execute(
            sa.update(tables.occurrence).where(its).values(text="保本保息，年化收益 8%，稳赚不赔")
        )
    )

    status, said = await owner.ask(f"/sidebar/steps/{phone.scene.send}/begin")

    assert status == 409
    assert "合规" in said["refused"]
    async with store.read() as tx:
        assert await deliveries.list_by_hand(tx, f"occurrence.{phone.scene.send}") == []


async def test_a_step_that_ended_meanwhile_says_so(owner: Member, phone: Phone) -> None:
    await owner.get(f"/sidebar/steps/{phone.scene.do}")
    first, _ = await owner.post(f"/sidebar/steps/{phone.scene.do}/done")
    status, page = await owner.post(f"/sidebar/steps/{phone.scene.do}/done")

    assert (first, status) == (200, 409)
    assert "这一步已经完成了" in page


async def test_putting_off_needs_a_reason_and_a_time_inside_the_window(owner: Member, phone: Phone) -> None:
    path = f"/sidebar/steps/{phone.scene.do}/postpone"
    nameless, first = await owner.post(path, until="1h", reason=" ")
    late, second = await owner.post(path, until="tomorrow", reason="忙")
    good, third = await owner.post(path, until="1h", reason="忙")

    assert (nameless, late, good) == (400, 400, 200)
    assert "请写一句原因" in first
    assert "来不及" in second
    assert "已改到你选的时间" in third


async def test_times_to_put_off_to_end_with_the_window(frozen_clock: FrozenClock, phone: Phone) -> None:
    now = frozen_clock.now()
    quiet_until = (await phone.ctx.console.sop_template(1)).guard.quiet_until

    def offered(hours: float) -> list[str]:
        ends = now + timedelta(hours=hours)
        return [one.key for one in postponing.choices(now, ends, SHANGHAI, quiet_until)]

    assert offered(0.1) == []
    assert offered(0.75) == ["30m"]
    assert offered(3) == ["30m", "1h"]
    assert offered(9) == ["30m", "1h", "18"]
    assert offered(26) == ["30m", "1h", "18", "tomorrow"]


async def test_the_owner_says_that_the_welcome_is_bound(owner: Member, phone: Phone, store: Store) -> None:
    page = await owner.get(f"/sidebar/steps/{phone.scene.bind}")
    status, _ = await owner.post(f"/sidebar/steps/{phone.scene.bind}/bound")

    async with store.read() as tx:
        found = await enrolments.find(tx, phone.scene.enrolment)
    assert "已绑定" in page
    assert status == 200
    assert found is not None
    assert found.welcome_bound_at is not None


async def test_a_mass_send_is_explained_and_has_no_button_to_tick_it_off(owner: Member, phone: Phone) -> None:
    page = await owner.get(f"/sidebar/steps/{phone.scene.confirm}")
    status, refused = await owner.post(f"/sidebar/steps/{phone.scene.confirm}/done")

    assert "群发助手" in page
    assert "等群主在企业微信里确认" in page
    assert f"/sidebar/steps/{phone.scene.confirm}/done" not in page
    assert status == 409
    assert "群发助手" in refused


async def test_a_picture_of_the_words_is_shown(owner: Member, phone: Phone) -> None:
    page = await owner.get(f"/sidebar/steps/{phone.scene.confirm}")

    assert f"/sidebar/steps/{phone.scene.confirm}/files/0" in page


async def test_a_link_that_names_an_enrolment_leads_to_its_group(owner: Member, phone: Phone) -> None:
    page = await owner.get(f"/sidebar/group?enrolment={phone.scene.enrolment}")

    assert "有人在群里问？" in page


async def test_an_answer_that_may_not_be_said_today_is_not_handed_out(owner: Member, phone: Phone) -> None:
    path = f"/sidebar/questions/{phone.scene.question}/begin"
    unknown, _ = await owner.ask(path, faq_id="no.such")
    good, begun = await owner.ask(path, faq_id="loan.prepay")

    assert (unknown, good) == (409, 200)
    assert begun["messages"][0]["text"]["content"]


async def test_a_member_with_an_emoji_for_a_name_is_greeted(
    owner: Member, phone: Phone, store: Store
) -> None:
    its = tables.login.c.name == factory.OWNER
    await store.write(
        lambda tx: tx.execute(sa.update(tables.login).where(its).values(display_name="🌻小张<b>"))
    )

    page = await owner.get("/sidebar/")

    assert "🌻小张&lt;b&gt;" in page


async def test_a_stopped_line_hands_out_nothing(serve_phone: ServePhone) -> None:
    phone = await serve_phone(stopped=frozenset(Line))

    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        session.cookie_jar.update_cookies({"sandbox_member": factory.OWNER})
        member = Member(session, phone)
        await member.get("/sidebar/")
        status, _ = await member.ask(f"/sidebar/steps/{phone.scene.send}/begin")

    assert status == 409

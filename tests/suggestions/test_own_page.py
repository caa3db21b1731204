"""An advisor looks through their own kept words and decides about them."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, DummyCookieJar

from bot.clock import FrozenClock
from domain.faq import Line
from store import own_wordings
from store.database import Store
from tests.sidebar import doors, factory
from tests.sidebar.conftest import Phone, box, phone, serve_phone  # noqa: F401 - fixtures of the phone page

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_words_are_given_to_the_editors_or_let_go(
    phone: Phone,  # noqa: F811 - the fixture
    store: Store,
    frozen_clock: FrozenClock,
) -> None:
    said = {
        "fine": "先看看合同里怎么写的哈，咱们一起看。",
        "late": "放心，我们保证给您批下来。",
        "script": "<script>go()</script>先看看合同里怎么写",
    }
    now = frozen_clock.now()
    kept = {
        name: await store.write(
            lambda tx, text=text: own_wordings.keep(
                tx, factory.OWNER, text, "提前还款要违约金吗", "", Line.LOAN, "", None, now
            )
        )
        for name, text in said.items()
    }
    cookies = await doors.sign_in(store, frozen_clock, factory.OWNER)
    async with ClientSession(cookie_jar=DummyCookieJar(), cookies=cookies) as client:

        async def page() -> str:
            answer = await client.get(phone.at("/sidebar/own"), cookies=cookies)
            return await answer.text()

        async def act(name: str, what: str) -> str:
            answer = await client.post(
                phone.at(f"/sidebar/own/{kept[name]}/{what}"), data={"csrf": doors.CSRF}, cookies=cookies
            )
            return await answer.text()

        before = await page()
        given = await act("fine", "submit")
        again = await act("fine", "submit")
        gone = await act("late", "withdraw")

    assert "<script>go()" not in before
    assert "&lt;script&gt;go()" in before
    assert before.count("按今天的规则不能这样说了") == 1
    assert f"/sidebar/own/{kept['late']}/submit" not in before
    assert "已交给内容编辑" in given
    assert "状态已经变了" in again
    assert said["late"] not in gone
    async with store.read() as tx:
        assert [one.id for one in await own_wordings.list_submitted(tx)] == [kept["fine"]]

"""The list of open sessions, and their end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import ClientSession

from bot.clock import FrozenClock
from console import browsers
from console.sessions import COOKIE, digest_of
from store import logins
from store.database import Store
from tests.console import factory as console_factory
from tests.identity.conftest import DESK, WECOM, Doors, NewBrowser
from tests.identity.test_coming_in import SUPERVISOR, is_in, login_id
from tests.sidebar import factory

CSRF = "csrf-of-the-test"
one_engine = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def key(token: str) -> str:
    return digest_of(token)[:16]


async def post(doors: Doors, path: str, cookies: dict[str, str]) -> str:
    async with ClientSession() as session:
        answer = await session.post(
            doors.at(path), data={"csrf": CSRF}, cookies=cookies, allow_redirects=False
        )
        return answer.headers["Location"]


async def test_one_sees_ones_sessions_and_ends_another_but_nobody_elses(
    doors: Doors, new_browser: NewBrowser, store: Store, frozen_clock: FrozenClock
) -> None:
    elsewhere = new_browser(WECOM)
    elsewhere.cookie_jar.update_cookies({"sandbox_member": SUPERVISOR})
    await elsewhere.get(doors.at("/console/"))
    frozen_clock.advance(timedelta(minutes=3))
    here = await console_factory.sign_in(store, SUPERVISOR, frozen_clock, token="here")
    await console_factory.sign_in(store, "chengong", frozen_clock, token="theirs")
    page = await new_browser().get(doors.at("/console/account"), cookies=here)
    text = await page.text()

    (token,) = [one.value for one in elsewhere.cookie_jar if one.key == COOKIE]
    others = await post(doors, f"/console/account/sessions/{key('theirs')}/end", here)
    own = await post(doors, f"/console/account/sessions/{key(token)}/end", here)

    assert "目前有 2 处登录有效" in text
    assert all(
        words in text for words in ("企业微信 4.1 · iOS", "企业微信内打开", "3 分钟前用过", "127.0.0.1")
    )
    assert others.endswith("wrong=session_gone")
    assert own.endswith("done=session_ended")
    assert not await is_in(doors, elsewhere)
    assert (await new_browser().get(doors.at("/console/account"), cookies=here)).status == 200


@one_engine
async def test_an_administrator_ends_anybodys_session_at_once_on_both_pages(
    doors: Doors, new_browser: NewBrowser, store: Store, frozen_clock: FrozenClock
) -> None:
    desk, phone = new_browser(), new_browser(WECOM)
    await doors.come_in(desk, SUPERVISOR)
    phone.cookie_jar.update_cookies({"sandbox_member": SUPERVISOR})
    assert (await phone.get(doors.at("/sidebar/"))).status == 200
    boss = await console_factory.sign_in(store, "chengong", frozen_clock)
    number = await login_id(store, SUPERVISOR)
    path = f"/console/sessions?login={number}"
    page = await (await new_browser().get(doors.at(path), cookies=boss)).text()
    (token,) = [one.value for one in desk.cookie_jar if one.key == COOKIE]

    assert ("Edge 131 · Windows" in page, "扫码登录" in page, "企业微信内打开" in page) == (True, True, True)
    assert (await post(doors, f"/console/sessions/{key(token)}/end", boss)).endswith("done=session_ended")
    assert not await is_in(doors, desk)
    assert (await phone.get(doors.at("/sidebar/"), allow_redirects=False)).status == 200

    assert (await post(doors, f"/console/logins/{number}/sign-out", boss)).endswith("done=sessions_ended")
    assert (await phone.get(doors.at("/sidebar/"), allow_redirects=False)).status == 303
    async with store.read() as tx:
        acts = [one.act for one in await logins.list_access(tx, limit=9, actor="chengong")]
    assert acts == ["ended sessions", "ended session"]


@one_engine
async def test_whoever_comes_in_anew_leaves_no_session_behind_in_that_browser(
    doors: Doors, new_browser: NewBrowser, store: Store, frozen_clock: FrozenClock
) -> None:
    browser = new_browser()
    await doors.come_in(browser, SUPERVISOR)
    (former,) = [one.value for one in browser.cookie_jar if one.key == COOKIE]

    await doors.come_in(browser, factory.CO_OWNER)

    async with store.read() as tx:
        assert await logins.find_session(tx, digest_of(former), frozen_clock.wall()) is None
    assert await is_in(doors, browser)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (DESK, "Edge 131 · Windows"),
        (WECOM, "WeCom 4.1 · iOS"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.2 Safari/605.1.15", "Safari 17 · macOS"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox 133 · Linux"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/120.0 MicroMessenger/8.0.47", "WeChat 8.0 · Android"),
        ("curl/8.1", ""),
        ("", ""),
    ],
)
def test_a_browser_is_named_by_what_people_know_it_as(user_agent: str, name: str) -> None:
    assert browsers.name_of(user_agent) == name

"""Coming into the console by WeCom: who is let in, as whom, and what everybody else reads."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import ClientResponse, ClientSession
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from console.sessions import COOKIE
from console.sidebar import entrance
from domain.login import Role
from sandbox.faults import Fault, FaultKind
from store import login_links, login_sessions, logins, presence, staff, tables
from store.database import Store
from tests.console import factory as console_factory
from tests.identity.conftest import WECOM, Doors, NewBrowser, ServeDoors
from tests.sidebar import factory

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

SUPERVISOR = factory.LEADER  # linzhuguan, whom the demo's logins know as supervisor
UNKNOWN = factory.STRANGER  # wangwu, a member without a login


async def is_in(doors: Doors, browser: ClientSession) -> bool:
    answer = await browser.get(doors.at("/console/account"), allow_redirects=False)
    return answer.status == 200


async def how_in(store: Store, clock: FrozenClock) -> list[tuple[str, str, str]]:
    async with store.read() as tx:
        return [
            (one.login.name, one.how, one.browser) for one in await login_sessions.list_open(tx, clock.wall())
        ]


async def admin(doors: Doors, store: Store, clock: FrozenClock) -> dict[str, Any]:
    """What a request of an administrator carries."""
    cookies = await console_factory.sign_in(store, "chengong", clock)
    return {"cookies": cookies, "allow_redirects": False}


async def login_id(store: Store, name: str) -> int:
    async with store.read() as tx:
        found = await logins.find_login(tx, name)
    assert found is not None
    return found.id


async def text_of(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, await answer.text()


async def test_a_scan_on_a_desk_opens_the_page_that_was_asked_for(
    doors: Doors, new_browser: NewBrowser, store: Store, frozen_clock: FrozenClock
) -> None:
    browser = new_browser()
    page = await browser.get(doors.at("/console/cases"))
    link = re.search(r'href="(/console/login/wecom\?next=[^"]+)"', await page.text())
    assert link is not None

    scan = await browser.get(doors.at(link[1]))
    answer = await doors.come_in(browser, SUPERVISOR, "/console/cases")

    assert scan.url.path == "/wwlogin/sso/login"
    assert "林主管" in await scan.text()
    assert answer.headers["Location"] == "/console/cases"
    assert (await browser.get(doors.at("/console/cases"), allow_redirects=False)).status == 200
    assert await how_in(store, frozen_clock) == [(SUPERVISOR, "qr", "Edge 131 · Windows")]


async def test_inside_the_client_nothing_is_asked(
    doors: Doors, new_browser: NewBrowser, store: Store, frozen_clock: FrozenClock
) -> None:
    browser = new_browser(WECOM)
    browser.cookie_jar.update_cookies({"sandbox_member": SUPERVISOR})

    answer = await browser.get(doors.at("/console/cases"))

    assert (answer.status, answer.url.path) == (200, "/console/cases")
    assert await how_in(store, frozen_clock) == [(SUPERVISOR, "wecom", "WeCom 4.1 · iOS")]
    # Whoever leaves is not brought back at once.
    left = await browser.get(doors.at("/console/login"), params={"told": "ended"}, allow_redirects=False)
    assert "用企业微信登录" in await left.text()


async def test_the_picker_and_the_password_stay_beside_it(
    serve_doors: ServeDoors, new_browser: NewBrowser
) -> None:
    demo, alone = await serve_doors(picker=True), await serve_doors(login=None)
    browser = new_browser()

    with_both = await (await browser.get(demo.at("/console/login"))).text()
    without = await (await browser.get(alone.at("/console/login"))).text()
    refused = await browser.get(alone.at("/console/login/wecom"))

    assert all(words in with_both for words in ("企业微信扫码登录", "陈工", "用密码登录"))
    assert "扫码" not in without
    assert (refused.status, "还没有设置好" in await refused.text()) == (403, True)


async def test_being_in_the_address_book_gives_no_right_to_the_console(
    doors: Doors, new_browser: NewBrowser, store: Store, frozen_clock: FrozenClock
) -> None:
    browser = new_browser()
    status, text = await text_of(await doors.come_in(browser, UNKNOWN))
    assert (status, "你还没有后台的角色" in text) == (403, True)

    # The phone page makes a login with the role advisor by itself; that one opens nothing here either.
    browser.cookie_jar.update_cookies({"sandbox_member": UNKNOWN})
    assert (await browser.get(doors.at("/sidebar/"))).status == 200
    status, text = await text_of(await doors.come_in(browser, UNKNOWN))
    assert (status, "你还没有后台的角色" in text) == (403, True)
    assert not await is_in(doors, browser)

    boss = await admin(doors, store, frozen_clock)
    listed = await browser.get(doors.at("/console/logins"), **boss)
    assert "后台角色未授予" in await listed.text()
    number = await login_id(store, UNKNOWN)
    form = {"csrf": "csrf-of-the-test", "role": Role.ADVISOR.value}
    await browser.post(doors.at(f"/console/logins/{number}/roles"), data=form, **boss)

    fresh = new_browser()
    assert (await doors.come_in(fresh, UNKNOWN)).status == 303
    assert await is_in(doors, fresh)


async def test_a_login_the_phone_page_made_opens_nothing_of_the_console_6(
    serve_doors: ServeDoors, new_browser: NewBrowser
) -> None:
    doors, phone, other = await serve_doors(picker=True), new_browser(WECOM), new_browser()
    phone.cookie_jar.update_cookies({"sandbox_member": UNKNOWN})
    assert (await phone.get(doors.at("/sidebar/"))).status == 200
    token = next(one.value for one in phone.cookie_jar if one.key == entrance.COOKIE)

    for path in ("/console/account", "/console/desk", "/console/search", "/console/conversations"):
        answer = await other.get(doors.at(path), cookies={COOKIE: token}, allow_redirects=False)
        assert (path, answer.status) == (path, 303)
    picked = await (await other.get(doors.at("/console/login"))).text()
    assert ('value="chengong"' in picked, f'value="{UNKNOWN}"' in picked) == (True, False)


async def test_whoever_was_linked_and_unlinked_comes_to_the_phone_page_again_6(
    doors: Doors, new_browser: NewBrowser, store: Store, frozen_clock: FrozenClock
) -> None:
    await console_factory.add_login(store, frozen_clock, "boss2", Role.ADMIN, password_hash="x")
    boss = await login_id(store, "boss2")

    async def enter() -> int:
        phone = new_browser(WECOM)
        phone.cookie_jar.update_cookies({"sandbox_member": UNKNOWN})
        return (await phone.get(doors.at("/sidebar/"))).status

    async def link_and_unlink(tx: AsyncConnection) -> None:
        member = (await staff.find_ids(tx, [UNKNOWN]))[UNKNOWN]
        assert await login_links.link(tx, boss, member, frozen_clock.wall())
        await login_links.unlink(tx, boss)

    answers = [await enter()]
    own = await login_id(store, UNKNOWN)
    for _ in range(3):
        await store.write(link_and_unlink)
        answers.append(await enter())
    assert (answers, await login_id(store, UNKNOWN)) == ([200] * 4, own)

    # Whom a person shut out stays out, linked or not.
    await store.write(lambda tx: logins.set_disabled(tx, own, frozen_clock.wall()))
    await store.write(link_and_unlink)
    assert await enter() == 403


async def test_a_code_for_another_browser_or_a_second_time_is_refused(
    doors: Doors, new_browser: NewBrowser
) -> None:
    browser, other = new_browser(), new_browser()
    begun = await browser.get(doors.at("/console/login/wecom"), allow_redirects=False)
    back = await browser.get(
        begun.headers["Location"] + f"&sandbox_member={SUPERVISOR}", allow_redirects=False
    )
    location = back.headers["Location"]

    foreign = await other.get(location, allow_redirects=False)
    changed = await browser.get(location.replace("state=", "state=0"), allow_redirects=False)
    right = await browser.get(location, allow_redirects=False)
    again = await doors.come_in(browser, SUPERVISOR)
    begun = await browser.get(doors.at("/console/login/wecom"), allow_redirects=False)
    state = begun.headers["Location"].partition("state=")[2].partition("&")[0]
    code = location.partition("code=")[2].partition("&")[0]
    used = await browser.get(
        doors.at(f"/console/login/return?code={code}&state={state}"), allow_redirects=False
    )

    assert [one.status for one in (foreign, changed, right, again, used)] == [403, 403, 303, 303, 403]
    assert "登录链接已经失效" in await foreign.text()
    assert "已经用过或过期" in await used.text()


async def test_who_left_or_is_shut_out_reads_why_and_is_out_at_once(
    doors: Doors, new_browser: NewBrowser, store: Store, frozen_clock: FrozenClock
) -> None:
    browser, other = new_browser(), new_browser()
    await doors.come_in(browser, SUPERVISOR)
    assert await is_in(doors, browser)

    await store.write(lambda tx: staff.set_left(tx, [SUPERVISOR], frozen_clock.now()))
    number = await login_id(store, factory.CO_OWNER)
    await store.write(lambda tx: logins.set_disabled(tx, number, frozen_clock.wall()))

    assert not await is_in(doors, browser)
    async with store.read() as tx:
        (session,) = await login_sessions.list_open(tx, frozen_clock.wall())
        ended = await presence.list_ended_sessions(tx, [session.token_digest], frozen_clock.wall())
    assert ended == {session.token_digest}
    left, disabled = await doors.come_in(browser, SUPERVISOR), await doors.come_in(other, factory.CO_OWNER)
    assert (left.status, disabled.status) == (403, 403)
    assert "离职" in await left.text()
    assert "登录已被停用" in await disabled.text()


async def test_a_platform_that_does_not_answer_is_told(doors: Doors, new_browser: NewBrowser) -> None:
    doors.box.faults.add(Fault(kind=FaultKind.HTTP, match="auth/getuserinfo", code=502))

    status, text = await text_of(await doors.come_in(new_browser(), SUPERVISOR))

    assert status == 403
    assert "暂时连不上企业微信" in text
    assert "用密码登录" in text


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example/", "/console/login/wecom", "/sidebar/", "/console/\\x"],
)
async def test_nobody_is_sent_elsewhere_after_a_scan(
    doors: Doors, new_browser: NewBrowser, wanted: str
) -> None:
    answer = await doors.come_in(new_browser(), SUPERVISOR, wanted)

    assert answer.headers["Location"] == "/console/"


async def test_whoever_came_by_another_name_of_the_server_goes_to_its_public_one_first(
    serve_doors: ServeDoors, new_browser: NewBrowser
) -> None:
    doors, browser = await serve_doors(public_url="https://bot.example.com"), new_browser()
    asked = {"next": "/console/cases"}

    first = await browser.get(doors.at("/console/login/wecom"), params=asked, allow_redirects=False)
    then = await browser.get(
        doors.at("/console/login/wecom"), params=asked | {"moved": "1"}, allow_redirects=False
    )

    moved = "https://bot.example.com/console/login/wecom?next=%2Fconsole%2Fcases&moved=1"
    assert first.headers["Location"] == moved
    assert "redirect_uri=https%3A%2F%2Fbot.example.com%2Fconsole%2Flogin%2Freturn" in then.headers["Location"]


async def test_an_administrator_links_a_member_and_nobody_elses_login_is_taken(
    doors: Doors, new_browser: NewBrowser, store: Store, frozen_clock: FrozenClock
) -> None:
    boss, browser = await admin(doors, store, frozen_clock), new_browser()
    await console_factory.add_login(store, frozen_clock, "boss2", Role.ADMIN, password_hash="x")
    phone = new_browser()
    phone.cookie_jar.update_cookies({"sandbox_member": UNKNOWN})
    await phone.get(doors.at("/sidebar/"))
    number = await login_id(store, "boss2")

    async def link(member: str) -> str:
        form = {"csrf": "csrf-of-the-test", "member": member}
        answer = await browser.post(doors.at(f"/console/logins/{number}/link"), data=form, **boss)
        return answer.headers["Location"].partition("?")[2]

    assert await link("nobody") == "wrong=unknown_member"
    assert await link(SUPERVISOR) == "wrong=member_taken"
    assert await link(UNKNOWN) == "done=login_linked"
    await doors.come_in(phone, UNKNOWN)
    assert await is_in(doors, phone)
    async with store.read() as tx:
        login = await logins.find_login_of_staff(tx, UNKNOWN)
        entries = await logins.list_access(tx, limit=20, actor="chengong")
    assert login is not None
    assert login.name == "boss2"
    assert [one.act for one in entries] == ["linked login"]

    assert await link("") == "done=login_unlinked"
    assert not await is_in(doors, phone)


async def test_a_login_for_wecom_alone_needs_no_password(
    doors: Doors, new_browser: NewBrowser, store: Store, frozen_clock: FrozenClock
) -> None:
    boss, browser = await admin(doors, store, frozen_clock), new_browser()
    await store.write(lambda tx: staff.ensure(tx, [UNKNOWN], frozen_clock.now()))
    form = {"csrf": "csrf-of-the-test", "name": "wang", "display_name": "王五", "role": "compliance"}

    async def add(**more: str) -> str:
        answer = await browser.post(doors.at("/console/logins/add"), data=form | more, **boss)
        return answer.headers["Location"].partition("?")[2]

    assert await add() == "wrong=short_password"
    assert await add(member=SUPERVISOR) == "wrong=member_taken"
    assert await add(member=UNKNOWN, password="short") == "wrong=short_password"
    assert await add(member=UNKNOWN) == "done=login_added"

    fresh = new_browser()
    assert (await doors.come_in(fresh, UNKNOWN)).status == 303
    async with store.read() as tx:
        kept = (
            await tx.execute(sa.select(tables.login.c.password_hash).where(tables.login.c.name == "wang"))
        ).one()
    assert kept.password_hash == ""


async def test_the_cookies_are_for_these_pages_and_not_for_scripts(
    serve_doors: ServeDoors, new_browser: NewBrowser
) -> None:
    doors, browser = await serve_doors(secure_cookies=True), new_browser()

    begun = await browser.get(doors.at("/console/login/wecom"), allow_redirects=False)

    (entry,) = begun.headers.getall("Set-Cookie")
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/console"} <= set(entry.split("; "))
    assert COOKIE not in entry

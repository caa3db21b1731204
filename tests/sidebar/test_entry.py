"""Coming in without a password: who is let in, as whom, and what anybody else reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import ClientResponse, ClientSession, CookieJar

from bot.clock import FrozenClock
from console.sidebar.entrance import COOKIE
from domain.login import Role
from sandbox import address_book
from sandbox.faults import Fault, FaultKind
from store import logins, staff, tables
from store.database import Store
from tests.sidebar import factory
from tests.sidebar.conftest import Phone, ServePhone

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
async def browser() -> AsyncIterator[ClientSession]:
    """A member's browser, as far as cookies go."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        session.cookie_jar.update_cookies({"sandbox_member": factory.OWNER})
        yield session


async def logged(store: Store) -> list[tuple[str, str]]:
    async with store.read() as tx:
        return [(one.actor, one.act) for one in await logins.list_access(tx, limit=20)]


async def follow(browser: ClientSession, phone: Phone, path: str, **options: Any) -> ClientResponse:
    answer = await browser.get(phone.at(path), **options)
    await answer.read()
    return answer


async def way_back(browser: ClientSession, phone: Phone) -> str:
    """Begin to come in, and return the address with which the platform sends the browser back."""
    begun = await follow(browser, phone, "/sidebar/", allow_redirects=False)
    sent_back = await browser.get(begun.headers["Location"], allow_redirects=False)
    return sent_back.headers["Location"]


async def test_a_member_comes_in_unseen_and_gets_a_login_of_their_own(
    phone: Phone, browser: ClientSession, store: Store
) -> None:
    first = await follow(browser, phone, f"/sidebar/steps/{phone.scene.send}")
    await follow(browser, phone, "/sidebar/")

    async with store.read() as tx:
        login = await logins.find_login_of_staff(tx, factory.OWNER)
    assert (first.status, first.url.path) == (200, f"/sidebar/steps/{phone.scene.send}")
    assert login is not None
    assert (login.name, login.display_name, set(login.roles)) == (factory.OWNER, "张三", {Role.ADVISOR})
    assert login.password_hash == ""
    assert await logged(store) == [(factory.OWNER, "signed in"), (factory.OWNER, "login added")]


async def test_the_session_is_kept_from_other_pages_and_from_scripts(
    phone: Phone, browser: ClientSession
) -> None:
    answer = await browser.get(await way_back(browser, phone), allow_redirects=False)

    (cookie,) = [one for one in answer.headers.getall("Set-Cookie") if one.startswith(f"{COOKIE}=")]
    assert "HttpOnly" in cookie
    assert "Path=/sidebar" in cookie
    assert "SameSite=Lax" in cookie


async def test_the_login_an_administrator_linked_is_used_with_its_roles(
    phone: Phone, browser: ClientSession, store: Store, frozen_clock: FrozenClock
) -> None:
    async def link(tx: Any) -> None:
        found = await staff.find_ids(tx, [factory.LEADER])
        await logins.add_login(
            tx,
            name="lin",
            display_name="林",
            password_hash="x",
            roles=[Role.SUPERVISOR],
            by="test",
            now=frozen_clock.now(),
            staff_id=found[factory.LEADER],
        )

    await store.write(link)
    browser.cookie_jar.update_cookies({"sandbox_member": factory.LEADER})

    answer = await follow(browser, phone, f"/sidebar/steps/{phone.scene.send}")

    assert answer.status == 200
    assert await logged(store) == [("lin", "signed in")]


async def test_a_name_that_somebody_else_has_gives_no_rights(
    phone: Phone, browser: ClientSession, store: Store, frozen_clock: FrozenClock
) -> None:
    await store.write(
        lambda tx: logins.add_login(
            tx,
            name=factory.OWNER,
            display_name="陈工",
            password_hash="x",
            roles=[Role.ADMIN],
            by="test",
            now=frozen_clock.now(),
        )
    )

    own = await follow(browser, phone, "/sidebar/")
    others = await follow(browser, phone, f"/sidebar/steps/{phone.scene.others}")

    assert (own.status, others.status) == (200, 404)
    assert (f"{factory.OWNER}@wecom", "signed in") in await logged(store)


async def test_an_answer_with_another_state_is_turned_away_with_a_way_to_try_again(
    phone: Phone, browser: ClientSession
) -> None:
    location = await way_back(browser, phone)
    async with ClientSession() as somebody_else:
        foreign = await somebody_else.get(location, allow_redirects=False)
        page = await foreign.text()
    wrong = await browser.get(location.replace("state=", "state=0"), allow_redirects=False)
    right = await browser.get(location, allow_redirects=False)

    assert (foreign.status, wrong.status, right.status) == (403, 403, 303)
    assert "再试一次" in page
    assert "/sidebar/enter" in page


async def test_a_code_is_good_once(phone: Phone, browser: ClientSession) -> None:
    location = await way_back(browser, phone)
    code = location.partition("code=")[2].partition("&")[0]
    await browser.get(location, allow_redirects=False)
    browser.cookie_jar.clear(lambda cookie: cookie.key == COOKIE)
    other = await way_back(browser, phone)

    stale = other.replace(other.partition("code=")[2].partition("&")[0], code)
    answer = await browser.get(stale, allow_redirects=False)

    assert answer.status == 403
    assert "已经用过或过期" in await answer.text()


async def test_somebody_who_left_or_is_shut_out_reads_why(
    phone: Phone, browser: ClientSession, store: Store, frozen_clock: FrozenClock
) -> None:
    await follow(browser, phone, "/sidebar/")
    its = tables.login.c.name == factory.OWNER
    await store.write(
        lambda tx: tx.execute(sa.update(tables.login).where(its).values(disabled_at=frozen_clock.now()))
    )
    disabled = await follow(browser, phone, "/sidebar/")
    await store.write(lambda tx: staff.set_left(tx, [factory.CO_OWNER], frozen_clock.now()))
    browser.cookie_jar.update_cookies({"sandbox_member": factory.CO_OWNER})
    left = await follow(browser, phone, "/sidebar/")

    assert (disabled.status, left.status) == (403, 403)
    assert "停用" in await disabled.text()
    assert "离职" in await left.text()


async def test_a_platform_that_does_not_answer_is_told(phone: Phone, browser: ClientSession) -> None:
    location = await way_back(browser, phone)
    phone.box.faults.add(Fault(kind=FaultKind.HTTP, match="auth/getuserinfo", code=502))

    answer = await browser.get(location, allow_redirects=False)

    assert answer.status == 403
    assert "暂时连不上" in await answer.text()


async def test_a_member_the_address_book_lost_meanwhile_is_turned_away(
    phone: Phone, browser: ClientSession
) -> None:
    location = await way_back(browser, phone)
    address_book.remove_member(phone.box.world, factory.OWNER)

    answer = await browser.get(location, allow_redirects=False)

    assert answer.status == 403
    assert "可见范围" in await answer.text()


async def test_without_an_app_the_page_says_what_the_administrator_has_to_do(
    serve_phone: ServePhone, browser: ClientSession
) -> None:
    phone = await serve_phone(login=None, signer=None)

    answer = await follow(browser, phone, "/sidebar/")

    assert answer.status == 403
    assert "agent_id" in await answer.text()


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/sidebar/group?all=1", "/sidebar/group?all=1"),
        ("", "/sidebar/"),
        ("https://evil.example/", "/sidebar/"),
        ("//evil.example/sidebar/", "/sidebar/"),
        ("/console/", "/sidebar/"),
        ("/sidebar/\\evil.example", "/sidebar/"),
        ("/sidebar/login/return?code=1", "/sidebar/"),
    ],
)
async def test_nobody_is_sent_elsewhere_after_coming_in(
    phone: Phone, browser: ClientSession, wanted: str, reached: str
) -> None:
    answer = await follow(browser, phone, "/sidebar/enter", params={"to": wanted})

    assert answer.status == 200
    assert str(answer.url).partition("#")[0] == phone.at(reached)


async def test_only_named_origins_may_frame_the_page(serve_phone: ServePhone, browser: ClientSession) -> None:
    framed = await serve_phone()

    answer = await follow(browser, framed, "/sidebar/")

    policy = answer.headers["Content-Security-Policy"]
    assert f"frame-ancestors {framed.box.url}" in policy
    assert f"script-src 'self' {framed.box.url}" in policy


async def test_by_default_nobody_frames_the_page_and_scripts_are_ours(
    serve_phone: ServePhone, browser: ClientSession
) -> None:
    phone = await serve_phone(frame_ancestors=(), jssdk_url="")

    answer = await follow(browser, phone, "/sidebar/")

    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert "/sidebar/lib/wecom.js" in await answer.text()


async def test_own_pages_are_signed_with_both_tickets_and_nothing_else(
    phone: Phone, browser: ClientSession
) -> None:
    await follow(browser, phone, "/sidebar/")
    page = phone.at("/sidebar/steps/1?x=1")
    judged = []
    for kind in ("corp", "agent"):
        made = await (
            await browser.get(phone.at("/sidebar/sign"), params={"kind": kind, "url": f"{page}#top"})
        ).json()
        body = {"kind": kind, "corpId": factory.CORP, "agentId": factory.AGENT_ID, "url": page, **made}
        answer = await browser.post(f"{phone.box.url}/sandbox/sidebar/verify", json=body)
        judged.append((await answer.json())["good"])
    refused = [
        (await browser.get(phone.at("/sidebar/sign"), params={"kind": kind, "url": url})).status
        for kind, url in (
            ("agent", "https://evil.example/sidebar/"),
            ("agent", phone.at("/console/")),
            ("agent", f"{phone.url}.evil.example/sidebar/"),
            ("other", page),
        )
    ]

    assert judged == [True, True]
    assert refused == [400, 400, 400, 400]


async def test_a_form_that_is_not_ours_does_nothing(
    phone: Phone, browser: ClientSession, store: Store
) -> None:
    await follow(browser, phone, "/sidebar/")

    answer = await browser.post(phone.at(f"/sidebar/steps/{phone.scene.do}/done"), data={"csrf": "made up"})

    async with store.read() as tx:
        state = (
            await tx.execute(
                sa.select(tables.occurrence.c.state).where(tables.occurrence.c.id == phone.scene.do)
            )
        ).scalar_one()
    assert answer.status == 403
    assert state == "waiting_owner"


async def test_a_form_after_the_session_ended_leads_back_to_its_page(
    phone: Phone, browser: ClientSession
) -> None:
    answer = await browser.post(
        phone.at(f"/sidebar/steps/{phone.scene.do}/done"), data={}, allow_redirects=False
    )

    assert answer.status == 200
    assert f'content="0;url=/sidebar/steps/{phone.scene.do}"' in await answer.text()

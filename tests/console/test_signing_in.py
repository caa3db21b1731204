"""Signing in, being shut out, and forms that are not ours."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from aiohttp import ClientResponse

from bot.clock import FrozenClock
from console import passwords
from console.sessions import ADDRESS_FAILURES, COOKIE, LOCK, NAME_FAILURES
from domain.login import Role
from store import logins, tables
from store.database import Store
from tests.console import factory
from tests.console.conftest import Pages, Serve

PASSWORD = "a long enough password"
HASH = passwords.hash_password(PASSWORD)


@pytest.fixture
async def admin(pages: Pages, store: Store, frozen_clock: FrozenClock) -> str:
    await factory.add_login(store, frozen_clock, "boss", Role.ADMIN, password_hash=HASH)
    return "boss"


async def sign_in(
    pages: Pages, name: str, password: str = PASSWORD, *, next_path: str = "", address: str = ""
) -> ClientResponse:
    """Fill the form as a browser does; the client keeps the cookies."""
    form = await (await pages.client.get("/console/login")).text()
    seed = re.search(r'name="seed" value="([^"]+)"', form)
    assert seed is not None
    return await pages.client.post(
        "/console/login",
        data={"seed": seed[1], "name": name, "password": password, "next": next_path},
        headers={"X-Forwarded-For": address} if address else None,
        allow_redirects=False,
    )


async def is_in(pages: Pages) -> bool:
    return (await pages.client.get("/console/account", allow_redirects=False)).status == 200


async def test_the_right_password_opens_the_page_that_was_asked_for(pages: Pages, admin: str) -> None:
    asked = await pages.client.get("/console/logins", allow_redirects=False)
    assert asked.headers["Location"] == "/console/login?next=%2Fconsole%2Flogins"

    answer = await sign_in(pages, admin, next_path="/console/logins")

    assert answer.headers["Location"] == "/console/logins"
    assert (await pages.client.get("/console/logins")).status == 200


async def test_nobody_is_sent_to_another_site_after_signing_in(pages: Pages, admin: str) -> None:
    for target in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/console/\\evil",
        "/console/login",
    ):
        answer = await sign_in(pages, admin, next_path=target)

        assert answer.headers["Location"] == "/console/", target


async def test_the_cookie_is_for_this_site_and_not_for_scripts(
    serve: Serve, store: Store, frozen_clock: FrozenClock
) -> None:
    pages = await serve(secure_cookies=True)
    await factory.add_login(store, frozen_clock, "boss", Role.ADMIN, password_hash=HASH)

    form = await pages.client.get("/console/login")
    seed = re.search(r'name="seed" value="([^"]+)"', await form.text())
    assert seed is not None
    answer = await pages.client.post(
        "/console/login",
        data={"seed": seed[1], "name": "boss", "password": PASSWORD},
        cookies={"guanjia_seed": seed[1]},
        allow_redirects=False,
    )

    (cookie,) = [value for value in answer.headers.getall("Set-Cookie") if value.startswith(COOKIE)]
    assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(cookie.split("; "))
    token = cookie.split(";")[0].partition("=")[2]
    async with store.read() as tx:
        kept = (await tx.execute(tables.login_session.select())).one()
    assert token not in str(kept)


async def test_five_wrong_passwords_lock_the_name_for_a_while(
    pages: Pages, admin: str, frozen_clock: FrozenClock
) -> None:
    for number in range(NAME_FAILURES):
        answer = await sign_in(pages, admin, "wrong", address=f"198.51.100.{number}")
        assert answer.headers["Location"] == "/console/login?told=refused"

    locked = await sign_in(pages, admin, address="198.51.100.99")
    assert locked.headers["Location"] == "/console/login?told=locked"
    assert not await is_in(pages)

    frozen_clock.advance(LOCK + timedelta(seconds=1))
    await sign_in(pages, admin, address="198.51.100.99")
    assert await is_in(pages)


async def test_a_lock_holds_in_every_process(pages: Pages, serve: Serve, admin: str) -> None:
    for _ in range(NAME_FAILURES):
        await sign_in(pages, admin, "wrong")

    replica = await serve()

    answer = await sign_in(replica, admin)
    assert answer.headers["Location"] == "/console/login?told=locked"


async def test_an_unknown_name_is_told_the_same_as_a_wrong_password(pages: Pages, admin: str) -> None:
    for _ in range(NAME_FAILURES):
        answer = await sign_in(pages, "nobody-of-that-name", "wrong")
        assert answer.headers["Location"] == "/console/login?told=refused"

    answer = await sign_in(pages, "nobody-of-that-name", "wrong")
    assert answer.headers["Location"] == "/console/login?told=locked"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_an_address_that_tries_many_names_is_locked_and_others_are_not(
    pages: Pages, admin: str
) -> None:
    for number in range(ADDRESS_FAILURES):
        await sign_in(pages, f"name-{number}", "wrong", address="198.51.100.7")

    locked = await sign_in(pages, admin, address="198.51.100.7")
    assert locked.headers["Location"] == "/console/login?told=locked"
    await sign_in(pages, admin, address="198.51.100.8")
    assert await is_in(pages)


async def test_a_session_ends_after_its_hours(pages: Pages, admin: str, frozen_clock: FrozenClock) -> None:
    await sign_in(pages, admin)

    frozen_clock.advance(timedelta(hours=11, minutes=59))
    assert await is_in(pages)
    frozen_clock.advance(timedelta(minutes=2))
    assert not await is_in(pages)


async def test_leaving_ends_the_session_in_the_store_not_only_in_the_browser(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    cookies = await factory.sign_in(store, pages.names[Role.ADMIN], frozen_clock)
    kept = dict(cookies)

    await pages.client.post("/console/logout", data={"csrf": "csrf-of-the-test"}, cookies=cookies)

    answer = await pages.client.get("/console/account", cookies=kept, allow_redirects=False)
    assert answer.status == 303


async def test_leaving_everywhere_ends_every_session_of_that_person_only(
    pages: Pages, store: Store, frozen_clock: FrozenClock
) -> None:
    here = await factory.sign_in(store, pages.names[Role.ADMIN], frozen_clock, token="here")
    there = await factory.sign_in(store, pages.names[Role.ADMIN], frozen_clock, token="there")
    other = await factory.sign_in(store, pages.names[Role.CONTENT], frozen_clock, token="other")

    await pages.client.post("/console/logout-everywhere", data={"csrf": "csrf-of-the-test"}, cookies=here)

    for cookies, status in ((there, 303), (other, 200)):
        answer = await pages.client.get("/console/account", cookies=cookies, allow_redirects=False)
        assert answer.status == status


async def test_a_disabled_login_is_out_at_once_and_cannot_return(
    pages: Pages, admin: str, store: Store, frozen_clock: FrozenClock
) -> None:
    await sign_in(pages, admin)
    async with store.read() as tx:
        found = await logins.find_login(tx, admin)
    assert found is not None

    await store.write(lambda tx: logins.set_disabled(tx, found.id, frozen_clock.wall()))

    assert not await is_in(pages)
    assert (await sign_in(pages, admin)).headers["Location"] == "/console/login?told=refused"


async def test_a_form_without_the_sessions_token_is_refused(
    pages: Pages, scene: factory.Scene, store: Store, frozen_clock: FrozenClock
) -> None:
    cookies = await factory.sign_in(store, pages.names[Role.SUPERVISOR], frozen_clock)
    path, data = "/console/lines/loan/stop", {"reason": "x", "sure": "yes"}

    for wrong in ({}, {"csrf": "guessed"}, {"csrf": ""}):
        answer = await pages.client.post(path, data=data | wrong, cookies=cookies, allow_redirects=False)
        assert answer.status == 403
    by_header = await pages.client.post(
        path, data=data, cookies=cookies, headers={"X-CSRF-Token": "csrf-of-the-test"}, allow_redirects=False
    )
    assert by_header.headers["Location"] == "/console/lines?done=stopped"


async def test_a_login_form_from_elsewhere_is_refused(pages: Pages, admin: str) -> None:
    answer = await pages.client.post(
        "/console/login", data={"name": admin, "password": PASSWORD, "seed": "theirs"}, allow_redirects=False
    )

    assert answer.headers["Location"] == "/console/login?told=stale"
    assert not await is_in(pages)


async def test_the_picker_is_for_the_demo_on_this_machine(serve: Serve) -> None:
    demo, company = await serve(picker=True), await serve(picker=False)
    text = await (await demo.client.get("/console/login")).text()
    seed = re.search(r'name="seed" value="([^"]+)"', text)
    assert seed is not None
    assert "陈工" in text
    assert "陈工" not in await (await company.client.get("/console/login")).text()

    form = {"seed": seed[1], "name": demo.names[Role.ADMIN]}
    for headers in (
        {"X-Forwarded-For": "203.0.113.5"},
        {"Forwarded": "for=203.0.113.5"},
        {"Host": "demo.example:8080"},
    ):
        refused = await demo.client.post("/console/pick", data=form, headers=headers, allow_redirects=False)
        assert refused.status == 403
    entered = await demo.client.post("/console/pick", data=form, allow_redirects=False)
    assert entered.headers["Location"] == "/console/"
    assert await is_in(demo)


async def test_the_picker_never_enters_a_login_with_a_password(
    serve: Serve, store: Store, frozen_clock: FrozenClock
) -> None:
    pages = await serve(picker=True)
    await factory.add_login(store, frozen_clock, "boss", Role.ADMIN, password_hash=HASH)
    text = await (await pages.client.get("/console/login")).text()
    seed = re.search(r'name="seed" value="([^"]+)"', text)
    assert seed is not None

    refused = await pages.client.post(
        "/console/pick", data={"seed": seed[1], "name": "boss"}, allow_redirects=False
    )

    assert refused.status == 403


async def test_one_changes_ones_password_and_other_sessions_end(
    pages: Pages, admin: str, store: Store, frozen_clock: FrozenClock
) -> None:
    elsewhere = await factory.sign_in(store, admin, frozen_clock, token="elsewhere")
    here = await factory.sign_in(store, admin, frozen_clock, token="here")
    form = {"csrf": "csrf-of-the-test", "old": PASSWORD, "new": "another long password"}

    wrong = await pages.client.post(
        "/console/account/password", data=form | {"old": "wrong"}, cookies=here, allow_redirects=False
    )
    done = await pages.client.post(
        "/console/account/password", data=form, cookies=here, allow_redirects=False
    )

    assert wrong.headers["Location"].endswith("wrong=wrong_password")
    assert done.headers["Location"].endswith("done=password_set")
    for cookies, status in ((elsewhere, 303), (here, 200)):
        answer = await pages.client.get("/console/account", cookies=cookies, allow_redirects=False)
        assert answer.status == status

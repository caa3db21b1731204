"""Log-in inside WeCom and signatures of pages, against the sandbox that judges them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.channels.wecom import web_login
from bot.channels.wecom.web_login import WebLogin
from bot.clock import FrozenClock, write_clock_file
from domain import errors
from sandbox import server
from sandbox import settings as sandbox
from sandbox import web_login as platform_side
from sandbox.faults import Fault, FaultKind, When
from store.database import Store
from tests.wecom import edge as wire

PAGE = "https://sidebar.example.com/steps/7?from=card&x=1"
AGENT_ID = 7
SETTINGS = sandbox.Settings(
    corp_id="ww1",
    apps=(
        sandbox.AppSettings(
            agent_id=AGENT_ID, name="社群助手", secret="s", trusted_domain="sidebar.example.com"
        ),
    ),
    members=(sandbox.MemberSettings(userid="zhangsan", name="张三"),),
)


@pytest.fixture
async def box(tmp_path: Path, frozen_clock: FrozenClock) -> AsyncIterator[server.Box]:
    clock_file = tmp_path / "clock.json"
    write_clock_file(clock_file, virtual_at=frozen_clock.now(), rate=0.0)
    async with server.running(replace(SETTINGS, clock_file=str(clock_file))) as running:
        yield running


@pytest.fixture
async def login(box: server.Box, store: Store, frozen_clock: FrozenClock) -> AsyncIterator[WebLogin]:
    async with wire.caller(box.url, store, frozen_clock) as client:
        made = WebLogin(client, store, frozen_clock, agent_id=AGENT_ID, base=box.url)
        yield made
        await made.close()


def come_back(box: server.Box, login: WebLogin, state: str = "s1") -> dict[str, str]:
    """Send the member's browser to log in; return what it brings back."""
    address = login.authorize_url("https://sidebar.example.com/sidebar/back?next=/today", state)
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    back = platform_side.authorize(box.world, "zhangsan", query)
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


async def test_a_scanned_code_names_the_member_like_a_silent_one(box: server.Box, login: WebLogin) -> None:
    address = login.scan_url("https://sidebar.example.com/console/login/return", "s2")
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    back = platform_side.scanned(box.world, "zhangsan", query)
    brought = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}

    assert address.startswith("https://login.work.weixin.qq.com/wwlogin/sso/login?login_type=CorpApp&")
    assert (await login.member_of(brought["code"]), brought["state"]) == ("zhangsan", "s2")
    with pytest.raises(ValueError, match="letters and digits"):
        login.scan_url("https://sidebar.example.com/", "a-b")


def verdict(box: server.Box, kind: str, signed: web_login.Signature, url: str = PAGE) -> str:
    """What the platform says to a page that registers with this signature."""
    body = {
        "kind": kind,
        "corpId": "ww1",
        "agentId": AGENT_ID,
        "url": url,
        "timestamp": signed.timestamp,
        "nonceStr": signed.nonce,
        "signature": signed.signature,
    }
    return platform_side.signature_problem(box.world, body)


async def test_a_member_who_comes_back_with_a_code_is_known_once(box: server.Box, login: WebLogin) -> None:
    brought = come_back(box, login)

    assert (brought["state"], brought["next"]) == ("s1", "/today")
    assert await login.member_of(brought["code"]) == "zhangsan"
    with pytest.raises(errors.CodeUsed):
        await login.member_of(brought["code"])
    with pytest.raises(errors.CodeUsed):
        await login.member_of("made up")


async def test_a_state_the_platform_does_not_take_is_refused_here(login: WebLogin) -> None:
    assert login.authorize_url("https://a.b/", "x" * 128).endswith("#wechat_redirect")
    for state in ("x" * 129, "a b", "/today"):
        with pytest.raises(ValueError, match="state"):
            login.authorize_url("https://a.b/", state)


async def test_a_page_registers_with_both_signatures_each_in_its_place(
    box: server.Box, login: WebLogin
) -> None:
    corp, agent = await login.corp_signature(f"{PAGE}#top"), await login.agent_signature(PAGE)

    assert (verdict(box, "corp", corp), verdict(box, "agent", agent)) == ("", "")
    assert verdict(box, "agent", corp).startswith("42012")
    assert verdict(box, "corp", corp, url="https://elsewhere.example.com/").startswith("40093")


async def test_a_ticket_is_asked_for_once_until_shortly_before_its_end(
    box: server.Box, login: WebLogin, frozen_clock: FrozenClock
) -> None:
    await asyncio.gather(*(login.corp_signature(PAGE) for _ in range(20)))
    first = len(box.world.web.asked["corp"])
    step = 7200 - 299
    box.world.clock.jump(step)
    frozen_clock.advance(timedelta(seconds=step))
    await login.corp_signature(PAGE)

    assert (first, len(box.world.web.asked["corp"])) == (1, 1)  # The first one is older than an hour.


async def test_another_process_uses_the_same_ticket(
    box: server.Box, login: WebLogin, store: Store, frozen_clock: FrozenClock
) -> None:
    await login.agent_signature(PAGE)
    async with wire.caller(box.url, store, frozen_clock) as client:
        beside = WebLogin(client, store, frozen_clock, agent_id=AGENT_ID)
        signed = await beside.agent_signature(PAGE)

    assert verdict(box, "agent", signed) == ""
    assert len(box.world.web.asked[str(AGENT_ID)]) == 1


async def test_a_ticket_that_did_not_arrive_is_told_as_later(box: server.Box, login: WebLogin) -> None:
    box.faults.add(Fault(kind=FaultKind.HTTP, match="ticket/get", count=1, when=When.AFTER))

    with pytest.raises(errors.ChannelUnreachable):
        await login.agent_signature(PAGE)

    assert verdict(box, "agent", await login.agent_signature(PAGE)) == ""

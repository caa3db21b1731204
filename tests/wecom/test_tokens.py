"""One token for everybody: callers, processes and a platform that refuses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.clock import FrozenClock
from domain.errors import ChannelUnauthorised, ChannelUnreachable
from store import tokens
from store.database import Store
from tests.wecom import edge as wire
from tests.wecom.edge import Edge


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with wire.running() as running:
        yield running


async def test_many_callers_of_a_cold_client_make_one_gettoken(
    edge: Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    async with wire.caller(edge.url, store, frozen_clock) as client:
        answers = await asyncio.gather(*(client.user.get("zhangsan") for _ in range(200)))

    assert [answer["errcode"] for answer in answers] == [0] * 200
    assert edge.calls["gettoken"] == 1


@pytest.mark.parametrize("refusal", [40001, 40014, 42001])
async def test_many_callers_of_a_stale_token_make_one_gettoken(
    edge: Edge, store: Store, frozen_clock: FrozenClock, refusal: int
) -> None:
    edge.refusal = refusal
    async with wire.caller(edge.url, store, frozen_clock) as client:
        await client.user.get("zhangsan")
        edge.valid.clear()

        answers = await asyncio.gather(*(client.user.get("zhangsan") for _ in range(200)))

    assert [answer["errcode"] for answer in answers] == [0] * 200
    assert edge.calls["gettoken"] == 2


async def test_two_replicas_share_one_renewal(edge: Edge, store: Store, frozen_clock: FrozenClock) -> None:
    async with (
        wire.caller(edge.url, store, frozen_clock) as one,
        wire.caller(edge.url, store, frozen_clock) as other,
    ):
        await asyncio.gather(*(client.user.get("a") for client in (one, other) for _ in range(50)))
        assert edge.calls["gettoken"] == 1
        edge.valid.clear()

        await asyncio.gather(*(client.user.get("a") for client in (one, other) for _ in range(50)))

        assert edge.calls["gettoken"] == 2


async def test_a_restarted_process_uses_the_stored_token(
    edge: Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    for _ in range(3):
        async with wire.caller(edge.url, store, frozen_clock) as client:
            await client.user.get("a")

    assert edge.calls["gettoken"] == 1


async def test_two_secrets_have_two_tokens(edge: Edge, store: Store, frozen_clock: FrozenClock) -> None:
    async with (
        wire.caller(edge.url, store, frozen_clock, secret="0123456789-kf") as one,
        wire.caller(edge.url, store, frozen_clock, secret="0123456789-contacts") as other,
    ):
        await one.tokens.current()
        await other.tokens.current()

    assert edge.calls["gettoken"] == 2


async def test_a_platform_that_refuses_every_token_gets_one_renewal_and_gives_one_error(
    edge: Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    edge.says("user/get", errcode=40014, errmsg="invalid access_token")
    async with wire.caller(edge.url, store, frozen_clock) as client:
        await client.tokens.current()

        with pytest.raises(ChannelUnauthorised, match="user/get: errcode 40014") as caught:
            await client.user.get("a")

    assert caught.value.errcode == 40014
    assert (edge.calls["gettoken"], edge.calls["user/get"]) == (2, 2)


async def test_many_callers_refused_for_ever_make_one_renewal(
    edge: Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    edge.says("user/get", errcode=40014)
    async with wire.caller(edge.url, store, frozen_clock) as client:
        await client.tokens.current()

        results = await asyncio.gather(*(client.user.get("a") for _ in range(200)), return_exceptions=True)

    assert {type(result) for result in results} == {ChannelUnauthorised}
    assert edge.calls["gettoken"] == 2


async def test_a_wrong_secret_is_asked_once_a_minute(
    edge: Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    edge.says("gettoken", errcode=40001, errmsg="invalid credential")
    async with wire.caller(edge.url, store, frozen_clock) as client:
        results = await asyncio.gather(*(client.user.get("a") for _ in range(50)), return_exceptions=True)
        assert {type(result) for result in results} == {ChannelUnauthorised}
        with pytest.raises(ChannelUnauthorised, match="the secret is wrong"):
            await client.user.get("a")

    assert edge.calls["gettoken"] == 1
    assert edge.calls["user/get"] == 0


async def test_a_token_is_renewed_before_it_expires(
    edge: Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    async with wire.caller(edge.url, store, frozen_clock) as client:
        await client.user.get("a")
        frozen_clock.advance(timedelta(minutes=110))
        await client.user.get("a")
        assert edge.calls["gettoken"] == 1

        frozen_clock.advance(timedelta(minutes=6))
        await client.user.get("a")

    assert edge.calls["gettoken"] == 2


@pytest.mark.parametrize("status", [500, 200])
async def test_a_broken_gettoken_means_that_nothing_was_sent(
    edge: Edge, store: Store, frozen_clock: FrozenClock, status: int
) -> None:
    async def broken(request: web.Request, body: bytes) -> web.Response:
        return web.Response(status=status, text="<html>")

    edge.answers["gettoken"] = broken
    async with wire.caller(edge.url, store, frozen_clock) as client:
        with pytest.raises(ChannelUnreachable):
            await client.kf_message.send_text("wm1", "wk1", "hi", "m1")
        del edge.answers["gettoken"]

        await client.kf_message.send_text("wm1", "wk1", "hi", "m1")

    assert edge.calls["kf/send_msg"] == 1


async def test_giving_up_does_not_end_the_renewal_for_others(
    edge: Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request, body: bytes) -> dict[str, Any]:
        asked.set()
        await go_on.wait()
        return {"access_token": edge.new_token(), "expires_in": 7200}

    edge.answers["gettoken"] = slow
    async with wire.caller(edge.url, store, frozen_clock) as client:
        impatient = asyncio.ensure_future(client.user.get("a"))
        patient = asyncio.ensure_future(client.user.get("a"))
        await asked.wait()
        impatient.cancel()
        go_on.set()

        assert (await patient)["errcode"] == 0
        assert impatient.cancelled() or impatient.cancelling()

    assert edge.calls["gettoken"] == 1


async def test_a_lease_of_a_dead_process_ends_by_itself(store: Store, frozen_clock: FrozenClock) -> None:
    wall = frozen_clock.wall()
    later = wall + timedelta(seconds=8)

    def claim(owner: str, at: Any) -> Any:
        return store.write(lambda tx: tokens.claim_renewal(tx, "k", 0, owner, at, at + timedelta(seconds=8)))

    assert await claim("dead", wall)
    assert not await claim("living", wall)
    assert await claim("living", later)
    now = frozen_clock.now()
    assert await store.write(lambda tx: tokens.replace(tx, "k", "dead", "old", now, now)) is None
    stored = await store.write(lambda tx: tokens.replace(tx, "k", "living", "new", now, now))
    assert stored is not None
    async with store.read() as tx:
        assert await tokens.find(tx, "k") == stored
    assert stored.version == 1
    assert not await claim("outdated", later)

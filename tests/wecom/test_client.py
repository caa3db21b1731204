"""Calls over the wire: what is sent, and what each kind of answer or silence means."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.channels.wecom import errors, media
from bot.channels.wecom.client import WeComClient
from bot.channels.wecom.pacing import Pacing
from bot.clock import FrozenClock
from domain import errors as house
from store.database import Store
from tests.wecom import edge as wire
from tests.wecom.edge import Edge


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with wire.running() as running:
        yield running


@pytest.fixture
def engine() -> str:
    """The database makes no difference to the wire; test_tokens.py runs on both."""
    return "sqlite"


@pytest.fixture
async def client(edge: Edge, store: Store, frozen_clock: FrozenClock) -> AsyncIterator[WeComClient]:
    async with wire.caller(edge.url, store, frozen_clock, timeout_seconds=2.0) as made:
        yield made


async def send(client: WeComClient) -> Any:
    return await client.kf_message.send_text("wm1", "wk1", "您好", "m1")


def replies(edge: Edge, **response: Any) -> None:
    async def same(request: web.Request, body: bytes) -> web.Response:
        return web.Response(**response)

    edge.answers["kf/send_msg"] = same


async def test_json_is_sent_as_raw_utf8(edge: Edge, client: WeComClient) -> None:
    await send(client)

    endpoint, query, body = edge.bodies[-1]
    assert (endpoint, query) == ("kf/send_msg", {"access_token": "AT_1"})
    assert "您好".encode() in body
    assert json.loads(body)["msgid"] == "m1"


async def test_an_upload_is_multipart_under_the_field_media_and_survives_a_renewed_token(
    edge: Edge, client: WeComClient
) -> None:
    async def stored(request: web.Request, body: bytes) -> dict[str, Any]:
        if request.query["access_token"] not in edge.valid:
            return {"errcode": 42001}
        return {"errcode": 0, "media_id": "M1", "created_at": "1"}

    edge.answers["media/upload"] = stored
    await client.tokens.current()
    edge.valid.clear()

    assert await media.upload(client, "image", "图.png", b"\x89PNG", "image/png") == "M1"

    _, query, body = edge.bodies[-1]
    assert query["type"] == "image"
    assert b'name="media"; filename="\xe5\x9b\xbe.png"' in body
    assert b"\x89PNG" in body


async def test_a_missing_errcode_is_success(edge: Edge, client: WeComClient) -> None:
    edge.says("kf/send_msg", msgid="m1")

    assert await send(client) == {"msgid": "m1"}


async def test_control_characters_and_broken_utf8_in_an_answer_are_put_up_with(
    edge: Edge, client: WeComClient
) -> None:
    replies(edge, body=b'{"errcode":0,"text":"a\x0b\xffb"}', content_type="application/json")

    assert (await send(client))["text"] == "a\x0b�b"


@pytest.mark.parametrize(
    ("errcode", "expected"),
    [
        (-1, house.ChannelBusy), (6000, house.ChannelBusy), (45033, house.ChannelBusy), (45009, house.ChannelBusy),
        (40013, house.ChannelUnauthorised), (41004, house.ChannelUnauthorised),
        (95001, house.BudgetSpent), (95002, house.WindowClosed), (95007, house.SyncTokenExpired),
        (95013, house.SessionRefused), (95016, house.SessionRefused), (95018, house.SessionRefused),
        (95014, house.ServicerRefused), (95019, house.ServicerRefused), (60030, house.ServicerRefused),
        (60253, house.ServicerRefused), (95100, house.RepeatRefused),
        (60020, house.ChannelRefused), (48002, house.ChannelRefused), (301002, house.ChannelRefused),
        (123456, house.ChannelRefused),
    ],
)  # fmt: skip
async def test_each_errcode_becomes_its_exception(
    edge: Edge, client: WeComClient, errcode: int, expected: type[house.ChannelError]
) -> None:
    edge.says("kf/send_msg", errcode=errcode, errmsg="what, more info at https://example.com")

    with pytest.raises(house.ChannelError) as caught:
        await send(client)

    assert type(caught.value) is expected
    assert (caught.value.errcode, caught.value.endpoint) == (errcode, "kf/send_msg")
    assert "more info" not in str(caught.value)


async def test_a_used_code_and_a_repeat_are_settings(
    edge: Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    rules = errors.Rules(kf_repeat_errcodes=frozenset({1}), code_used_errcodes=frozenset({2}))
    async with wire.caller(edge.url, store, frozen_clock, rules=rules) as client:
        edge.says("kf/send_msg", errcode=1)
        edge.says("kf/send_msg_on_event", errcode=2)
        edge.says("user/get", errcode=1)

        with pytest.raises(house.RepeatRefused):
            await send(client)
        with pytest.raises(house.CodeUsed):
            await client.kf.send_msg_on_event("c", "text", {"text": {"content": "x"}})
        with pytest.raises(house.ChannelRefused) as caught:
            await client.user.get("a")
    assert type(caught.value) is house.ChannelRefused


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({"status": 500, "text": "oops"}, house.ChannelUncertain),
        ({"status": 502, "text": "{}"}, house.ChannelUncertain),
        ({"status": 200, "text": "<html>"}, house.ChannelUncertain),
        ({"status": 200, "text": "[]"}, house.ChannelUncertain),
        ({"status": 200, "text": '{"errcode":"x"}'}, house.ChannelUncertain),
        ({"status": 200, "text": "[" * 100_000}, house.ChannelUncertain),
        ({"status": 404, "text": "nginx"}, house.ChannelUnreachable),
        ({"status": 302, "headers": {"Location": "/login"}}, house.ChannelUnreachable),
        ({"status": 403, "text": '{"errcode":48002}'}, house.ChannelRefused),
    ],
)
async def test_an_answer_without_a_number_is_judged_by_its_status(
    edge: Edge, client: WeComClient, response: dict[str, Any], expected: type[house.ChannelError]
) -> None:
    replies(edge, **response)

    with pytest.raises(house.ChannelError) as caught:
        await send(client)

    assert type(caught.value) is expected


async def test_a_connection_that_breaks_after_the_request_is_uncertain(
    edge: Edge, client: WeComClient
) -> None:
    async def cut(request: web.Request, body: bytes) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    edge.answers["kf/send_msg"] = cut

    with pytest.raises(house.ChannelUncertain) as caught:
        await send(client)
    assert "AT_1" not in str(caught.value)


async def test_an_answer_that_does_not_come_in_time_is_uncertain(
    edge: Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    end = asyncio.Event()

    async def never(request: web.Request, body: bytes) -> web.Response:
        await end.wait()
        return web.Response()

    edge.answers["kf/send_msg"] = never
    async with wire.caller(edge.url, store, frozen_clock, timeout_seconds=0.2) as client:
        with pytest.raises(house.ChannelUncertain, match="TimeoutError"):
            await send(client)
    end.set()


async def test_a_platform_that_is_not_there_is_unreachable(
    edge: Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    async with AsyncExitStack() as stack:
        known = await stack.enter_async_context(wire.caller(edge.url, store, frozen_clock))
        await known.tokens.current()
        for settings in ({"url": "http://127.0.0.1:1"}, {"url": edge.url, "proxy": "http://127.0.0.1:1"}):
            lost = await stack.enter_async_context(
                wire.caller(settings["url"], store, frozen_clock, proxy=settings.get("proxy"))
            )
            with pytest.raises(house.ChannelUnreachable) as caught:
                await send(lost)
            assert caught.value.retry_after > timedelta(0)


async def test_calls_go_through_the_proxy(edge: Edge, store: Store, frozen_clock: FrozenClock) -> None:
    async with wire.caller("http://qyapi.invalid", store, frozen_clock, proxy=edge.url) as client:
        assert (await send(client))["errcode"] == 0


async def test_calls_are_counted_by_endpoint_and_result(
    edge: Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    seen: list[tuple[str, str]] = []
    async with wire.caller(edge.url, store, frozen_clock, observe=lambda *call: seen.append(call)) as client:
        edge.says("kf/send_msg", errcode=95001)
        with pytest.raises(house.BudgetSpent):
            await send(client)

    assert seen == [("gettoken", "0"), ("kf/send_msg", "95001")]


async def test_after_45009_the_path_rests_longer_each_time(
    edge: Edge, store: Store, frozen_clock: FrozenClock
) -> None:
    pace = Pacing(frozen_clock, cooldown=timedelta(minutes=1))
    async with wire.caller(edge.url, store, frozen_clock, pace=pace) as client:
        edge.says("kf/send_msg", errcode=45009)
        for expected in (1, 2, 4):
            for _ in range(3):
                with pytest.raises(house.ChannelBusy) as caught:
                    await send(client)
                assert caught.value.retry_after == timedelta(minutes=expected)
            await client.user.get("a")  # other paths go on
            frozen_clock.advance(timedelta(minutes=expected))
        assert edge.calls["kf/send_msg"] == 3
        del edge.answers["kf/send_msg"]

        await send(client)


async def test_calls_are_paced_under_the_limit_of_a_minute(frozen_clock: FrozenClock) -> None:
    now = 0.0
    pace = Pacing(frozen_clock, share=0.01, monotonic=lambda: now)  # 10 at once, then 1.5 a second

    async with asyncio.timeout(5):
        for _ in range(10):
            async with pace.turn("x"):
                pass
        now = 100.0
        for _ in range(10):
            async with pace.turn("x"):
                pass
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), pace.turn("x"):
            pass


async def test_no_more_calls_of_one_path_than_allowed_run_together(frozen_clock: FrozenClock) -> None:
    pace = Pacing(frozen_clock, concurrency=2)

    async with pace.turn("x"), pace.turn("x"), pace.turn("y"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02), pace.turn("x"):
                pass


# --- files ---


def serves(edge: Edge, **response: Any) -> None:
    async def same(request: web.Request, body: bytes) -> web.Response:
        return web.Response(**response)

    edge.answers["media/get"] = same


async def test_a_file_is_kept_under_its_digest_once(edge: Edge, client: WeComClient, tmp_path: Any) -> None:
    headers = {"Content-Disposition": 'attachment; filename="a.json"'}
    serves(edge, body=b'{"errcode":7}', content_type="application/json", headers=headers)

    first = await media.download(client, "M1", tmp_path / "media")
    again = await media.download(client, "M1", tmp_path / "media")

    assert first == again
    assert (first.size, first.content_type, first.file_name) == (13, "application/json", "a.json")
    assert first.path.read_bytes() == b'{"errcode":7}'
    assert [found.name for found in (tmp_path / "media").iterdir()] == [first.digest]


async def test_an_expired_file_is_refused_and_a_large_one_leaves_nothing(
    edge: Edge, client: WeComClient, tmp_path: Any
) -> None:
    serves(edge, text='{"errcode":40007,"errmsg":"invalid media_id"}', content_type="application/json")
    with pytest.raises(house.ChannelRefused) as caught:
        await media.download(client, "M1", tmp_path)
    assert caught.value.errcode == 40007

    serves(edge, body=b"x" * 1000, content_type="image/jpeg")
    with pytest.raises(house.ChannelRefused, match="larger than 999 bytes"):
        await media.download(client, "M1", tmp_path, limit_bytes=999)
    assert [found.name for found in tmp_path.iterdir() if not found.name.startswith("guanjia")] == []
    assert (await media.download(client, "M1", tmp_path, limit_bytes=1000)).size == 1000

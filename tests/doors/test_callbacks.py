"""Callbacks at the door: the genuine is stored once before 200, the rest gets its 4xx and leaves no trace."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot import app
from bot.channels.wecom import envelope
from store import tables
from tests.scenarios.town import AES_KEY, CORP, TOKEN, house_settings

EVENT = (
    b"<xml><ToUserName><![CDATA[ww1234567890abcdef]]></ToUserName><CreateTime>1763700000</CreateTime>"
    b"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[shiny_new_event]]></Event></xml>"
)
RECEIVER = envelope.Receiver(name="kf", token=TOKEN, aes_key=AES_KEY, receive_id=CORP, agent_id=1000002)


class Door:
    """The open house and how to knock."""

    def __init__(self, house: app.House, address: str, session: aiohttp.ClientSession) -> None:
        self.house = house
        self.address = address
        self.session = session

    async def knock(self, body: bytes, query: dict[str, str], receiver: str = "kf") -> tuple[int, str]:
        url = f"{self.address}/callback/{receiver}"
        async with self.session.post(url, params=query, data=io.BytesIO(body)) as answer:
            return answer.status, await answer.text()

    async def stored(self) -> list[str]:
        async with self.house.store.read() as tx:
            return [row.state for row in (await tx.execute(tables.event.select())).all()]


@pytest.fixture
async def door(tmp_path: Path, database_url: str) -> AsyncIterator[Door]:
    settings = house_settings(tmp_path, database_url, "http://127.0.0.1:9", tmp_path / "no-clock.json")
    async with contextlib.AsyncExitStack() as stack:
        house, address = await stack.enter_async_context(app.running(settings))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Door(house, address, session)


def sealed(plaintext: bytes, receiver: envelope.Receiver = RECEIVER) -> tuple[bytes, dict[str, str]]:
    """Return a body as WeCom would post it, and its query."""
    encrypt, signature = envelope.seal(receiver, plaintext, "1763700000", "n1")
    body = f"<xml><ToUserName>{CORP}</ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>".encode()
    return body, {"msg_signature": signature, "timestamp": "1763700000", "nonce": "n1"}


def signed(encrypt: str) -> tuple[bytes, dict[str, str]]:
    """Return a body around any `encrypt`, rightly signed: what an insider, or a fuzzer with the token, could send."""
    joined = "".join(sorted([TOKEN, "1763700000", "n1", encrypt]))
    query = {
        "msg_signature": hashlib.sha1(joined.encode()).hexdigest(),
        "timestamp": "1763700000",
        "nonce": "n1",
    }
    return f"<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>".encode(), query


def padded(pad: int) -> str:
    """Return an encrypt whose plaintext ends in the padding byte `pad`."""
    blocks = b"0123456789abcdef" + (4).to_bytes(4, "big") + b"<x/>" + CORP.encode()
    blocks += b"\0" * (63 - len(blocks)) + bytes([pad])
    encryptor = RECEIVER._cipher.encryptor()
    return base64.b64encode(encryptor.update(blocks) + encryptor.finalize()).decode()


async def test_the_url_check_is_answered_with_the_bare_echo(door: Door) -> None:
    encrypt, signature = envelope.seal(RECEIVER, b"1616140317555161061", "1", "n")
    query = {"msg_signature": signature, "timestamp": "1", "nonce": "n", "echostr": encrypt}

    async with door.session.get(f"{door.address}/callback/kf", params=query) as answer:
        assert (answer.status, await answer.text()) == (200, "1616140317555161061")
    query["msg_signature"] = "0" * 40
    async with door.session.get(f"{door.address}/callback/kf", params=query) as answer:
        assert (answer.status, await answer.text()) == (403, "")


async def test_a_genuine_event_is_stored_once_answered_empty_and_shown_as_unhandled(door: Door) -> None:
    body, query = sealed(EVENT)

    assert await door.knock(body, query) == (200, "")
    assert await door.knock(body, query) == (200, "")
    assert len(await door.stored()) == 1


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("wrong signature", 403),
        ("wrong receive id", 403),
        ("truncated base64", 400),
        ("pad 0", 400),
        ("pad 33", 400),
        ("nested tags", 400),
        ("entity bomb", 400),
        ("not utf-8", 400),
        ("no xml at all", 400),
        ("65 KiB", 413),
        ("7 MB", 413),
        ("no query", 403),
        ("unknown receiver", 404),
    ],
)
async def test_bad_input_gets_its_4xx_and_leaves_no_trace(
    door: Door, caplog: pytest.LogCaptureFixture, case: str, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    body, query = sealed(EVENT)
    receiver = "kf"
    match case:
        case "wrong signature":
            query["msg_signature"] = query["msg_signature"][:-1] + "x"
        case "wrong receive id":
            other = envelope.Receiver(
                name="kf", token=TOKEN, aes_key=AES_KEY, receive_id="wwOther", agent_id=1
            )
            body, query = sealed(EVENT, other)
        case "truncated base64":
            body, query = signed("AAAA" * 7 + "A")
        case "pad 0":
            body, query = signed(padded(0))
        case "pad 33":
            body, query = signed(padded(33))
        case "nested tags":
            body, query = sealed(b"<a>" * 10_000)
        case "entity bomb":
            bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><Event>&b;</Event></xml>'
            body, query = sealed(bomb)
        case "not utf-8":
            body, query = sealed(EVENT.replace(b"shiny", b"\xff\xfe\xfd"))
        case "no xml at all":
            body, query = b"hello", {}
        case "65 KiB":
            body += b" " * (65 * 1024)
        case "7 MB":
            body = b"<a>" * (7 * 1024 * 1024 // 3)
        case "no query":
            query = {}
        case "unknown receiver":
            receiver = "nobody"

    answered, text = await door.knock(body, query, receiver)

    assert answered == status
    assert text in ("", "404: Not Found")
    assert await door.stored() == []
    assert "shiny_new_event" not in caplog.text
    assert "Traceback" not in text


async def test_while_the_store_is_down_wecom_is_told_to_come_again(door: Door) -> None:
    body, query = sealed(EVENT)
    writer = door.house.store._task
    assert writer is not None
    writer.cancel()

    answered, text = await door.knock(body, query)

    assert (answered, text) == (503, "")


async def test_health_readiness_and_figures_are_there(door: Door) -> None:
    body, query = sealed(EVENT)
    await door.knock(body, query)

    for path, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 200)):
        async with door.session.get(door.address + path) as answer:
            assert answer.status == status
            text = await answer.text()
    for name in (
        "guanjia_events_accepted_total",
        "guanjia_events_oldest_unprocessed_seconds",
        "guanjia_deliveries_oldest_due_seconds",
        "guanjia_store_writer_queue",
        "guanjia_tick_duration_seconds",
    ):
        assert name in text

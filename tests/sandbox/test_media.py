"""Media: upload rules, three days of life, ranges."""

from __future__ import annotations

import io
from typing import Any

import aiohttp
import pytest

from sandbox import media
from tests.sandbox.caller import CUSTOMER, Caller

PNG = media.sample("image")[1]


async def upload(app: Caller, kind: str, content: bytes) -> dict[str, Any]:
    form = aiohttp.FormData()
    form.add_field("media", io.BytesIO(content), filename="样本.png", content_type="application/octet-stream")
    query = {"access_token": app.token, "type": kind}
    async with app.session.post(f"{app.box.url}/cgi-bin/media/upload", params=query, data=form) as answer:
        return dict(await answer.json())


async def fetch(app: Caller, media_id: str, **headers: str) -> tuple[int, str, bytes]:
    query = {"access_token": app.token, "media_id": media_id}
    url = f"{app.box.url}/cgi-bin/media/get"
    async with app.session.get(url, params=query, headers=headers) as answer:
        return answer.status, answer.headers.get("Error-Code", ""), await answer.read()


async def test_media_lives_for_three_days(app: Caller) -> None:
    stored = await upload(app, "image", PNG)
    early = await fetch(app, stored["media_id"])
    await app.jump(3 * 24 * 3600)
    late = await fetch(app, stored["media_id"])

    assert isinstance(stored["created_at"], str)
    assert early == (200, "0", PNG)
    assert late[:2] == (200, "40007")


async def test_part_of_a_media_can_be_asked_for(app: Caller) -> None:
    stored = await upload(app, "image", PNG)

    assert await fetch(app, stored["media_id"], Range="bytes=1-3") == (206, "0", b"PNG")
    assert (await fetch(app, stored["media_id"], Range="bytes=-4"))[2] == PNG[-4:]
    assert (await fetch(app, stored["media_id"], Range="bytes=9-1"))[1] == "40035"


@pytest.mark.parametrize(
    ("kind", "content", "errcode"),
    [
        ("image", PNG, 0),
        ("hologram", PNG, 40004),
        ("image", b"GIF89a-something", 40005),
        ("image", b"", 44001),
        ("file", b"12345", 40006),
        ("voice", b"ID3-not-amr", 301017),
        ("voice", b"#!AMR\n" + bytes(media.LIMIT_BYTES["voice"]), 40006),
        ("video", media.sample("video")[1], 0),
    ],
    ids=["png", "kind", "gif", "empty", "tiny", "mp3", "large", "mp4"],
)
async def test_upload_rules(app: Caller, kind: str, content: bytes, errcode: int) -> None:
    assert (await upload(app, kind, content))["errcode"] == errcode


@pytest.mark.parametrize("kind", ["image", "voice", "video", "file"])
async def test_what_a_customer_sends_can_be_fetched(app: Caller, kind: str) -> None:
    app.box.world.customer_sends_media(CUSTOMER, kind)
    message = (await app.sync())["msg_list"][0]
    status, errcode, content = await fetch(app, message[kind]["media_id"])

    assert (status, errcode) == (200, "0")
    assert content == media.sample(kind)[1]


async def test_picture_can_be_sent_to_a_customer(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "发我一张图")
    stored = await upload(app, "image", PNG)
    sent = await app.send(msgtype="image", image={"media_id": stored["media_id"]})

    assert sent["errcode"] == 0
    assert app.box.world.received(CUSTOMER)[0].body == {"media_id": stored["media_id"]}

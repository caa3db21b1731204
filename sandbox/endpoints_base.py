"""The endpoints that are neither 微信客服 nor 客户联系: tokens, addresses, media, app messages, login, tickets."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from sandbox import app_sending, cards, web_login
from sandbox import media as medias
from sandbox.codes import ApiError
from sandbox.protocol import Call, Endpoint
from sandbox.records import Json

UPLOAD_LIMIT_BYTES = 21 * 1024 * 1024
ATTACHMENT_LIMIT_BYTES = 10 * 1024 * 1024
PICTURE_LIMIT_BYTES = 2 * 1024 * 1024
PICTURES_PER_DAY, PICTURES_PER_MONTH, DAY_SECONDS = 1000, 3000, 24 * 3600


async def get_token(call: Call) -> Json:
    value, seconds = call.world.tokens.issue(
        call.query("corpid"), call.query("corpsecret"), call.world.clock.now()
    )
    return {"access_token": value, "expires_in": seconds}


async def get_ips(_: Call) -> Json:
    return {"ip_list": ["127.0.0.1"]}


# -- media -------------------------------------------------------------------------------------------------------


async def upload(call: Call) -> Json:
    kind = call.query("type")
    filename, content = await _media_part(call.request)
    content_type = medias.check_upload(kind, content)
    stored = call.world.put_media(kind, filename, content_type, content)
    return {
        "errmsg": "",
        "type": kind,
        "media_id": stored.media_id,
        "created_at": str(int(stored.created_at)),
    }


async def upload_attachment(call: Call) -> Json:
    """For moments (1) and the product album (2) only: elsewhere its ids are 41072 (WeCom doc 95098)."""
    kind, scene = call.query("media_type"), call.query("attachment_type")
    if kind not in ("image", "video", "file") or scene not in ("1", "2"):
        raise ApiError(40004)
    filename, content = await _media_part(call.request)
    if len(content) > ATTACHMENT_LIMIT_BYTES:
        raise ApiError(41080)
    content_type = medias.check_upload(kind, content)
    stored = call.world.put_media(kind, filename, content_type, content, scene=int(scene))
    return {"type": kind, "media_id": stored.media_id, "created_at": int(stored.created_at)}


async def upload_picture(call: Call) -> Json:
    """A lasting address for a picture, 1,000 a day and 3,000 in 30 days (WeCom doc 90256)."""
    _, content = await _media_part(call.request)
    if not 5 < len(content) <= PICTURE_LIMIT_BYTES:
        raise ApiError(40009)
    content_type = medias.check_upload("image", content)
    web, now = call.world.web, call.world.clock.now()
    web.uploads[:] = [one for one in web.uploads if now - one < 30 * DAY_SECONDS]
    today = sum(now - one < DAY_SECONDS for one in web.uploads)
    if len(web.uploads) >= PICTURES_PER_MONTH or today >= PICTURES_PER_DAY:
        raise ApiError(45009)
    web.uploads.append(now)
    name = call.world.new_id("PIC")
    web.pictures[name] = (content_type, content)
    return {"errmsg": "", "url": f"{call.request.scheme}://{call.request.host}/sandbox/picture/{name}"}


async def _media_part(request: web.Request) -> tuple[str, bytes]:
    if not request.content_type.startswith("multipart/"):
        raise ApiError(44001, "multipart/form-data with the field media")
    try:
        async for part in await request.multipart():
            if getattr(part, "name", None) == "media" and part.filename:  # type: ignore[union-attr]
                return part.filename, await _read_part(part)  # type: ignore[union-attr]
    except ValueError as error:
        raise ApiError(44001, "multipart is malformed") from error
    raise ApiError(44001, "no field media with a filename")


async def _read_part(part: Any) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(256 * 1024):
        content += chunk
        if len(content) > UPLOAD_LIMIT_BYTES:
            raise ApiError(45001)
    return bytes(content)


async def get_media(call: Call) -> web.StreamResponse:
    media = call.world.media.get(call.query("media_id"), call.world.clock.now())
    asked = call.request.headers.get("Range")
    if asked is None and len(media.content) > call.world.settings.media_range_bytes:
        raise ApiError(830002)
    headers = {"Content-Disposition": f'attachment; filename="{_ascii(media.filename)}"', "Error-Code": "0"}
    if asked is None:
        return web.Response(body=media.content, content_type=media.content_type, headers=headers)
    first, last = _range(asked, len(media.content))
    headers["Content-Range"] = f"bytes {first}-{last}/{len(media.content)}"
    body = media.content[first : last + 1]
    return web.Response(status=206, body=body, content_type=media.content_type, headers=headers)


def _range(asked: str, size: int) -> tuple[int, int]:
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked.strip())
    if found is None or found.group(1) == found.group(2) == "":
        raise ApiError(40035, "Range")
    if not found.group(1):
        return max(0, size - int(found.group(2))), size - 1
    first = int(found.group(1))
    last = min(int(found.group(2) or size - 1), size - 1)
    if first > last:
        raise ApiError(40035, "Range")
    return first, last


def _ascii(name: str) -> str:
    return name.encode("ascii", "replace").decode().replace('"', "'").replace("\r", " ").replace("\n", " ")


# -- app messages ------------------------------------------------------------------------------------------------


async def send_app_message(call: Call) -> Json:
    return app_sending.send(call.world, call.app, call.body)


async def update_card(call: Call) -> Json:
    return cards.update(call.world, call.app, call.body)


async def recall_app_message(call: Call) -> Json:
    cards.recall(call.world, call.app, call.body)
    return {}


ENDPOINTS = [
    Endpoint(path="gettoken", method="GET", handler=get_token, open=True),
    Endpoint(path="getcallbackip", method="GET", handler=get_ips),
    Endpoint(path="get_api_domain_ip", method="GET", handler=get_ips),
    Endpoint(path="media/upload", method="POST", handler=upload, json=False),
    Endpoint(path="media/upload_attachment", method="POST", handler=upload_attachment, json=False),
    Endpoint(path="media/uploadimg", method="POST", handler=upload_picture, json=False),
    Endpoint(path="media/get", method="GET", handler=get_media),
    Endpoint(path="message/send", method="POST", handler=send_app_message),
    Endpoint(path="message/update_template_card", method="POST", handler=update_card),
    Endpoint(path="message/recall", method="POST", handler=recall_app_message),
    Endpoint(path="auth/getuserinfo", method="GET", handler=web_login.get_user_info),
    Endpoint(path="user/getuserinfo", method="GET", handler=web_login.get_user_info_of_old),
    Endpoint(path="get_jsapi_ticket", method="GET", handler=web_login.get_corp_ticket),
    Endpoint(path="ticket/get", method="GET", handler=web_login.get_agent_ticket),
]

"""The endpoints that are not 微信客服: tokens, addresses, media, app messages, members, the app itself."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from sandbox import app_sending
from sandbox import media as medias
from sandbox.codes import ApiError
from sandbox.protocol import Call, Endpoint
from sandbox.records import Json

UPLOAD_LIMIT_BYTES = 21 * 1024 * 1024


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


# -- members, app ------------------------------------------------------------------------------------------------


async def send_app_message(call: Call) -> Json:
    return app_sending.send(call.world, call.app, call.body)


async def get_user(call: Call) -> Json:
    userid = call.query("userid")
    if not userid:
        raise ApiError(41009)
    member = call.world.members.get(userid)
    if member is None:
        raise ApiError(60111)
    place = {
        "department": [1],
        "order": [0],
        "is_leader_in_dept": [0],
        "direct_leader": [],
        "main_department": 1,
    }
    return {"userid": userid, "name": member.name, "position": "", "status": 1, **place}


async def get_agent(call: Call) -> Json:
    value = call.query("agentid")
    if not value:
        raise ApiError(41011)
    if not value.isdigit():
        raise ApiError(40056)
    if int(value) != call.app.agent_id:
        raise ApiError(301002)
    return {
        "agentid": call.app.agent_id,
        "name": call.app.name,
        "square_logo_url": "",
        "description": "",
        "allow_userinfos": {"user": [{"userid": userid} for userid in call.world.members]},
        "allow_partys": {"partyid": [1]},
        "allow_tags": {"tagid": []},
        "close": 0,
        "redirect_domain": "",
        "report_location_flag": 0,
        "isreportenter": 0,
        "home_url": "",
    }


ENDPOINTS = [
    Endpoint(path="gettoken", method="GET", handler=get_token, open=True),
    Endpoint(path="getcallbackip", method="GET", handler=get_ips),
    Endpoint(path="get_api_domain_ip", method="GET", handler=get_ips),
    Endpoint(path="media/upload", method="POST", handler=upload, json=False),
    Endpoint(path="media/get", method="GET", handler=get_media),
    Endpoint(path="message/send", method="POST", handler=send_app_message),
    Endpoint(path="user/get", method="GET", handler=get_user),
    Endpoint(path="agent/get", method="GET", handler=get_agent),
]

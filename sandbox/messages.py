"""What a message that the API sends must look like. Limits are bytes of UTF-8 (WeCom docs 94677 and 95122)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.codes import ApiError

Json = dict[str, Any]
MediaCheck = Callable[[str], object]

TEXT_BYTES = 2048
MENU_ITEMS = 50
MENU_CLICKABLE = 10
CLICKABLE = ("click", "view", "miniprogram")
ON_EVENT_TYPES = ("text", "msgmenu")


def text(holder: Mapping[str, Any], name: str, *, least: int = 0, most: int, pattern: str = "") -> str:
    """The string field `name` of `holder`, `least` to `most` bytes long; "" when absent and `least` is 0.

    Raises ApiError 40063 when it is missing, 40058 when it is no string, too long or out of `pattern`.
    """
    value = holder.get(name)
    if value is None or value == "":
        if least:
            raise ApiError(40063, f"{name} is missing")
        return ""
    if not isinstance(value, str):
        raise ApiError(40058, f"{name} should be a string")
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise ApiError(40033, name) from error
    if size > most or size < least:
        raise ApiError(40058, f"{name} should be {least} to {most} bytes")
    if pattern and not re.fullmatch(pattern, value):
        raise ApiError(40058, f"{name} has characters that are not allowed")
    return value


def integer(
    holder: Mapping[str, Any], name: str, *, least: int, most: int, default: int | None = None
) -> int:
    """The whole number `name`, within its bounds. Raises ApiError 40063 or 40058."""
    value = holder.get(name, default)
    if value is None:
        raise ApiError(40063, f"{name} is missing")
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ApiError(40058, f"{name} should be a whole number from {least} to {most}")
    return value


def inner(holder: Mapping[str, Any], name: str) -> Json:
    """The object `name`. Raises ApiError 40063 or 40058."""
    value = holder.get(name)
    if value is None:
        raise ApiError(40063, f"{name} is missing")
    if not isinstance(value, dict):
        raise ApiError(40058, f"{name} should be an object")
    return value


def check_kf_message(body: Json, check_media: MediaCheck) -> tuple[str, Json]:
    """Type and content of a kf message as the customer will see it (long text is cut).

    Raises ApiError 40008 for an unknown type and the code of the first broken rule.
    """
    kind = text(body, "msgtype", least=1, most=32)
    check = CHECKS.get(kind)
    if check is None:
        raise ApiError(40008, kind)
    return kind, check(inner(body, kind), check_media)


def cut(value: str, most: int) -> str:
    """`value` without what goes beyond `most` bytes; never half a character."""
    raw = value.encode()
    return value if len(raw) <= most else raw[:most].decode(errors="ignore")


def _text(content: Json, _: MediaCheck) -> Json:
    value = content.get("content")
    if not isinstance(value, str) or not value:
        raise ApiError(44004)
    return {"content": cut(value, TEXT_BYTES)}


def _media(content: Json, check_media: MediaCheck) -> Json:
    media_id = text(content, "media_id", least=1, most=512)
    check_media(media_id)
    return {"media_id": media_id}


def _link(content: Json, check_media: MediaCheck) -> Json:
    shown = {
        "title": text(content, "title", least=1, most=128),
        "desc": text(content, "desc", most=512),
        "url": text(content, "url", least=1, most=2048, pattern=r"https?://\S+"),
        "thumb_media_id": text(content, "thumb_media_id", least=1, most=512),
    }
    check_media(shown["thumb_media_id"])
    return shown


def _miniprogram(content: Json, check_media: MediaCheck) -> Json:
    shown = {
        "appid": text(content, "appid", least=1, most=32),
        "title": text(content, "title", most=64),
        "thumb_media_id": text(content, "thumb_media_id", least=1, most=512),
        "pagepath": text(content, "pagepath", least=1, most=1024, pattern=r"[^?\s]+\.html(\?\S*)?"),
    }
    check_media(shown["thumb_media_id"])
    return shown


def _location(content: Json, _: MediaCheck) -> Json:
    for name, bound in (("latitude", 90), ("longitude", 180)):
        value = content.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > bound:
            raise ApiError(40058, f"{name} should be a number from -{bound} to {bound}")
    return {
        "name": text(content, "name", most=256),
        "address": text(content, "address", most=512),
        "latitude": content["latitude"],
        "longitude": content["longitude"],
    }


def _ca_link(content: Json, _: MediaCheck) -> Json:
    return {"link_url": text(content, "link_url", least=1, most=2048, pattern=r"https?://\S+")}


def _menu(content: Json, _: MediaCheck) -> Json:
    items = content.get("list", [])
    if not isinstance(items, list):
        raise ApiError(40058, "list should be an array")
    if len(items) > MENU_ITEMS:
        raise ApiError(95008)
    shown = [_menu_item(item) for item in items]
    if sum(item["type"] in CLICKABLE for item in shown) > MENU_CLICKABLE:
        raise ApiError(95008)
    head, tail = text(content, "head_content", most=1024), text(content, "tail_content", most=1024)
    if not (head or tail or shown):
        raise ApiError(44004)
    return {"head_content": head, "list": shown, "tail_content": tail}


def _menu_item(item: object) -> Json:
    if not isinstance(item, dict):
        raise ApiError(95009)
    kind = item.get("type")
    if kind not in (*CLICKABLE, "text"):
        raise ApiError(95009, str(kind))
    content = inner(item, kind)
    if kind == "click":
        # The page allows an absent id; a client that reads clicks cannot work with one, so it is asked for here.
        shown: Json = {
            "id": text(content, "id", least=1, most=128, pattern=r"[a-zA-Z0-9_]+"),
            "content": text(content, "content", least=1, most=128),
        }
    elif kind == "view":
        shown = {
            "url": text(content, "url", least=1, most=2048, pattern=r"https?://\S+"),
            "content": text(content, "content", least=1, most=1024),
        }
    elif kind == "miniprogram":
        shown = {
            "appid": text(content, "appid", least=1, most=32),
            "pagepath": text(content, "pagepath", least=1, most=1024),
            "content": text(content, "content", least=1, most=1024),
        }
    else:
        shown = {
            "content": text(content, "content", least=1, most=256),
            "no_newline": integer(content, "no_newline", least=0, most=1, default=0),
        }
    return {"type": kind, kind: shown}


CHECKS: dict[str, Callable[[Json, MediaCheck], Json]] = {
    "text": _text,
    "image": _media,
    "voice": _media,
    "video": _media,
    "file": _media,
    "link": _link,
    "miniprogram": _miniprogram,
    "msgmenu": _menu,
    "location": _location,
    "ca_link": _ca_link,
}

"""Text and attachments of welcome messages, mass sends and group welcome templates (WeCom docs 92137, 92135, 92366).

Sizes are bytes of UTF-8. Media come from media/upload; one of media/upload_attachment is for another scene (41072).
"""

from __future__ import annotations

from collections.abc import Callable

from sandbox.codes import ApiError
from sandbox.messages import inner, text
from sandbox.records import Json
from sandbox.world import World

TEXT_BYTES = 4000
TEMPLATE_TEXT_BYTES = 3000
MOST = 9
PRIORITY = ("image", "link", "miniprogram", "file", "video")
ADDRESS = r"https?://\S+"


def check_message(world: World, body: Json) -> tuple[str, list[Json]]:
    """The text ("" when absent) and the attachments of a body, both as they will be shown.

    Raises ApiError 44004 when both are missing, 45002 for a text too long, 41064 for more than nine attachments,
    41065 for an unknown type, and the code of a broken rule.
    """
    content = text_of(body, TEXT_BYTES)
    attached = body.get("attachments") or []
    if not isinstance(attached, list):
        raise ApiError(40058, "attachments should be an array")
    if len(attached) > MOST:
        raise ApiError(41064)
    shown = [_one(world, one) for one in attached]
    if not content and not shown:
        raise ApiError(44004)
    return content, shown


def check_template(world: World, body: Json) -> Json:
    """Content of a group welcome template: the text and the one attachment that counts. Raises ApiError."""
    shown: Json = {}
    if content := text_of(body, TEMPLATE_TEXT_BYTES):
        shown["text"] = {"content": content}
    for kind in PRIORITY:
        if body.get(kind):
            shown[kind] = CHECKS[kind](world, inner(body, kind))
            break
    if not shown:
        raise ApiError(44004)
    return shown


def text_of(body: Json, most: int) -> str:
    """`text.content` of a body, "" when absent. Raises ApiError 40058 or 45002."""
    if body.get("text") is None:
        return ""
    content = inner(body, "text").get("content") or ""
    if not isinstance(content, str):
        raise ApiError(40058, "content should be a string")
    try:
        size = len(content.encode())
    except UnicodeEncodeError as error:
        raise ApiError(40033, "content") from error
    if size > most:
        raise ApiError(45002, f"text has {size} bytes, {most} are allowed")
    return content


def _one(world: World, attachment: object) -> Json:
    if not isinstance(attachment, dict):
        raise ApiError(41065)
    kind = attachment.get("msgtype")
    if not isinstance(kind, str) or kind not in CHECKS:
        raise ApiError(41065, str(kind))
    return {"msgtype": kind, kind: CHECKS[kind](world, inner(attachment, kind))}


def _image(world: World, content: Json) -> Json:
    if content.get("media_id"):
        return _media(world, content, "image")
    return {"pic_url": text(content, "pic_url", least=1, most=2048, pattern=ADDRESS)}


def _video(world: World, content: Json) -> Json:
    return _media(world, content, "video")


def _file(world: World, content: Json) -> Json:
    return _media(world, content, "file")


def _media(world: World, content: Json, kind: str, name: str = "media_id") -> Json:
    media_id = text(content, name, least=1, most=512)
    found = world.media.get(media_id, world.clock.now())
    if found.scene:
        raise ApiError(41072)
    if found.kind != kind:
        raise ApiError(40007, f"{media_id} is no {kind}")
    return {name: media_id}


def _link(_: World, content: Json) -> Json:
    return {
        "title": text(content, "title", least=1, most=128),
        "picurl": text(content, "picurl", most=2048, pattern=ADDRESS),
        "desc": text(content, "desc", most=512),
        "url": text(content, "url", least=1, most=2048, pattern=ADDRESS),
    }


def _miniprogram(world: World, content: Json) -> Json:
    return {
        "title": text(content, "title", least=1, most=64),
        **_media(world, content, "image", "pic_media_id"),
        "appid": text(content, "appid", least=1, most=64),
        "page": text(content, "page", least=1, most=1024),
    }


CHECKS: dict[str, Callable[[World, Json], Json]] = {
    "image": _image,
    "link": _link,
    "miniprogram": _miniprogram,
    "video": _video,
    "file": _file,
}

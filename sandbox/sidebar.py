"""The chat toolbar (聊天工具栏) as the pretend client has it: which chat a page was opened from, and sendChatMessage.

Source: WeCom docs 94315, 100746, 100749 and the types of @wecom/jssdk 2.4.4. What is refused carries the part of errMsg
after the colon.
"""

from __future__ import annotations

from sandbox import address_book, groups, relations, sessions
from sandbox.codes import ApiError, WorldError
from sandbox.corp import LineVia
from sandbox.messages import check_kf_message, inner, text
from sandbox.records import Json
from sandbox.world import World

TEXT_BYTES = 4000
MEDIA = ("image", "video", "file")


def send(
    world: World, userid: str, *, chat_id: str, external_userid: str, open_kfid: str = "", message: Json
) -> None:
    """Send as the member, at once, into the chat the page was opened from. Raises WorldError or ApiError.

    `open_kfid`: the chat is one of customer service; only there a menu can be sent.
    """
    address_book.member(world, userid)
    if open_kfid:
        kind, body = _service_content(world, message)
        sessions.sends(world, userid, external_userid, kind, body, open_kfid)
        return
    kind, body = _content(world, message)
    if chat_id:
        group = groups.get(world, chat_id)
        if userid not in group.members:
            raise WorldError("不在群里的成员不能发送")
        groups.show(world, group, userid, LineVia.SIDEBAR, kind, body)
        return
    relation = relations.get(world, userid, external_userid)
    if not relation.reaches:
        raise WorldError("消息没有送达：对方不是好友，或已拒收")
    relations.show(world, relation, userid, LineVia.SIDEBAR, kind, body)


def _service_content(world: World, message: Json) -> tuple[str, Json]:
    """What a servicer's page sends: as elsewhere, and menus. A link's picture has another name in that log."""
    if message.get("msgtype") == "msgmenu":
        return check_kf_message(message, lambda _: None)
    kind, body = _content(world, message)
    if kind == "link":
        body = {**body, "pic_url": body["picurl"]}
        del body["picurl"]
    return kind, body


def _content(world: World, message: Json) -> tuple[str, Json]:
    kind = text(message, "msgtype", least=1, most=32)
    content = inner(message, kind)
    if kind == "text":
        return kind, {"content": text(content, "content", least=1, most=TEXT_BYTES)}
    if kind in MEDIA:
        # The key is mediaid here and media_id everywhere else (@wecom/jssdk).
        media_id = text(content, "mediaid", least=1, most=512)
        world.media.get(media_id, world.clock.now())
        return kind, {"media_id": media_id}
    if kind == "news":
        return "link", {
            "title": text(content, "title", most=128),
            "desc": text(content, "desc", most=512),
            "url": text(content, "link", least=1, most=2048, pattern=r"https?://\S+"),
            "picurl": text(content, "imgUrl", most=2048, pattern=r"https?://\S+"),
        }
    if kind == "miniprogram":
        return kind, {
            "title": text(content, "title", most=64),
            "appid": text(content, "appid", least=1, most=64),
            "page": text(content, "page", least=1, most=1024),
        }
    raise ApiError(40008, kind)

"""Verified plaintext of a callback -> fields -> the house's records.

Called after envelope.open_post, never before. `parse` is cheap (lxml, no objects) and enough to accept a
callback; `decode` builds the SDK's message object and then ours, when the event is worked on. No entities, no
DOCTYPE, no network, no huge trees. Source: WeCom docs 90239, 90240 and the pages of each event.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lxml import etree
from wechatpy.messages import UnknownMessage
from wechatpy.work.events import EVENT_TYPES
from wechatpy.work.messages import MESSAGE_TYPES

import bot.channels.wecom.events  # noqa: F401 - registers our event classes with the SDK
from bot.channels.wecom.envelope import BAD_MARKUP
from domain import platform
from domain.colleague import ColleagueAsked
from domain.errors import EnvelopeError
from domain.groups import JoinScene, QuitScene
from domain.people import RelationEnd

# Leaves are str, inner nodes are dicts, repeated nodes are lists of either.
Fields = dict[str, Any]

_ASSISTANT = "assistant"
_QUESTION_LIMIT = 2000  # As in a question to the robot (aibot.py).
_MAX_DEPTH = 32  # The deepest documented callback has 5 levels.
_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\n\r")
_CONTROL_REFERENCE = re.compile(
    rb"&#(?:x0*(?:[0-8bcef]|1[0-9a-f])|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));", re.IGNORECASE
)


def _parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )


# Making a parser costs as much as parsing a callback, so the usual one is kept.
_PARSER = _parser(recover=False)


def parse(plaintext: bytes) -> Fields:
    """Return the fields of a callback by the platform's names. Raises EnvelopeError -40002.

    Control characters are dropped: the SDK loses the whole message to one 0x0B.
    """
    root = _root(plaintext)
    if root.tag != "xml":
        raise EnvelopeError(BAD_MARKUP, "the outermost element is not xml")
    fields = _children(root, 1)
    return fields if isinstance(fields, dict) else {}


def kind_of(fields: Fields) -> str:
    """Return the stable name: "kf_msg_or_event", "change_contact/update_user", "message/text"."""
    message_type = _text(fields, "MsgType").lower()
    if message_type != "event":
        return f"message/{message_type}" if message_type else f"info/{_text(fields, 'InfoType').lower()}"
    change = _text(fields, "ChangeType").lower()
    name = _text(fields, "Event").lower()
    return f"{name}/{change}" if change else name


def message(fields: Fields) -> Any:
    """Return wechatpy's message or event object over `fields`, UnknownMessage when it knows no class."""
    message_type = _text(fields, "MsgType").lower()
    if message_type == "event":
        return EVENT_TYPES.get(_text(fields, "Event").lower(), UnknownMessage)(fields)
    return MESSAGE_TYPES.get(message_type, UnknownMessage)(fields)


def decode(receiver: str, plaintext: bytes) -> platform.PlatformEvent:
    """Return the record of a verified callback, UnknownEvent when we have none. Raises EnvelopeError."""
    fields = parse(plaintext)
    kind = kind_of(fields)
    make = _RECORDS.get(kind)
    if make is None:
        return platform.UnknownEvent(receiver=receiver, kind=kind, created_at=_created_at(fields))
    record = make(receiver, kind, fields)
    if any(not getattr(record, name) for name in _NEEDED.get(type(record), ())):
        return platform.UnknownEvent(receiver=receiver, kind=kind, created_at=_created_at(fields))
    return record


def _kf_notified(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    event = message(fields)
    return platform.KfNotified(
        receiver=receiver,
        kind=kind,
        created_at=_created_at(fields),
        account_id=_one(event.open_kfid) or None,
        sync_token=_one(event.token) or None,
    )


def _kf_accounts_changed(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    event = message(fields)
    return platform.KfAccountsChanged(
        receiver=receiver,
        kind=kind,
        created_at=_created_at(fields),
        added=_many(event.added),
        removed=_many(event.removed),
    )


def _friend_added(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    return platform.FriendAdded(
        receiver=receiver,
        kind=kind,
        created_at=_created_at(fields),
        staff_id=_text(fields, "UserID"),
        customer_id=_text(fields, "ExternalUserID"),
        state=_text(fields, "State"),
        welcome_code=_text(fields, "WelcomeCode"),
        is_half=kind.endswith("add_half_external_contact"),
    )


def _friend_edited(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    return platform.FriendEdited(
        receiver=receiver,
        kind=kind,
        created_at=_created_at(fields),
        staff_id=_text(fields, "UserID"),
        customer_id=_text(fields, "ExternalUserID"),
    )


def _friend_removed(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    reason = RelationEnd.CUSTOMER_DELETED
    if kind.endswith("del_external_contact"):
        is_handed_over = _text(fields, "Source").upper() == "DELETE_BY_TRANSFER"
        reason = RelationEnd.TRANSFERRED if is_handed_over else RelationEnd.ADVISOR_DELETED
    return platform.FriendRemoved(
        receiver=receiver,
        kind=kind,
        created_at=_created_at(fields),
        staff_id=_text(fields, "UserID"),
        customer_id=_text(fields, "ExternalUserID"),
        reason=reason,
    )


def _archive_notified(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    return platform.ArchiveNotified(receiver=receiver, kind=kind, created_at=_created_at(fields))


def _consent_given(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    return platform.ConsentGiven(
        receiver=receiver,
        kind=kind,
        created_at=_created_at(fields),
        staff_id=_text(fields, "UserID"),
        customer_id=_text(fields, "ExternalUserID"),
    )


def _group_changed(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    detail = _text(fields, "UpdateDetail").lower()
    change = _GROUP_CHANGES.get(detail if kind.endswith("/update") else kind.partition("/")[2])
    members = fields.get("MemChangeList")
    if isinstance(members, dict):
        members = members.get("Item")
    scene = ""
    if change is platform.GroupChange.JOINED:
        scene = _JOIN_SCENES.get(_text(fields, "JoinScene"), "")
    elif change is platform.GroupChange.QUIT:
        scene = _QUIT_SCENES.get(_text(fields, "QuitScene"), "")
    return platform.GroupChanged(
        receiver=receiver,
        kind=kind,
        created_at=_created_at(fields),
        chat_id=_text(fields, "ChatId"),
        change=change or platform.GroupChange.CHANGED,
        members=tuple(dict.fromkeys(_many(members))),
        scene=scene,
        last_version=_text(fields, "LastMemVer"),
        version=_text(fields, "CurMemVer"),
    )


def _staff_changed(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    return platform.StaffChanged(
        receiver=receiver,
        kind=kind,
        created_at=_created_at(fields),
        staff_id=_text(fields, "UserID"),
        new_staff_id=_text(fields, "NewUserID"),
        is_removed=kind.endswith("delete_user"),
    )


def _departments_changed(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    return platform.DepartmentsChanged(receiver=receiver, kind=kind, created_at=_created_at(fields))


def _tags_changed(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    return platform.TagsChanged(receiver=receiver, kind=kind, created_at=_created_at(fields))


def _card_tapped(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    return platform.CardTapped(
        receiver=receiver,
        kind=kind,
        created_at=_created_at(fields),
        staff_id=_text(fields, "FromUserName"),
        task_id=_text(fields, "TaskId"),
        key=_text(fields, "EventKey"),
        code=_text(fields, "ResponseCode"),
    )


def _colleague_asked(receiver: str, kind: str, fields: Fields) -> platform.PlatformEvent:
    """Read what a member wrote to the staff app (WeCom doc 90239); other apps of ours answer nobody."""
    is_text = kind == "message/text"
    if receiver != _ASSISTANT:
        return platform.UnknownEvent(receiver=receiver, kind=kind, created_at=_created_at(fields))
    return ColleagueAsked(
        receiver=receiver,
        kind=kind,
        created_at=_created_at(fields),
        msgid=_text(fields, "MsgId")[:128],
        staff_id=_text(fields, "FromUserName")[:64],
        chat_id="",
        text=_text(fields, "Content")[:_QUESTION_LIMIT] if is_text else "",
        unread="" if is_text else kind.removeprefix("message/"),
    )


_GROUP_CHANGES = {
    "create": platform.GroupChange.CREATED,
    "dismiss": platform.GroupChange.DISMISSED,
    "add_member": platform.GroupChange.JOINED,
    "del_member": platform.GroupChange.QUIT,
}
# The numbers of events; groupchat/get counts otherwise (external.py).
_JOIN_SCENES = {"0": JoinScene.INVITED, "3": JoinScene.SCANNED}
_QUIT_SCENES = {"0": QuitScene.LEFT, "1": QuitScene.REMOVED}

# What these lack without these fields says nothing; it is kept as an unknown event.
_NEEDED = {
    platform.FriendAdded: ("staff_id", "customer_id", "created_at"),
    platform.FriendEdited: ("staff_id", "customer_id"),
    platform.FriendRemoved: ("staff_id", "customer_id", "created_at"),
    platform.ConsentGiven: ("staff_id", "customer_id"),
    platform.GroupChanged: ("chat_id", "created_at"),
    platform.StaffChanged: ("staff_id",),
    platform.CardTapped: ("staff_id", "task_id", "key"),
    ColleagueAsked: ("staff_id", "msgid"),
}

_RECORDS: dict[str, Callable[[str, str, Fields], platform.PlatformEvent]] = {
    "kf_msg_or_event": _kf_notified,
    "kf_account_auth_change": _kf_accounts_changed,
    "change_external_contact/add_external_contact": _friend_added,
    "change_external_contact/add_half_external_contact": _friend_added,
    "change_external_contact/edit_external_contact": _friend_edited,
    "change_external_contact/del_external_contact": _friend_removed,
    "change_external_contact/del_follow_user": _friend_removed,
    "change_external_contact/msg_audit_approved": _consent_given,
    "msgaudit_notify": _archive_notified,
    "change_external_chat/create": _group_changed,
    "change_external_chat/update": _group_changed,
    "change_external_chat/dismiss": _group_changed,
    "change_external_tag": _tags_changed,
    "change_external_tag/create": _tags_changed,
    "change_external_tag/update": _tags_changed,
    "change_external_tag/delete": _tags_changed,
    "change_external_tag/shuffle": _tags_changed,
    "change_contact/create_user": _staff_changed,
    "change_contact/update_user": _staff_changed,
    "change_contact/delete_user": _staff_changed,
    "change_contact/create_party": _departments_changed,
    "change_contact/update_party": _departments_changed,
    "change_contact/delete_party": _departments_changed,
    "template_card_event": _card_tapped,
    "template_card_menu_event": _card_tapped,
    "message/text": _colleague_asked,
    "message/image": _colleague_asked,
    "message/voice": _colleague_asked,
    "message/video": _colleague_asked,
    "message/link": _colleague_asked,
    "message/location": _colleague_asked,
}


def _root(plaintext: bytes) -> Any:
    try:
        plaintext.decode("utf-8")
    except UnicodeDecodeError:
        raise EnvelopeError(BAD_MARKUP, "the message is not UTF-8") from None
    clean = plaintext.translate(None, _CONTROLS)
    try:
        root = etree.fromstring(clean, _PARSER)
    except etree.XMLSyntaxError:
        root = _mended(clean)
    # Words like <!DOCTYPE inside a customer's text are harmless, so ask the parser and not the bytes.
    if root.getroottree().docinfo.internalDTD is not None:
        raise EnvelopeError(BAD_MARKUP, "a DOCTYPE is not allowed")
    return root


def _mended(clean: bytes) -> Any:
    """Read what can be read: the platform may not escape a text that holds ]]> or a control reference."""
    try:
        root = etree.fromstring(_CONTROL_REFERENCE.sub(b"", clean), _parser(recover=True))
    except etree.XMLSyntaxError:
        root = None
    if root is None or (root.find("MsgType") is None and root.find("InfoType") is None):
        raise EnvelopeError(BAD_MARKUP, "the message is not XML")
    return root


def _children(node: Any, depth: int) -> Fields | str:
    if len(node) == 0:
        return node.text or ""
    if depth > _MAX_DEPTH:
        raise EnvelopeError(BAD_MARKUP, f"elements are nested deeper than {_MAX_DEPTH}")
    fields: Fields = {}
    for child in node:
        if not isinstance(child.tag, str):  # an entity left unresolved
            continue
        value = _children(child, depth + 1)
        if child.tag not in fields:
            fields[child.tag] = value
        elif isinstance(fields[child.tag], list):
            fields[child.tag].append(value)
        else:
            fields[child.tag] = [fields[child.tag], value]
    return fields


def _created_at(fields: Fields) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(_text(fields, "CreateTime")), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _text(fields: Fields, name: str) -> str:
    return _one(fields.get(name))


def _one(value: object) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return value.strip() if isinstance(value, str) else ""


def _many(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(text for text in map(_one, values) if text)

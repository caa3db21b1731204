"""Entries of a kf account's log (sync_msg) -> the house's records.

Pure. Nothing is ever lost here: an entry with unknown, missing or mistyped fields becomes a record of kind
unknown, or with empty fields, and always carries the entry itself. Source: WeCom doc 94670.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from domain import platform
from domain.platform import FailReason, MessageKind, Origin, SessionChange

Entry = dict[str, Any]

_ORIGINS = {3: Origin.CUSTOMER, 4: Origin.SYSTEM, 5: Origin.SERVICER}
_CHANGES = {
    1: SessionChange.TAKEN,
    2: SessionChange.TRANSFERRED,
    3: SessionChange.ENDED,
    4: SessionChange.REOPENED,
}
_FAIL_REASONS = {
    1: FailReason.ACCOUNT_DELETED,
    2: FailReason.APP_CLOSED,
    4: FailReason.WINDOW_CLOSED,
    5: FailReason.SESSION_CLOSED,
    6: FailReason.BUDGET_SPENT,
    8: FailReason.CORP_UNVERIFIED,
    10: FailReason.REJECTED,
    11: FailReason.NOBODY_LOGGED_IN,
    12: FailReason.FORBIDDEN_KIND,
    13: FailReason.SECURITY,
}
# The fields of each kind that a person would read, in reading order.
_READABLE: dict[MessageKind, tuple[str, ...]] = {
    MessageKind.TEXT: ("content",),
    MessageKind.LOCATION: ("name", "address"),
    MessageKind.LINK: ("title", "desc", "url"),
    MessageKind.MINIPROGRAM: ("title",),
    MessageKind.MSGMENU: ("head_content", "tail_content"),
    MessageKind.CHANNELS_SHOP_PRODUCT: ("title", "shop_nickname"),
    MessageKind.CHANNELS_SHOP_ORDER: ("product_titles", "price_wording", "shop_nickname"),
    MessageKind.MERGED_MSG: ("title",),
    MessageKind.CHANNELS: ("nickname", "title"),
}
# What our own database can hold in a key; longer ids are none of the platform's (docs: at most 64).
_ID_LIMIT = 128


def page(answer: Entry, account_id: str, read_at: datetime) -> platform.KfPage:
    """Return the records of one sync_msg answer. `read_at`: stands in for a missing send_time."""
    entries = answer.get("msg_list")
    return platform.KfPage(
        messages=tuple(message(entry, account_id, read_at) for entry in entries or ())
        if isinstance(entries, list)
        else (),
        next_cursor=_string(answer, "next_cursor"),
        has_more=_number(answer, "has_more") == 1,
    )


def message(entry: object, account_id: str, read_at: datetime) -> platform.KfMessage:
    """Return the record of one entry. `account_id`: the account whose log it is from."""
    raw = _raw(entry)
    fields = entry if isinstance(entry, dict) else {}
    kind = _kind(fields)
    body = _object(fields, kind.value)
    where = body if kind is MessageKind.EVENT else fields
    return platform.KfMessage(
        msgid=_id(fields, "msgid") or "raw_" + hashlib.sha256(raw.encode()).hexdigest()[:28],
        account_id=_id(where, "open_kfid") or _id(fields, "open_kfid") or account_id,
        customer_id=_id(where, "external_userid") or _id(fields, "external_userid") or None,
        sent_at=_time(fields, "send_time") or read_at,
        origin=_ORIGINS.get(_number(fields, "origin") or 0, Origin.UNKNOWN),
        servicer_id=_id(where, "servicer_userid") or _id(fields, "servicer_userid") or None,
        kind=kind,
        text="\n".join(filter(None, (_string(body, name) for name in _READABLE.get(kind, ())))),
        menu_id=_string(body, "menu_id") or None,
        media_id=_string(body, "media_id") or None,
        event=_event(body) if kind is MessageKind.EVENT else None,
        raw=raw,
    )


def _raw(entry: object) -> str:
    raw = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        raw.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only \u can spell
        raw = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    return raw


def _kind(fields: Entry) -> MessageKind:
    name = _string(fields, "msgtype")
    try:
        kind = MessageKind(name)
    except ValueError:
        return MessageKind.UNKNOWN
    # A text without its object is nothing we could answer; note, meeting and calendar have no object.
    if (kind in _READABLE or kind is MessageKind.EVENT) and not isinstance(fields.get(name), dict):
        return MessageKind.UNKNOWN
    return kind


def _event(body: Entry) -> platform.SessionEvent:
    name = _string(body, "event_type")
    make = _EVENTS.get(name)
    return make(name, body) if make else platform.OtherSessionEvent(event_type=name)


def _enter_session(name: str, body: Entry) -> platform.SessionEvent:
    channels = _object(body, "wechat_channels")
    return platform.EnterSession(
        event_type=name,
        scene=_string(body, "scene"),
        scene_param=_string(body, "scene_param"),
        welcome_code=_string(body, "welcome_code") or None,
        channels_name=_string(channels, "nickname") or _string(channels, "shop_nickname"),
    )


def _send_failed(name: str, body: Entry) -> platform.SessionEvent:
    fail_type = _number(body, "fail_type")
    return platform.SendFailed(
        event_type=name,
        fail_msgid=_string(body, "fail_msgid"),
        reason=_FAIL_REASONS.get(fail_type or 0, FailReason.UNKNOWN),
        fail_type=fail_type,
    )


def _servicer_status(name: str, body: Entry) -> platform.SessionEvent:
    # 1 and 2 here; servicer/list says 0 and 1 for the same two.
    return platform.ServicerStatusChanged(
        event_type=name,
        servicer_id=_id(body, "servicer_userid"),
        is_receiving=_number(body, "status") == 1,
    )


def _session_changed(name: str, body: Entry) -> platform.SessionEvent:
    return platform.SessionChanged(
        event_type=name,
        change=_CHANGES.get(_number(body, "change_type") or 0, SessionChange.UNKNOWN),
        old_servicer_id=_id(body, "old_servicer_userid") or None,
        new_servicer_id=_id(body, "new_servicer_userid") or None,
        code=_string(body, "msg_code") or None,
    )


def _recalled(name: str, body: Entry) -> platform.SessionEvent:
    return platform.MessageRecalled(
        event_type=name,
        recalled_msgid=_string(body, "recall_msgid"),
        servicer_id=_id(body, "servicer_userid") or None,
    )


def _reject_switch(name: str, body: Entry) -> platform.SessionEvent:
    return platform.RejectSwitchChanged(
        event_type=name,
        servicer_id=_id(body, "servicer_userid"),
        is_rejected=_number(body, "reject_switch") == 1,
    )


_EVENTS: dict[str, Callable[[str, Entry], platform.SessionEvent]] = {
    "enter_session": _enter_session,
    "msg_send_fail": _send_failed,
    "servicer_status_change": _servicer_status,
    "session_status_change": _session_changed,
    "user_recall_msg": _recalled,
    "servicer_recall_msg": _recalled,
    "reject_customer_msg_switch_change": _reject_switch,
}


def _object(fields: Entry, name: str) -> Entry:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _string(fields: Entry, name: str) -> str:
    value = fields.get(name)
    if isinstance(value, str):
        # PostgreSQL refuses NUL, and lone surrogates cannot be stored anywhere; raw keeps them escaped.
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _id(fields: Entry, name: str) -> str:
    value = _string(fields, name)
    return value if len(value) <= _ID_LIMIT else ""


def _number(fields: Entry, name: str) -> int | None:
    value = fields.get(name)
    try:
        return int(value) if isinstance(value, int | str) else None
    except ValueError:
        return None


def _time(fields: Entry, name: str) -> datetime | None:
    seconds = _number(fields, name)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds and seconds > 0 else None
    except (OverflowError, OSError, ValueError):
        return None

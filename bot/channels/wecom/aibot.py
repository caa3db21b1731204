"""The company's robot (智能机器人) in callback mode: what its JSON says, and the bodies of our answers.

Called after envelope.open_post, never before. Sources: WeCom docs 100719 (messages), 101027 (events), 101031 (answers),
101138 (the one late answer).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bot.channels.wecom.envelope import BAD_MARKUP
from domain import colleague, platform
from domain.errors import EnvelopeError

RECEIVER = "aibot"
# Of one answer and of one late answer, in bytes of UTF-8 (WeCom docs 101031, 101138).
CONTENT_LIMIT_BYTES = 20_480
# The platform asks for the rest of an answer until six minutes after the question (WeCom doc 101031).
STREAM_MINUTES = 6
# Of a question; what is pasted beyond that says nothing more about what is asked.
TEXT_LIMIT = 2000
_ID_LIMIT, _STREAM_LIMIT, _URL_LIMIT = 128, 64, 2048
# "@RobotA hello": the name is part of the text, and the client puts a space (often U+2005) after it.
_MENTION = re.compile(r"(?<!\S)@[^\s@]+(?:\s+|$)")

Fields = dict[str, Any]


def parse(plaintext: bytes) -> Fields:
    """Return the fields of a verified callback. Raises EnvelopeError -40002 for anything that is no JSON object."""
    try:
        fields = json.loads(plaintext.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise EnvelopeError(BAD_MARKUP, "the message is not JSON") from None
    if not isinstance(fields, dict):
        raise EnvelopeError(BAD_MARKUP, "the message is not a JSON object")
    return fields


def kind_of(fields: Fields) -> str:
    """Return the stable name: "aibot/text", "aibot/enter_chat", "aibot/stream"."""
    kind = _text(fields, "msgtype")
    if kind == "event":
        kind = _text(_inner(fields, "event"), "eventtype")
    return f"{RECEIVER}/{kind}"[:64]


def decode(plaintext: bytes) -> platform.PlatformEvent:
    """Return the record of a verified callback, UnknownEvent when we have none. Raises EnvelopeError."""
    fields = parse(plaintext)
    kind = kind_of(fields)
    make = _RECORDS.get(kind.removeprefix(f"{RECEIVER}/"))
    record = make(kind, fields) if make is not None else None
    return record or platform.UnknownEvent(receiver=RECEIVER, kind=kind, created_at=_created_at(fields))


def _asked(kind: str, fields: Fields) -> platform.PlatformEvent | None:
    text, unread = _words(fields)
    quote = fields.get("quote")
    quoted, _ = _words(quote) if isinstance(quote, dict) else ("", "")
    msgid, staff_id = _text(fields, "msgid", _ID_LIMIT), _text(_inner(fields, "from"), "userid", 64)
    if not msgid or not staff_id:
        return None
    return colleague.ColleagueAsked(
        receiver=RECEIVER,
        kind=kind,
        created_at=_created_at(fields),
        msgid=msgid,
        staff_id=staff_id,
        chat_id=_text(fields, "chatid", 64) if fields.get("chattype") != "single" else "",
        text=_MENTION.sub("", text).strip()[:TEXT_LIMIT],
        quoted=_MENTION.sub("", quoted).strip()[:TEXT_LIMIT],
        unread=unread,
        response_url=_text(fields, "response_url", _URL_LIMIT),
    )


def _entered(kind: str, fields: Fields) -> platform.PlatformEvent | None:
    msgid, staff_id = _text(fields, "msgid", _ID_LIMIT), _text(_inner(fields, "from"), "userid", 64)
    if not msgid or not staff_id:
        return None
    return colleague.ColleagueEntered(
        receiver=RECEIVER, kind=kind, created_at=_created_at(fields), msgid=msgid, staff_id=staff_id
    )


def _rated(kind: str, fields: Fields) -> platform.PlatformEvent | None:
    rated = _inner(_inner(fields, "event"), "feedback_event")
    msgid, staff_id = _text(fields, "msgid", _ID_LIMIT), _text(_inner(fields, "from"), "userid", 64)
    stream_id, given = _text(rated, "id", _STREAM_LIMIT), rated.get("type")
    if not msgid or not stream_id or given not in list(colleague.Feedback):
        return None
    return colleague.AnswerRated(
        receiver=RECEIVER,
        kind=kind,
        created_at=_created_at(fields),
        msgid=msgid,
        staff_id=staff_id,
        stream_id=stream_id,
        feedback=colleague.Feedback(int(given)),
    )


def _stream_asked(kind: str, fields: Fields) -> platform.PlatformEvent | None:
    stream_id = _text(_inner(fields, "stream"), "id", _STREAM_LIMIT)
    if not stream_id:
        return None
    return colleague.StreamAsked(receiver=RECEIVER, kind=kind, created_at=None, stream_id=stream_id)


_RECORDS: dict[str, Callable[[str, Fields], platform.PlatformEvent | None]] = {
    **dict.fromkeys(("text", "image", "mixed", "voice", "file", "video"), _asked),
    "stream": _stream_asked,
    "enter_chat": _entered,
    "feedback_event": _rated,
}


def _words(fields: Fields) -> tuple[str, str]:
    """Return the words of a message, and the kind of what it holds besides that is no words."""
    kind = _text(fields, "msgtype")
    if kind == "mixed":
        parts = _inner(fields, "mixed").get("msg_item")
        read = [_words(part) for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        texts = [text for text, _ in read if text]
        return "\n".join(texts), next((unread for _, unread in read if unread), "")
    if kind in ("text", "voice"):
        return _text(_inner(fields, kind), "content", 4 * TEXT_LIMIT), ""
    return "", kind[:16]


def _inner(fields: Fields, name: str) -> Fields:
    inner = fields.get(name)
    return inner if isinstance(inner, dict) else {}


def _text(fields: Fields, name: str, limit: int = 64) -> str:
    """Return a text, cut at `limit`; what UTF-8 and the database do not hold is dropped."""
    value = fields.get(name)
    if not isinstance(value, str):
        return ""
    return value.encode(errors="ignore").decode().replace("\0", "").strip()[:limit]


def _created_at(fields: Fields) -> datetime | None:
    value = fields.get("create_time")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


# What we answer


def stream(stream_id: str, content: str, *, is_finished: bool, feedback_id: str = "") -> bytes:
    """Return a frame of a growing answer; `content` is all of it so far. `feedback_id`: in the first frame only."""
    frame: Fields = {"id": stream_id, "finish": is_finished, "content": cut(content)}
    if feedback_id:
        frame["feedback"] = {"id": feedback_id}
    return _sealed_later({"msgtype": "stream", "stream": frame})


def welcome(content: str) -> bytes:
    """Return what a member reads on opening the single chat."""
    return _sealed_later({"msgtype": "text", "text": {"content": cut(content)}})


def late(content: str, feedback_id: str) -> bytes:
    """Return the body for a response_url: plain JSON, not encrypted (WeCom doc 101138)."""
    markdown = {"content": cut(content), "feedback": {"id": feedback_id}}
    return _sealed_later({"msgtype": "markdown", "markdown": markdown})


def cut(content: str) -> str:
    """Return the text as far as the platform takes it, "…" at the end where something is missing."""
    raw = content.encode(errors="ignore")
    if len(raw) <= CONTENT_LIMIT_BYTES:
        return raw.decode()
    return raw[: CONTENT_LIMIT_BYTES - 3].decode(errors="ignore") + "…"


def _sealed_later(body: Fields) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

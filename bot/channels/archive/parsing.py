"""Plain text of an archived message -> the house's record.

Every type of WeCom doc 91552 and whatever comes later: an unknown type is kept with what words it has. `text` is what a
person would read, without a word of ours: content, file name, title; parts of a nested message stand one a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.archive import Action, Archived, ConsentStatus, ConsentWord, Entry, FileTold

Fields = Mapping[str, Any]

# Where the body stands when it is not under the type's own name.
_BODIES = {
    "external_redpacket": "redpacket",
    "docmsg": "doc",
    "meeting_notification": "info",
    "markdown": "info",
    "news": "info",
    "voiptext": "info",
    "qydiskfile": "info",
    "solitaire": "info",
    "note": "info",
}
# What a person reads of each type, in this order.
_WORDS: dict[str, tuple[str, ...]] = {
    "text": ("content",),
    "markdown": ("content",),
    "card": ("corpname", "userid"),
    "location": ("title", "address"),
    "file": ("filename",),
    "voip_doc_share": ("filename",),
    "qydiskfile": ("filename", "url"),
    "link": ("title", "description", "link_url"),
    "weapp": ("title", "displayname", "description"),
    "todo": ("title", "content"),
    "vote": ("votetitle", "voteitem"),
    "redpacket": ("wish",),
    "external_redpacket": ("wish",),
    "meeting": ("topic", "address", "remarks"),
    "meeting_notification": ("content",),
    "docmsg": ("title", "link_url"),
    "calendar": ("title", "place", "remarks"),
    "sphfeed": ("sph_name", "feed_desc"),
    "solitaire": ("solitaire_content",),
}
_NO_WORDS = frozenset({"image", "voice", "video", "emotion", "revoke", "agree", "disagree", "voiptext"})
# Of a type nobody has told us of.
_USUAL = ("title", "content", "description", "filename")
# Lists of parts, and what of a part is read when it has no type of its own.
_PARTS = ("item", "items", "details", "demofiledata")
_PART_WORDS = ("title", "description", "url", "ques", "filename")
_SIZES = ("filesize", "voice_size", "imagesize")
_CONSENTS = {"agree": ConsentStatus.AGREE, "disagree": ConsentStatus.DISAGREE}
_ACTIONS = {one.value: one for one in Action}
_DEPTH = 8
_SHORT_KINDS = {"meeting_voice_call": "voice_call"}


class Unreadable(Exception):
    """What was decrypted is no message."""


@dataclass(kw_only=True)
class _Found:
    """What was found on the way through a body."""

    lines: list[str] = field(default_factory=list)
    files: list[FileTold] = field(default_factory=list)

    def add(self, value: object) -> None:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and (line := clean(one).strip("\r\n")):
                self.lines.append(line)


def parse(entry: Entry, plain: str) -> Archived:
    """Return the record of a decrypted message. Raises Unreadable."""
    fields = _load(plain)
    if fields is None:
        raise Unreadable("no JSON object")
    kind = _text(fields, "msgtype") or (Action.SWITCH if fields.get("action") == Action.SWITCH else "unknown")
    body = _body(fields, kind)
    found = _Found()
    _read(kind, body, found, _DEPTH)
    receivers = fields.get("tolist")
    one = Archived(
        seq=entry.seq,
        msgid=entry.msgid,
        action=_ACTIONS.get(_text(fields, "action"), Action.OTHER),
        sender=_text(fields, "from") or _text(fields, "user"),
        receivers=tuple(clean(who)[:64] for who in receivers if isinstance(who, str))
        if isinstance(receivers, list)
        else (),
        room_id=_text(fields, "roomid"),
        told_at=_moment(fields.get("msgtime", fields.get("time"))),
        kind=kind[:32],
        text="\n".join(found.lines),
        raw=clean(plain),
        files=tuple(found.files),
        recalled_msgid=_text(body, "pre_msgid", 128) if kind == "revoke" else "",
    )
    return one if kind not in _CONSENTS else _with_consent(one, body)


def is_customer(who: str) -> bool:
    """Say whether an id looks like that of somebody outside the company (WeCom doc 91552).

    A member's UserID is the company's own choice and may look the same: who is known as one is one.
    """
    return who.startswith(("wm", "wo"))


def is_robot(who: str) -> bool:
    """Say whether an id looks like that of a group robot."""
    return who.startswith("wb")


def is_external(msgid: str) -> bool | None:
    """Say whether a conversation has people from outside; None when the id does not tell."""
    if msgid.endswith("_external"):
        return True
    return False if msgid.endswith("_updown_stream") else None


def clean(text: str) -> str:
    """Return `text` as both databases take it: no zero character, no half of a surrogate pair."""
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _load(plain: str) -> dict[str, Any] | None:
    """Return a JSON object; raw control characters are put up with."""
    try:
        loaded = json.loads(plain, strict=False)
    except (ValueError, RecursionError):
        return None
    return loaded if isinstance(loaded, dict) else None


def _body(fields: Fields, kind: str) -> Fields:
    names = (_BODIES.get(kind, kind), kind, "info")
    found = (fields[name] for name in names if isinstance(fields.get(name), dict))
    anything = (value for value in fields.values() if isinstance(value, dict))
    return next(found, None) or next(anything, {})


def _read(kind: str, body: Fields, found: _Found, depth: int) -> None:
    """Collect the lines and files of a body and of what is nested in it."""
    if kind not in _NO_WORDS:
        usual = _USUAL if kind not in _WORDS else ()
        for name in (*_WORDS.get(kind, ()), *usual):
            found.add(body.get(name))
    file_id = body.get("sdkfileid")
    if isinstance(file_id, str) and file_id:
        found.files.append(
            FileTold(
                place=len(found.files),
                kind=_SHORT_KINDS.get(kind, kind)[:16],
                file_id=clean(file_id),
                md5=_text(body, "md5sum", 32).lower(),
                size_bytes=_size(body),
            )
        )
    if depth <= 0:
        return
    for part in _parts(body):
        _read_part(part, found, depth - 1)


def _parts(body: Fields) -> Iterator[Fields]:
    for name in _PARTS:
        parts = body.get(name)
        if isinstance(parts, list):
            yield from (part for part in parts if isinstance(part, dict))


def _read_part(part: Fields, found: _Found, depth: int) -> None:
    kind = _text(part, "type") or _text(part, "msg_type")
    content = part.get("content")
    if not kind or content is None:
        for name in _PART_WORDS:
            found.add(part.get(name))
        return
    kind = kind.removeprefix("ChatRecord").lower() if kind.startswith("ChatRecord") else kind
    inner = content if isinstance(content, dict) else _load(content) if isinstance(content, str) else None
    if inner is None:
        found.add(content)  # Not the JSON it should be: the words as they stand.
        return
    _read(kind, inner, found, depth)


def _with_consent(one: Archived, body: Fields) -> Archived:
    """Return the message with what the customer said about the archive."""
    told = _text(body, "userid")
    customer = next((who for who in (told, one.sender, *one.receivers) if is_customer(who)), told)
    others = [who for who in (one.sender, *one.receivers) if who and who != customer]
    # Whom the customer spoke to is a member, also one whose UserID looks like a customer's.
    others.sort(key=is_customer)
    staff = "" if one.room_id or not others else others[0]
    changed_at = _moment(body.get(f"{one.kind}_time")) or one.told_at
    if not customer or not (staff or one.room_id) or changed_at is None:
        return one
    word = ConsentWord(
        customer_id=customer,
        staff_id=staff,
        chat_id=one.room_id,
        status=_CONSENTS[one.kind],
        changed_at=changed_at,
    )
    return Archived(**{**one.__dict__, "consent": word})


def _text(fields: Fields, name: str, most: int = 64) -> str:
    value = fields.get(name)
    return clean(value).strip()[:most] if isinstance(value, str) else ""


def _size(body: Fields) -> int:
    for name in _SIZES:
        value = body.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**62:
            return value
    return 0


def _moment(milliseconds: object) -> datetime | None:
    if isinstance(milliseconds, str) and milliseconds.isdecimal() and len(milliseconds) <= _DIGITS:
        milliseconds = int(milliseconds)
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool) or milliseconds <= 0:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


_DIGITS = 18
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

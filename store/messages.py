"""Messages, in both directions, and recalls. Append-only; the text stands apart and can be erased.

The digest covers what was said and a salt that is kept with the text: once the body is erased, the digest still proves
the record whole but no longer lets anybody guess the words.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.talk import Author
from store import audit_marks, dialect
from store.tables import media, message, message_body, recall


@dataclass(frozen=True, kw_only=True)
class NewMessage:
    """A message to be recorded. `source` names whose ids `msgid` belongs to, e.g. "kf:wkA1".

    `servicer_id`: the member who said it; `sender_id`: which customer or robot, where the conversation alone does not
    tell (groups). `consent_id`: what the customer had said about archiving, where that is needed.
    """

    conversation_id: int
    source: str
    msgid: str
    author: Author
    kind: str
    sent_at: datetime
    text: str = ""
    menu_id: str = ""
    raw: str = ""
    servicer_id: str = ""
    media_id: str = ""
    sender_id: str = ""
    consent_id: int | None = None


async def find_known(tx: AsyncConnection, source: str, msgids: Sequence[str]) -> set[str]:
    """Return those of `msgids` that are recorded already."""
    known: set[str] = set()
    for start in range(0, len(msgids), 500):
        part = {"source": source, "msgids": list(msgids[start : start + 500])}
        rows = await tx.execute(_FIND_KNOWN, part)
        known.update(rows.scalars().all())
    return known


async def add(tx: AsyncConnection, new: Sequence[NewMessage], now: datetime) -> list[int]:
    """Record messages with their bodies, and files to fetch; return their ids in the order given.

    The audit is told where to look from, in the same transaction.
    """
    if not new:
        return []
    salts = [secrets.token_hex(16) for _ in new]
    rows = [
        {
            "conversation_id": one.conversation_id,
            "source": one.source,
            "msgid": one.msgid,
            "author": one.author,
            "servicer_id": one.servicer_id,
            "sender_id": one.sender_id,
            "consent_id": one.consent_id,
            "kind": one.kind,
            "sent_at": one.sent_at,
            "recorded_at": now,
            "digest": digest_of(one, salt),
        }
        for one, salt in zip(new, salts, strict=True)
    ]
    ids = list((await tx.execute(_ADD, rows)).scalars().all())
    await tx.execute(
        _ADD_BODIES,
        [
            {"message_id": id_, "salt": salt, "text": one.text, "menu_id": one.menu_id, "raw": one.raw}
            for id_, salt, one in zip(ids, salts, new, strict=True)
        ],
    )
    files = [
        {"message_id": id_, "platform_id": one.media_id, "kind": one.kind, "state": "due", "due_at": now}
        for id_, one in zip(ids, new, strict=True)
        if one.media_id
    ]
    if files:
        await tx.execute(sa.insert(media), files)
    await audit_marks.mark(tx, _earliest(new), now)
    return ids


def _earliest(new: Sequence[NewMessage]) -> dict[int, datetime]:
    """Return when the first of what is new was said, by conversation."""
    earliest: dict[int, datetime] = {}
    for one in new:
        known = earliest.get(one.conversation_id)
        if known is None or one.sent_at < known:
            earliest[one.conversation_id] = one.sent_at
    return earliest


def digest_of(new: NewMessage, salt: str) -> str:
    """Return the salted SHA-256 (hex) over everything a message says."""
    parts = [salt, new.source, new.msgid, new.author, new.kind, new.text, new.menu_id, new.raw]
    said = "\x1f".join(parts)
    return hashlib.sha256(said.encode()).hexdigest()


async def record_recall(
    tx: AsyncConnection, *, conversation_id: int, source: str, msgid: str, recalled_by: Author, at: datetime
) -> None:
    """Record that a message was taken back; the message itself stays, and the audit looks again."""
    row = {
        "conversation_id": conversation_id,
        "source": source,
        "msgid": msgid,
        "recalled_by": recalled_by,
        "recalled_at": at,
    }
    done = await tx.execute(dialect.insert(tx, recall).values(row).on_conflict_do_nothing())
    if done.rowcount:
        await audit_marks.mark_recall(tx, conversation_id, source, msgid, at, at)


async def list_bubbles(tx: AsyncConnection, conversation_id: int, first_id: int, last_id: int) -> list[Any]:
    """Return what the customer wrote between two messages, oldest first, without what was taken back."""
    wanted = {"conversation": conversation_id, "first": first_id, "last": last_id}
    return list((await tx.execute(_LIST_BUBBLES, wanted)).all())


_FIND_KNOWN = sa.select(message.c.msgid).where(
    message.c.source == sa.bindparam("source"), message.c.msgid.in_(sa.bindparam("msgids", expanding=True))
)
_ADD = sa.insert(message).returning(message.c.id, sort_by_parameter_order=True)
_ADD_BODIES = sa.insert(message_body)
_LIST_BUBBLES = (
    sa.select(
        message.c.id,
        message.c.msgid,
        message.c.kind,
        message.c.sent_at,
        message_body.c.text,
        message_body.c.menu_id,
    )
    .join(message_body, message_body.c.message_id == message.c.id)
    .where(
        message.c.conversation_id == sa.bindparam("conversation"),
        message.c.id.between(sa.bindparam("first"), sa.bindparam("last")),
        message.c.author == Author.CUSTOMER,
        ~sa.exists().where(recall.c.source == message.c.source, recall.c.msgid == message.c.msgid),
    )
    .order_by(message.c.id)
)

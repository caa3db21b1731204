"""What was said, as the audit reads it: messages of many conversations at once, each once, with what is known of them.

Of a message that two sources told, the twin is left out; a twin that was a mass send tells that the message was one.
Scheduled are mass sends, what our outbox said without a customer's turn behind it (welcomes, notices, questions for
satisfaction), and what a person sent by one tap for another reason than service (posts of an SOP).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.archive import ConsentStatus
from domain.audit import ASSIGNED, Said, TalkKind
from domain.delivery import Purpose
from domain.platform import MessageKind
from domain.talk import Author
from store.columns import UtcTime
from store.tables import (
    consent,
    conversation,
    delivery,
    group,
    message,
    message_body,
    message_twin,
    recall,
    turn,
)

MASS, ARCHIVE, WITHHELD = "mass", "archive", "withheld"
# What was said under these words about the archive is on record and not analysed: a platform's default is no consent.
UNSEEN = frozenset({ConsentStatus.DISAGREE, ConsentStatus.DEFAULT_AGREE})
# A twin may have been told so much earlier than the message itself (store/twins.py).
_TWIN_MARGIN = timedelta(minutes=10)
# Conversations that are read in one statement, and how far apart their beginnings may be: what lies between the
# earliest one and a conversation's own is read in vain.
_TOGETHER, _SPREAD = 100, timedelta(days=1)
# What gives a talk to a member (WeCom doc 94670): taken from the pool, handed over, taken up again.
_GIVING = frozenset({1, 2, 4})
_KINDS = frozenset(str(kind) for kind in TalkKind)
# Looking one up is ten times quicker than Author(…), and there are millions.
_AUTHORS = {str(author): author for author in Author}


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A conversation as far as the audit needs it. `staff_id`: the member of a chat, the owner of a group, else ""."""

    id: int
    kind: TalkKind
    account_id: str
    staff_id: str = ""
    customer_id: int | None = None


async def list_talks(tx: AsyncConnection, ids: Sequence[int]) -> dict[int, Talk]:
    """Return conversations by id; one of a channel that is no talk of the audit is left out."""
    found: dict[int, Talk] = {}
    for start in range(0, len(ids), _TOGETHER):
        rows = await tx.execute(_TALKS, {"ids": list(ids[start : start + _TOGETHER])})
        for row in rows.all():
            if row.channel in _KINDS:
                kind = TalkKind(row.channel)
                staff_id = {TalkKind.CHAT: row.account_id, TalkKind.GROUP: row.owner or ""}.get(kind, "")
                found[row.id] = Talk(
                    id=row.id,
                    kind=kind,
                    account_id=row.account_id,
                    staff_id=staff_id,
                    customer_id=row.customer_id,
                )
    return found


async def read_said(
    tx: AsyncConnection,
    conversation_id: int,
    since: datetime,
    *,
    limit: int | None = None,
    unseen: Collection[str] = UNSEEN,
) -> list[Said]:
    """Return what was said in a conversation from `since` on, in order of time; the first `limit` of it.

    `unseen`: words about the archive under which nothing may be analysed (domain.archive.ConsentStatus).
    """
    rows = await tx.execute(_one(limit), _given([conversation_id], since))
    return _of_rows(rows.all(), {conversation_id: since}, unseen)[conversation_id]


async def read_many(
    tx: AsyncConnection,
    since: Mapping[int, datetime],
    most: int,
    *,
    unseen: Collection[str] = UNSEEN,
) -> dict[int, list[Said]] | None:
    """Return what was said in each conversation from its own moment on, in order of time; `unseen` as in read_said.

    None when it is more than `most` messages: count them then, and take less at once.
    """
    found: dict[int, list[Said]] = {}
    left = most
    for together in _grouped(since):
        given = _given(together, min(since[one] for one in together)) | {"most": left + 1}
        rows = (await tx.execute(_SOME, given)).all()
        left -= len(rows)
        if left < 0:
            return None
        found |= _of_rows(rows, {one: since[one] for one in together}, unseen)
    return found


async def count_many(tx: AsyncConnection, since: Mapping[int, datetime]) -> dict[int, int]:
    """Return how many messages each conversation has from its moment on; those without any are missing."""
    found: dict[int, int] = {}
    for together in _grouped(since):
        rows = await tx.execute(_COUNT, _given(together, min(since[one] for one in together)))
        found |= {row.conversation_id: row.count for row in rows.all()}
    return found


def _grouped(since: Mapping[int, datetime]) -> list[list[int]]:
    """Return conversations in groups that begin about the same time."""
    groups: list[list[int]] = []
    for one in sorted(since, key=lambda number: (since[number], number)):
        last = groups[-1] if groups else []
        if not last or len(last) >= _TOGETHER or since[one] - since[last[0]] > _SPREAD:
            groups.append([one])
        else:
            last.append(one)
    return groups


def _given(ids: Sequence[int], since: datetime) -> dict[str, Any]:
    return {"ids": list(ids), "since": since - _TWIN_MARGIN}


def _of_rows(
    rows: Sequence[Any], since: Mapping[int, datetime], unseen: Collection[str]
) -> dict[int, list[Said]]:
    found: dict[int, list[Said]] = {one: [] for one in since}
    posts: set[int] = set()
    for row in rows:
        if row.twin_of is not None:
            if row.source == MASS or _is_post(row):
                posts.add(row.twin_of)
        elif row.sent_at >= since[row.conversation_id]:
            found[row.conversation_id].append(_said(row, unseen))
    if posts:
        for number, said in found.items():
            found[number] = [replace(one, is_scheduled=True) if one.id in posts else one for one in said]
    return found


def _said(row: Any, unseen: Collection[str]) -> Said:
    author = _AUTHORS[row.author]
    is_seen = row.erased_at is None and row.kind != WITHHELD and row.consent not in unseen
    given_to = _given_to(row.event) if author is Author.SYSTEM and row.event else ""
    return Said(
        id=row.id,
        conversation_id=row.conversation_id,
        msgid=row.msgid,
        author=author,
        kind=row.kind,
        sent_at=row.sent_at,
        text=(row.text or "") if is_seen else "",
        staff_id=given_to or (row.servicer_id if author is Author.SERVICER else ""),
        sender_id=row.sender_id,
        is_recalled=row.recalled_id is not None,
        is_scheduled=row.source == MASS or _is_post(row),
        is_seen=is_seen,
        source=row.source,
        decision=ASSIGNED if given_to else (row.decision or ""),
        digest=row.digest,
    )


def _is_post(row: Any) -> bool:
    if row.purpose is None:
        return False
    if row.author == Author.BOT:
        return row.turn_id is None
    return bool(row.purpose != Purpose.SERVICE)


def _given_to(raw: str) -> str:
    """Return the member to whom an event of customer service gave the talk; "" for any other event."""
    try:
        event = json.loads(raw).get("event", {})
    except (ValueError, AttributeError):
        return ""
    if not isinstance(event, dict) or event.get("event_type") != "session_status_change":
        return ""
    return str(event.get("new_servicer_userid") or "") if event.get("change_type") in _GIVING else ""


_TALKS = (
    sa.select(
        conversation.c.id,
        conversation.c.channel,
        conversation.c.account_id,
        conversation.c.customer_id,
        group.c.owner_platform_id.label("owner"),
    )
    .outerjoin(
        group, sa.and_(conversation.c.channel == TalkKind.GROUP, group.c.chat_id == conversation.c.account_id)
    )
    .where(conversation.c.id.in_(sa.bindparam("ids", expanding=True)))
)
_THESE = sa.and_(
    message.c.conversation_id.in_(sa.bindparam("ids", expanding=True)),
    message.c.sent_at >= sa.bindparam("since", type_=UtcTime()),
)
_COUNT = (
    sa.select(message.c.conversation_id, sa.func.count().label("count"))
    .where(_THESE)
    .group_by(message.c.conversation_id)
)
# Only what is not the archive's can be a delivery; its keys are never the archive's msgids.
_IS_DELIVERY = sa.and_(message.c.source != ARCHIVE, delivery.c.key == message.c.msgid)
_MANY = (
    sa.select(
        message.c.id,
        message.c.conversation_id,
        message.c.msgid,
        message.c.author,
        message.c.servicer_id,
        message.c.sender_id,
        message.c.kind,
        message.c.source,
        message.c.sent_at,
        message.c.digest,
        message_body.c.text,
        message_body.c.erased_at,
        # Raw is long, and only events of customer service are read in it.
        sa.case(
            (
                sa.and_(message.c.author == Author.SYSTEM, message.c.kind == MessageKind.EVENT),
                message_body.c.raw,
            ),
            else_="",
        ).label("event"),
        consent.c.status.label("consent"),
        recall.c.id.label("recalled_id"),
        message_twin.c.message_id.label("twin_of"),
        delivery.c.purpose,
        delivery.c.turn_id,
        turn.c.decision,
    )
    .outerjoin(message_body, message_body.c.message_id == message.c.id)
    .outerjoin(consent, consent.c.id == message.c.consent_id)
    .outerjoin(recall, sa.and_(recall.c.source == message.c.source, recall.c.msgid == message.c.msgid))
    .outerjoin(message_twin, message_twin.c.twin_id == message.c.id)
    .outerjoin(delivery, _IS_DELIVERY)
    .outerjoin(turn, turn.c.id == delivery.c.turn_id)
    .where(_THESE)
    .order_by(message.c.conversation_id, message.c.sent_at, message.c.id)
)
_SOME = _MANY.limit(sa.bindparam("most"))


def _one(limit: int | None) -> sa.Select[Any]:
    return _MANY if limit is None else _MANY.limit(limit)

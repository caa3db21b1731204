"""Erasing words, lawfully: what was said goes, that it was said stays.

Of a message go its text, raw form, menu id and salt, its files, its places in the search index, and what quotes it:
notes of findings (and what old evaluations kept of them), objects of promises, texts of questions and notices, reasons
of matches, suggestions that answered it, the body of the delivery it left as. Its row, its digest and an `erasure` row
(who, when, why, by which law) stay, so the chain stays whole. What people wrote themselves about a talk (notes of
cases, reviews, appeals, coaching) is theirs and stays. A legal hold beats all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import desk_erasures, dialect, holds, search_index
from store.tables import (
    conversation,
    delivery,
    erasure,
    evaluation,
    finding,
    finding_span,
    match,
    media,
    message,
    message_body,
    notice,
    promise,
    question,
    session,
    turn,
)

# request: the customer asked (PIPL 47); retention: its time is over; consent: it was withdrawn (PIPL 15, 47).
REASONS = ("request", "retention", "consent")
# Messages of one transaction: each touches some tens of lists of the index.
CHUNK = 200
_UNSENT = ("due", "claimed", "attempting", "held")


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What was done: messages whose words are gone now, and those a hold keeps."""

    message_ids: tuple[int, ...]
    held_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """That a message's words are gone."""

    message_id: int
    reason: str
    law: str
    erased_by: str
    erased_at: datetime
    note: str


async def erase(
    tx: AsyncConnection,
    message_ids: Sequence[int],
    *,
    reason: str,
    law: str,
    by: str,
    now: datetime,
    case_id: int | None = None,
    note: str = "",
) -> Erased:
    """Erase the words of these messages, at most CHUNK of them. What is erased already is left out of the answer.

    Files are marked and deleted by whoever calls `list_doomed_files` after the commit. Raises ValueError for a reason
    that is none.
    """
    if reason not in REASONS:
        raise ValueError(f"no reason to erase: {reason}")
    rows = await _read(tx, message_ids)
    held = await holds.list_held(tx, {row.conversation_id for row in rows})
    kept = tuple(row.id for row in rows if row.conversation_id in held)
    gone = [row for row in rows if row.conversation_id not in held]
    if gone:
        why = {"reason": reason, "law": law[:128], "erased_by": by[:64], "erased_at": now}
        records = [{"message_id": row.id, **why, "case_id": case_id, "note": note} for row in gone]
        await tx.execute(dialect.insert(tx, erasure).on_conflict_do_nothing(), records)
        await search_index.remove(tx, {row.id: row.text for row in gone if row.text})
        await _blank(tx, gone, now)
    return Erased(message_ids=tuple(row.id for row in gone), held_ids=kept)


async def _read(tx: AsyncConnection, message_ids: Sequence[int]) -> Sequence[Any]:
    wanted = (
        sa.select(
            message.c.id,
            message.c.conversation_id,
            message.c.source,
            message.c.msgid,
            message.c.sent_at,
            message_body.c.text,
        )
        .join(message_body, message_body.c.message_id == message.c.id)
        .where(message.c.id.in_(list(message_ids)), message_body.c.erased_at.is_(None))
        .order_by(message.c.id)
    )
    # Two who erase at once: the second waits and then finds nothing left.
    locked = wanted if tx.dialect.name == "sqlite" else wanted.with_for_update(of=message_body)
    return (await tx.execute(locked)).all()


async def _blank(tx: AsyncConnection, gone: Sequence[Any], now: datetime) -> None:
    ids = [row.id for row in gone]
    empty = {"text": "", "raw": "", "menu_id": "", "salt": "", "erased_at": now}
    await _set(tx, message_body, message_body.c.message_id.in_(ids), **empty)
    files = {"state": "erased", "platform_id": "", "told_md5": "", "error": None}
    await _set(tx, media, media.c.message_id.in_(ids), **files, lease_owner=None, lease_until=None)
    await _blank_quotes(tx, gone)
    await desk_erasures.blank_of_messages(tx, ids, now)
    turns = sa.select(turn.c.id).where(turn.c.last_message_id.in_(ids))
    await _set(tx, match, match.c.turn_id.in_(turns), reasons=[])
    keys = [row.msgid for row in gone if row.source.startswith(("outbox:", "sidebar"))]
    await _set(tx, delivery, sa.and_(delivery.c.key.in_(keys), delivery.c.state.not_in(_UNSENT)), body={})
    talks = conversation.c.id.in_({row.conversation_id for row in gone})
    await _set(tx, conversation, talks, topic_faq_id="", topic_slots="", topic_at=None)


async def lock_erased(tx: AsyncConnection, message_ids: Iterable[int]) -> list[int]:
    """Return which of these messages were erased; the others are not erased before this transaction ends.

    For whoever read words before and is about to write what quotes them: to be called before the first such write.
    """
    ids, found = sorted(set(message_ids)), list[int]()
    for start in range(0, len(ids), CHUNK):
        wanted = (
            sa.select(message_body.c.message_id, message_body.c.erased_at)
            .where(message_body.c.message_id.in_(ids[start : start + CHUNK]))
            .order_by(message_body.c.message_id)
        )
        locked = wanted if tx.dialect.name == "sqlite" else wanted.with_for_update(read=True)
        found += [row.message_id for row in (await tx.execute(locked)).all() if row.erased_at is not None]
    return found


async def blank_quotes(tx: AsyncConnection, message_ids: Sequence[int]) -> None:
    """Empty what quotes these messages, which were erased before what quotes them was written."""
    for start in range(0, len(message_ids), CHUNK):
        wanted = sa.select(message.c.id, message.c.conversation_id, message.c.sent_at).where(
            message.c.id.in_(list(message_ids[start : start + CHUNK]))
        )
        await _blank_quotes(tx, (await tx.execute(wanted)).all())


async def _blank_quotes(tx: AsyncConnection, gone: Sequence[Any]) -> None:
    ids = [row.id for row in gone]
    quoting = sa.select(finding_span.c.finding_id).where(finding_span.c.message_id.in_(ids))
    await _set(tx, finding, finding.c.id.in_(quoting), note="")
    await _set(tx, promise, promise.c.message_id.in_(ids), object="")
    asked = sa.select(question.c.id).where(question.c.message_id.in_(ids))
    await _set(tx, notice, notice.c.question_id.in_(asked), text="")
    await _set(tx, question, question.c.message_id.in_(ids), text="")
    await _blank_evaluations(tx, gone)


async def _blank_evaluations(tx: AsyncConnection, gone: Sequence[Any]) -> None:
    """Take out of the evaluations, also old ones, why points were taken off: rows of before kept findings' notes there.

    Of every session that went on while one of the messages was said, and those with a finding that names one.
    """
    moments: dict[int, list[datetime]] = {}
    for row in gone:
        moments.setdefault(row.conversation_id, []).append(row.sent_at)
    around = [
        sa.and_(
            session.c.conversation_id == number,
            session.c.started_at <= max(at),
            session.c.ended_at >= min(at),
        )
        for number, at in moments.items()
    ]
    naming = (
        sa.select(finding.c.session_id)
        .join(finding_span, finding_span.c.finding_id == finding.c.id)
        .where(finding_span.c.message_id.in_([row.id for row in gone]))
    )
    held = sa.select(session.c.id).where(sa.or_(*around, session.c.id.in_(naming)))
    wanted = sa.select(evaluation.c.id, evaluation.c["items"]).where(evaluation.c.session_id.in_(held))
    for row in (await tx.execute(wanted)).all():
        if any(_is_quoting(item) for item in row.items):
            items = [{**item, "reason": ""} if _is_quoting(item) else item for item in row.items]
            await _set(tx, evaluation, evaluation.c.id == row.id, items=items)


def _is_quoting(item: Mapping[str, Any]) -> bool:
    """Say whether an item tells more than why it did not apply, which quotes nobody."""
    return bool(item.get("reason")) and item["earned"] is not None


async def _set(tx: AsyncConnection, table: sa.Table, which: sa.ColumnElement[bool], **values: Any) -> None:
    await tx.execute(sa.update(table).where(which).values(values))


async def list_doomed_files(tx: AsyncConnection) -> list[str]:
    """Return digests of files whose messages were erased and that still lie in the media folder."""
    wanted = sa.select(media.c.digest).where(media.c.state == "erased", media.c.digest != "").distinct()
    return list((await tx.execute(wanted)).scalars())


async def is_file_wanted(tx: AsyncConnection, digest: str) -> bool:
    """Say whether a message that was not erased has this file."""
    wanted = sa.select(media.c.id).where(media.c.digest == digest, media.c.state != "erased").limit(1)
    return (await tx.execute(wanted)).one_or_none() is not None


async def forget_file(tx: AsyncConnection, digest: str) -> None:
    """Record that the file is gone, or stays for another message's sake."""
    await _set(tx, media, sa.and_(media.c.state == "erased", media.c.digest == digest), digest="")


async def list_messages(
    tx: AsyncConnection, conversation_id: int, *, sender_id: str = "", after: int = 0, limit: int = CHUNK
) -> list[int]:
    """Return messages of the conversation with words, those of one customer where `sender_id` is given."""
    wanted = (
        sa.select(message.c.id)
        .join(message_body, message_body.c.message_id == message.c.id)
        .where(
            message.c.conversation_id == conversation_id,
            message.c.id > after,
            message_body.c.erased_at.is_(None),
        )
        .order_by(message.c.id)
        .limit(limit)
    )
    if sender_id:
        wanted = wanted.where(message.c.sender_id == sender_id)
    return list((await tx.execute(wanted)).scalars())


async def count_of(tx: AsyncConnection, conversation_id: int, sender_id: str = "") -> tuple[int, int]:
    """Return how many messages of the conversation have their words, and how many were erased."""
    wanted = (
        sa.select(sa.func.count(), sa.func.count(message_body.c.erased_at))
        .select_from(message.join(message_body, message_body.c.message_id == message.c.id))
        .where(message.c.conversation_id == conversation_id)
    )
    if sender_id:
        wanted = wanted.where(message.c.sender_id == sender_id)
    everything, gone = (await tx.execute(wanted)).one()
    return everything - gone, gone


async def list_of(tx: AsyncConnection, message_ids: Sequence[int]) -> dict[int, Erasure]:
    """Return the erasures of these messages by message id."""
    rows = await tx.execute(sa.select(erasure).where(erasure.c.message_id.in_(list(message_ids))))
    return {
        row.message_id: Erasure(
            message_id=row.message_id,
            reason=row.reason,
            law=row.law,
            erased_by=row.erased_by,
            erased_at=row.erased_at,
            note=row.note,
        )
        for row in rows.all()
    }

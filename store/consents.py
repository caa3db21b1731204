"""What customers said about being archived. Append-only; the newest word at a moment counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.archive import Consent, ConsentSource, ConsentStatus, ConsentWord
from domain.talk import Author
from store import dialect
from store.tables import (
    archived_staff,
    consent,
    conversation,
    customer,
    group,
    group_member,
    message,
    message_body,
    relation,
    staff,
)

_CHUNK = 500
_ARCHIVE = "archive"

Subject = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Withdrawn:
    """A refusal, and when we came to know of it."""

    word: Consent
    recorded_at: datetime


async def add(
    tx: AsyncConnection,
    words: Sequence[ConsentWord],
    *,
    source: ConsentSource,
    policy_version: str,
    now: datetime,
) -> None:
    """Record words; one that is on record stays as it is. `policy_version`: of the text the customer was shown."""
    rows = [
        {
            "customer_platform_id": one.customer_id[:64],
            "staff_platform_id": one.staff_id[:64],
            "chat_id": one.chat_id[:64],
            "status": one.status,
            "source": source,
            "policy_version": policy_version[:32],
            "changed_at": one.changed_at,
            "recorded_at": now,
        }
        for one in words
    ]
    if rows:
        await tx.execute(dialect.insert_new(tx, consent), rows)


async def find_words(tx: AsyncConnection, subjects: Collection[Subject]) -> dict[Subject, list[Consent]]:
    """Return every word of each subject (customer, member, group), the oldest first; without one it is missing."""
    found: dict[Subject, list[Consent]] = {}
    names = sorted({subject[0] for subject in subjects})
    for start in range(0, len(names), _CHUNK):
        for row in (await tx.execute(_FIND, {"names": names[start : start + _CHUNK]})).all():
            one = _consent(row)
            if one.subject in subjects:
                found.setdefault(one.subject, []).append(one)
    return found


def word_at(words: Sequence[Consent], moment: datetime) -> Consent | None:
    """Return the word that held at a moment, of words with the oldest first; None when there was none yet."""
    return next((one for one in reversed(words) if one.changed_at <= moment), None)


async def list_withdrawn(tx: AsyncConnection, after_id: int, limit: int = 50) -> list[Withdrawn]:
    """Return words of refusal with a higher id than this one, by id: about, not quite, as they became known."""
    wanted = (
        sa.select(consent)
        .where(consent.c.id > after_id, consent.c.status == ConsentStatus.DISAGREE)
        .order_by(consent.c.id)
        .limit(limit)
    )
    rows = (await tx.execute(wanted)).all()
    return [Withdrawn(word=_consent(row), recorded_at=row.recorded_at) for row in rows]


async def list_told_under(
    tx: AsyncConnection, word: Consent, *, after_id: int = 0, limit: int = 200
) -> list[int]:
    """Return archived messages that have words and were said under a refusal, before it was known.

    In a group those of the customer, one to one those of both; up to the next word. In order, after `after_id`.
    """
    later = [
        one for one in (await find_words(tx, {word.subject})).get(word.subject, ()) if _is_after(one, word)
    ]
    conditions = [
        message.c.source == _ARCHIVE,
        message.c.id > after_id,
        message.c.sent_at >= word.changed_at,
        sa.or_(message_body.c.text != "", message_body.c.raw != ""),
        message_body.c.erased_at.is_(None),
        message.c.author != Author.SYSTEM,
    ]
    if later:
        conditions.append(message.c.sent_at < later[0].changed_at)
    wanted = (
        sa.select(message.c.id)
        .join(message_body, message_body.c.message_id == message.c.id)
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .outerjoin(customer, customer.c.id == conversation.c.customer_id)
        .where(*conditions, _said_to(word))
        .order_by(message.c.id)
        .limit(limit)
    )
    return list((await tx.execute(wanted)).scalars().all())


def _is_after(one: Consent, word: Consent) -> bool:
    return (one.changed_at, one.id) > (word.changed_at, word.id)


def _said_to(word: Consent) -> sa.ColumnElement[bool]:
    if word.chat_id:
        return sa.and_(
            conversation.c.channel == "group",
            conversation.c.account_id == word.chat_id,
            message.c.sender_id == word.customer_id,
        )
    return sa.and_(
        conversation.c.channel == "chat",
        conversation.c.account_id == word.staff_id,
        customer.c.platform_id == word.customer_id,
    )


async def list_unknown_pairs(
    tx: AsyncConnection, *, after: tuple[str, str], limit: int, before: datetime
) -> list[tuple[str, str]]:
    """Return (member, customer) of contacts of archived members whose word is not known or was checked before `before`.

    In order, after `after`.
    """
    checked = sa.exists().where(
        consent.c.customer_platform_id == customer.c.platform_id,
        consent.c.staff_platform_id == staff.c.platform_id,
        sa.or_(consent.c.source != ConsentSource.CHECK, consent.c.recorded_at >= before),
    )
    wanted = (
        sa.select(staff.c.platform_id, customer.c.platform_id)
        .select_from(relation)
        .join(staff, staff.c.id == relation.c.staff_id)
        .join(customer, customer.c.id == relation.c.customer_id)
        .join(archived_staff, archived_staff.c.staff_platform_id == staff.c.platform_id)
        .where(
            relation.c.to_at.is_(None),
            archived_staff.c.until_at.is_(None),
            sa.or_(
                staff.c.platform_id > after[0],
                sa.and_(staff.c.platform_id == after[0], customer.c.platform_id > after[1]),
            ),
            ~checked,
        )
        .order_by(staff.c.platform_id, customer.c.platform_id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in (await tx.execute(wanted)).all()]


async def list_unknown_groups(tx: AsyncConnection, *, after: str, limit: int) -> list[str]:
    """Return groups of archived owners in which a customer has no known word, in order after `after`."""
    owner = sa.select(archived_staff.c.staff_platform_id).where(archived_staff.c.until_at.is_(None))
    is_unknown = sa.exists().where(
        group_member.c.group_id == group.c.id,
        group_member.c.quit_at.is_(None),
        group_member.c.customer_id.is_not(None),
        ~sa.exists().where(
            consent.c.customer_platform_id == group_member.c.member_platform_id,
            consent.c.chat_id == group.c.chat_id,
        ),
    )
    wanted = (
        sa.select(group.c.chat_id)
        .where(
            group.c.owner_platform_id.in_(owner),
            group.c.dismissed_at.is_(None),
            group.c.chat_id > after,
            is_unknown,
        )
        .order_by(group.c.chat_id)
        .limit(limit)
    )
    return list((await tx.execute(wanted)).scalars().all())


# How long a word that we asked for is believed before it is asked again.
CHECK_AGAIN = timedelta(days=7)

_FIND = (
    sa.select(consent)
    .where(consent.c.customer_platform_id.in_(sa.bindparam("names", expanding=True)))
    .order_by(consent.c.changed_at, consent.c.id)
)


def _consent(row: Any) -> Consent:
    return Consent(
        id=row.id,
        customer_id=row.customer_platform_id,
        staff_id=row.staff_platform_id,
        chat_id=row.chat_id,
        status=ConsentStatus(row.status),
        changed_at=row.changed_at,
    )

"""What customers said about being archived. Append-only; the newest word at a moment counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.archive import Consent, ConsentSource, ConsentStatus, ConsentWord
from store import dialect
from store.tables import archived_staff, consent, customer, group, group_member, relation, staff

_CHUNK = 500

Subject = tuple[str, str, str]


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

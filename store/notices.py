"""Notices: what staff should be told. Anybody adds them; scheduler/attention.py decides on which card they go."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.attention import NewNotice, Notice, NoticeKind, NoticeState
from store import dialect
from store.tables import notice, staff

_CHUNK = 500
_WAITING = notice.c.state == "waiting"
_LISTED = notice.c.state == "listed"
_UNTOLD = [NoticeState.WAITING, NoticeState.LISTED]


async def add(tx: AsyncConnection, new: Sequence[NewNotice], now: datetime) -> None:
    """Add notices; a second one under the same key is dropped."""
    rows = [_row(one, now) for one in new]
    if rows:
        await tx.execute(dialect.insert_new(tx, notice), rows)


async def withdraw_of_occurrence(tx: AsyncConnection, occurrence_ids: Collection[int]) -> int:
    """Take back what nobody was told yet of these steps, because they were done or given up; return how many."""
    return await _withdraw(tx, notice.c.occurrence_id, occurrence_ids)


async def withdraw_of_question(tx: AsyncConnection, question_ids: Collection[int]) -> int:
    """Take back what nobody was told yet of these questions, because they were answered; return how many."""
    return await _withdraw(tx, notice.c.question_id, question_ids)


async def list_waiting(tx: AsyncConnection, recipients: Collection[str]) -> list[Notice]:
    """Return what waits to be told to these people, due or not, oldest due first."""
    wanted = sa.select(notice).where(_WAITING, notice.c.recipient.in_(sorted(recipients)))
    rows = (await tx.execute(wanted.order_by(notice.c.due_at, notice.c.id))).all()
    return [_notice(row) for row in rows]


async def list_of(tx: AsyncConnection, recipient: str, since: datetime) -> list[Notice]:
    """Return what was meant for or told to a person since `since` (by when it was added), newest first."""
    mine = sa.or_(notice.c.recipient == recipient, notice.c.told == recipient)
    wanted = sa.select(notice).where(mine, notice.c.created_at >= since).order_by(notice.c.id.desc())
    return [_notice(row) for row in (await tx.execute(wanted)).all()]


async def list_of_card(tx: AsyncConnection, card_id: int) -> list[Notice]:
    """Return what stood on a card, in the order it was due."""
    wanted = sa.select(notice).where(notice.c.card_id == card_id).order_by(notice.c.due_at, notice.c.id)
    return [_notice(row) for row in (await tx.execute(wanted)).all()]


# --- for scheduler/attention.py ------------------------------------------------------------------------------


async def list_due_recipients(tx: AsyncConnection, now: datetime, limit: int) -> list[str]:
    """Return up to `limit` people of whom something has to be looked at, the longest waiting first."""
    first = sa.func.min(notice.c.look_at)
    wanted = (
        sa.select(notice.c.recipient)
        .where(_WAITING, notice.c.look_at <= now)
        .group_by(notice.c.recipient)
        .order_by(first)
        .limit(limit)
    )
    return list((await tx.execute(wanted)).scalars().all())


async def find_next_look(tx: AsyncConnection) -> datetime | None:
    """Return when something waiting has to be looked at next; None when nothing waits."""
    found: datetime | None = (
        await tx.execute(sa.select(sa.func.min(notice.c.look_at)).where(_WAITING))
    ).scalar_one_or_none()
    return found


async def claim_person(tx: AsyncConnection, platform_id: str) -> bool:
    """Take a person's attention until `tx` ends; False while another worker has it.

    The person must be in the table of staff. On SQLite there is one writer anyway.
    """
    wanted = sa.select(staff.c.id).where(staff.c.platform_id == platform_id)
    return (await tx.execute(dialect.skip_locked(tx, wanted))).first() is not None


async def claim_waiting(tx: AsyncConnection, recipients: Collection[str]) -> list[Notice]:
    """Take what waits for these people, oldest due first; what another transaction is changing is left out."""
    wanted = sa.select(notice).where(_WAITING, notice.c.recipient.in_(sorted(recipients)))
    return await _claim(tx, wanted)


async def claim_listed(tx: AsyncConnection, told: str, since: datetime) -> list[Notice]:
    """Take what was added since `since` and stands on this person's page only."""
    wanted = sa.select(notice).where(_LISTED, notice.c.told == told, notice.c.created_at >= since)
    return await _claim(tx, wanted)


async def list_people_with_listed(tx: AsyncConnection, since: datetime, now: datetime) -> list[str]:
    """Return the people on whose page alone something stands, added since `since`, that is worth telling at `now`."""
    is_useful = sa.or_(notice.c.latest_at.is_(None), notice.c.latest_at > now)
    wanted = sa.select(notice.c.told).where(_LISTED, notice.c.created_at >= since, is_useful)
    return list((await tx.execute(wanted.distinct().order_by(notice.c.told))).scalars().all())


async def set_carded(tx: AsyncConnection, ids: Sequence[int], card_id: int, told: str) -> None:
    """Record that notices stand on a card to `told`."""
    await _set(tx, ids, state=NoticeState.CARDED, card_id=card_id, told=told)


async def set_listed(tx: AsyncConnection, ids: Sequence[int], told: str) -> None:
    """Record that notices stand on the page of `told` only."""
    await _set(tx, ids, state=NoticeState.LISTED, told=told)


async def set_look_at(tx: AsyncConnection, ids: Sequence[int], look_at: datetime) -> None:
    """Let notices rest until `look_at`."""
    await _set(tx, ids, look_at=look_at)


async def release_of_cards(tx: AsyncConnection, card_ids: Sequence[int]) -> int:
    """Put what stood on cards that never arrived onto the page; return how many."""
    done = await tx.execute(
        sa.update(notice)
        .where(notice.c.card_id.in_(card_ids), notice.c.state == "carded")
        .values(state=NoticeState.LISTED, card_id=None)
    )
    return done.rowcount


async def _claim(tx: AsyncConnection, wanted: sa.Select[Any]) -> list[Notice]:
    ordered = wanted.order_by(notice.c.due_at, notice.c.id)
    return [_notice(row) for row in (await tx.execute(dialect.skip_locked(tx, ordered))).all()]


async def _withdraw(tx: AsyncConnection, column: sa.Column[Any], ids: Collection[int]) -> int:
    count, wanted = 0, sorted(set(ids))
    for start in range(0, len(wanted), _CHUNK):
        done = await tx.execute(
            sa.update(notice)
            .where(column.in_(wanted[start : start + _CHUNK]), notice.c.state.in_(_UNTOLD))
            .values(state=NoticeState.WITHDRAWN)
        )
        count += done.rowcount
    return count


async def _set(tx: AsyncConnection, ids: Sequence[int], **changes: Any) -> None:
    for start in range(0, len(ids), _CHUNK):
        these = notice.c.id.in_(ids[start : start + _CHUNK])
        await tx.execute(sa.update(notice).where(these).values(**changes))


def _row(new: NewNotice, now: datetime) -> dict[str, Any]:
    return {
        "key": new.key,
        "recipient": new.recipient,
        "kind": new.kind,
        "is_exempt": new.is_exempt,
        "title": new.title,
        "text": new.text,
        "url": new.url,
        "occurrence_id": new.occurrence_id,
        "question_id": new.question_id,
        "line": new.line,
        "created_at": now,
        "due_at": new.due_at,
        "latest_at": new.latest_at,
        "look_at": new.due_at,
        "state": NoticeState.WAITING,
    }


def _notice(row: Any) -> Notice:
    return Notice(
        id=row.id,
        key=row.key,
        recipient=row.recipient,
        kind=NoticeKind(row.kind),
        title=row.title,
        text=row.text,
        url=row.url,
        is_exempt=row.is_exempt,
        occurrence_id=row.occurrence_id,
        question_id=row.question_id,
        line=row.line,
        due_at=row.due_at,
        latest_at=row.latest_at,
        state=NoticeState(row.state),
        created_at=row.created_at,
        told=row.told,
        card_id=row.card_id,
    )

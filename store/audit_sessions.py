"""Sessions as they were cut. One cut again keeps its id; what a later cut joins to another is `merged_into` that.

Written by audit/running.py only. Messages are read by store/audit_reading.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import Figures, SessionEnd, TalkKind
from store import evaluations
from store.columns import UtcTime
from store.tables import audit_mark, conversation, customer, message, relation, session, staff

_CHUNK = 500
# Of a talk's earlier sessions so many are asked who served in them; with more of them, nobody is told to be new.
_EARLIER = 50
# A talk whose first words lie so near the moment people met is the first they had; else they may have talked before.
_NEAR = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class KeptSession:
    """A row. `digest`: of everything the session was cut and judged from; equal: there is nothing to write."""

    id: int
    conversation_id: int
    started_at: datetime
    ended_at: datetime
    first_message_id: int
    last_message_id: int
    message_count: int
    state: SessionEnd
    line: str
    subjects: tuple[str, ...]
    digest: str
    merged_into: int | None


@dataclass(frozen=True, kw_only=True)
class CutSession:
    """A session to be written. `id`: the row it takes over, None for a new one. `figures`: of the whole session."""

    id: int | None
    conversation_id: int
    started_at: datetime
    ended_at: datetime
    first_message_id: int
    last_message_id: int
    message_count: int
    state: SessionEnd
    line: str
    subjects: tuple[str, ...]
    figures: Figures
    source: str
    digest: str


async def find(tx: AsyncConnection, session_id: int) -> KeptSession | None:
    """Return a session, or None."""
    row = (await tx.execute(sa.select(session).where(session.c.id == session_id))).one_or_none()
    return None if row is None else _kept(row)


async def list_of_conversation(
    tx: AsyncConnection, conversation_id: int, *, since: datetime | None = None
) -> list[KeptSession]:
    """Return a conversation's sessions in order of time, those merged away left out."""
    wanted = sa.select(session).where(session.c.conversation_id == conversation_id, _STANDS)
    if since is not None:
        wanted = wanted.where(session.c.started_at >= since)
    return [_kept(row) for row in (await tx.execute(wanted.order_by(session.c.started_at))).all()]


async def find_starts(tx: AsyncConnection, conversation_ids: Sequence[int]) -> dict[int, datetime]:
    """Return from when marked conversations have to be cut again: the session before what is new.

    Those without such a session are missing: they are cut from what is new on.
    """
    found: dict[int, datetime] = {}
    for start in range(0, len(conversation_ids), _CHUNK):
        rows = await tx.execute(_STARTS, {"ids": list(conversation_ids[start : start + _CHUNK])})
        found |= {row.conversation_id: row.start for row in rows.all()}
    return found


async def list_started(tx: AsyncConnection, session_ids: Sequence[int]) -> dict[int, datetime]:
    """Return when sessions began, by id."""
    wanted = sa.select(session.c.id, session.c.started_at).where(session.c.id.in_(session_ids))
    return {row.id: row.started_at for row in (await tx.execute(wanted)).all()}


async def list_from(tx: AsyncConnection, since: Mapping[int, datetime]) -> dict[int, list[KeptSession]]:
    """Return the sessions of each conversation from its own moment on, those merged away too, in order of time."""
    found: dict[int, list[KeptSession]] = {number: [] for number in since}
    ids = sorted(since)
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        given = {"ids": some, "since": min(since[one] for one in some)}
        for row in (await tx.execute(_FROM, given)).all():
            if row.started_at >= since[row.conversation_id]:
                found[row.conversation_id].append(_kept(row))
    return found


async def list_known_subjects(
    tx: AsyncConnection, since: Mapping[int, datetime]
) -> dict[int, frozenset[str] | None]:
    """Return who served in each conversation before its moment; None where there is too much to say so."""
    found: dict[int, frozenset[str] | None] = {}
    for number, moment in since.items():
        rows = (
            (await tx.execute(_EARLIER_SUBJECTS, {"conversation": number, "before": moment})).scalars().all()
        )
        known = frozenset(name for names in rows for name in names)
        found[number] = None if len(rows) >= _EARLIER else known
    return found


async def list_new(tx: AsyncConnection, conversation_ids: Sequence[int], from_at: datetime) -> frozenset[int]:
    """Return the conversations on record from their very first word on: what came before `from_at` is not looked at.

    Of a chat the date the two met must be told exactly and lie near its first message, in customer service the
    customer must have been heard of then. In a group nothing proves it.
    """
    found: dict[int, bool] = {}
    for start in range(0, len(conversation_ids), _CHUNK):
        some = list(conversation_ids[start : start + _CHUNK])
        for row in (await tx.execute(_BEGINNINGS, {"ids": some})).all():
            # Two may have met more than once; the first time comes first.
            found.setdefault(row.id, _is_beginning(row, from_at))
    return frozenset(number for number, is_new in found.items() if is_new)


def _is_beginning(row: Any, from_at: datetime) -> bool:
    if row.said_at is None or row.said_at < from_at:
        return False
    met_at = row.first_seen_at
    if row.channel == TalkKind.CHAT:
        met_at = row.met_at if row.is_from_exact else None
    return met_at is not None and abs(row.said_at - met_at) <= _NEAR


async def record(tx: AsyncConnection, cut: Sequence[CutSession], now: datetime) -> list[int]:
    """Write sessions, new ones and those cut again; return their ids in the order given."""
    new = [one for one in cut if one.id is None]
    ids: list[int] = []
    if new:
        ids = list((await tx.execute(_ADD, [_row(one, now) for one in new])).scalars().all())
    again = [{"number": one.id, **_row(one, now)} for one in cut if one.id is not None]
    if again:
        await tx.execute(_CHANGE, again)
    fresh = iter(ids)
    return [next(fresh) if one.id is None else one.id for one in cut]


async def merge(tx: AsyncConnection, into: Mapping[int, int]) -> None:
    """Record that sessions have become part of others: id to id. One that became part of itself is empty."""
    rows = [{"number": number, "target": target} for number, target in sorted(into.items())]
    if rows:
        await tx.execute(_MERGE, rows)


def _row(one: CutSession, now: datetime) -> dict[str, Any]:
    return {
        "conversation_id": one.conversation_id,
        "started_at": one.started_at,
        "ended_at": one.ended_at,
        "first_message_id": one.first_message_id,
        "last_message_id": one.last_message_id,
        "message_count": one.message_count,
        "state": one.state,
        "line": one.line,
        "subjects": list(one.subjects),
        "figures": evaluations.figures_body(one.figures),
        "source": one.source,
        "digest": one.digest,
        "cut_at": now,
        "merged_into": None,
    }


def _kept(row: Any) -> KeptSession:
    return KeptSession(
        id=row.id,
        conversation_id=row.conversation_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        first_message_id=row.first_message_id,
        last_message_id=row.last_message_id,
        message_count=row.message_count,
        state=SessionEnd(row.state),
        line=row.line,
        subjects=tuple(row.subjects),
        digest=row.digest,
        merged_into=row.merged_into,
    )


_STANDS = session.c.merged_into.is_(None)
_THESE = session.c.conversation_id.in_(sa.bindparam("ids", expanding=True))
_STARTS = (
    sa.select(session.c.conversation_id, sa.func.max(session.c.started_at).label("start"))
    .join(
        audit_mark,
        sa.and_(
            audit_mark.c.conversation_id == session.c.conversation_id,
            session.c.started_at <= audit_mark.c.from_at,
        ),
    )
    .where(_THESE, _STANDS)
    .group_by(session.c.conversation_id)
)
_FROM = (
    sa.select(session)
    .where(_THESE, session.c.started_at >= sa.bindparam("since", type_=UtcTime()))
    .order_by(session.c.conversation_id, session.c.started_at, session.c.id)
)
_EARLIER_SUBJECTS = (
    sa.select(session.c.subjects)
    .where(
        session.c.conversation_id == sa.bindparam("conversation"),
        session.c.started_at < sa.bindparam("before", type_=UtcTime()),
        _STANDS,
    )
    .order_by(session.c.started_at)
    .limit(_EARLIER)
)
_BEGINNINGS = (
    sa.select(
        conversation.c.id,
        conversation.c.channel,
        sa.select(sa.func.min(message.c.sent_at))
        .where(message.c.conversation_id == conversation.c.id)
        .scalar_subquery()
        .label("said_at"),
        customer.c.first_seen_at,
        relation.c.from_at.label("met_at"),
        relation.c.is_from_exact,
    )
    .join(customer, customer.c.id == conversation.c.customer_id)
    .outerjoin(
        staff,
        sa.and_(conversation.c.channel == TalkKind.CHAT, staff.c.platform_id == conversation.c.account_id),
    )
    .outerjoin(
        relation,
        sa.and_(relation.c.staff_id == staff.c.id, relation.c.customer_id == conversation.c.customer_id),
    )
    .where(conversation.c.id.in_(sa.bindparam("ids", expanding=True)))
    # A relation nobody told the beginning of began before the others.
    .order_by(conversation.c.id, relation.c.from_at.is_not(None), relation.c.from_at)
)
_ADD = sa.insert(session).returning(session.c.id, sort_by_parameter_order=True)
_CHANGE = (
    sa.update(session)
    .where(session.c.id == sa.bindparam("number"))
    .values({column.name: sa.bindparam(column.name) for column in session.c if column.name != "id"})
)
_MERGE = (
    sa.update(session)
    .where(session.c.id == sa.bindparam("number"))
    .values(merged_into=sa.bindparam("target"), digest="")
)

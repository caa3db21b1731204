"""What the boards of the audit count: how everybody did in the sessions of a period, and what was seen at all.

Read only. Rows leave here small; what is made of them (medians, intervals, no score below 20) is audit/boards.py and
audit/response.py. Every figure is about sessions that began in the period, and about current evaluations only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import TalkKind
from domain.official import OfficialKind
from domain.people import StaffStatus
from store import evaluations
from store.tables import (
    archive_cursor,
    archived_staff,
    conversation,
    evaluation,
    official_day,
    session,
    staff,
)

# Written as the partial indexes are: SQLite takes one only when the condition is the same word for word.
IS_CURRENT = sa.text("evaluation.is_current")
# The platform's own number of a member's chats with customers on a day (WeCom doc 92132).
_CHATS = "chat_cnt"
# A session of a mass send alone has nothing to score and counts in no rate (docs/audit.md).
_IS_SPOKEN = (
    sa.func.coalesce(session.c.figures["customer_messages"].as_integer(), 1)
    + sa.func.coalesce(session.c.figures["staff_messages"].as_integer(), 1)
    > 0
)


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which sessions a board is about: begun at or after `since`, before `until`.

    `subjects` None: everybody. `now`: findings that an advisor cannot see yet are left out of every count.
    """

    since: datetime
    until: datetime
    now: datetime
    kind: str = ""
    line: str = ""
    subjects: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """How one subject did in one session. `score` and `grade` as people decided in the end.

    Of the figures only what boards count, read by the database: 10,000 whole ones take 0.2 s to parse.
    """

    session_id: int
    subject: str
    started_at: datetime
    kind: TalkKind
    line: str
    score: float | None
    grade: str
    asked: int = 0
    is_unanswered: bool = False
    rounds: int = 0
    first_wall: timedelta | None = None
    first_working: timedelta | None = None
    bot_first: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class SessionCounts:
    """Sessions that were cut, and how many of them are scored or still open."""

    all: int = 0
    scored: int = 0
    open: int = 0
    by_kind: Mapping[str, int] = field(default_factory=dict)
    by_line: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Who could be seen. `advisors`: all who may have customers; `archived`: those whose talks are archived.

    `told`: chats with customers by the platform's own statistics, by UserID; a member who is missing there has none.
    `seen`: chats that were seen, counted alike: one for each customer and day; empty where nothing was told.
    `archive_read_at` None: there is no archive, or it was never read.
    """

    advisors: frozenset[str]
    archived: frozenset[str]
    told: Mapping[str, int]
    seen: Mapping[str, int]
    archive_read_at: datetime | None


async def list_scored(tx: AsyncConnection, wanted: AuditFilter) -> list[Scored]:
    """Return one row a subject and session of the period, the oldest first."""
    select = (
        sa.select(
            evaluation.c.session_id,
            evaluation.c.subject,
            evaluation.c.started_at,
            conversation.c.channel,
            session.c.line,
            evaluation.c.final_score,
            evaluation.c.final_grade,
            *_MEASURED,
        )
        .join(session, session.c.id == evaluation.c.session_id)
        .join(conversation, conversation.c.id == session.c.conversation_id)
        .where(
            IS_CURRENT,
            evaluation.c.started_at >= wanted.since,
            evaluation.c.started_at < wanted.until,
            session.c.merged_into.is_(None),
        )
        .order_by(evaluation.c.started_at)
    )
    if wanted.subjects is not None:
        select = select.where(evaluation.c.subject.in_(wanted.subjects))
    for condition in _of_talk(wanted):
        select = select.where(condition)
    return [
        Scored(
            session_id=row.session_id,
            subject=row.subject,
            started_at=row.started_at,
            kind=TalkKind(row.channel),
            line=row.line,
            score=row.final_score,
            grade=row.final_grade,
            asked=row.asked or 0,
            is_unanswered=bool(row.is_unanswered),
            rounds=row.rounds or 0,
            first_wall=_length(row.first_wall),
            first_working=_length(row.first_working),
            bot_first=_length(row.bot_first_wall),
        )
        for row in (await tx.execute(select)).all()
    ]


_FIGURES = evaluation.c.figures
_MEASURED = (
    *(_FIGURES[name].as_float().label(name) for name in ("first_wall", "first_working", "bot_first_wall")),
    *(_FIGURES[name].as_integer().label(name) for name in ("asked", "rounds")),
    _FIGURES["is_unanswered"].as_boolean().label("is_unanswered"),
)


def _length(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


async def list_waits(tx: AsyncConnection, wanted: AuditFilter) -> list[timedelta]:
    """Return every wait of the period, in working time; ask for one person at a time."""
    select = (
        sa.select(_FIGURES)
        .join(session, session.c.id == evaluation.c.session_id)
        .where(
            IS_CURRENT,
            evaluation.c.started_at >= wanted.since,
            evaluation.c.started_at < wanted.until,
            session.c.merged_into.is_(None),
        )
    )
    if wanted.subjects is not None:
        select = select.where(evaluation.c.subject.in_(wanted.subjects))
    found = (evaluations.figures_of(body) for body in (await tx.execute(select)).scalars().all())
    return [wait for figures in found for wait in figures.waits_working]


async def count_sessions(tx: AsyncConnection, wanted: AuditFilter) -> SessionCounts:
    """Count the sessions of the period in which somebody spoke; `subjects` does not matter here."""
    is_scored = (
        sa.exists()
        .where(evaluation.c.session_id == session.c.id, IS_CURRENT, evaluation.c.final_score.is_not(None))
        .correlate(session)
    )
    select = (
        sa.select(
            conversation.c.channel,
            session.c.line,
            sa.func.count().label("all"),
            sa.func.sum(sa.case((is_scored, 1), else_=0)).label("scored"),
            sa.func.sum(sa.case((session.c.state == "open", 1), else_=0)).label("open"),
        )
        .join(conversation, conversation.c.id == session.c.conversation_id)
        .where(
            session.c.started_at >= wanted.since,
            session.c.started_at < wanted.until,
            session.c.merged_into.is_(None),
            _IS_SPOKEN,
            *_of_talk(wanted),
        )
        .group_by(conversation.c.channel, session.c.line)
    )
    rows = (await tx.execute(select)).all()
    by_kind: dict[str, int] = {}
    by_line: dict[str, int] = {}
    for row in rows:
        by_kind[row.channel] = by_kind.get(row.channel, 0) + row.all
        by_line[row.line] = by_line.get(row.line, 0) + row.all
    return SessionCounts(
        all=sum(row.all for row in rows),
        scored=sum(row.scored for row in rows),
        open=sum(row.open for row in rows),
        by_kind=by_kind,
        by_line=by_line,
    )


async def count_sessions_by_week(tx: AsyncConnection, edges: Sequence[datetime]) -> list[int]:
    """Return how many sessions began between each two `edges`, oldest first."""
    week = sa.case(
        *((session.c.started_at < edge, number) for number, edge in enumerate(edges[1:])), else_=-1
    ).label("week")
    select = (
        sa.select(week, sa.func.count().label("number"))
        .where(
            session.c.started_at >= edges[0],
            session.c.started_at < edges[-1],
            session.c.merged_into.is_(None),
            _IS_SPOKEN,
        )
        .group_by(week)
    )
    found = {row.week: row.number for row in (await tx.execute(select)).all()}
    return [found.get(number, 0) for number in range(len(edges) - 1)]


async def list_subjects(tx: AsyncConnection, since: datetime, until: datetime) -> list[str]:
    """Return who was scored in the time, by UserID; the bot is among them."""
    select = (
        sa.select(evaluation.c.subject)
        .where(IS_CURRENT, evaluation.c.started_at >= since, evaluation.c.started_at < until)
        .distinct()
    )
    return sorted((await tx.execute(select)).scalars().all())


async def has_sessions(tx: AsyncConnection) -> bool:
    """Say whether anything was ever cut; a company that has just begun has nothing."""
    return (await tx.execute(sa.select(session.c.id).limit(1))).scalar_one_or_none() is not None


async def read_coverage(
    tx: AsyncConnection, wanted: AuditFilter, first_day: date, last_day: date
) -> Coverage:
    """Return who could be seen from the first to the last day, both included, the days of the company's zone."""
    may_have = sa.select(staff.c.platform_id).where(
        staff.c.is_advisor.is_(True), staff.c.status.in_((StaffStatus.ACTIVE, StaffStatus.UNKNOWN))
    )
    archived = sa.select(archived_staff.c.staff_platform_id).where(
        archived_staff.c.from_at < wanted.until,
        sa.or_(archived_staff.c.until_at.is_(None), archived_staff.c.until_at >= wanted.since),
    )
    cursor = sa.select(sa.func.max(archive_cursor.c.pulled_at))
    told = await _told(tx, first_day, last_day)
    return Coverage(
        advisors=frozenset((await tx.execute(may_have)).scalars().all()),
        archived=frozenset((await tx.execute(archived)).scalars().all()),
        told=told,
        seen=await _seen(tx, wanted) if told else {},
        archive_read_at=(await tx.execute(cursor)).scalar_one_or_none(),
    )


async def _told(tx: AsyncConnection, first_day: date, last_day: date) -> dict[str, int]:
    select = sa.select(official_day.c.subject, official_day.c.body).where(
        official_day.c.kind == OfficialKind.CONTACTS,
        official_day.c.day >= first_day,
        official_day.c.day <= last_day,
    )
    told: dict[str, int] = {}
    for row in (await tx.execute(select)).all():
        chats = row.body.get(_CHATS)
        if isinstance(chats, int):
            told[row.subject] = told.get(row.subject, 0) + chats
    return told


async def _seen(tx: AsyncConnection, wanted: AuditFilter) -> dict[str, int]:
    """Count chats as the platform does: a customer on a day. Days of UTC; the statistics close at midnight in China."""
    select = (
        sa.select(conversation.c.account_id, session.c.conversation_id, session.c.started_at)
        .join(conversation, conversation.c.id == session.c.conversation_id)
        .where(
            conversation.c.channel == TalkKind.CHAT,
            session.c.started_at >= wanted.since,
            session.c.started_at < wanted.until,
            session.c.merged_into.is_(None),
        )
    )
    days = {
        (row.account_id, row.conversation_id, (row.started_at - wanted.since).days)
        for row in (await tx.execute(select)).all()
    }
    seen: dict[str, int] = {}
    for subject, _, _ in days:
        seen[subject] = seen.get(subject, 0) + 1
    return seen


def _of_talk(wanted: AuditFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.kind:
        conditions.append(conversation.c.channel == wanted.kind)
    if wanted.line:
        conditions.append(session.c.line == wanted.line)
    return conditions

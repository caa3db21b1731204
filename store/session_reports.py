"""Sessions as people look for them: the filterable list. One session in full is store/session_talks.py.

Read only. Read by the index of the start from a place on; nothing is counted, so the ten-thousandth row costs what the
first does. A filter that few sessions satisfy walks the period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import COUNTING, FindingState, TalkKind
from store import evaluations, paging
from store.audit_reports import IS_CURRENT
from store.paging import Place
from store.tables import conversation, customer, evaluation, finding, group, session

# Lowest and highest score of a band of the list, the highest left out; "none": scored, but no item applied.
BANDS = {"fail": (-1.0, 60.0), "coach": (60.0, 80.0), "good": (80.0, 90.0), "excellent": (90.0, 101.0)}


@dataclass(frozen=True, kw_only=True)
class SessionFilter:
    """Which sessions are wanted; empty parts ask for nothing.

    `over`, `up_to`: the first human answer took longer than, and at most; with `is_waited` even where both are None.
    `clock`: first_working or first_wall. `hour`: of the day in `zone` in which the session began. `red`: suspected,
    confirmed or any. `about`: label, rule or item of a finding that counts or waits. `band`: key of BANDS, "none" or
    "unscored".
    """

    since: datetime
    until: datetime
    now: datetime
    zone: ZoneInfo
    subject: str = ""
    kind: str = ""
    line: str = ""
    state: str = ""
    red: str = ""
    band: str = ""
    is_unanswered: bool = False
    is_waited: bool = False
    over: timedelta | None = None
    up_to: timedelta | None = None
    clock: str = "first_working"
    hour: int | None = None
    label: str = ""
    rule_id: str = ""
    item: str = ""


@dataclass(frozen=True, kw_only=True)
class SubjectScore:
    """What one subject reached in a session. `first`: the wait for the first human answer, in working time."""

    subject: str
    score: float | None
    grade: str
    first: timedelta | None
    is_unanswered: bool


@dataclass(frozen=True, kw_only=True)
class SessionRow:
    """A line of the list. `name`: of the customer or the group; `platform_id`: of the customer, "" in a group."""

    id: int
    conversation_id: int
    started_at: datetime
    message_count: int
    kind: TalkKind
    account_id: str
    state: str
    line: str
    source: str
    name: str
    platform_id: str
    subjects: tuple[str, ...]
    scores: tuple[SubjectScore, ...] = ()
    red_suspected: int = 0
    red_confirmed: int = 0
    counted: int = 0
    suspected: int = 0
    labels: tuple[str, ...] = field(default=())

    @property
    def place(self) -> Place:
        return Place(at=self.started_at, id=self.id)


async def list_sessions(
    tx: AsyncConnection, wanted: SessionFilter, *, before: Place | None, limit: int
) -> list[SessionRow]:
    """Return sessions, the newest first, with their scores and findings."""
    select = _SESSIONS.limit(limit)
    for condition in _conditions(wanted):
        select = select.where(condition)
    if before is not None:
        select = select.where(paging.before(session.c.started_at, session.c.id, before))
    rows = (await tx.execute(select)).all()
    ids = [row.id for row in rows]
    scores, findings = await _scores(tx, ids), await _findings(tx, ids)
    return [_row(row, scores.get(row.id, []), findings.get(row.id, [])) for row in rows]


_SESSIONS = (
    sa.select(
        session.c.id,
        session.c.conversation_id,
        session.c.started_at,
        session.c.message_count,
        session.c.state,
        session.c.line,
        session.c.source,
        session.c.subjects,
        conversation.c.channel,
        conversation.c.account_id,
        customer.c.platform_id,
        customer.c.nickname,
        group.c.name.label("group_name"),
    )
    .join(conversation, conversation.c.id == session.c.conversation_id)
    .outerjoin(customer, customer.c.id == conversation.c.customer_id)
    .outerjoin(
        group, sa.and_(conversation.c.channel == TalkKind.GROUP, group.c.chat_id == conversation.c.account_id)
    )
    .where(session.c.merged_into.is_(None))
    .order_by(session.c.started_at.desc(), session.c.id.desc())
)


def _conditions(wanted: SessionFilter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [
        session.c.started_at >= wanted.since,
        session.c.started_at < wanted.until,
    ]
    if wanted.hour is not None:
        found.append(_in_hour(wanted))
    if wanted.kind:
        found.append(conversation.c.channel == wanted.kind)
    if wanted.line:
        found.append(session.c.line == ("" if wanted.line == "none" else wanted.line))
    if wanted.state:
        found.append(session.c.state == wanted.state)
    if wanted.band == "unscored":
        found.append(~_evaluated())
    how = _evaluation_conditions(wanted)
    if how:
        found.append(_evaluated(*how))
    of_finding = _finding_conditions(wanted)
    if of_finding:
        found.append(sa.exists().where(finding.c.session_id == session.c.id, *of_finding).correlate(session))
    return found


def _evaluation_conditions(wanted: SessionFilter) -> list[sa.ColumnElement[bool]]:
    """All of them have to hold for one and the same subject."""
    found: list[sa.ColumnElement[bool]] = []
    if wanted.subject:
        found.append(evaluation.c.subject == wanted.subject)
    if wanted.band in BANDS:
        low, high = BANDS[wanted.band]
        found += [evaluation.c.final_score >= low, evaluation.c.final_score < high]
    elif wanted.band == "none":
        found.append(evaluation.c.final_score.is_(None))
    if wanted.is_unanswered:
        found.append(evaluation.c.figures["is_unanswered"].as_boolean().is_(True))
    if wanted.is_waited:
        wait = evaluation.c.figures[wanted.clock].as_float()
        found += [wait.is_not(None), evaluation.c.subject != "bot"]
        if wanted.over is not None:
            found.append(wait > wanted.over.total_seconds())
        if wanted.up_to is not None:
            found.append(wait <= wanted.up_to.total_seconds())
    return found


def _finding_conditions(wanted: SessionFilter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.red:
        found.append(finding.c.is_red.is_(True))
        states = {
            "suspected": [FindingState.SUSPECTED],
            "confirmed": sorted(COUNTING),
        }.get(wanted.red, [FindingState.SUSPECTED, *sorted(COUNTING)])
        found.append(finding.c.state.in_(states))
    if wanted.label:
        found.append(finding.c.label == wanted.label)
    if wanted.rule_id:
        found.append(finding.c.rule_id == wanted.rule_id)
    if wanted.item:
        found.append(finding.c.item == wanted.item)
    if found and not wanted.red:
        # A rule's hits are those of every state; of labels and items, those that count.
        states = [FindingState.GONE] if wanted.rule_id else []
        found.append(finding.c.state.not_in(states) if states else finding.c.state.in_(sorted(COUNTING)))
    if found:
        found.append(finding.c.shown_at <= wanted.now)
        if wanted.subject:
            found.append(finding.c.subject == wanted.subject)
    return found


def _evaluated(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return (
        sa.exists().where(evaluation.c.session_id == session.c.id, IS_CURRENT, *conditions).correlate(session)
    )


def _in_hour(wanted: SessionFilter) -> sa.ColumnElement[bool]:
    """One range for each day: both engines know it, and the zone's own rules are kept."""
    assert wanted.hour is not None
    start = wanted.since.astimezone(wanted.zone)
    ranges = []
    for day in range((wanted.until - wanted.since).days + 2):
        local = datetime.combine(start.date() + timedelta(days=day), datetime.min.time(), wanted.zone)
        from_at = local.replace(hour=wanted.hour)
        ranges.append(
            sa.and_(session.c.started_at >= from_at, session.c.started_at < from_at + timedelta(hours=1))
        )
    return sa.or_(*ranges)


async def _scores(tx: AsyncConnection, session_ids: Sequence[int]) -> dict[int, list[SubjectScore]]:
    select = sa.select(
        evaluation.c.session_id,
        evaluation.c.subject,
        evaluation.c.final_score,
        evaluation.c.final_grade,
        evaluation.c.figures,
    ).where(evaluation.c.session_id.in_(session_ids), IS_CURRENT)
    found: dict[int, list[SubjectScore]] = {}
    for row in (await tx.execute(select.order_by(evaluation.c.id))).all():
        figures = evaluations.figures_of(row.figures)
        one = SubjectScore(
            subject=row.subject,
            score=row.final_score,
            grade=row.final_grade,
            first=figures.first_working,
            is_unanswered=figures.is_unanswered,
        )
        found.setdefault(row.session_id, []).append(one)
    return found


async def _findings(tx: AsyncConnection, session_ids: Sequence[int]) -> dict[int, list[Any]]:
    select = sa.select(finding.c.session_id, finding.c.label, finding.c.state, finding.c.is_red).where(
        finding.c.session_id.in_(session_ids),
        finding.c.state.in_([FindingState.SUSPECTED, *sorted(COUNTING)]),
    )
    found: dict[int, list[Any]] = {}
    for row in (await tx.execute(select.order_by(finding.c.id))).all():
        found.setdefault(row.session_id, []).append(row)
    return found


def _row(row: Any, scores: Sequence[SubjectScore], findings: Sequence[Any]) -> SessionRow:
    counted = [one for one in findings if one.state in COUNTING]
    suspected = [one for one in findings if one.state == FindingState.SUSPECTED]
    return SessionRow(
        id=row.id,
        conversation_id=row.conversation_id,
        started_at=row.started_at,
        message_count=row.message_count,
        kind=TalkKind(row.channel),
        account_id=row.account_id,
        state=row.state,
        line=row.line,
        source=row.source,
        name=row.nickname or row.group_name or "",
        platform_id=row.platform_id or "",
        subjects=tuple(row.subjects),
        scores=tuple(scores),
        red_suspected=sum(one.is_red for one in suspected),
        red_confirmed=sum(one.is_red for one in counted),
        counted=len(counted),
        suspected=len(suspected),
        labels=tuple(dict.fromkeys(one.label for one in [*counted, *suspected] if one.is_red)),
    )

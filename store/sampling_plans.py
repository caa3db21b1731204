"""Samples of sessions: what could be drawn, what was drawn, how far the looking has come."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import BOT, COUNTING, FindingState
from domain.sampling import NewPlan, PlanKind, SamplingPlan
from store.tables import (
    case,
    evaluation,
    finding,
    message,
    promise,
    recall,
    review,
    sampling_plan,
    session,
    staff,
)

_LIVE = [FindingState.SUSPECTED, *sorted(COUNTING)]


@dataclass(frozen=True, kw_only=True)
class SessionFacts:
    """What the store knows of one member's part in a session that matters to a draw.

    `mood`: the customer's worst turn from -2 to 2, None when it was not measured. `known_since`: when the member was
    first seen. `case_kinds`, `case_reasons`: of cases opened while it lasted, or within a day after it.
    """

    session_id: int
    subject: str
    started_at: datetime
    line: str
    is_flagged: bool
    is_red: bool
    had_red: bool
    has_promise: bool
    was_recalled: bool
    mood: float | None
    known_since: datetime | None
    case_kinds: frozenset[str] = frozenset()
    case_reasons: frozenset[str] = frozenset()


async def list_facts(tx: AsyncConnection, from_at: datetime, until_at: datetime) -> list[SessionFacts]:
    """Return every member's part in the sessions that began in the period; the bot's are left out."""
    rows = (await tx.execute(_PARTS.where(*_in_period(from_at, until_at)))).all()
    flagged = await _pairs(tx, from_at, until_at, finding.c.state.in_(_LIVE))
    red = await _pairs(tx, from_at, until_at, finding.c.state.in_(_LIVE), finding.c.is_red.is_(True))
    promised = await _promised(tx, from_at, until_at)
    recalled = await _recalled(tx, from_at, until_at)
    reds, cases = await _first_reds(tx), await _cases(tx, from_at, until_at)
    return [
        SessionFacts(
            session_id=row.session_id,
            subject=row.subject,
            started_at=row.started_at,
            line=row.line,
            is_flagged=(row.session_id, row.subject) in flagged,
            is_red=(row.session_id, row.subject) in red,
            had_red=row.subject in reds and reds[row.subject] < row.started_at,
            has_promise=(row.session_id, row.subject) in promised,
            was_recalled=row.session_id in recalled,
            mood=row.mood,
            known_since=row.first_seen_at,
            case_kinds=frozenset(kind for kind, _ in cases.get(row.session_id, ())),
            case_reasons=frozenset(reason for _, reason in cases.get(row.session_id, ())),
        )
        for row in rows
    ]


async def add(tx: AsyncConnection, plan: NewPlan, size: int) -> int:
    """Keep a sample; return its id. Its reviews are added by store/reviews.py."""
    row = {
        "kind": plan.kind,
        "name": plan.name,
        "from_at": plan.from_at,
        "until_at": plan.until_at,
        "population": plan.population,
        "size": size,
        "seed": plan.seed,
        "rules": dict(plan.rules),
        "made_by": plan.made_by[:64],
        "made_at": plan.made_at,
    }
    added = sa.insert(sampling_plan).values(row).returning(sampling_plan.c.id)
    return int((await tx.execute(added)).scalar_one())


async def find(tx: AsyncConnection, plan_id: int) -> SamplingPlan | None:
    """Return the sample, or None."""
    row = (await tx.execute(_PLANS.where(sampling_plan.c.id == plan_id))).one_or_none()
    return None if row is None else _plan(row)


async def list_plans(tx: AsyncConnection, limit: int = 50) -> list[SamplingPlan]:
    """Return samples, newest first."""
    rows = await tx.execute(_PLANS.order_by(sampling_plan.c.id.desc()).limit(limit))
    return [_plan(row) for row in rows.all()]


async def count_confirmed_reds(tx: AsyncConnection, from_at: datetime, until_at: datetime) -> int:
    """Count the parts of sessions of the period in which a red line was confirmed."""
    return len(
        await _pairs(
            tx,
            from_at,
            until_at,
            finding.c.is_red.is_(True),
            finding.c.state == FindingState.CONFIRMED,
        )
    )


_PARTS = (
    sa.select(
        evaluation.c.session_id,
        evaluation.c.subject,
        session.c.started_at,
        session.c.line,
        evaluation.c.figures["mood_worst"].as_float().label("mood"),
        staff.c.first_seen_at,
    )
    .join(session, session.c.id == evaluation.c.session_id)
    .outerjoin(staff, staff.c.platform_id == evaluation.c.subject)
    .where(sa.text("is_current"), evaluation.c.subject != BOT, session.c.merged_into.is_(None))
    .order_by(evaluation.c.session_id, evaluation.c.subject)
)
_DONE = (
    sa.select(sa.func.count())
    .where(review.c.plan_id == sampling_plan.c.id, review.c.state == "done")
    .scalar_subquery()
)
_PLANS = sa.select(sampling_plan, _DONE.label("done"))


def _in_period(from_at: datetime, until_at: datetime) -> Collection[sa.ColumnElement[bool]]:
    return [session.c.started_at >= from_at, session.c.started_at < until_at]


async def _pairs(
    tx: AsyncConnection, from_at: datetime, until_at: datetime, *conditions: sa.ColumnElement[bool]
) -> set[tuple[int, str]]:
    wanted = (
        sa.select(finding.c.session_id, finding.c.subject)
        .join(session, session.c.id == finding.c.session_id)
        .where(*_in_period(from_at, until_at), *conditions)
        .distinct()
    )
    return {(row.session_id, row.subject) for row in (await tx.execute(wanted)).all()}


async def _promised(tx: AsyncConnection, from_at: datetime, until_at: datetime) -> set[tuple[int, str]]:
    wanted = (
        sa.select(promise.c.session_id, promise.c.subject)
        .join(session, session.c.id == promise.c.session_id)
        .where(*_in_period(from_at, until_at))
        .distinct()
    )
    return {(row.session_id, row.subject) for row in (await tx.execute(wanted)).all()}


async def _recalled(tx: AsyncConnection, from_at: datetime, until_at: datetime) -> set[int]:
    """Return the sessions in which a message was taken back."""
    wanted = (
        sa.select(session.c.id)
        .join(
            message,
            sa.and_(
                message.c.conversation_id == session.c.conversation_id,
                message.c.sent_at >= session.c.started_at,
                message.c.sent_at <= session.c.ended_at,
            ),
        )
        .join(recall, sa.and_(recall.c.source == message.c.source, recall.c.msgid == message.c.msgid))
        .where(*_in_period(from_at, until_at))
        .distinct()
    )
    return set((await tx.execute(wanted)).scalars().all())


async def _first_reds(tx: AsyncConnection) -> dict[str, datetime]:
    """Return when each member's first confirmed red line was said."""
    wanted = (
        sa.select(finding.c.subject, sa.func.min(finding.c.occurred_at).label("at"))
        .where(finding.c.is_red.is_(True), finding.c.state == FindingState.CONFIRMED)
        .group_by(finding.c.subject)
    )
    return {row.subject: row.at for row in (await tx.execute(wanted)).all()}


async def _cases(
    tx: AsyncConnection, from_at: datetime, until_at: datetime
) -> dict[int, set[tuple[str, str]]]:
    """Return kind and reason of the cases that were opened while a session lasted, or within a day after it."""
    wanted = (
        sa.select(session.c.id, session.c.ended_at, case.c.kind, case.c.reason, case.c.opened_at)
        .join(case, case.c.conversation_id == session.c.conversation_id)
        .where(*_in_period(from_at, until_at), case.c.opened_at >= session.c.started_at)
    )
    found: dict[int, set[tuple[str, str]]] = {}
    for row in (await tx.execute(wanted)).all():
        if row.opened_at <= row.ended_at + timedelta(days=1):
            found.setdefault(row.id, set()).add((row.kind, row.reason))
    return found


def _plan(row: Any) -> SamplingPlan:
    return SamplingPlan(
        id=row.id,
        kind=PlanKind(row.kind),
        name=row.name,
        from_at=row.from_at,
        until_at=row.until_at,
        population=row.population,
        size=row.size,
        seed=row.seed,
        rules=row.rules,
        made_by=row.made_by,
        made_at=row.made_at,
        done=row.done,
    )

"""Counts of the boards by person: findings, satisfaction, promises, appeals, and what waits for the supervisor.

Read only. A suspicion is counted apart and never as a fault; nothing is counted that the advisor cannot see yet
(`shown_at`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import COUNTING, FindingState
from store.audit_reports import AuditFilter
from store.tables import appeal, case, finding, promise, review, satisfaction

# The customer's answers 1 to 4; from 3 on they were satisfied (metrics.md §3).
SATISFIED_FROM = 3
# As ix_finding_suspected and ix_review_waiting have it.
IS_SUSPECTED = sa.text("finding.state = 'suspected'")
IS_WAITING = sa.text("review.state <> 'done'")


@dataclass(frozen=True, kw_only=True)
class FindingTally:
    """Findings about one subject in a period. `counted`: what costs points or is a confirmed red line."""

    counted: int = 0
    suspected: int = 0
    red_confirmed: int = 0
    red_suspected: int = 0


@dataclass(frozen=True, kw_only=True)
class RatingTally:
    """Satisfaction with one person: asked, answered, and answered well."""

    invited: int = 0
    rated: int = 0
    satisfied: int = 0


@dataclass(frozen=True, kw_only=True)
class PromiseTally:
    """Promises whose time fell in the period. `overdue`: still open although it has passed."""

    kept: int = 0
    broken: int = 0
    open: int = 0
    overdue: int = 0

    @property
    def due(self) -> int:
        """Those of which one can say whether they were kept."""
        return self.kept + self.broken + self.overdue


@dataclass(frozen=True, kw_only=True)
class AppealTally:
    """Appeals of one person, opened in the period. `outcomes`: by what was decided; open ones have none."""

    all: int = 0
    open: int = 0
    upheld: int = 0
    overturned: int = 0
    partly: int = 0


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What needs a person now, whenever it was found."""

    red: int
    reviews: int
    reviews_late: int
    appeals: int
    appeals_late: int
    first_due_at: datetime | None


async def tally_findings(tx: AsyncConnection, wanted: AuditFilter) -> dict[str, FindingTally]:
    """Return the findings of the period by subject."""
    select = (
        sa.select(finding.c.subject, finding.c.state, finding.c.is_red, sa.func.count().label("number"))
        .where(*in_period(wanted))
        .group_by(finding.c.subject, finding.c.state, finding.c.is_red)
    )
    found: dict[str, dict[str, int]] = {}
    for row in (await tx.execute(select)).all():
        one = found.setdefault(row.subject, {})
        for name in _tallies(FindingState(row.state), row.is_red):
            one[name] = one.get(name, 0) + row.number
    return {subject: FindingTally(**counts) for subject, counts in found.items()}


def _tallies(state: FindingState, is_red: bool) -> list[str]:
    if state in COUNTING:
        return ["counted", "red_confirmed"] if is_red else ["counted"]
    if state is FindingState.SUSPECTED:
        return ["suspected", "red_suspected"] if is_red else ["suspected"]
    return []


def in_period(wanted: AuditFilter) -> list[sa.ColumnElement[bool]]:
    """Return the conditions for findings of the period that may be shown."""
    conditions: list[sa.ColumnElement[bool]] = [
        finding.c.occurred_at >= wanted.since,
        finding.c.occurred_at < wanted.until,
        finding.c.shown_at <= wanted.now,
    ]
    if wanted.subjects is not None:
        conditions.append(finding.c.subject.in_(wanted.subjects))
    return conditions


async def tally_ratings(tx: AsyncConnection, wanted: AuditFilter) -> dict[str, RatingTally]:
    """Return the satisfaction asked for in the period by person; "" is the bot alone."""
    select = (
        sa.select(
            satisfaction.c.servicer_id,
            sa.func.count().label("invited"),
            sa.func.count(satisfaction.c.score).label("rated"),
            _sum_if(satisfaction.c.score >= SATISFIED_FROM).label("satisfied"),
        )
        .where(satisfaction.c.asked_at >= wanted.since, satisfaction.c.asked_at < wanted.until)
        .group_by(satisfaction.c.servicer_id)
    )
    return {
        row.servicer_id: RatingTally(invited=row.invited, rated=row.rated, satisfied=row.satisfied)
        for row in (await tx.execute(select)).all()
    }


async def tally_promises(tx: AsyncConnection, wanted: AuditFilter) -> dict[str, PromiseTally]:
    """Return the promises due in the period by who gave them."""
    is_open = promise.c.state == "open"
    select = (
        sa.select(
            promise.c.subject,
            _sum_if(promise.c.state == "kept").label("kept"),
            _sum_if(promise.c.state == "broken").label("broken"),
            _sum_if(sa.and_(is_open, promise.c.due_at >= wanted.now)).label("open"),
            _sum_if(sa.and_(is_open, promise.c.due_at < wanted.now)).label("overdue"),
        )
        .where(promise.c.due_at >= wanted.since, promise.c.due_at < wanted.until)
        .group_by(promise.c.subject)
    )
    return {
        row.subject: PromiseTally(kept=row.kept, broken=row.broken, open=row.open, overdue=row.overdue)
        for row in (await tx.execute(select)).all()
    }


async def tally_appeals(tx: AsyncConnection, wanted: AuditFilter) -> dict[str, AppealTally]:
    """Return the appeals opened in the period by who appealed."""
    select = (
        sa.select(
            appeal.c.subject,
            sa.func.count().label("all"),
            _sum_if(appeal.c.closed_at.is_(None)).label("open"),
            _sum_if(appeal.c.outcome == "upheld").label("upheld"),
            _sum_if(appeal.c.outcome == "overturned").label("overturned"),
            _sum_if(appeal.c.outcome == "partly").label("partly"),
        )
        .where(appeal.c.opened_at >= wanted.since, appeal.c.opened_at < wanted.until)
        .group_by(appeal.c.subject)
    )
    return {
        row.subject: AppealTally(
            all=row.all, open=row.open, upheld=row.upheld, overturned=row.overturned, partly=row.partly
        )
        for row in (await tx.execute(select)).all()
    }


async def count_waiting(tx: AsyncConnection, now: datetime) -> Waiting:
    """Count what waits for a person, of whatever age."""
    red = sa.select(sa.func.count()).where(IS_SUSPECTED, finding.c.is_red.is_(True))
    reviews = sa.select(
        sa.func.count().label("all"),
        _sum_if(review.c.due_at < now).label("late"),
        sa.func.min(review.c.due_at).label("first"),
    ).where(IS_WAITING, review.c.kind != "calibration")
    appeals = sa.select(sa.func.count().label("all"), _sum_if(appeal.c.due_at < now).label("late")).where(
        appeal.c.closed_at.is_(None)
    )
    looked = (await tx.execute(reviews)).one()
    said = (await tx.execute(appeals)).one()
    return Waiting(
        red=(await tx.execute(red)).scalar_one(),
        reviews=looked.all,
        reviews_late=looked.late,
        appeals=said.all,
        appeals_late=said.late,
        first_due_at=looked.first,
    )


async def count_handovers(tx: AsyncConnection, wanted: AuditFilter) -> list[tuple[str, int]]:
    """Return why customers were handed to a person in the period, the commonest reason first."""
    select = (
        sa.select(case.c.reason, sa.func.count().label("number"))
        .where(case.c.opened_at >= wanted.since, case.c.opened_at < wanted.until)
        .group_by(case.c.reason)
    )
    rows = [(row.reason, row.number) for row in (await tx.execute(select)).all()]
    return sorted(rows, key=lambda pair: (-pair[1], pair[0]))


def _sum_if(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    """Count the rows that satisfy `condition`; both engines know this form, nothing gives 0."""
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)

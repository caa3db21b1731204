"""Findings as the boards list and count them: by label and line, by rule, by item, and one person's own list.

Read only. A violation is a finding that counts; suspicions, rejected and overturned ones stand in columns of their own.
What the advisor cannot see yet is in none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import COUNTING, FindingState
from store import paging
from store.audit_reports import AuditFilter
from store.audit_tallies import in_period
from store.paging import Place
from store.tables import appeal, finding, finding_span, session

_ALL_COUNTING = sorted(COUNTING)


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """Violations of one label in one line of business. `sessions`: with at least one of them."""

    label: str
    line: str
    severity: str
    is_red: bool
    found: int
    sessions: int


@dataclass(frozen=True, kw_only=True)
class RuleRow:
    """One rule over a period. `confirmed` and `rejected`: by people; `overturned`: of those confirmed, by an appeal.

    `version` is the newest that found something, `changed_at` when it did so first; `appealed`: decided appeals.
    """

    rule_id: str
    label: str
    severity: str
    hits: int
    waiting: int
    confirmed: int
    rejected: int
    overturned: int
    appealed: int
    version: str
    changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class FindingRow:
    """A finding in a list. `message_id`: the first message it is in."""

    id: int
    session_id: int
    conversation_id: int
    subject: str
    item: str
    label: str
    severity: str
    is_red: bool
    evidence: str
    rule_id: str
    rule_version: str
    points: float
    note: str
    state: FindingState
    occurred_at: datetime
    decided_at: datetime | None
    decided_by: str
    appeal_state: str = ""
    appeal_id: int | None = None
    spans: tuple[tuple[int, int, int], ...] = field(default=())

    @property
    def counts(self) -> bool:
        return self.state in COUNTING

    @property
    def message_id(self) -> int | None:
        return self.spans[0][0] if self.spans else None

    @property
    def place(self) -> Place:
        return Place(at=self.occurred_at, id=self.id)


async def count_labels(tx: AsyncConnection, wanted: AuditFilter) -> list[LabelRow]:
    """Return the violations of the period by label and line, those with most sessions first."""
    select = (
        sa.select(
            finding.c.label,
            session.c.line,
            sa.func.min(finding.c.severity).label("severity"),
            sa.func.max(sa.case((finding.c.is_red, 1), else_=0)).label("red"),
            sa.func.count().label("found"),
            sa.func.count(sa.distinct(finding.c.session_id)).label("sessions"),
        )
        .join(session, session.c.id == finding.c.session_id)
        .where(*in_period(wanted), finding.c.state.in_(_ALL_COUNTING))
        .group_by(finding.c.label, session.c.line)
    )
    if wanted.line:
        select = select.where(session.c.line == wanted.line)
    rows = [
        LabelRow(
            label=row.label,
            line=row.line,
            severity=row.severity,
            is_red=bool(row.red),
            found=row.found,
            sessions=row.sessions,
        )
        for row in (await tx.execute(select)).all()
    ]
    return sorted(rows, key=lambda one: (-one.sessions, one.label, one.line))


async def list_moments(tx: AsyncConnection, wanted: AuditFilter) -> list[tuple[datetime, str, bool]]:
    """Return when each violation of the period was said, its severity, and whether it is a red line."""
    select = (
        sa.select(finding.c.occurred_at, finding.c.severity, finding.c.is_red)
        .where(*in_period(wanted), finding.c.state.in_(_ALL_COUNTING))
        .order_by(finding.c.occurred_at)
    )
    return [(row.occurred_at, row.severity, row.is_red) for row in (await tx.execute(select)).all()]


async def count_rules(tx: AsyncConnection, wanted: AuditFilter) -> list[RuleRow]:
    """Return every rule that found something in the period, those with most hits first."""
    select = (
        sa.select(
            finding.c.rule_id,
            finding.c.rule_version,
            finding.c.label,
            finding.c.severity,
            finding.c.state,
            finding.c.evidence,
            sa.func.count().label("number"),
            sa.func.count(finding.c.decided_at).label("decided"),
            sa.func.min(finding.c.found_at).label("first"),
        )
        .where(*in_period(wanted), finding.c.state != FindingState.GONE)
        .group_by(
            finding.c.rule_id,
            finding.c.rule_version,
            finding.c.label,
            finding.c.severity,
            finding.c.state,
            finding.c.evidence,
        )
    )
    groups: dict[str, list[Any]] = {}
    for row in (await tx.execute(select)).all():
        groups.setdefault(row.rule_id, []).append(row)
    appealed = await _appealed(tx, wanted)
    rows = [_rule(rule_id, rows, appealed.get(rule_id, 0)) for rule_id, rows in groups.items()]
    return sorted(rows, key=lambda one: (-one.hits, one.rule_id))


def _rule(rule_id: str, rows: Sequence[Any], appealed: int) -> RuleRow:
    def number(state: FindingState) -> int:
        return sum(row.number for row in rows if row.state == state)

    newest = max(rows, key=lambda row: row.first)
    since = min(row.first for row in rows if row.rule_version == newest.rule_version)
    return RuleRow(
        rule_id=rule_id,
        label=newest.label,
        severity=min(row.severity for row in rows),
        hits=sum(row.number for row in rows),
        waiting=number(FindingState.SUSPECTED),
        confirmed=number(FindingState.CONFIRMED),
        rejected=number(FindingState.REJECTED),
        overturned=number(FindingState.OVERTURNED),
        appealed=appealed,
        version=newest.rule_version,
        changed_at=since,
    )


async def _appealed(tx: AsyncConnection, wanted: AuditFilter) -> dict[str, int]:
    """Count the findings of the period by rule about which an appeal was decided."""
    select = (
        sa.select(finding.c.rule_id, sa.func.count(sa.distinct(finding.c.id)).label("number"))
        .join(appeal, appeal.c.finding_id == finding.c.id)
        .where(*in_period(wanted), appeal.c.outcome.in_(("upheld", "overturned", "partly")))
        .group_by(finding.c.rule_id)
    )
    return {row.rule_id: row.number for row in (await tx.execute(select)).all()}


async def list_findings(
    tx: AsyncConnection,
    wanted: AuditFilter,
    *,
    states: Sequence[FindingState] = (),
    item: str = "",
    before: Place | None,
    limit: int,
) -> list[FindingRow]:
    """Return findings of the period, the newest first, without those that are gone."""
    select = (
        sa.select(finding)
        .where(*in_period(wanted))
        .order_by(finding.c.occurred_at.desc(), finding.c.id.desc())
        .limit(limit)
    )
    if states:
        select = select.where(finding.c.state.in_(states))
    else:
        select = select.where(finding.c.state != FindingState.GONE)
    if item:
        select = select.where(finding.c.item == item)
    if before is not None:
        select = select.where(paging.before(finding.c.occurred_at, finding.c.id, before))
    return await _with_all(tx, (await tx.execute(select)).all())


async def list_findings_of(
    tx: AsyncConnection, session_id: int, *, subjects: frozenset[str] | None, now: datetime
) -> list[FindingRow]:
    """Return the findings of a session that may be shown, in the order in which they were said.

    `subjects` None: everybody's. Those that are gone are left out.
    """
    select = (
        sa.select(finding)
        .where(
            finding.c.session_id == session_id,
            finding.c.state != FindingState.GONE,
        )
        .order_by(finding.c.occurred_at, finding.c.id)
    )
    if subjects is not None:
        select = select.where(finding.c.subject.in_(subjects), finding.c.shown_at <= now)
    return await _with_all(tx, (await tx.execute(select)).all())


async def _with_all(tx: AsyncConnection, rows: Sequence[Any]) -> list[FindingRow]:
    ids = [row.id for row in rows]
    spans = await _spans(tx, ids)
    appeals = await _appeals(tx, ids)
    return [
        FindingRow(
            id=row.id,
            session_id=row.session_id,
            conversation_id=row.conversation_id,
            subject=row.subject,
            item=row.item,
            label=row.label,
            severity=row.severity,
            is_red=row.is_red,
            evidence=row.evidence,
            rule_id=row.rule_id,
            rule_version=row.rule_version,
            points=row.points,
            note=row.note,
            state=FindingState(row.state),
            occurred_at=row.occurred_at,
            decided_at=row.decided_at,
            decided_by=row.decided_by,
            appeal_state=appeals[row.id].state if row.id in appeals else "",
            appeal_id=appeals[row.id].id if row.id in appeals else None,
            spans=tuple(spans.get(row.id, ())),
        )
        for row in rows
    ]


async def _spans(tx: AsyncConnection, finding_ids: Sequence[int]) -> dict[int, list[tuple[int, int, int]]]:
    """Return where findings are: message, start, end."""
    select = (
        sa.select(finding_span).where(finding_span.c.finding_id.in_(finding_ids)).order_by(finding_span.c.id)
    )
    found: dict[int, list[tuple[int, int, int]]] = {}
    for row in (await tx.execute(select)).all():
        found.setdefault(row.finding_id, []).append((row.message_id, row.start, row.end))
    return found


async def _appeals(tx: AsyncConnection, finding_ids: Sequence[int]) -> dict[int, Any]:
    """Return the last appeal about each finding."""
    select = sa.select(appeal).where(appeal.c.finding_id.in_(finding_ids)).order_by(appeal.c.level)
    return {row.finding_id: row for row in (await tx.execute(select)).all()}

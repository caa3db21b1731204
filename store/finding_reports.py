"""Findings as people list them: those of a period, those of one session, each with its place and its appeal.

Read only. What counts them is store/violation_reports.py.
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
from store.tables import appeal, finding, finding_span


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


async def list_findings(
    tx: AsyncConnection,
    wanted: AuditFilter,
    *,
    states: Sequence[FindingState] = (),
    item: str = "",
    is_red: bool = False,
    before: Place | None,
    limit: int,
) -> list[FindingRow]:
    """Return findings of the period, the newest first, without those that are gone; `is_red`: red lines alone."""
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
    if is_red:
        select = select.where(finding.c.is_red.is_(True))
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

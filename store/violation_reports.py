"""Violations as the compliance board counts them: by label and line, by week, by item, by rule.

Read only. A violation is a finding that counts; suspicions, rejected and overturned ones stand in columns of their own.
What the advisor cannot see yet is in none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import COUNTING, FindingState
from store.audit_reports import AuditFilter
from store.audit_tallies import in_period
from store.tables import appeal, finding, session

_ALL_COUNTING = sorted(COUNTING)


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """Violations of one label in one line of business. `sessions`: with at least one of them.

    `item`: several items of the scorecard share a label; "" for a red line beside the score.
    """

    label: str
    item: str
    line: str
    severity: str
    is_red: bool
    found: int
    sessions: int


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """What was found in an item of the scorecard, and in how many sessions something counts."""

    item: str
    found: int
    suspected: int
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


async def count_labels(tx: AsyncConnection, wanted: AuditFilter) -> list[LabelRow]:
    """Return the violations of the period by label, item and line, those with most sessions first."""
    select = (
        sa.select(
            finding.c.label,
            finding.c.item,
            session.c.line,
            sa.func.min(finding.c.severity).label("severity"),
            sa.func.max(sa.case((finding.c.is_red, 1), else_=0)).label("red"),
            sa.func.count().label("found"),
            sa.func.count(sa.distinct(finding.c.session_id)).label("sessions"),
        )
        .join(session, session.c.id == finding.c.session_id)
        .where(*in_period(wanted), finding.c.state.in_(_ALL_COUNTING))
        .group_by(finding.c.label, finding.c.item, session.c.line)
    )
    if wanted.line:
        select = select.where(session.c.line == wanted.line)
    rows = [
        LabelRow(
            label=row.label,
            item=row.item,
            line=row.line,
            severity=row.severity,
            is_red=bool(row.red),
            found=row.found,
            sessions=row.sessions,
        )
        for row in (await tx.execute(select)).all()
    ]
    return sorted(rows, key=lambda one: (-one.sessions, one.label, one.item, one.line))


async def count_weeks(
    tx: AsyncConnection, edges: Sequence[datetime], wanted: AuditFilter
) -> list[dict[str, int]]:
    """Return the violations between each two `edges`, oldest first, by severity; "red" for red lines.

    The whole span is that of the edges, whatever `wanted` says of time.
    """
    whole = replace(wanted, since=edges[0], until=edges[-1])
    week = sa.case(
        *((finding.c.occurred_at < edge, number) for number, edge in enumerate(edges[1:])), else_=-1
    ).label("week")
    select = (
        sa.select(week, finding.c.severity, finding.c.is_red, sa.func.count().label("number"))
        .where(*in_period(whole), finding.c.state.in_(_ALL_COUNTING))
        .group_by(week, finding.c.severity, finding.c.is_red)
    )
    found: list[dict[str, int]] = [{} for _ in edges[1:]]
    for row in (await tx.execute(select)).all():
        name = "red" if row.is_red else row.severity
        found[row.week][name] = found[row.week].get(name, 0) + row.number
    return found


async def count_items(tx: AsyncConnection, wanted: AuditFilter) -> list[ItemRow]:
    """Return what was found in each item of the scorecard; red lines beside the score are in none."""
    counts = finding.c.state.in_(_ALL_COUNTING)
    select = (
        sa.select(
            finding.c.item,
            sa.func.sum(sa.case((counts, 1), else_=0)).label("found"),
            sa.func.sum(sa.case((finding.c.state == FindingState.SUSPECTED, 1), else_=0)).label("suspected"),
            sa.func.count(sa.distinct(sa.case((counts, finding.c.session_id)))).label("sessions"),
        )
        .where(*in_period(wanted), finding.c.item != "")
        .group_by(finding.c.item)
        .order_by(finding.c.item)
    )
    return [
        ItemRow(item=row.item, found=row.found, suspected=row.suspected, sessions=row.sessions)
        for row in (await tx.execute(select)).all()
    ]


async def count_rules(tx: AsyncConnection, wanted: AuditFilter) -> list[RuleRow]:
    """Return every rule that found something in the period, those with most hits first."""
    select = (
        sa.select(
            finding.c.rule_id,
            finding.c.rule_version,
            finding.c.state,
            sa.func.min(finding.c.label).label("label"),
            sa.func.min(finding.c.severity).label("severity"),
            sa.func.count().label("number"),
            sa.func.min(finding.c.found_at).label("first"),
        )
        .where(*in_period(wanted), finding.c.state != FindingState.GONE)
        .group_by(finding.c.rule_id, finding.c.rule_version, finding.c.state)
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

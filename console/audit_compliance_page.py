"""The compliance board: violations per 1,000 sessions, how right the rules are, what customers were told wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from audit import agreement
from audit.agreement import Interval
from console import access, audit_overview_page, audit_periods, score_access, unanswered_page
from console.audit_periods import Period
from console.visit import Visit
from content import review_rules
from content.wording_rules import Measured
from domain.faq import Line
from store import audit_reports, audit_tallies, violation_reports
from store.violation_reports import LabelRow, RuleRow

_LINES = ("", *Line)
_GAPS = 6
_SEVERITIES = ("red", "S0", "S1", "S2", "S3")


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Sessions with a violation of all sessions. `share` None where there were no sessions."""

    row: LabelRow
    sessions: int

    @property
    def per_thousand(self) -> float | None:
        return 1000 * self.row.sessions / self.sessions if self.sessions else None

    @property
    def interval(self) -> Interval | None:
        return agreement.wilson(self.row.sessions, self.sessions)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A rule, and how right it is: of the findings that people decided, those that stayed. `name` "": by its label.

    `measured`: on the labelled sets, where the rule is one of the wording rules.
    """

    row: RuleRow
    name: str
    law: str
    measured: Measured | None

    @property
    def decided(self) -> int:
        return self.row.confirmed + self.row.rejected + self.row.overturned

    @property
    def precision(self) -> Interval | None:
        return agreement.wilson(self.row.confirmed, self.decided)


async def show(visit: Visit) -> web.Response:
    """Show the board of a period, of all lines or one."""
    score_access.access_boards(visit.viewer)
    period, line = audit_periods.chosen(visit), visit.choice("line", _LINES)
    wanted = audit_periods.wanted(visit, period, line=line)
    weeks = audit_periods.weeks(visit)
    edges = [weeks[0].since, *(one.until for one in weeks)]
    async with visit.ctx.store.read() as tx:
        counts = await audit_reports.count_sessions(tx, wanted)
        labels = await violation_reports.count_labels(tx, wanted)
        rules = await violation_reports.count_rules(tx, wanted)
        items = await violation_reports.count_items(tx, wanted)
        by_week = await violation_reports.count_weeks(tx, edges, wanted)
        sessions = await audit_reports.count_sessions_by_week(tx, edges)
        rows = await audit_reports.list_scored(tx, wanted)
        coverage = await audit_overview_page.read_coverage(tx, wanted, period)
        handovers = await audit_tallies.count_handovers(tx, wanted)
        gaps = await access.access_gaps(visit.viewer, tx, period.since)
        has_sessions = await audit_reports.has_sessions(tx)
    groups = await asyncio.to_thread(unanswered_page.groups_of, gaps)
    rubric, limits = visit.ctx.knowledge().content.rubric, review_rules.load()
    return visit.page(
        "audit_compliance.html",
        period=period,
        line=line,
        lines=list(Line),
        tally=counts,
        rates=[Rate(row=row, sessions=counts.by_line.get(row.line, 0)) for row in labels],
        rules=_judged(visit, rules),
        answers=[one for one in items if one.item.startswith("B")],
        rubric=rubric,
        handovers=handovers,
        gaps=groups[:_GAPS],
        gap_count=len(gaps),
        group_count=len(groups),
        titles=visit.ctx.knowledge().titles(),
        sight=audit_overview_page.sight_of(rows, coverage),
        archive_read_at=coverage.archive_read_at,
        has_sessions=has_sessions,
        drawing=_drawing(visit, weeks, by_week, sessions),
        back_to_test=limits.back_to_test,
        least_decided=limits.least_decided,
    )


def _judged(visit: Visit, rules: Sequence[RuleRow]) -> list[Judged]:
    rules_in_use = visit.ctx.knowledge().content.rules
    known, measured = {rule.id: rule for rule in rules_in_use.rules}, rules_in_use.measured
    found = []
    for row in rules:
        rule = known.get(row.rule_id)
        found.append(
            Judged(
                row=row,
                name=rule.message if rule else "",
                law=rule.law if rule else "",
                measured=measured.get(row.rule_id),
            )
        )
    return found


def _drawing(
    visit: Visit, weeks: Sequence[Period], by_week: Sequence[dict[str, int]], sessions: Sequence[int]
) -> dict[str, Any]:
    """Return the violations of each week by severity, with how many sessions they come from."""
    used = [name for name in _SEVERITIES if any(week.get(name) for week in by_week)]
    return {
        "weeks": [f"{one.since:%m-%d}" for one in weeks],
        "series": [
            {
                "key": name,
                "name": visit.frame.words.label("audit_severity", name),
                "counts": [week.get(name, 0) for week in by_week],
            }
            for name in used
        ],
        "sessions": list(sessions),
        "words": dict(visit.frame.words.section("violations_drawing")),
    }

"""The audit at a glance: what needs the supervisor now, what was seen at all, and how the period went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import response, spreads
from audit.boards import Tallies
from audit.response import WaitClock
from audit.spreads import Mean, Waits
from console import audit_periods, people, score_access
from console.access import Right
from console.audit_periods import Period
from console.visit import Visit
from domain.audit import BOT, FindingState
from store import audit_reports, audit_tallies, finding_reports, health_reports
from store.audit_reports import AuditFilter, Coverage, Scored

_FINDINGS = 6


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What was seen of all. `unseen`: advisors of whom nothing is on record in the period."""

    advisors: int
    seen: int
    archived: int
    unseen: tuple[str, ...]
    chats_told: int
    chats_seen: int


@dataclass(frozen=True, kw_only=True)
class Course:
    """How people did in a period, the bot left out."""

    score: Mean | None
    scored: int
    waits: Waits | None
    asked: int
    unanswered: int


async def show(visit: Visit) -> web.Response:
    """Show the period that the address asks for."""
    score_access.access_boards(visit.viewer)
    period, now = audit_periods.chosen(visit), visit.ctx.clock.now()
    wanted = audit_periods.wanted(visit, period)
    limits = response.limits_of(visit.ctx.knowledge().content.rubric)
    async with visit.ctx.store.read() as tx:
        rows = await audit_reports.list_scored(tx, wanted)
        earlier = await audit_reports.list_scored(tx, audit_periods.wanted(visit, period.before))
        coverage = await read_coverage(tx, wanted, period)
        tallies = await read_tallies(tx, wanted)
        values = {
            "tally": await audit_reports.count_sessions(tx, wanted),
            "has_sessions": await audit_reports.has_sessions(tx),
            "waiting": await audit_tallies.count_waiting(tx, now),
            "red": await finding_reports.list_findings(
                tx, wanted, is_red=True, states=_RED_STATES, before=None, limit=_FINDINGS
            ),
            "accounts": await health_reports.list_account_names(tx),
            "people": await people.list_names(tx),
        }
    return visit.page(
        "audit_overview.html",
        period=period,
        sight=sight_of(rows, coverage),
        archive_read_at=coverage.archive_read_at,
        course=_course(rows, limits),
        before=_course(earlier, limits),
        findings=tallies.findings,
        ratings=list(tallies.ratings.values()),
        promises=list(tallies.promises.values()),
        queues=queues_of(visit),
        rubric=visit.ctx.knowledge().content.rubric,
        least=spreads.LEAST,
        **values,
    )


_RED_STATES = (FindingState.SUSPECTED, FindingState.CONFIRMED, FindingState.COUNTED)


def queues_of(visit: Visit) -> dict[str, str]:
    """Return where what waits is worked off, for somebody who may; else where it can be read."""
    rights = visit.viewer.rights
    listed = "/console/audit/sessions?period=90&red=suspected"
    return {
        "red": "/console/audit/reviews" if Right.REVIEW in rights else listed,
        "reviews": "/console/audit/reviews" if Right.REVIEW in rights else listed,
        "appeals": "/console/audit/appeals" if Right.DECIDE_APPEALS in rights else "/console/audit/team",
    }


async def read_tallies(tx: AsyncConnection, wanted: AuditFilter) -> Tallies:
    """Return what was counted by person."""
    return Tallies(
        findings=await audit_tallies.tally_findings(tx, wanted),
        ratings=await audit_tallies.tally_ratings(tx, wanted),
        promises=await audit_tallies.tally_promises(tx, wanted),
        appeals=await audit_tallies.tally_appeals(tx, wanted),
    )


async def read_coverage(tx: AsyncConnection, wanted: AuditFilter, period: Period) -> Coverage:
    """Return who could be seen."""
    return await audit_reports.read_coverage(tx, wanted, period.first_day, period.last_day)


def sight_of(rows: Sequence[Scored], coverage: Coverage) -> Sight:
    """Return what was seen of all advisors and chats."""
    heard = {one.subject for one in rows} - {BOT}
    everybody = coverage.advisors | heard
    told = {name: count for name, count in coverage.told.items() if name in everybody}
    return Sight(
        advisors=len(everybody),
        seen=len(heard),
        archived=len(coverage.archived & everybody),
        unseen=tuple(sorted(everybody - heard)),
        chats_told=sum(told.values()),
        # What the platform does not tell of cannot be compared.
        chats_seen=sum(min(coverage.seen.get(name, 0), count) for name, count in told.items()),
    )


def _course(rows: Sequence[Scored], limits: response.Limits) -> Course:
    human = [one for one in rows if one.subject != BOT]
    scores = [one.score for one in human if one.score is not None]
    return Course(
        score=spreads.mean_of(scores),
        scored=len(scores),
        waits=response.waits_of(human, WaitClock.WORKING, limits),
        asked=sum(one.asked > 0 for one in human),
        unanswered=sum(one.is_unanswered for one in human),
    )

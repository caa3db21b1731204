"""The scorecard of one advisor: the course by week, where points were lost and the evidence, compared with the team."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import boards, diagnosis, response, scorecards, spreads
from audit.scorecards import Week
from console import audit_overview_page, audit_periods, people, score_access
from console.access import NotFound
from console.visit import PAGE_ROWS, Visit
from domain.audit import BOT, FindingState
from store import audit_reports, contact_reports, finding_reports, session_notes, session_talks, staff
from store.audit_reports import Scored
from store.session_talks import Heard, SessionHead

_STATES: dict[str, tuple[FindingState, ...]] = {
    "": (),
    "counted": (FindingState.COUNTED, FindingState.CONFIRMED),
    "suspected": (FindingState.SUSPECTED,),
    "past": (FindingState.REJECTED, FindingState.OVERTURNED),
}
_PROMISES = 20
_CLIP = 6  # Messages of a clip.
# Whatever the page shows: a Monday alone tells nothing of how somebody works.
_DIAGNOSED = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A session worth speaking about, with its first messages."""

    head: SessionHead
    scored: Scored
    heard: Sequence[Heard]


async def show(visit: Visit) -> web.Response:
    """Show the scorecard of a period; the course runs over the last twelve weeks."""
    score_access.access_boards(visit.viewer)
    subject, now = visit.request.match_info["subject"], visit.ctx.clock.now()
    period = audit_periods.chosen(visit)
    wanted = audit_periods.wanted(visit, period)
    own = audit_periods.wanted(visit, period, subject=subject)
    weeks = audit_periods.weeks(visit)
    rubric = visit.ctx.knowledge().content.rubric
    limits = response.limits_of(rubric)
    shown = visit.choice("show", tuple(_STATES))
    async with visit.ctx.store.read() as tx:
        member = await staff.find(tx, subject) if subject != BOT else None
        everybody = await audit_reports.list_scored(tx, wanted)
        rows = [one for one in everybody if one.subject == subject]
        course = await audit_reports.list_scored(
            tx, audit_periods.over(visit, weeks, subject=subject, weeks_before=scorecards.POOLED_WEEKS - 1)
        )
        if member is None and subject != BOT and not course and not rows:
            raise NotFound()
        tallies = await audit_overview_page.read_tallies(tx, wanted)
        coverage = await audit_overview_page.read_coverage(tx, wanted, period)
        contact = await contact_reports.read(tx, subject, now - _DIAGNOSED, now) if member else None
        waits = await audit_reports.list_waits(tx, own)
        items = scorecards.lost_of(await session_talks.list_items(tx, own))
        findings = await finding_reports.list_findings(
            tx, own, states=_STATES[shown], before=visit.place, limit=PAGE_ROWS + 1
        )
        best, worst = scorecards.clips_of(rows)
        clips = {"best": await _clip(tx, best), "worst": await _clip(tx, worst)}
        promises = await session_notes.list_promises(tx, subject, own, limit=_PROMISES)
        notes = await session_notes.list_notes(tx, subjects=frozenset({subject}))
        names = await people.list_names(tx)
    lines = await asyncio.to_thread(boards.team_of, everybody, tallies, coverage, limits)
    course_weeks = scorecards.weeks_of(course, [(one.since, one.until) for one in weeks], limits)
    return visit.page(
        "audit_advisor.html",
        subject=subject,
        member=member,
        period=period,
        line=boards.line_of(subject, rows, tallies, coverage, limits),
        art=scorecards.average_of(waits),
        medians=boards.medians_of(lines),
        items=items,
        most_lost=scorecards.most_lost(items),
        weeks=course_weeks,
        drawing=_drawing(visit, course_weeks),
        findings=findings[:PAGE_ROWS],
        next_place=findings[PAGE_ROWS - 1].place if len(findings) > PAGE_ROWS else None,
        shown=shown,
        clips=clips,
        promises=promises,
        notes=notes,
        rubric=rubric,
        diagnosis=() if contact is None else diagnosis.diagnose(contact, rubric),
        people=names,
        least=spreads.LEAST,
    )


async def _clip(tx: AsyncConnection, scored: Scored | None) -> Clip | None:
    head = await session_talks.find_head(tx, scored.session_id) if scored else None
    if head is None or scored is None:
        return None
    heard = [one for one in await session_talks.list_heard(tx, head) if one.author != "system"]
    return Clip(head=head, scored=scored, heard=heard[:_CLIP])


def _drawing(visit: Visit, weeks: Sequence[Week]) -> dict[str, Any]:
    """Return score with its interval, number of sessions and median wait of each week; null where there is none."""
    return {
        "weeks": [f"{one.since:%m-%d}" for one in weeks],
        "score": [round(one.score.mean, 1) if one.score else None for one in weeks],
        "low": [round(one.score.low, 1) if one.score else None for one in weeks],
        "high": [round(one.score.high, 1) if one.score else None for one in weeks],
        "sessions": [one.scored for one in weeks],
        "waits": [round(one.waits.median.total_seconds() / 60, 2) if one.waits else None for one in weeks],
        "words": dict(visit.frame.words.section("score_drawing")),
    }

"""What needs a person now, and how today went."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from console.access import Right
from console.visit import Visit
from domain.replies import AnswerKind
from store import case_reports, health_reports, lines
from store.case_reports import CaseFilter

# What of a day's turns the bot settled, offered a choice for, or gave to a person. The rest is small talk and the like.
_SHARES = {
    "answered": (AnswerKind.ANSWER,),
    "asked_back": (AnswerKind.MENU, AnswerKind.CLARIFY),
    "handed_over": (AnswerKind.HANDOVER, AnswerKind.HOLDING, AnswerKind.LATE),
}


@dataclass(frozen=True, kw_only=True)
class Share:
    """A part of today's questions; `percent` is rounded."""

    key: str
    count: int
    percent: int


async def show(visit: Visit) -> web.Response:
    """Show the numbers a person's role may act on, each with a link to the list behind it."""
    viewer, now = visit.viewer, visit.ctx.clock.now()
    scope = viewer.scope
    today = visit.frame.times.start_of_today()
    async with visit.ctx.store.read() as tx:
        attention = await health_reports.read_attention(tx, now, viewer.own_names)
        stopped = await lines.list_stopped(tx)
        urgent = (
            await case_reports.list_cases(tx, CaseFilter(now=now), scope=scope, after=None, limit=6)
            if viewer.sees_talk
            else []
        )
        sees_all = viewer.may(Right.SEE_ALL_TALK) or viewer.may(Right.SEE_UNANSWERED)
        decisions = await health_reports.count_decisions(tx, today) if sees_all else {}
        talks = await health_reports.count_talks_since(tx, today) if sees_all else 0
    return visit.live_page(
        "overview.html",
        "overview_part.html",
        "/console/",
        attention=attention,
        stopped=sorted(stopped),
        urgent=urgent,
        shares=shares_of(decisions),
        decisions=decisions,
        talks=talks,
        sees_all=sees_all,
    )


def shares_of(decisions: dict[str, int]) -> list[Share]:
    """Return how today's questions ended; empty when there were none. Small talk does not count as a question."""
    counts = {key: sum(decisions.get(one, 0) for one in kinds) for key, kinds in _SHARES.items()}
    total = sum(counts.values())
    if not total:
        return []
    return [Share(key=key, count=count, percent=round(100 * count / total)) for key, count in counts.items()]

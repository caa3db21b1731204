"""What needs a person now, and how today went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

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


_COUNT_EVERY = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True)
class Today:
    """What happened since the day began. `counted_at`: machine time."""

    since: datetime
    counted_at: datetime
    decisions: dict[str, int]
    talks: int


@dataclass(frozen=True, kw_only=True)
class Share:
    """A part of today's questions; `percent` is rounded."""

    key: str
    count: int
    percent: int


class OverviewPage:
    """The page, and today's counts between two of its many polls."""

    def __init__(self) -> None:
        self._counted: Today | None = None

    async def show(self, visit: Visit) -> web.Response:
        """Show the numbers a person's role may act on, each with a link to the list behind it."""
        viewer, now = visit.viewer, visit.ctx.clock.now()
        sees_all = viewer.may(Right.SEE_ALL_TALK) or viewer.may(Right.SEE_UNANSWERED)
        async with visit.ctx.store.read() as tx:
            attention = await health_reports.read_attention(tx, now, viewer.own_names)
            stopped = await lines.list_stopped(tx)
            urgent = (
                await case_reports.list_cases(
                    tx, CaseFilter(now=now), scope=viewer.scope, after=None, limit=6
                )
                if viewer.sees_talk
                else []
            )
            today = await self._today(visit, tx) if sees_all else None
        return visit.live_page(
            "overview.html",
            "overview_part.html",
            "/console/",
            attention=attention,
            stopped=sorted(stopped),
            urgent=urgent,
            shares=shares_of(today.decisions) if today else [],
            decisions=today.decisions if today else {},
            talks=today.talks if today else 0,
            sees_all=sees_all,
            problems=(await visit.ctx.health()).problems if viewer.may(Right.SEE_HEALTH) else (),
        )

    async def _today(self, visit: Visit, tx: AsyncConnection) -> Today:
        """Return today's counts, at most _COUNT_EVERY old: they run over all turns of a day, and everybody polls."""
        since, wall = visit.frame.times.start_of_today(), visit.ctx.clock.wall()
        kept = self._counted
        if kept is None or kept.since != since or wall - kept.counted_at >= _COUNT_EVERY:
            kept = self._counted = Today(
                since=since,
                counted_at=wall,
                decisions=await health_reports.count_decisions(tx, since),
                talks=await health_reports.count_talks_since(tx, since),
            )
        return kept


def shares_of(decisions: dict[str, int]) -> list[Share]:
    """Return how today's questions ended; empty when there were none. Small talk does not count as a question."""
    counts = {key: sum(decisions.get(one, 0) for one in kinds) for key, kinds in _SHARES.items()}
    total = sum(counts.values())
    if not total:
        return []
    return [Share(key=key, count=count, percent=round(100 * count / total)) for key, count in counts.items()]

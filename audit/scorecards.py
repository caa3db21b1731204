"""The scorecard of one advisor: the course by week, where points were lost, the best and the worst session. Pure.

No score below 20 scored sessions, in no week either; how many there were stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit import response, spreads
from audit.response import Limits, WaitClock
from audit.spreads import Mean, Waits
from domain.audit import Grade, ItemResult
from store.audit_reports import Scored


@dataclass(frozen=True, kw_only=True)
class Week:
    """One week. `score`: of the four weeks that end with it, `pooled` sessions; None: too few of them."""

    since: datetime
    scored: int
    pooled: int
    score: Mean | None
    waits: Waits | None
    unanswered: int
    asked: int


@dataclass(frozen=True, kw_only=True)
class Lost:
    """What was lost in one item. `sessions`: where points were lost, of `applied` in which it applied at all.

    `na`: sessions in which it did not; `pending`: points that suspicions would cost.
    """

    item: str
    lost: float
    weight: float
    sessions: int
    applied: int
    na: int
    pending: float

    @property
    def share(self) -> float:
        """How much of what could be earned was lost."""
        return self.lost / self.weight if self.weight else 0.0


# A week alone has seldom twenty sessions.
POOLED_WEEKS = 4


def weeks_of(
    rows: Sequence[Scored], edges: Sequence[tuple[datetime, datetime]], limits: Limits
) -> list[Week]:
    """Return each week from its edges; rows from three weeks before the first one on."""
    found = []
    for since, until in edges:
        own = [one for one in rows if since <= one.started_at < until]
        pooled_since = until - timedelta(weeks=POOLED_WEEKS)
        scores = [
            one.score for one in rows if one.score is not None and pooled_since <= one.started_at < until
        ]
        found.append(
            Week(
                since=since,
                scored=sum(one.score is not None for one in own),
                pooled=len(scores),
                score=spreads.mean_of(scores),
                waits=response.waits_of(own, WaitClock.WORKING, limits),
                unanswered=sum(one.is_unanswered for one in own),
                asked=sum(one.asked > 0 for one in own),
            )
        )
    return found


def lost_of(items: Sequence[tuple[int, Sequence[ItemResult]]]) -> list[Lost]:
    """Return every item in the order of its name, from session and items of each evaluation."""
    by_item: dict[str, list[ItemResult]] = {}
    for one in (one for _, results in items for one in results):
        by_item.setdefault(one.item, []).append(one)
    return [_lost(name, by_item[name]) for name in sorted(by_item)]


def _lost(name: str, results: Sequence[ItemResult]) -> Lost:
    earned = [(one.weight, one.earned) for one in results if one.earned is not None]
    return Lost(
        item=name,
        lost=sum(weight - got for weight, got in earned),
        weight=sum(weight for weight, _ in earned),
        sessions=sum(got < weight for weight, got in earned),
        applied=len(earned),
        na=len(results) - len(earned),
        pending=sum(one.pending for one in results),
    )


def most_lost(items: Sequence[Lost], count: int = 3) -> list[Lost]:
    """Return the items in which most points were lost."""
    losing = [one for one in items if one.lost > 0]
    return sorted(losing, key=lambda one: (-one.lost, one.item))[:count]


def clips_of(rows: Sequence[Scored]) -> tuple[Scored | None, Scored | None]:
    """Return the best and the worst session to speak about: by score, of several the longest talk, then the latest.

    None where all are alike: there is nothing to tell apart.
    """
    scored = [one for one in rows if one.score is not None]
    if len({one.score for one in scored}) < 2:
        return None, None

    def told(one: Scored) -> tuple[int, datetime]:
        return one.rounds, one.started_at

    best = max(scored, key=lambda one: (one.score, told(one)))
    worst = min(
        scored, key=lambda one: (one.grade != Grade.FAIL, one.score, -told(one)[0], -told(one)[1].timestamp())
    )
    return best, worst


def average_of(waits: Sequence[timedelta]) -> timedelta | None:
    """Return the mean over every question with an answer (ART, quality_audit.md §3)."""
    return sum(waits, timedelta(0)) / len(waits) if waits else None

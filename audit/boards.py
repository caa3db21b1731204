"""The team board: one line a person, from what the store counted. Pure.

A score and a place in the order need 20 scored sessions; whoever has fewer stands at the end, in the order of names.
Suspicions stand apart and are part of no figure. What was not seen is None, shown as not seen, never as full marks.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from audit import response, spreads
from audit.response import Limits, WaitClock
from audit.spreads import Mean, Waits
from domain.audit import BOT
from store.audit_reports import Coverage, Scored
from store.audit_tallies import AppealTally, FindingTally, PromiseTally, RatingTally


@dataclass(frozen=True, kw_only=True)
class Tallies:
    """What was counted by person."""

    findings: Mapping[str, FindingTally]
    ratings: Mapping[str, RatingTally]
    promises: Mapping[str, PromiseTally]
    appeals: Mapping[str, AppealTally]


@dataclass(frozen=True, kw_only=True)
class TeamLine:
    """One person. `score` None: fewer than 20 scored sessions. `is_archived`: the talks are archived at all.

    `chats_told`, `chats_seen`: chats with customers by the platform's statistics, and those on record; `chats_told` is
    None where the platform told nothing.
    """

    subject: str
    sessions: int
    scored: int
    score: Mean | None
    waits: Waits | None
    asked: int
    unanswered: int
    findings: FindingTally
    ratings: RatingTally
    promises: PromiseTally
    appeals: AppealTally
    is_archived: bool
    chats_told: int | None
    chats_seen: int

    @property
    def is_seen(self) -> bool:
        return self.sessions > 0

    @property
    def unanswered_rate(self) -> float | None:
        return self.unanswered / self.asked if self.asked else None


@dataclass(frozen=True, kw_only=True)
class Medians:
    """The middle of everybody who has a score; None where nobody has one."""

    people: int
    score: float | None
    wait: timedelta | None
    unanswered_rate: float | None


def line_of(
    subject: str,
    rows: Sequence[Scored],
    tallies: Tallies,
    coverage: Coverage,
    limits: Limits,
) -> TeamLine:
    """Return the line of one person from the rows that are theirs."""
    scores = [one.score for one in rows if one.score is not None]
    return TeamLine(
        subject=subject,
        sessions=len(rows),
        scored=len(scores),
        score=spreads.mean_of(scores),
        waits=response.waits_of_bot(rows, limits)
        if subject == BOT
        else response.waits_of(rows, WaitClock.WORKING, limits),
        asked=sum(one.asked > 0 for one in rows),
        unanswered=sum(one.is_unanswered for one in rows),
        findings=tallies.findings.get(subject, FindingTally()),
        ratings=tallies.ratings.get("" if subject == BOT else subject, RatingTally()),
        promises=tallies.promises.get(subject, PromiseTally()),
        appeals=tallies.appeals.get(subject, AppealTally()),
        is_archived=subject in coverage.archived,
        chats_told=coverage.told.get(subject),
        chats_seen=coverage.seen.get(subject, 0),
    )


def team_of(
    rows: Sequence[Scored],
    tallies: Tallies,
    coverage: Coverage,
    limits: Limits,
) -> list[TeamLine]:
    """Return a line for everybody who may have customers or has a session; the bot is not among them."""
    own = by_subject(rows)
    people = (coverage.advisors | own.keys()) - {BOT}
    return [line_of(name, own.get(name, []), tallies, coverage, limits) for name in sorted(people)]


def by_subject(rows: Sequence[Scored]) -> dict[str, list[Scored]]:
    """Return the rows of each person."""
    own: dict[str, list[Scored]] = {}
    for one in rows:
        own.setdefault(one.subject, []).append(one)
    return own


# Each column: what it sorts by, and whether the largest stands first. None goes behind every value.
_Key = Callable[[TeamLine], float | None]
ORDERS: Mapping[str, tuple[_Key, bool]] = {
    "score": (lambda one: one.score.mean if one.score else None, True),
    "red": (lambda one: one.findings.red_confirmed, True),
    "first": (lambda one: one.waits.median.total_seconds() if one.waits else None, False),
    "p90": (lambda one: one.waits.p90.total_seconds() if one.waits else None, False),
    "unanswered": (lambda one: one.unanswered_rate, True),
    "rating": (lambda one: _share(one.ratings.satisfied, one.ratings.rated), True),
    "promises": (lambda one: _share(one.promises.kept, one.promises.due), True),
    "sessions": (lambda one: one.scored, True),
}


def ordered(lines: Sequence[TeamLine], by: str, *, turned: bool = False) -> list[TeamLine]:
    """Return the lines by a column, turned round if wanted; below 20 scored sessions there is no place in the order."""
    key, is_largest_first = ORDERS[by]
    ranked = [one for one in lines if one.score is not None]
    rest = [one for one in lines if one.score is None]
    with_value = [(value, one) for one in ranked if (value := key(one)) is not None]
    with_value.sort(key=lambda pair: pair[0], reverse=is_largest_first is not turned)
    without = [one for one in ranked if key(one) is None]
    return [one for _, one in with_value] + without + sorted(rest, key=lambda one: (-one.scored, one.subject))


def medians_of(lines: Sequence[TeamLine]) -> Medians:
    """Return the middle of everybody who has a score."""
    scored = [one for one in lines if one.score is not None]
    rates = [one.unanswered_rate for one in scored if one.unanswered_rate is not None]
    waits = [one.waits.median for one in scored if one.waits is not None]
    return Medians(
        people=len(scored),
        score=statistics.median(one.score.mean for one in scored if one.score) if scored else None,
        wait=spreads.median_of(waits) if waits else None,
        unanswered_rate=statistics.median(rates) if rates else None,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

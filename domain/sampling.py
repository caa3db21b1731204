"""Samples of sessions for people to look at: what a session may be drawn for, how it was drawn, what came of it.

Pure data; the drawing is audit/sampling.py, the rows are kept by store/sampling_plans.py. Times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class PlanKind(StrEnum):
    """Why sessions are looked at; figures of different kinds are never put together."""

    RANDOM = "random"  # Every session with the same chance: the one estimate of quality.
    RISK = "risk"  # More of what is likelier to be wrong: finds, but estimates nothing alone.
    UNFLAGGED = "unflagged"  # Nothing was found in it: how much is missed.
    MUST = "must"  # Complaints, disputes, vulnerable customers: all of them.
    CALIBRATION = "calibration"  # The same sessions for every reviewer.


class Risk(StrEnum):
    """What makes a session likelier to be wrong (quality_audit.md §4); weights in content/review_rules.toml."""

    NEW_ADVISOR = "new_advisor"  # Known for less than 90 days.
    EARLIER_RED = "earlier_red"  # A red line of this person was confirmed before.
    WEIGHTY_LINE = "weighty_line"  # A loan, or a surrender or claim.
    STRONG_EMOTION = "strong_emotion"  # The customer was very angry or upset.
    PROMISE = "promise"  # A word was given.
    RECALLED = "recalled"  # A message was taken back.
    OFF_HOURS = "off_hours"  # Outside service hours.


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One subject's part in one session, as a draw sees it. `is_flagged`: something was found; `is_must`: §4 (2)."""

    session_id: int
    subject: str
    started_at: datetime
    is_flagged: bool = False
    is_red: bool = False
    is_must: bool = False
    risks: frozenset[Risk] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A drawn session. `weight`: how many sessions it stands for, 1 / chance of being drawn."""

    session_id: int
    subject: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class NewPlan:
    """A sample about to be kept. `population`: how many could have been drawn; with `seed` and `rules` the draw can be
    repeated. From `from_at` to before `until_at`, by the beginning of the session."""

    kind: PlanKind
    name: str
    from_at: datetime
    until_at: datetime
    population: int
    seed: int
    rules: Mapping[str, object] = field(default_factory=dict)
    made_by: str
    made_at: datetime


@dataclass(frozen=True, kw_only=True)
class SamplingPlan(NewPlan):
    """A kept sample. `size`: how many were drawn; `done` of them have been looked at."""

    id: int
    size: int
    done: int = 0


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A share among all sessions as a sample tells it, with its 95 % interval.

    `count` sessions were looked at, worth `effective` of a plain draw; None where nothing can be told yet.
    """

    count: int
    population: int
    effective: float = 0.0
    share: float | None = None
    low: float | None = None
    high: float | None = None

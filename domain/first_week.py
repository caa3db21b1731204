"""The score of a group's first week: 0 to 100 from what was measured, never from what was not.

Pure. Weights and marks are those of step 4.8 of the operations manual: steps on time 30, retention 25 against 85 % at
72 hours, answered in time 20 against 10 % overdue, participation 15 against 20 % of the members, compliance 10. A part
that was not measured has no points and the others are scaled to 100; without the steps there is no score at all.
Figures come from scheduler/figures.py, the words for them from content/staff_words.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ScorePart(StrEnum):
    """A part of the score."""

    ON_TIME = "on_time"
    RETENTION = "retention"
    ANSWERED = "answered"
    PARTICIPATION = "participation"
    COMPLIANCE = "compliance"


WEIGHTS: Mapping[ScorePart, int] = {
    ScorePart.ON_TIME: 30,
    ScorePart.RETENTION: 25,
    ScorePart.ANSWERED: 20,
    ScorePart.PARTICIPATION: 15,
    ScorePart.COMPLIANCE: 10,
}
RETENTION_MARK = 0.85
OVERDUE_MARK = 0.10
PARTICIPATION_MARK = 0.20
PASS_MARK = 60.0


class Gap(StrEnum):
    """Why a part was not measured."""

    NO_STEPS = "no_steps"  # No step was due that a person has to do.
    NO_COHORT = "no_cohort"  # Nobody has been in for 72 hours.
    NO_QUESTIONS = "no_questions"  # No question is on record: nobody marked one, and there is no archive.
    NO_ACTIVITY = (
        "no_activity"  # Neither archive, nor the platform's daily figures for this group, nor page visits.
    )
    NO_ARCHIVE = "no_archive"  # What people type by hand is seen only where it is archived.


# Why a part is missing where it is; one of a stored score is not known better than this.
GAPS: Mapping[ScorePart, Gap] = {
    ScorePart.ON_TIME: Gap.NO_STEPS,
    ScorePart.RETENTION: Gap.NO_COHORT,
    ScorePart.ANSWERED: Gap.NO_QUESTIONS,
    ScorePart.PARTICIPATION: Gap.NO_ACTIVITY,
    ScorePart.COMPLIANCE: Gap.NO_ARCHIVE,
}


@dataclass(frozen=True, kw_only=True)
class Count:
    """A share with what it was counted from; `part` may not exceed `whole`. `is_least`: there may have been more."""

    part: int
    whole: int
    is_least: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.part <= self.whole:
            raise ValueError(f"{self.part} of {self.whole} is no share")

    @property
    def rate(self) -> float | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, kw_only=True)
class WeekFigures:
    """What was measured; None or a count of nothing: it was not.

    `on_time`: steps sent in their window, of those due. `told`: of those on time, how many only somebody's word
    proves. `retained`: still in after 72 hours. `overdue`: questions answered late or not at all. `active`: members
    who did something. `violations`: None without an archive, unless one is known.
    """

    on_time: Count | None = None
    told: int = 0
    retained: Count | None = None
    overdue: Count | None = None
    active: Count | None = None
    violations: int | None = None


@dataclass(frozen=True, kw_only=True)
class Score:
    """The score. `total`: 0..100 with one decimal, None when there is none. `figures`: what it was reckoned from.

    `parts`: points by part, None: not measured. `gaps`: why not.
    """

    total: float | None
    parts: Mapping[str, float | None]
    gaps: Mapping[str, Gap]
    figures: WeekFigures

    @property
    def has_passed(self) -> bool | None:
        """Say whether the week passed; None without a score."""
        return None if self.total is None else self.total >= PASS_MARK


def score(figures: WeekFigures) -> Score:
    """Return the score of a week."""
    shares: dict[ScorePart, float | None] = {
        ScorePart.ON_TIME: _rate(figures.on_time),
        ScorePart.RETENTION: _towards(_rate(figures.retained), RETENTION_MARK),
        ScorePart.ANSWERED: _below(_rate(figures.overdue), OVERDUE_MARK),
        ScorePart.PARTICIPATION: _towards(_rate(figures.active), PARTICIPATION_MARK),
        ScorePart.COMPLIANCE: None if figures.violations is None else float(figures.violations == 0),
    }
    parts = {
        str(part): None if share is None else round(WEIGHTS[part] * share, 1)
        for part, share in shares.items()
    }
    gaps = {str(part): GAPS[part] for part, share in shares.items() if share is None}
    measured = {part: share for part, share in shares.items() if share is not None}
    total = None
    if ScorePart.ON_TIME in measured:
        weight = sum(WEIGHTS[part] for part in measured)
        total = round(100 * sum(WEIGHTS[part] * share for part, share in measured.items()) / weight, 1)
    return Score(total=total, parts=parts, gaps=gaps, figures=figures)


def _rate(count: Count | None) -> float | None:
    return count.rate if count else None


def _towards(rate: float | None, mark: float) -> float | None:
    return None if rate is None else min(1.0, rate / mark)


def _below(rate: float | None, mark: float) -> float | None:
    return None if rate is None else max(0.0, 1.0 - rate / mark)

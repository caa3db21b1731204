"""From points to a score and a grade (quality_audit.md §2). Pure; the judging and the decisions of people share it."""

from __future__ import annotations

from collections.abc import Iterable

from domain.audit import Grade

# From which score a grade is given, the highest first.
GRADES = ((90.0, Grade.EXCELLENT), (80.0, Grade.GOOD), (60.0, Grade.COACH), (0.0, Grade.FAIL))
# Scores are kept to a ten-thousandth, so that both engines and any order of items say the same.
DIGITS = 4


def earned_of(weight: float, points: float) -> float:
    """Return what is left of an item's weight; never less than nothing."""
    return round(max(0.0, weight - points), DIGITS)


def score_of(items: Iterable[tuple[float, float | None]]) -> tuple[float | None, float]:
    """Return the score, 0 to 100, and the weight it stands on, from (weight, earned) of the items.

    An item that earned None does not apply and leaves the denominator; without any the score is None.
    """
    applied = sorted((weight, earned) for weight, earned in items if earned is not None)
    weight = sum(one for one, _ in applied)
    if not weight:
        return None, 0.0
    return round(100 * sum(earned for _, earned in applied) / weight, DIGITS), weight


def grade_of(score: float | None, *, has_confirmed_red: bool = False) -> Grade:
    """Return the grade: a confirmed red line fails a session whatever its score; NONE where nothing applied."""
    if has_confirmed_red:
        return Grade.FAIL
    if score is None:
        return Grade.NONE
    return next((grade for least, grade in GRADES if score >= least), Grade.FAIL)

"""The week's score: parts by their marks, what was not measured left out, never full marks for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import first_week
from domain.first_week import Count, Gap, ScorePart, WeekFigures

FULL = WeekFigures(
    on_time=Count(part=10, whole=10),
    retained=Count(part=85, whole=100),
    overdue=Count(part=0, whole=12),
    active=Count(part=20, whole=100),
    violations=0,
)


def test_a_week_at_every_mark_has_a_hundred() -> None:
    score = first_week.score(FULL)

    assert score.total == 100.0
    assert dict(score.parts) == {
        "on_time": 30.0,
        "retention": 25.0,
        "answered": 20.0,
        "participation": 15.0,
        "compliance": 10.0,
    }
    assert score.gaps == {}
    assert score.has_passed


def test_each_part_is_reckoned_against_its_mark() -> None:
    score = first_week.score(
        WeekFigures(
            on_time=Count(part=3, whole=4),
            retained=Count(part=68, whole=100),
            overdue=Count(part=1, whole=20),
            active=Count(part=10, whole=100),
            violations=2,
        )
    )

    assert dict(score.parts) == {
        "on_time": 22.5,
        "retention": 20.0,
        "answered": 10.0,
        "participation": 7.5,
        "compliance": 0.0,
    }
    assert score.total == 60.0


def test_what_was_not_measured_is_left_out_and_the_rest_scaled() -> None:
    score = first_week.score(WeekFigures(on_time=Count(part=3, whole=4), retained=Count(part=17, whole=20)))

    assert score.total == pytest.approx(100 * (22.5 + 25) / 55, abs=0.05)
    assert score.parts["compliance"] is None
    assert score.gaps == {
        "answered": Gap.NO_QUESTIONS,
        "participation": Gap.NO_ACTIVITY,
        "compliance": Gap.NO_ARCHIVE,
    }


def test_without_the_steps_there_is_no_score() -> None:
    score = first_week.score(
        WeekFigures(retained=Count(part=1, whole=1), on_time=Count(part=0, whole=0), violations=0)
    )

    assert score.total is None
    assert score.has_passed is None
    assert score.gaps["on_time"] is Gap.NO_STEPS


def test_a_known_violation_counts_without_an_archive() -> None:
    figures = WeekFigures(on_time=Count(part=1, whole=1), violations=1)

    assert first_week.score(figures).parts["compliance"] == 0.0


def test_more_than_everybody_is_no_share() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        Count(part=3, whole=2)


counts = st.none() | st.integers(0, 30).flatmap(
    lambda whole: st.integers(0, whole).map(lambda part: Count(part=part, whole=whole))
)
figures = st.builds(
    WeekFigures,
    on_time=counts,
    retained=counts,
    overdue=counts,
    active=counts,
    violations=st.none() | st.integers(0, 3),
)


@given(figures)
def test_a_score_lies_between_nothing_and_a_hundred_and_names_every_gap(week: WeekFigures) -> None:
    score = first_week.score(week)

    assert set(score.parts) == {str(part) for part in ScorePart}
    assert set(score.gaps) == {part for part, points in score.parts.items() if points is None}
    assert (score.total is None) == ("on_time" in score.gaps)
    if score.total is not None:
        assert 0.0 <= score.total <= 100.0


@given(figures)
def test_nothing_measured_worse_ever_makes_a_score_better(week: WeekFigures) -> None:
    worse = WeekFigures(
        on_time=week.on_time and Count(part=0, whole=week.on_time.whole),
        retained=week.retained,
        overdue=week.overdue,
        active=week.active,
        violations=None if week.violations is None else 1,
    )
    better, less = first_week.score(week).total, first_week.score(worse).total

    assert (better is None) == (less is None)
    if better is not None and less is not None:
        assert less <= better

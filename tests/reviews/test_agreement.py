"""Agreement, intervals and sizes: equal to the numbers of quality_audit.md §4 and §5, and to published examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import agreement
from audit.agreement import Pairs, Scale, Weighting

# Red line yes or no over 200 sessions, the worked example of §5.
WORKED = Pairs(both_yes=40, first_only=5, second_only=7, both_no=148)
# Four raters, twelve units, ratings missing: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), C.
RELIABILITY: list[list[float | None]] = [
    [1, 1, None, 1],
    [2, 2, 3, 2],
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [2, 2, 2, 2],
    [1, 2, 3, 4],
    [4, 4, 4, 4],
    [1, 1, 2, 1],
    [2, 2, 2, 2],
    [None, 5, 5, 5],
    [None, None, 1, 1],
    [None, None, 3, None],
]


def test_the_worked_example_gives_its_figures() -> None:
    assert WORKED.observed == pytest.approx(0.940, abs=5e-4)
    assert WORKED.expected == pytest.approx(0.646, abs=5e-4)
    assert agreement.kappa(WORKED) == pytest.approx(0.831, abs=5e-4)
    assert WORKED.positive == pytest.approx(0.870, abs=5e-4)


def test_nothing_to_compare_is_no_agreement() -> None:
    empty = agreement.pairs_of([])
    all_no = agreement.pairs_of([(False, False)] * 20)

    assert (agreement.kappa(empty), empty.positive, empty.observed) == (None, None, None)
    assert (agreement.kappa(all_no), all_no.positive, all_no.observed) == (None, None, 1.0)


@pytest.mark.parametrize(
    ("scale", "expected"), [(Scale.NOMINAL, 0.743), (Scale.ORDINAL, 0.815), (Scale.INTERVAL, 0.849)]
)
def test_alpha_with_missing_ratings_gives_the_published_figures(scale: Scale, expected: float) -> None:
    assert agreement.alpha(RELIABILITY, scale) == pytest.approx(expected, abs=5e-4)


def test_alpha_needs_two_ratings_of_one_thing_and_two_values() -> None:
    assert agreement.alpha([[1, None], [None, 2]]) is None
    assert agreement.alpha([[1, 1], [1, 1]]) is None
    assert agreement.alpha([[1, 1], [2, 2]]) == 1.0


def test_weighted_kappa_of_two_ranks_is_plain_kappa() -> None:
    ratings = [(1, 1)] * 40 + [(1, 0)] * 5 + [(0, 1)] * 7 + [(0, 0)] * 148

    for weighting in Weighting:
        assert agreement.weighted_kappa(ratings, weighting) == pytest.approx(agreement.kappa(WORKED))


def test_weighted_kappa_forgives_near_misses() -> None:
    near = [(1, 1), (2, 2), (3, 3), (4, 4), (1, 2), (3, 2)]
    far = [(1, 1), (2, 2), (3, 3), (4, 4), (1, 4), (4, 1)]

    assert agreement.weighted_kappa([]) is None
    assert agreement.weighted_kappa([(1, 1), (1, 1)]) is None
    assert (agreement.weighted_kappa(near) or 0) > (agreement.weighted_kappa(far) or 0)
    # By hand: observed 2/6 squared steps, expected over all pairs of margins.
    assert agreement.weighted_kappa([(0, 0), (1, 1), (2, 2), (0, 1)], Weighting.LINEAR) == pytest.approx(
        1 - (1 / 4) / (14 / 16)
    )


@pytest.mark.parametrize(
    ("margin", "share", "population", "expected"),
    [
        (0.05, 0.5, None, 385),
        (0.03, 0.1, None, 385),
        (0.02, 0.05, None, 457),
        (0.01, 0.02, None, 753),
        (0.05, 0.5, 200, 132),
        (0.05, 0.5, 500, 218),
        (0.05, 0.5, 1_000, 278),
        (0.05, 0.5, 5_000, 357),
        (0.05, 0.5, 50_000, 382),
        (0.05, 0.5, 0, 0),
        (0.001, 0.5, 7, 7),
    ],
)
def test_sample_sizes_are_those_of_the_design(
    margin: float, share: float, population: int | None, expected: int
) -> None:
    assert agreement.sample_size(margin, share=share, population=population) == expected


@pytest.mark.parametrize(
    ("rate", "confidence", "expected"),
    [(0.01, 0.95, 299), (0.005, 0.95, 598), (0.02, 0.95, 149), (0.01, 0.99, 459)],
)
def test_seeing_no_defect_takes_so_many(rate: float, confidence: float, expected: int) -> None:
    assert agreement.zero_defect_size(rate, confidence=confidence) == expected
    assert (agreement.zero_defect_bound(expected, confidence=confidence) or 1) <= rate
    assert (agreement.zero_defect_bound(expected - 1, confidence=confidence) or 0) > rate


def test_wilson_gives_the_textbook_interval() -> None:
    some, none = agreement.wilson(10, 100), agreement.wilson(0, 10)

    assert some is not None
    assert [some.low, some.high] == pytest.approx([0.0552, 0.1744], abs=5e-4)
    assert none is not None
    assert [none.low, none.high] == pytest.approx([0.0, 0.2775], abs=5e-4)
    assert none.low == 0.0
    assert agreement.wilson(0, 0) is None


@given(st.integers(1, 5_000), st.floats(0, 1))
def test_an_interval_holds_its_share_and_stays_within_bounds(count: int, part: float) -> None:
    found = agreement.wilson(round(part * count), count)

    assert found is not None
    assert 0 <= found.low <= found.share + 1e-12
    assert found.share - 1e-12 <= found.high <= 1


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_kappa_does_not_care_who_was_first(verdicts: list[tuple[bool, bool]]) -> None:
    turned = [(second, first) for first, second in verdicts]

    one, other = (agreement.kappa(agreement.pairs_of(both)) for both in (verdicts, turned))
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one == pytest.approx(other)
        assert one <= 1 + 1e-12


@given(st.integers(1, 100_000), st.floats(0.01, 0.2))
def test_a_finite_company_never_needs_more_than_a_large_one(population: int, margin: float) -> None:
    needed = agreement.sample_size(margin, population=population)

    assert needed <= min(population, agreement.sample_size(margin))

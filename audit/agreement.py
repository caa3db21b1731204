"""How well people agree, how sure a share is, how many sessions have to be looked at. Pure.

The figures of quality_audit.md §4 and §5 come out of here; tests/reviews/test_agreement.py compares. Nothing to
measure gives None, never zero or one.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

# A red line may be trusted from here on, another item from 0.6; below 0.4 an item is not defined well enough (§5).
TARGET_RED = 0.8
TARGET = 0.6
FLOOR = 0.4

_Distance = Callable[[float, float], float]


class Scale(StrEnum):
    """What the values of a rating mean to Krippendorff's alpha."""

    NOMINAL = "nominal"  # Names: equal or not.
    ORDINAL = "ordinal"  # An order; how far apart two are depends on how many lie between.
    INTERVAL = "interval"  # Numbers; distances count squared.


class Weighting(StrEnum):
    """How much a disagreement of two ranks counts in weighted kappa."""

    LINEAR = "linear"  # By its distance.
    QUADRATIC = "quadratic"  # By the square of it.


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Two people's yes and no about the same things: `both_no` and the others are counts."""

    both_yes: int
    first_only: int
    second_only: int
    both_no: int

    @property
    def count(self) -> int:
        return self.both_yes + self.first_only + self.second_only + self.both_no

    @property
    def observed(self) -> float | None:
        """The share on which both agree."""
        return (self.both_yes + self.both_no) / self.count if self.count else None

    @property
    def expected(self) -> float | None:
        """The share on which they would agree by chance."""
        if not self.count:
            return None
        first = (self.both_yes + self.first_only) / self.count
        second = (self.both_yes + self.second_only) / self.count
        return first * second + (1 - first) * (1 - second)

    @property
    def positive(self) -> float | None:
        """Positive agreement 2a / (2a + b + c): what kappa hides when a yes is rare."""
        said = 2 * self.both_yes + self.first_only + self.second_only
        return 2 * self.both_yes / said if said else None


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A share with the bounds between which it lies."""

    share: float
    low: float
    high: float


def pairs_of(verdicts: Sequence[tuple[bool, bool]]) -> Pairs:
    """Count pairs of answers."""
    counts = Counter(verdicts)
    return Pairs(
        both_yes=counts[True, True],
        first_only=counts[True, False],
        second_only=counts[False, True],
        both_no=counts[False, False],
    )


def kappa(pairs: Pairs) -> float | None:
    """Return Cohen's kappa; None without pairs, or when both said the same throughout, which proves nothing."""
    observed, expected = pairs.observed, pairs.expected
    if observed is None or expected is None or math.isclose(expected, 1.0):
        return None
    return (observed - expected) / (1 - expected)


def weighted_kappa(
    ratings: Sequence[tuple[int, int]], weighting: Weighting = Weighting.QUADRATIC
) -> float | None:
    """Return Cohen's kappa of two people's ranks, near misses counted less; None when chance alone would agree."""
    if not ratings:
        return None
    first, second = Counter(one for one, _ in ratings), Counter(other for _, other in ratings)
    power = 1 if weighting is Weighting.LINEAR else 2
    observed = sum(abs(one - other) ** power for one, other in ratings) / len(ratings)
    expected = sum(
        count * times * abs(one - other) ** power
        for (one, count), (other, times) in itertools.product(first.items(), second.items())
    ) / (len(ratings) ** 2)
    return None if expected == 0 else 1 - observed / expected


def alpha(units: Sequence[Sequence[float | None]], scale: Scale = Scale.NOMINAL) -> float | None:
    """Return Krippendorff's alpha. `units`: one row a thing that was rated, one value a rater, None for no rating.

    A thing rated by one person alone tells nothing and is left out. None when no two ratings can be compared, or when
    all ratings are the same.
    """
    rated = [[value for value in row if value is not None] for row in units]
    rated = [row for row in rated if len(row) > 1]
    totals: Counter[float] = Counter(value for row in rated for value in row)
    if len(totals) < 2:
        return None
    distance = _distance(scale, totals)
    observed = sum(
        2 * distance(one, other) / (len(row) - 1)
        for row in rated
        for one, other in itertools.combinations(row, 2)
    )
    count = totals.total()
    expected = sum(
        2 * totals[one] * totals[other] * distance(one, other)
        for one, other in itertools.combinations(totals, 2)
    ) / (count - 1)
    return 1 - observed / expected


def _distance(scale: Scale, totals: Mapping[float, int]) -> _Distance:
    if scale is Scale.NOMINAL:
        return lambda one, other: float(one != other)
    if scale is Scale.INTERVAL:
        return lambda one, other: (one - other) ** 2
    ranks: dict[float, float] = {}
    below = 0
    for value in sorted(totals):
        ranks[value] = below + totals[value] / 2
        below += totals[value]
    return lambda one, other: (ranks[one] - ranks[other]) ** 2


def agreement_of(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Return the plain share of equal answers."""
    return sum(one == other for one, other in pairs) / len(pairs) if pairs else None


# --- shares and sizes ---------------------------------------------------------------------------------------


def z_of(confidence: float) -> float:
    """Return how many standard deviations cover `confidence` of a normal distribution: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(hits: float, count: float, confidence: float = 0.95) -> Interval | None:
    """Return the Wilson interval of a share; `count` may be an effective size. None without anything counted."""
    if count <= 0:
        return None
    share, z = hits / count, z_of(confidence)
    shrink = 1 + z * z / count
    middle = (share + z * z / (2 * count)) / shrink
    # Rounding may leave a tiny negative number where the share is 0 or 1.
    spread = max(0.0, share * (1 - share) / count + z * z / (4 * count * count))
    half = z * math.sqrt(spread) / shrink
    # Exact at the ends, where the two parts cancel but for rounding.
    low = 0.0 if share == 0 else max(0.0, middle - half)
    high = 1.0 if share == 1 else min(1.0, middle + half)
    return Interval(share=share, low=low, high=high)


def sample_size(
    margin: float, *, share: float = 0.5, population: int | None = None, confidence: float = 0.95
) -> int:
    """Return how many have to be looked at to know a share of about `share` within `margin` either way.

    0.05 for five points; 385 of many, 132 of 200 (§4). `share` 0.5 is the worst case.
    """
    if not 0 < margin < 1 or not 0 < share < 1:
        raise ValueError(f"margin and share lie between 0 and 1, not {margin} and {share}")
    many = z_of(confidence) ** 2 * share * (1 - share) / margin**2
    if population is None:
        return math.ceil(many)
    if population <= 0:
        return 0
    return min(population, math.ceil(many / (1 + (many - 1) / population)))


def zero_defect_size(rate: float, *, confidence: float = 0.95) -> int:
    """Return how many must be seen without one defect to say that the rate lies below `rate`: 299 for 1 %."""
    if not 0 < rate < 1:
        raise ValueError(f"a rate lies between 0 and 1, not {rate}")
    return math.ceil(math.log(1 - confidence) / math.log(1 - rate))


def zero_defect_bound(count: int, *, confidence: float = 0.95) -> float | None:
    """Return below which rate defects lie when none was seen in `count`; None when nothing was seen."""
    return 1 - float((1 - confidence) ** (1 / count)) if count > 0 else None

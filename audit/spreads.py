"""How lengths of time and scores are spread: median, P90, share within the limit, interval of a mean. Pure.

The mean of waiting times is dominated by outliers (quality_audit.md §3), so it is not among them. Nothing to measure
gives None, never zero.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import NormalDist

# No score and no ranking of a person below so many scored sessions: intervals get so wide that they say nothing.
LEAST = 20


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Waiting times. `p90`: the smallest of them that nine in ten do not exceed. `within`: how many kept the limit."""

    count: int
    median: timedelta
    p90: timedelta
    within: int


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean of scores with its 95 % interval (Student's t), between 0 and 100."""

    count: int
    mean: float
    low: float
    high: float


def waits_of(waited: Sequence[tuple[timedelta, timedelta]]) -> Waits | None:
    """Return how waiting times are spread; each comes with its own limit."""
    if not waited:
        return None
    lengths = sorted(length for length, _ in waited)
    return Waits(
        count=len(lengths),
        median=median_of(lengths),
        p90=lengths[math.ceil(0.9 * len(lengths)) - 1],
        within=sum(length <= limit for length, limit in waited),
    )


def median_of(lengths: Sequence[timedelta]) -> timedelta:
    """Return the middle one, or half-way between the two in the middle."""
    return timedelta(seconds=statistics.median(length.total_seconds() for length in lengths))


def mean_of(scores: Sequence[float]) -> Mean | None:
    """Return the mean of the scores with its interval; None below LEAST."""
    count = len(scores)
    if count < LEAST:
        return None
    mean = statistics.fmean(scores)
    half = t_quantile(count - 1) * statistics.stdev(scores, mean) / math.sqrt(count)
    return Mean(count=count, mean=mean, low=max(0.0, mean - half), high=min(100.0, mean + half))


def t_quantile(freedom: int) -> float:
    """Return the two-sided 95 % quantile of Student's t: 2.093 for 19 degrees of freedom, exact to 0.001 from 10 on.

    The Cornish-Fisher expansion around the normal quantile (Abramowitz and Stegun 26.7.5).
    """
    z = NormalDist().inv_cdf(0.975)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3

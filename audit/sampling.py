"""Drawing sessions for people to look at, and what the drawn ones tell about all of them. Pure.

The random sample alone estimates quality; the risk sample finds more and never enters that figure (§4 of the design).
Every draw is repeated by its seed: candidates are put in order first. A drawn session carries the weight 1 / chance.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeVar

from audit import agreement
from domain.sampling import Candidate, Drawn, Estimate, Risk

_T = TypeVar("_T")


def draw_random(candidates: Sequence[Candidate], size: int, seed: int) -> list[Drawn]:
    """Draw `size` of them, all with the same chance; all when there are not more."""
    ordered, size = _ordered(candidates), min(size, len(candidates))
    if size <= 0:
        return []
    chosen = random.Random(seed).sample(ordered, size)
    return [_drawn(one, size / len(ordered)) for one in _ordered(chosen)]


def draw_unflagged(candidates: Sequence[Candidate], size: int, seed: int) -> list[Drawn]:
    """Draw `size` of those in which nothing was found, to see how much is missed."""
    return draw_random([one for one in candidates if not one.is_flagged], size, seed)


def draw_must(candidates: Sequence[Candidate]) -> list[Drawn]:
    """Return all that has to be looked at anyway; each stands for itself."""
    return [_drawn(one, 1.0) for one in _ordered(candidates) if one.is_must]


def draw_risk(
    candidates: Sequence[Candidate], size: int, seed: int, risks: Mapping[Risk, float]
) -> list[Drawn]:
    """Draw about `size` of them, each with a chance in proportion to its risk.

    Systematic: chances are laid end to end in a shuffled order and picked at equal steps, so that the number drawn is
    `size`, or all, and each chance is exact.
    """
    chances = chances_of([weight_of(one, risks) for one in _ordered(candidates)], size)
    rows = list(zip(_ordered(candidates), chances, strict=True))
    dice = random.Random(seed)
    dice.shuffle(rows)
    place, next_pick, drawn = 0.0, dice.random(), []
    for one, chance in rows:
        place += chance
        # What is sure to be drawn spans a whole step; rounding must not lose it.
        if chance >= 1 or place > next_pick:
            drawn.append(_drawn(one, chance))
            next_pick += 1
    return sorted(drawn, key=_place)


def draw_minimum(
    candidates: Sequence[Candidate], drawn: Sequence[Drawn], least: int, seed: int
) -> list[Drawn]:
    """Draw more of everybody who has fewer than `least` drawn sessions, so that everybody hears something.

    The weight is within that person's sessions which nobody drew; these are for feedback, not for an estimate.
    """
    taken = {(one.session_id, one.subject) for one in drawn}
    counts: dict[str, int] = defaultdict(int)
    left: dict[str, list[Candidate]] = defaultdict(list)
    for one in drawn:
        counts[one.subject] += 1
    for candidate in candidates:
        if (candidate.session_id, candidate.subject) not in taken:
            left[candidate.subject].append(candidate)
    more: list[Drawn] = []
    for subject in sorted(left):
        more += draw_random(left[subject], least - counts[subject], seed_of(seed, subject))
    return more


def weight_of(candidate: Candidate, risks: Mapping[Risk, float]) -> float:
    """Return how many times likelier than an ordinary session this one should be drawn."""
    return math.prod(risks[risk] for risk in candidate.risks)


def chances_of(weights: Sequence[float], size: int) -> list[float]:
    """Return the chance of each to be among `size` drawn in proportion to its weight; at most 1."""
    if size >= len(weights):
        return [1.0] * len(weights)
    sure: set[int] = set()
    while True:
        total = sum(weight for place, weight in enumerate(weights) if place not in sure)
        left = size - len(sure)
        share = left / total if total > 0 else 0.0
        over = {p for p, weight in enumerate(weights) if p not in sure and weight * share >= 1}
        if not over or left <= 0:
            return [1.0 if p in sure else weight * share for p, weight in enumerate(weights)]
        sure |= over


def is_drawn_blind(key: str, share: float) -> bool:
    """Say whether a review gets a blind second look; always the same answer for the same key."""
    return _number(key) / 2**64 < share


def seed_of(seed: int, name: str) -> int:
    """Return another seed for a part of a draw."""
    return _number(f"{seed} {name}") >> 1


# --- what a sample tells ------------------------------------------------------------------------------------


def estimate(answers: Sequence[tuple[float, bool]], population: int) -> Estimate:
    """Return the share of yes among `population` sessions from (weight, yes) of those looked at.

    Horvitz and Thompson's sums of yes and of all, divided (Hájek); the interval is Wilson's for Kish's effective
    number of sessions. With equal weights that is the plain share and its plain interval.
    """
    total = sum(weight for weight, _ in answers)
    if total <= 0:
        return Estimate(count=len(answers), population=population)
    share = sum(weight for weight, is_yes in answers if is_yes) / total
    effective = total**2 / sum(weight**2 for weight, _ in answers)
    interval = agreement.wilson(share * effective, effective)
    assert interval is not None
    return Estimate(
        count=len(answers),
        population=population,
        effective=effective,
        share=share,
        low=interval.low,
        high=interval.high,
    )


def estimated_recall(found: float, missed: Estimate) -> float | None:
    """Return which share of all that is wrong the rules find: `found` were confirmed, `missed` is the share of wrong
    ones among the sessions in which nothing was found. None when nothing is known to be wrong."""
    if missed.share is None:
        return None
    wrong = found + missed.share * missed.population
    return found / wrong if wrong > 0 else None


def _drawn(one: Candidate, chance: float) -> Drawn:
    return Drawn(session_id=one.session_id, subject=one.subject, weight=1 / chance)


def _place(one: Candidate | Drawn) -> tuple[int, str]:
    return one.session_id, one.subject


def _ordered(candidates: Sequence[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=_place)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

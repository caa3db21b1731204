"""Draws: repeatable, unbiased, with room for everybody; and what the drawn sessions tell."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import agreement, sampling
from content import review_rules
from domain.sampling import Candidate, Drawn, Risk

RISKS = review_rules.load().risks
AT = datetime(2026, 11, 2, tzinfo=UTC)


def candidate(
    number: int,
    *risks: Risk,
    subject: str = "wang",
    is_flagged: bool = False,
    is_must: bool = False,
) -> Candidate:
    return Candidate(
        session_id=number,
        subject=subject,
        started_at=AT,
        is_flagged=is_flagged,
        is_must=is_must,
        risks=frozenset(risks),
    )


def test_the_multipliers_are_those_of_the_design() -> None:
    assert RISKS == {
        Risk.NEW_ADVISOR: 2,
        Risk.EARLIER_RED: 5,
        Risk.WEIGHTY_LINE: 2,
        Risk.STRONG_EMOTION: 2,
        Risk.PROMISE: 1.5,
        Risk.RECALLED: 1.5,
        Risk.OFF_HOURS: 1.5,
    }
    assert sampling.weight_of(candidate(1, Risk.NEW_ADVISOR, Risk.EARLIER_RED, Risk.PROMISE), RISKS) == 15
    assert sampling.weight_of(candidate(1), RISKS) == 1


def test_a_draw_is_repeated_by_its_seed_whatever_the_order() -> None:
    some = [candidate(number) for number in range(100)]

    drawn = sampling.draw_random(some, 10, seed=7)
    assert drawn == sampling.draw_random(some[::-1], 10, seed=7)
    assert drawn != sampling.draw_random(some, 10, seed=8)
    assert {one.weight for one in drawn} == {10.0}


def test_only_what_was_not_flagged_is_drawn_to_find_what_is_missed() -> None:
    some = [candidate(number, is_flagged=number % 2 == 0) for number in range(40)]

    drawn = sampling.draw_unflagged(some, 10, seed=1)
    assert {one.session_id % 2 for one in drawn} == {1}
    assert {one.weight for one in drawn} == {2.0}


def test_all_that_must_be_looked_at_is_taken_as_itself() -> None:
    some = [candidate(number, is_must=number < 3) for number in range(10)]

    assert [(one.session_id, one.weight) for one in sampling.draw_must(some)] == [(0, 1), (1, 1), (2, 1)]


def test_a_risky_session_is_drawn_as_often_as_its_risk_says() -> None:
    some = [candidate(number, *([Risk.EARLIER_RED] if number < 10 else [])) for number in range(110)]
    times: Counter[int] = Counter()

    for seed in range(1_500):
        drawn = sampling.draw_risk(some, 15, seed, RISKS)
        assert len(drawn) == 15
        times.update(one.session_id for one in drawn)

    # Weights 10 x 5 + 100 x 1: a risky one has the chance 15 x 5 / 150, an ordinary one a fifth of it.
    risky = sum(times[number] for number in range(10)) / 10 / 1_500
    ordinary = sum(times[number] for number in range(10, 110)) / 100 / 1_500
    assert risky == pytest.approx(0.5, abs=0.02)
    assert ordinary == pytest.approx(0.1, abs=0.01)


def test_weights_undo_the_preference_for_risk() -> None:
    """A quarter of the risky and a tenth of the ordinary sessions are bad; the weighted share finds 11.4 % again."""
    some = [candidate(number, *([Risk.EARLIER_RED] if number < 40 else [])) for number in range(440)]
    bad = {number for number in range(440) if (number < 40 and number % 4 == 0) or number % 10 == 5}
    truth = len(bad) / 440
    shares = []

    for seed in range(300):
        drawn = sampling.draw_risk(some, 80, seed, RISKS)
        found = sampling.estimate([(one.weight, one.session_id in bad) for one in drawn], 440)
        assert found.share is not None
        shares.append(found.share)

    assert sum(shares) / len(shares) == pytest.approx(truth, abs=0.01)


def test_everybody_gets_a_few_sessions() -> None:
    some = [candidate(number, subject="li" if number < 5 else "wang") for number in range(200)]
    drawn = [Drawn(session_id=0, subject="li", weight=1)]

    more = sampling.draw_minimum(some, drawn, 3, seed=1)
    assert Counter(one.subject for one in more) == {"li": 2, "wang": 3}
    assert 0 not in {one.session_id for one in more if one.subject == "li"}
    assert {one.weight for one in more if one.subject == "li"} == {2.0}


def test_equal_weights_give_the_plain_interval() -> None:
    plain = agreement.wilson(10, 100)
    found = sampling.estimate([(7.0, number < 10) for number in range(100)], 700)

    assert plain is not None
    assert found.share is not None
    assert found.low is not None
    assert found.high is not None
    assert [found.share, found.low, found.high] == pytest.approx([plain.share, plain.low, plain.high])
    assert (found.count, found.population) == (100, 700)
    assert sampling.estimate([], 700).share is None


def test_recall_counts_what_was_missed_among_all_not_flagged() -> None:
    missed = sampling.estimate([(10.0, number < 2) for number in range(100)], 1_000)

    # 30 found and 2 % of 1,000 missed.
    assert sampling.estimated_recall(30, missed) == pytest.approx(0.6)
    assert sampling.estimated_recall(0, sampling.estimate([(1.0, False)], 10)) is None
    assert sampling.estimated_recall(5, sampling.estimate([], 10)) is None


def test_about_a_tenth_is_looked_at_twice() -> None:
    twice = sum(sampling.is_drawn_blind(f"red:{number}", 0.1) for number in range(5_000))

    assert twice == pytest.approx(500, abs=70)
    assert sampling.is_drawn_blind("red:1", 1.0)
    assert not sampling.is_drawn_blind("red:1", 0.0)


@settings(max_examples=60)
@given(
    st.lists(st.frozensets(st.sampled_from(list(Risk))), min_size=1, max_size=60),
    st.integers(0, 80),
    st.integers(0, 1_000),
)
def test_a_risk_draw_has_the_size_asked_for(kinds: list[frozenset[Risk]], size: int, seed: int) -> None:
    some = [candidate(number, *risks) for number, risks in enumerate(kinds)]

    drawn = sampling.draw_risk(some, size, seed, RISKS)
    assert len(drawn) == min(size, len(some))
    assert len({one.session_id for one in drawn}) == len(drawn)
    assert all(one.weight >= 1 for one in drawn)

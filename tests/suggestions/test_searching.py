"""Quick phrases found by what somebody types in a hurry."""

from __future__ import annotations

import time

import pytest

from handlers import suggesting
from tests.suggestions.factory import knowledge


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("退保", "insurance.surrender_think"),
        ("tuibao", "insurance.surrender_think"),
        ("tb", "insurance.surrender_think"),
        ("tqhk", "loan.prepay_three"),
        ("提前hk", "loan.prepay_three"),
        ("tiqianhuan", "loan.prepay_three"),
        ("zhengx", "loan.credit_truth"),
        ("征信 修复", "loan.credit_truth"),
        ("ＺＸ", "loan.credit_truth"),
        ("證件號", "service.delete_sensitive"),
        ("12378", "service.complaint_ways"),
    ],
)
def test_phrase_is_found_by_characters_sounds_initials_and_any_mix(words: str, wanted: str) -> None:
    assert wanted in [one.id for one in suggesting.search_quick(knowledge(), words, 3)]


def test_nothing_fits_nonsense_and_everything_fits_nothing() -> None:
    assert suggesting.search_quick(knowledge(), "qqqqqq") == []
    assert len(suggesting.search_quick(knowledge(), "", 500)) == len(knowledge().quick)
    assert suggesting.search_quick(knowledge(), "", 1)[0].line == "service"


def test_a_search_takes_less_than_five_milliseconds() -> None:
    suggesting.search_quick(knowledge(), "tqhk")
    took = []
    for words in ("tqhk", "zhengxin", "退保", "提前hk", "shuohuadeshihou"):
        best = min(_timed(words) for _ in range(5))
        took.append(best)

    assert max(took) < 0.005


def _timed(words: str) -> float:
    began = time.process_time()
    suggesting.search_quick(knowledge(), words, 20)
    return time.process_time() - began

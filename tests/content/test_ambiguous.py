"""Words of several meanings: a menu where nothing else tells which is meant."""

from __future__ import annotations

import pytest

from content import ambiguous
from tests.content import shipped

WORDS = shipped.words().ambiguous


@pytest.mark.parametrize(
    "said",
    ["利率多少", "請問手續費怎麼收？", "到期了怎么办", "多久到账", "怎么退", "在哪里办理", "被拒了怎么办"],
)
def test_a_bare_ambiguous_word_is_recognised(said: str) -> None:
    assert ambiguous.find(said, WORDS) is not None


@pytest.mark.parametrize(
    "said",
    [
        "贷款利率多少",
        "赎回手续费多少",
        "理财到期了怎么办",
        "基金几天到账",
        "怎么退保",
        "理赔被拒了怎么办",
        "",
        "你好",
    ],
)
def test_a_word_with_its_subject_is_not(said: str) -> None:
    assert ambiguous.find(said, WORDS) is None


def test_every_offer_is_an_entry() -> None:
    assert all(offer in shipped.words().faqs for word in WORDS for offer in word.offers)
    assert all(2 <= len(word.offers) <= ambiguous.MOST_OFFERS for word in WORDS)

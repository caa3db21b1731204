"""Questions in other words fall together, whatever order they come in."""

from __future__ import annotations

import random
import re
import time
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from content import grouping
from content.grouping import Asked

MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def asked(
    text: str, *, customer: int = 1, minute: int = 0, nearest: str = "", confidence: float = 0.0
) -> Asked:
    at = MORNING + timedelta(minutes=minute)
    return Asked(text=text, customer=customer, at=at, nearest=nearest, confidence=confidence)


def test_other_words_for_one_question_are_one_group_and_other_questions_are_not() -> None:
    questions = [
        asked("怎么改绑定的手机号", customer=1),
        asked("绑定手机号怎么改", customer=2, minute=5),
        asked("请问一下，绑定的手机号怎么改？", customer=2, minute=9),
        asked("保单丢了怎么补", customer=3),
        asked("你们节假日上班吗", customer=4),
    ]

    groups = grouping.groups_of(questions)

    assert [group.count for group in groups] == [3, 1, 1]
    assert groups[0].customers == 2
    assert groups[0].last_at == MORNING + timedelta(minutes=9)
    assert set(groups[0].examples) == {one.text for one in questions[:3]}


def test_width_script_politeness_and_punctuation_make_no_new_wording() -> None:
    texts = ["您好，請問續保優惠", "续保优惠？？", "续保优惠呢", "续保优惠 谢谢"]

    (group,) = grouping.groups_of(asked(text, customer=number) for number, text in enumerate(texts))

    assert (group.count, group.customers) == (4, 4)


def test_the_entry_that_came_nearest_is_told_with_how_near_it_came() -> None:
    questions = [
        asked("退保扣多少", nearest="insurance.surrender", confidence=0.4),
        asked("退保要扣多少", nearest="insurance.surrender", confidence=0.2),
        asked("退保扣多少呀", nearest="insurance.cooling_off", confidence=0.9),
    ]

    (group,) = grouping.groups_of(questions)

    assert group.nearest == "insurance.surrender"
    assert round(group.confidence, 6) == 0.3


WORDS = st.sampled_from("提前还款违约金退保手机号怎么改多少钱能不能啊请问？ ")
QUESTIONS = st.lists(
    st.builds(
        asked,
        st.text(WORDS, max_size=8),
        customer=st.integers(1, 5),
        minute=st.integers(0, 50),
        nearest=st.sampled_from(["", "loan.prepay", "service.phone"]),
        confidence=st.floats(0, 1),
    ),
    max_size=25,
)


@given(QUESTIONS, st.randoms(use_true_random=False))
def test_the_order_of_the_questions_does_not_matter_and_none_is_lost(
    questions: list[Asked], chance: random.Random
) -> None:
    shuffled = questions[:]
    chance.shuffle(shuffled)

    groups = grouping.groups_of(questions)

    assert groups == grouping.groups_of(shuffled)
    assert sum(group.count for group in groups) == len(questions)
    assert all(group.examples and group.count >= group.customers for group in groups)


def test_ten_thousand_different_questions_are_grouped_in_a_moment() -> None:
    chance = random.Random(7)
    things = re.findall(
        "..", "贷款保单基金利息额度账单手机卡片发票合同征信受益红包礼券定投赎回理赔续保退保密码"
    )
    wishes = re.findall("...", "怎么改怎么查在哪看能退吗多久到要多少没成功可撤销几时有不见了怎么办扣两次")
    extra = "的是有在上个月今天昨天刚才一直老是我妈爱人孩子单位公司网上手机电脑"
    texts = {
        "".join([chance.choice(things), *chance.choices(extra, k=5), chance.choice(wishes)])
        for _ in range(10_500)
    }
    questions = [asked(text, customer=number) for number, text in enumerate(sorted(texts)[:10_000])]

    begun = time.perf_counter()
    groups = grouping.groups_of(questions)
    seconds = time.perf_counter() - begun

    assert sum(group.count for group in groups) == 10_000
    # Measured 1.5 s; a square of the number of questions would take minutes.
    assert seconds < 15, f"{seconds:.1f} s"

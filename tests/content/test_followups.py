"""Follow-ups: what leans on the talk before, and what stands alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import followups
from domain.faq import Choice, Match, Thresholds
from tests.content import shipped


@pytest.mark.parametrize(
    "said",
    [
        "那提前还呢？",
        "要多久",
        "24期呢",
        "那如果逾期了呢",
        "多久到账",
        "要收费吗",
        "那这个能退吗",
        "好的，那要什么材料",
        "为什么",
        "安全吗",
    ],
)
def test_words_without_a_subject_are_a_follow_up(said: str) -> None:
    assert followups.is_follow_up(said)


@pytest.mark.parametrize(
    "said",
    [
        "等额本息怎么算",
        "退保能拿回多少钱",
        "理财保本吗",
        "转人工",
        "",
        "？？",
        "我上个月在你们这里买的那个保险现在想退掉要多久",
    ],
)
def test_words_that_stand_alone_are_not(said: str) -> None:
    assert not followups.is_follow_up(said)


def test_the_unsaid_subject_is_put_before_the_words() -> None:
    topic = shipped.words().faqs["insurance.claim_steps"]

    read = followups.written_out("那要多久呢？", topic)

    assert read
    assert all(said.endswith("要多久") for said in read)
    assert read[0] == f"{topic.keywords[0]}要多久"


@given(st.text(max_size=30))
def test_any_text_can_be_read(said: str) -> None:
    topic = shipped.words().faqs["insurance.claim_steps"]

    followups.is_follow_up(said)
    assert len(followups.written_out(said, topic)) <= 3


def test_what_is_asked_next_counts_double_and_other_lines_not_at_all() -> None:
    topic = shipped.words().faqs["insurance.claim_steps"]
    lines = {faq.id: faq.line for faq in shipped.words().faqs.values()}
    asked_next = topic.follow_ups[0]
    found = [
        Match(faq_id="loan.money_arrival", score=0.9, confidence=0.9),
        Match(faq_id="insurance.deductible", score=0.3, confidence=0.3),
        Match(faq_id=asked_next, score=0.3, confidence=0.3),
        Match(faq_id=topic.id, score=0.99, confidence=0.99),
    ]

    pooled = followups.pooled([found], topic, lines)

    assert [match.faq_id for match in pooled] == [asked_next, "insurance.deductible"]
    assert followups.decide(pooled, Thresholds()).choice is Choice.ANSWER


def test_two_equal_readings_of_a_follow_up_are_a_menu() -> None:
    found = [Match(faq_id=f"loan.{name}", score=0.6, confidence=0.6) for name in ("prepay", "settled")]

    decision = followups.decide(found, Thresholds())

    assert decision.choice is Choice.MENU
    assert decision.matches == tuple(found)

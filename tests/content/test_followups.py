"""Follow-ups: what leans on the talk before, and what stands alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import followups
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

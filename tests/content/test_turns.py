"""Turns: a fragment waits for the next bubble, a whole question does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import turns
from tests.content import shipped

ALL_ASKS = [said for faq in shipped.words().faqs.values() for said in (faq.question, *faq.asks)]


@pytest.mark.parametrize(
    "text",
    [
        "你好",
        "在吗",
        "您好！",
        "想问一下",
        "请问",
        "有个问题想问您",
        "我上个月买的那个，",
        "就是",
        "我的保单",
        "那个...",
        "🙂",
        "",
        "  ",
    ],
)
def test_fragment_waits(text: str) -> None:
    assert not turns.is_whole_question(text, shipped.words().signals)


@pytest.mark.parametrize(
    "text",
    [
        "退保能拿回多少",
        "提前还款要违约金吗",
        "你好，怎么报案",
        "转人工",
        "我要投诉你们",
        "谢谢",
        "不想活了",
        "再见",
        "理赔款到账？",
    ],
)
def test_whole_question_is_answered_at_once(text: str) -> None:
    assert turns.is_whole_question(text, shipped.words().signals)


def test_most_ways_customers_ask_are_whole() -> None:
    waiting = [said for said in ALL_ASKS if not turns.is_whole_question(said, shipped.words().signals)]

    assert len(waiting) < 0.06 * len(ALL_ASKS), waiting


@pytest.mark.parametrize(
    "text",
    ["🙂", "🙂🙂 ", "👨‍👩‍👧", "❤️", "👍🏽👍🏽", "🇨🇳", "[微笑]", "[捂脸][捂脸]", "[OK]👌", "(^_^)", "～～"],
)
def test_text_of_signs_only_is_wordless(text: str) -> None:
    assert turns.is_wordless(text)


@pytest.mark.parametrize("text", ["", "  ", "？？", "...", "好的🙂", "1", "[退保]", "[微笑]谢谢", "ok", "6"])
def test_words_punctuation_and_nothing_are_not_wordless(text: str) -> None:
    assert not turns.is_wordless(text)


@given(st.text(max_size=60))
def test_wordless_text_is_no_question(text: str) -> None:
    if turns.is_wordless(text) and "[" not in text and "［" not in text:
        assert not turns.is_whole_question(text, shipped.words().signals)


@given(st.text(max_size=60))
def test_any_text_gets_an_answer(text: str) -> None:
    assert turns.is_whole_question(text, shipped.words().signals) in (True, False)


@given(st.sampled_from(ALL_ASKS), st.sampled_from(["你好，", "请问", "在吗？", ""]))
def test_question_mark_makes_a_question_whole(said: str, before: str) -> None:
    assert turns.is_whole_question(f"{before}{said}？", shipped.words().signals)


@given(st.sampled_from(ALL_ASKS))
def test_trailing_comma_waits_unless_urgent(said: str) -> None:
    signals = shipped.words().signals
    urgent = any(hit.code is not None for hit in signals.find(said))

    assert turns.is_whole_question(said.rstrip("？?") + "，", signals) is urgent

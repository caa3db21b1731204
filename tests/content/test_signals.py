"""Signals: urgent words are heard, denied ones are not taken for a wish."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import normalising
from domain.faq import HandoverCode
from domain.replies import SignalKind
from tests.content import shipped

SIGNALS = shipped.words().signals
EXAMPLES = [(signal, text) for signal in SIGNALS.signals for text in signal.must_match]
COUNTER_EXAMPLES = [(signal, text) for signal in SIGNALS.signals for text in signal.must_not_match]


def kinds(text: str) -> list[SignalKind]:
    return [hit.kind for hit in SIGNALS.find(text)]


def test_every_kind_has_a_signal() -> None:
    assert {signal.kind for signal in SIGNALS.signals} == set(SignalKind)


@pytest.mark.parametrize(("signal", "text"), EXAMPLES)
def test_example_is_found(signal: object, text: str) -> None:
    assert signal.kind in kinds(text)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("signal", "text"), COUNTER_EXAMPLES)
def test_counter_example_is_not_found(signal: object, text: str) -> None:
    assert signal.kind not in kinds(text)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text", ["不用转人工", "我不是要投诉", "先别转人工", "不需要人工客服，谢谢", "没有要投诉你们的意思"]
)
def test_denied_wish_is_no_wish(text: str) -> None:
    assert not {SignalKind.HUMAN, SignalKind.COMPLAINT} & set(kinds(text))


@pytest.mark.parametrize("text", ["不用，转人工吧", "机器人答不了，转人工", "轉人工", "转 人 工", "人工！！"])
def test_person_is_asked_for_in_many_ways(text: str) -> None:
    assert SignalKind.HUMAN in kinds(text)


def test_danger_comes_before_everything_else() -> None:
    hits = SIGNALS.find("我要投诉你们，再逼我我就不活了，不想活了，转人工")

    assert hits[0].kind is SignalKind.SELF_HARM
    assert hits[0].code is HandoverCode.H2


def test_greeting_alone_is_whole_and_with_a_question_is_not() -> None:
    assert SIGNALS.find("您好呀")[0].whole
    assert not SIGNALS.find("您好，提前还款怎么算")[0].whole


@given(st.text(max_size=80))
def test_any_text_is_searched_without_an_error(text: str) -> None:
    for hit in SIGNALS.find(text):
        assert 0 <= hit.span[0] < hit.span[1] <= len(normalising.folded(text))

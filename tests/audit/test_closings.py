"""Which words of a customer ask for nothing."""

from __future__ import annotations

import pytest

from audit import closings

CLOSES = [
    "好的",
    "好的谢谢",
    "嗯嗯好的 谢谢您！",
    "[微笑]",
    "👌",
    "OK",
    "好的[抱拳]",
    "謝謝",
    "没事了",
    "行，麻烦您了",
    "谢谢老师，辛苦了",
    "知道了",
]
ASKS = [
    "好吗",
    "可以吗",
    "好的，那利息多少",
    "？",
    "谢谢？",
    "在吗",
    "是的",
    "[怎么还款]",
    "好，我明天来",
    "我",
    "",
    "几点",
    "好的 我再看看",
    "1",
]


@pytest.mark.parametrize("text", CLOSES)
def test_closing_words_alone_ask_for_nothing(text: str) -> None:
    assert closings.load().is_closing(text)


@pytest.mark.parametrize("text", ASKS)
def test_a_word_more_asks(text: str) -> None:
    assert not closings.load().is_closing(text)


def test_a_long_row_of_closing_words_is_read_in_no_time() -> None:
    assert not closings.load().is_closing("好的" * 11 + "吧嗒")

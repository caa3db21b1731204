"""What a talk asks now."""

from __future__ import annotations

import pytest

from content.suggesting import reading
from content.suggesting.reading import Asked
from tests.content import shipped
from tests.suggestions.factory import talk


def read(*said: str, minutes: float = 1.0, typed: str = "") -> Asked:
    return reading.read(talk(*said, minutes=minutes), shipped.words().signals, typed)


def test_bubbles_of_one_turn_are_one_question_and_greetings_are_left_out() -> None:
    asked = read("上次的事谢谢", "#不客气", "你好", "[微笑]", "我想问下", "提前还款", "要违约金吗")

    assert asked.text == "提前还款\n要违约金吗"


def test_a_pause_ends_a_turn_even_when_nobody_answered() -> None:
    asked = read("今天降温了，您那边冷不冷", "退保能拿回多少钱", minutes=4)

    assert (asked.text, asked.before) == ("退保能拿回多少钱", ("今天降温了，您那边冷不冷",))


def test_thanks_after_an_open_question_leave_the_question_open() -> None:
    asked = read("提前还款要违约金吗", "麻烦您了，谢谢", minutes=4)

    assert (asked.text, asked.is_chatter) == ("提前还款要违约金吗", False)


def test_thanks_after_an_answer_ask_nothing() -> None:
    asked = read("提前还款要违约金吗", "#以合同为准", "好的谢谢")

    assert (asked.text, asked.is_chatter) == ("好的谢谢", True)


def test_a_question_from_long_ago_is_not_answered_now() -> None:
    asked = read("提前还款要违约金吗", "在吗", minutes=45)

    assert asked.is_chatter


def test_a_colleague_who_says_wait_has_not_taken_the_question_away() -> None:
    assert read("退保能拿回多少钱", "#您稍等").text == "退保能拿回多少钱"


def test_what_the_advisor_typed_goes_before_the_talk() -> None:
    asked = read("退保能拿回多少钱", "#稍等", typed=" 犹豫期几天？ ")

    assert (asked.text, asked.before) == ("犹豫期几天？", ("退保能拿回多少钱",))


def test_of_a_very_long_message_the_sentences_that_ask_are_read() -> None:
    asked = read("我家里的情况比较复杂，慢慢跟你讲。" * 100 + "提前还款要违约金吗？")

    assert asked.text == "提前还款要违约金吗？"


@pytest.mark.parametrize(
    "text", ["你好", "嗯嗯好的", "[玫瑰][玫瑰]", "👍👍", "辛苦您了", "收到", "好的谢谢您", "再见"]
)
def test_words_that_only_keep_the_talk_going_are_chatter(text: str) -> None:
    assert reading.is_chatter(text, shipped.words().signals)


@pytest.mark.parametrize(
    "text", ["还不上了怎么办", "我要投诉", "利息多少", "不想活了", "好的那提前还呢", "年化多少"]
)
def test_words_that_ask_or_warn_are_no_chatter(text: str) -> None:
    assert not reading.is_chatter(text, shipped.words().signals)


def test_nothing_said_asks_nothing() -> None:
    assert read() == Asked(text="")

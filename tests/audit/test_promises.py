"""Promises: what is one, when it is due, and what keeps it."""

from __future__ import annotations

from datetime import datetime

import pytest

from audit import promises, seen
from audit.seen import Background
from content import normalising, promise_words
from domain.audit import NewPromise
from tests.audit import written
from tests.content import shipped

# Monday 2026-11-23, 10:00 in China.
NOW = written.moment("23", "10:00:00")
HOURS = written.calendar(("mon-fri 09:00-18:00",), closed_on=("2026-11-25",)).hours


def due(text: str, now: datetime = NOW) -> str:
    """Return when the one promise of a text is due, in China; "" for none."""
    found = promise_words.find(normalising.folded(text))
    if not found:
        return ""
    due_at = promises.due(found[0].by, now, HOURS)
    return "" if due_at is None else f"{due_at.astimezone(written.ZONE):%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("10分钟内回您", "11-23 10:10"),
        ("半小时内给您答复", "11-23 10:30"),
        ("我2小时后给您回电话", "11-23 12:00"),
        ("等我5分钟，我查一下", "11-23 10:05"),
        ("这边会在24小时内联系您", "11-24 10:00"),
        ("今天下班前回您", "11-23 18:00"),
        ("下班前给您答复", "11-23 18:00"),
        ("今天下午3点给您打电话", "11-23 15:00"),
        ("3点半我给您回电话", ""),
        ("今晚我发给您", "11-23 22:00"),
        ("明天给您办好", "11-24 23:59"),
        ("明早给您回复", "11-24 10:00"),
        ("我明天上午10:30联系您", "11-24 10:30"),
        ("周五之前给您处理好", "11-27 23:59"),
        ("下周一把方案发给您", "11-30 23:59"),
        ("本周内给您寄出", "11-27 18:00"),
        ("三天内给您答复", "11-26 23:59"),
        # Wednesday is a day off, so the third working day is Friday.
        ("3个工作日内给您答复", "11-27 23:59"),
        ("月底前我给您处理", "11-30 23:59"),
        ("28号我帮您提交申请", "11-28 23:59"),
        ("5号我帮您提交申请", "12-05 23:59"),
        ("12月1日前给您答复", "12-01 23:59"),
    ],
)
def test_word_with_a_time_is_due_then(text: str, at: str) -> None:
    assert due(text) == at


@pytest.mark.parametrize(
    "text",
    [
        "尽快给您回复",
        "稍后联系您",
        "3个工作日内到账",
        "一般明天就到账",
        "您明天再来看看",
        "请您明天上午联系我",
        "明天给您办好吗？",
        "今天已经给您办好了",
        "如果没到，我明天帮您查",
        "不一定明天能给您答复",
        "争取明天给您答复",
        "犹豫期15天内可以退保",
        "您的账单日是5号",
        "我行5号扣款",
    ],
)
def test_what_has_no_time_or_is_not_given_is_no_promise(text: str) -> None:
    assert due(text) == ""


def test_minutes_count_in_service_hours() -> None:
    assert due("30分钟内给您答复", written.moment("23", "17:50:00")) == "11-24 09:20"


def test_closing_time_that_has_passed_means_the_day() -> None:
    assert due("今天下班前回您", written.moment("23", "19:00:00")) == "11-23 23:59"


def kept_by(lines: str) -> list[int | None]:
    """Return which message kept each promise of a talk."""
    told = [seen.told_of(one) for one in written.said(lines)]
    found = promises.find(told, Background(hours=HOURS))
    return [one.kept_message_id for one in promises.settle(found, told, shipped.words().rubric)]


@pytest.mark.parametrize(
    ("lines", "keeper"),
    [
        ("23 10:00:00 A:wang 今天下班前给您答复\n23 15:00:00 A:wang 查到了，是5号扣的", 2),
        ("23 10:00:00 A:wang 今天下班前给您发资料\n23 15:00:00 A:wang [file]", 2),
        ("23 10:00:00 A:wang 今天下班前给您答复\n23 15:00:00 A:li 银行那边说下周二退回您的卡里", 2),
        ("23 10:00:00 A:wang 今天下班前给您答复\n23 10:00:30 A:wang 您先别着急，这种情况常见", None),
        ("23 10:00:00 A:wang 今天下班前给您答复\n23 15:00:00 A:wang 我再帮您催一下", None),
        ("23 10:00:00 A:wang 今天下班前给您答复\n23 15:00:00 A:wang 在的", None),
        ("23 10:00:00 A:wang 今天下班前给您答复\n23 19:00:00 A:wang 查到了，是5号扣的", None),
        ("23 10:00:00 A:wang 今天下班前给您答复\n23 15:00:00 C 查到了吗，结果出来了没", None),
        ("23 10:00:00 A:wang 今天下班前给您答复\n23 15:00:00 A:wang~ 查到了，是5号扣的", None),
    ],
)
def test_promise_is_kept_by_our_side_in_time(lines: str, keeper: int | None) -> None:
    assert kept_by(lines) == [keeper]


def test_word_taken_back_is_no_promise() -> None:
    assert kept_by("23 10:00:00 A:wang~ 今天下班前给您答复") == []


def test_promise_knows_its_place_and_what_it_is_about() -> None:
    told = [seen.told_of(one) for one in written.said("23 10:00:00 A:wang 您好，明天给您办好，放心")]

    (one,) = promises.find(told, Background(hours=HOURS))

    assert isinstance(one, NewPromise)
    assert told[0].said.text[one.start : one.end] == one.object == "明天给您办好"

"""Signals: urgent words are heard, denied ones are not taken for a wish."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import normalising, signals
from domain.faq import HandoverCode
from domain.replies import SignalKind
from tests.content import shipped

SIGNALS = shipped.words().signals
EXAMPLES = [(signal, text) for signal in SIGNALS.signals for text in signal.must_match]
COUNTER_EXAMPLES = [(signal, text) for signal in SIGNALS.signals for text in signal.must_not_match]


def ids(text: str) -> list[str]:
    return [hit.id for hit in SIGNALS.find(text)]


def kinds(text: str) -> list[SignalKind]:
    return [hit.kind for hit in SIGNALS.find(text)]


def test_every_kind_has_a_signal_except_the_one_found_by_check_digits() -> None:
    assert {signal.kind for signal in SIGNALS.signals} == set(SignalKind) - {SignalKind.SENSITIVE}


def test_signal_names_are_stable_and_single() -> None:
    names = [signal.id for signal in SIGNALS.signals]

    assert len(names) == len(set(names))
    assert {"minor", "elderly", "family", "distress"} <= set(names)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("我今年78了", "elderly"),
        ("我爷爷不会用手机", "elderly"),
        ("我今年16岁想借钱", "minor"),
        ("我还在读高二能分期吗", "minor"),
        ("女儿用我手机借了钱", "family"),
    ],
)
def test_hit_says_who_is_vulnerable(text: str, name: str) -> None:
    hit = SIGNALS.find(text)[0]

    assert (hit.id, hit.kind, hit.code) == (name, SignalKind.VULNERABLE, HandoverCode.H8)


# None of these words stand in signals.toml.
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("我实在熬不下去了", SignalKind.SELF_HARM),
        ("天天被催收我真的要崩溃了", SignalKind.SELF_HARM),
        ("确诊了中度抑郁，钱也没了", SignalKind.SELF_HARM),
        ("他说他活够了", SignalKind.SELF_HARM),
        ("活着好累", SignalKind.SELF_HARM),
        ("垃圾公司退我钱", SignalKind.COMPLAINT),
        ("你们坑了我三万", SignalKind.COMPLAINT),
        ("马上退款", SignalKind.COMPLAINT),
        ("客服态度真差，气死我了", SignalKind.COMPLAINT),
        ("叫你们经理出来", SignalKind.HUMAN),
        ("可以和顾问谈谈吗", SignalKind.HUMAN),
        ("麻烦你们给我回个电话", SignalKind.HUMAN),
        ("喂，有没有人啊", SignalKind.HUMAN),
        ("别用机器人糊弄我", SignalKind.HUMAN),
        ("换个真人来", SignalKind.HUMAN),
        ("怎样才能找到你们客服", SignalKind.CONTACT),
        ("请问你们的热线电话是多少", SignalKind.CONTACT),
        ("周六上班吗", SignalKind.CONTACT),
        ("你们官网网址发我", SignalKind.CONTACT),
    ],
)
def test_signal_is_heard_in_words_nobody_wrote_down(text: str, kind: SignalKind) -> None:
    assert kind in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "这个月工资累死累活才五千",
        "笑死我了",
        "这合同太长看不下去",
        "退保能退多少钱",
        "我要退保，怎么操作",
        "退款几天到账",
        "我爸60多岁能买意外险吗",
        "今年65期还清",
        "给16岁的孩子买什么保险",
        "客服说可以退",
        "催收天天打电话找我领导",
        "老板可以给员工买什么保险",
        "真人和机器人有什么区别",
        "上班族能贷多少",
        "保险周末生效吗",
        "家里没人会用这个App",
        "贷款要本人来吗",
        "个人来办还是单位办",
    ],
)
def test_ordinary_words_call_nobody(text: str) -> None:
    urgent = {SignalKind.SELF_HARM, SignalKind.COMPLAINT, SignalKind.VULNERABLE, SignalKind.HUMAN}

    assert not (urgent | {SignalKind.CONTACT}) & set(kinds(text))


def test_asking_for_hours_is_whole_and_calls_no_person() -> None:
    hit = SIGNALS.find("请问你们几点上班？")[0]

    assert (hit.kind, hit.code, hit.whole) == (SignalKind.CONTACT, None, True)


def test_ways_customers_ask_are_no_complaint_and_no_danger() -> None:
    """Only questions about fraud, complaints and people may sound like one."""
    told = {"loan.credit_error", "loan.fee_before_loan", "service.robot"}
    told |= {"wealth.scam_profit", "wealth.complaint_invest", "loan.credit_repair", "loan.collection"}

    heard = {
        faq.id
        for faq in shipped.words().faqs.values()
        for said in (faq.question, *faq.asks)
        if any(hit.code for hit in SIGNALS.find(said))
    }

    assert heard <= told


@pytest.mark.parametrize(("signal", "text"), EXAMPLES)
def test_example_is_found(signal: signals.Signal, text: str) -> None:
    assert signal.id in ids(text)


@pytest.mark.parametrize(("signal", "text"), COUNTER_EXAMPLES)
def test_counter_example_is_not_found(signal: signals.Signal, text: str) -> None:
    assert signal.id not in ids(text)


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

"""The matcher's layers, on a small knowledge base of our own: what each undoes, and what it says about it."""

from __future__ import annotations

import itertools
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content import matching, segmentation
from content.matching import language, numbers, pinyin, splitting, text
from domain.faq import Choice, Match, Thresholds

SUBJECTS = (
    matching.Subject(id="prepay", question="提前还款要交违约金吗", asks=("提前结清收不收手续费",)),
    matching.Subject(id="overdue", question="逾期几天会上征信"),
    matching.Subject(id="limit", question="怎么提高借款额度"),
    matching.Subject(id="arrival", question="借款多久能到账"),
    matching.Subject(id="card", question="如何更换还款的银行卡"),
    matching.Subject(id="cannot_open", question="为什么开通不了分期"),
    matching.Subject(id="open", question="怎么开通分期"),
    matching.Subject(id="surrender", question="怎么退保", keywords=("退保",)),
    matching.Subject(id="instalments", question="分12期每个月还多少"),
)
QUESTIONS = [subject.question for subject in SUBJECTS]


@pytest.fixture(scope="module")
def matcher() -> matching.Matcher:
    segmentation.prepare(Path(tempfile.mkdtemp(prefix="guanjia-jieba-")), ())
    return matching.Matcher(SUBJECTS, {"提早还": "提前还款"}, ())


def first(matcher: matching.Matcher, said: str) -> str:
    return matcher.match(said)[0].faq_id


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("提前還款要交違約金嗎", "prepay"),
        ("提 前 还款 要交违约金吗？？", "prepay"),
        ("提前还👍款要[微笑]交违约金吗", "prepay"),
        ("您好，请问一下提前还款要交违约金吗，谢谢啦", "prepay"),
        ("提前还款要交违约今吗", "prepay"),
        ("提前还款要交weiyuejin吗", "prepay"),
        ("ti qian huan kuan yao jiao wei yue jin ma", "prepay"),
        ("tiqianhuankuan要交违约金吗", "prepay"),
        ("提早还有没有违约金", "prepay"),
        ("咋提升额度", "limit"),
        ("借的钱啥时候到帐", "arrival"),
        ("还款的卡想换一张", "card"),
        ("分期开通不了是怎么回事", "cannot_open"),
        ("分十二期一个月还多少", "instalments"),
    ],
)
def test_ways_of_typing_lead_to_the_entry(matcher: matching.Matcher, said: str, meant: str) -> None:
    assert first(matcher, said) == meant


@given(
    st.sampled_from(QUESTIONS),
    st.sampled_from(["", "您好，", "请问", "你好 请问一下"]),
    st.sampled_from(["", "？", "？谢谢", "😊", "[微笑]"]),
)
def test_politeness_and_faces_change_nothing(before: str, opening: str, closing: str) -> None:
    reader = text.Reader(segmentation.tokens, {})

    assert reader.read(f"{opening}{before}{closing}").plain == reader.read(before).plain


@settings(max_examples=20)
@given(st.permutations(SUBJECTS), st.sampled_from(["提前还要钱吗", "额度太低了", "几天到账", "换卡", "退保"]))
def test_order_of_the_entries_does_not_matter(subjects: list[matching.Subject], said: str) -> None:
    def found(some: list[matching.Subject]) -> dict[str, float]:
        return {match.faq_id: round(match.score, 6) for match in matching.Matcher(some).match(said)}

    assert found(subjects) == found(list(SUBJECTS))


@given(st.text(max_size=120))
def test_any_text_is_read_without_an_error(matcher: matching.Matcher, said: str) -> None:
    reading = matcher.read(said)
    scores = [match.score for match in matcher.match(said)]

    assert reading.askings
    assert all(0 <= match.confidence <= 1 and 0 <= match.score <= 1 for match in reading.matches)
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    "said", ["您好" * 300, "一下" * 300 + "x", "谢谢您" * 200 + "吗", "a" * 500, "我" * 600]
)
def test_no_text_takes_long(matcher: matching.Matcher, said: str) -> None:
    matcher.read(said)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("借一万块", "借10000块"),
        ("借1w", "借10000"),
        ("1万5", "15000"),
        ("百分之五", "5%"),
        ("日息万五", "日息0.05%"),
        ("分十二期", "分12期"),
        ("两年", "2年"),
        ("万一逾期", "万一逾期"),
        ("一样吗", "一样吗"),
        ("三千五百元", "3500元"),
    ],
)
def test_numbers_have_one_writing(written: str, plain: str) -> None:
    assert numbers.unified(written) == plain


def test_syllables_are_cut_in_every_way_that_fits() -> None:
    assert pinyin.cuts("shezhi") == (("she", "zhi"),)
    assert ("yu", "e") in pinyin.cuts("yue")
    assert pinyin.cuts("wifi") == ()


def test_kind_of_question_and_negation_are_heard() -> None:
    assert language.negations("能不能提前还") == 0
    assert language.negations("开通不了") == 3
    assert language.kinds("怎么还款") != language.kinds("为什么扣款")


def test_correction_is_told(matcher: matching.Matcher) -> None:
    reasons = matcher.match("提前还款要交weiyuejin吗")[0].reasons

    assert any("weiyuejin→违约金" in reason for reason in reasons) or "一致" in reasons[0]


def test_layers_are_explained(matcher: matching.Matcher) -> None:
    match = matcher.match("提早结清收手续费吗")[0]

    assert [evidence.layer for evidence in match.layers] == [
        "words",
        "synonyms",
        "letters",
        "pinyin",
        "coverage",
    ]
    assert all(0 <= evidence.score <= 1 for evidence in match.layers)


def test_refused_subject_is_put_last_and_told(matcher: matching.Matcher) -> None:
    asked, refused = matcher.match("我要退保")[0], matcher.match("我不想退保")

    assert asked.faq_id == "surrender"
    surrender = next(match for match in refused if match.faq_id == "surrender")
    assert surrender.confidence < asked.confidence / 2
    assert "客户表示不要，已降低分数" in surrender.reasons


def test_thing_of_another_trade_lowers_the_confidence(matcher: matching.Matcher) -> None:
    ours, other = matcher.match("怎么更换银行卡")[0], matcher.match("怎么更换驾照")[0]

    assert other.confidence < 0.5 < ours.confidence


def test_two_questions_are_both_read(matcher: matching.Matcher) -> None:
    reading = matcher.read("提前还款要违约金吗，另外借款多久到账")

    assert [asking.matches[0].faq_id for asking in reading.askings] == ["prepay", "arrival"]
    assert {match.faq_id for match in reading.matches[:2]} == {"prepay", "arrival"}


def test_question_is_found_among_other_talk(matcher: matching.Matcher) -> None:
    reading = matcher.read(
        "今天天气真好，我先去吃个饭，下午还要开会，晚上看电影。提前还款要交违约金吗。周末去爬山，记得带水"
    )

    assert reading.matches[0].faq_id == "prepay"


@pytest.mark.parametrize(
    ("message", "sentences"),
    [
        ("提前还款要钱吗", ("提前还款要钱吗",)),
        ("在吗？谢谢", ()),
        ("怎么退保？还想问多久到账", ("怎么退保", "多久到账")),
        ("怎么退保\n多久到账", ("怎么退保", "多久到账")),
        ("花呗，余额可以用吗", ("花呗,余额可以用吗",)),
    ],
)
def test_messages_are_cut_where_people_stop(message: str, sentences: tuple[str, ...]) -> None:
    assert splitting.split(message).sentences == sentences


def test_both_sure_askings_are_answered_and_an_unclear_one_is_told() -> None:
    def asking(name: str, confidence: float) -> matching.Asking:
        return matching.Asking(
            text=name, matches=(Match(faq_id=name, score=confidence, confidence=confidence),)
        )

    both = matching.decide(matching.Reading(askings=(asking("a", 0.95), asking("b", 0.9))))
    one = matching.decide(matching.Reading(askings=(asking("a", 0.95), asking("b", 0.3))))

    assert (both.choice, [match.faq_id for match in both.matches]) == (Choice.ANSWER, ["a", "b"])
    assert both.askings == ("a", "b")
    assert (one.choice, one.has_unclear) == (Choice.ANSWER, True)


def test_words_alone_must_be_surer_than_the_meaning() -> None:
    limits = Thresholds(answer_at=0.6, answer_at_by_words=0.9)
    match = Match(faq_id="a", score=0.8, confidence=0.8)

    assert matching.decide([match], limits).choice is Choice.MENU


def test_many_threads_may_ask_while_the_index_is_built_anew(matcher: matching.Matcher) -> None:
    wrong: list[str] = []

    def ask() -> None:
        for question, subject in itertools.islice(itertools.cycle(zip(QUESTIONS, SUBJECTS, strict=True)), 90):
            if matcher.match(question)[0].faq_id != subject.id:
                wrong.append(question)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    matcher.refresh()
    matcher.attach(None)
    for thread in threads:
        thread.join()

    assert not wrong


def test_empty_knowledge_knows_nothing() -> None:
    empty = matching.Matcher(())

    assert empty.match("怎么退保") == []
    assert matching.decide(empty.read("怎么退保")).choice is Choice.UNKNOWN


def test_another_product_is_another_question() -> None:
    matcher = matching.Matcher(
        [
            matching.Subject(id="a", question="等额本息怎么算利息"),
            matching.Subject(id="b", question="等额本金每个月怎么算"),
        ]
    )

    assert matcher.match("等额本金怎么算利息")[0].faq_id == "b"

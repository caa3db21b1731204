"""Which three replies an advisor is offered, and what is never among them."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest

from content import compliance
from content.suggesting.choosing import QUALIFIED_REPLY
from domain.compliance import Speaker
from domain.faq import EntityMode, Line
from domain.suggestion import NewSuggestion, SuggestionSource, SuggestionState
from tests.suggestions import factory
from tests.suggestions.factory import chosen_for, knowledge

USED, REFUSED = SuggestionState.USED, SuggestionState.REFUSED
PREPAY = "提前还款要违约金吗"


def ids(chosen: tuple[NewSuggestion, ...]) -> list[str]:
    return [one.source_id for one in chosen]


def test_the_answer_stands_first_with_its_source_its_last_day_and_its_risk_line() -> None:
    first = chosen_for("在吗", "#您好，我在的", "今天好冷", PREPAY)[0]

    faq = knowledge().faqs["loan.prepay"]
    assert (first.source, first.source_id) == (SuggestionSource.FAQ, faq.id)
    assert (first.origin, first.valid_until) == (faq.source, faq.valid_until)
    assert first.risk_line
    assert first.text.endswith(first.risk_line)
    assert first.reasons


def test_a_question_that_leans_on_the_one_before_is_read_with_it() -> None:
    chosen = chosen_for("理赔需要什么材料", "#病历和发票", "要多久呢")

    assert "insurance" in {one.line for one in chosen}
    assert "上文" in chosen[0].reasons[0]


def test_two_questions_in_one_turn_both_get_an_answer() -> None:
    first, second = chosen_for("提前还款要违约金吗？另外退保能拿回多少钱？")[:2]

    assert {first.source_id, second.source_id} == {"loan.prepay", "insurance.surrender_value"}
    assert "提前还款要违约金吗" in first.reasons[0]


def test_the_customers_own_figures_are_worked_out_also_over_two_turns() -> None:
    at_once = chosen_for("借12万，等额本息，年化7.2%，12期，每月还多少")[0]
    later = chosen_for("等额本息怎么算", "#您借多少？", "12万，7.2%，12期")[0]

    assert (at_once.source_id, later.source_id) == ("loan.equal_instalment", "loan.equal_instalment")
    assert "10,394" in at_once.text
    assert at_once.text == later.text


def test_figures_of_one_customer_are_not_worked_out_for_a_group() -> None:
    asked = "借20万，等额本息，年化7.2%，12期，每月还多少"

    assert "17,323" in chosen_for(asked)[0].text
    assert "17,323" not in chosen_for(asked, is_group=True)[0].text


def test_thanks_and_complaints_bring_phrases_that_answer_them() -> None:
    assert ids(chosen_for(PREPAY, "#以合同为准", "好的谢谢"))[0] == "service.thanks"
    assert ids(chosen_for("我要投诉你们，太过分了"))[0] == "service.calm_complaint"
    assert ids(chosen_for("我不想活了"))[0] == "service.safety_first"
    assert ids(chosen_for("我考虑一下吧"))[0] == "service.think_over"


def test_a_date_is_filled_in_only_where_it_is_known() -> None:
    asked = "我的保单什么时候到期"
    known = chosen_for(asked, customer={"policy_due": "2026-12-05"})
    unknown = chosen_for(asked)
    wrong = chosen_for(asked, customer={"policy_due": "下个月"})
    in_group = chosen_for(asked, customer={"policy_due": "2026-12-05"}, is_group=True)

    filled = next(one for one in known if one.source_id == "insurance.renewal")
    assert "2026年12月5日" in filled.text
    assert all("insurance.renewal" not in ids(one) for one in (unknown, wrong, in_group))


def test_nothing_expired_is_offered_whatever_the_votes() -> None:
    later = knowledge(today=max(one.valid_until for one in knowledge().quick.values()) + timedelta(days=200))
    votes = tuple(
        factory.vote(name, USED, by=who, count=9) for name in ("loan.prepay", "loan.settled") for who in "abc"
    )

    assert not [
        one for one in chosen_for(PREPAY, known=later, votes=votes) if one.source.value in ("faq", "quick")
    ]


def test_a_line_on_hold_or_not_ours_gets_its_sentence_and_nothing_else_of_the_line() -> None:
    votes = (factory.vote("loan.settled", USED, by="a", count=3), factory.vote("loan.settled", USED, by="b"))
    stopped = chosen_for(PREPAY, known=knowledge(stopped=frozenset({Line.LOAN})), votes=votes)
    closed = chosen_for(PREPAY, known=knowledge(modes=((Line.LOAN, EntityMode.OFF),)), votes=votes)

    for chosen in (stopped, closed):
        assert chosen[0].source is SuggestionSource.FIXED
        assert not [one for one in chosen if one.line is Line.LOAN]


def test_who_is_not_registered_gets_the_qualified_colleague_and_nothing_of_the_line() -> None:
    own = (factory.own("退保的事您先别急，咱们慢慢看。", "退保能拿回多少钱", line=None),)
    chosen = chosen_for("退保能拿回多少钱", closed=frozenset({Line.INSURANCE}), own=own)
    open_ = chosen_for("退保能拿回多少钱", own=own)

    assert chosen[0].source_id == QUALIFIED_REPLY
    assert not [one for one in chosen if one.line is Line.INSURANCE or one.source is SuggestionSource.OWN]
    assert {one.source for one in open_} >= {SuggestionSource.FAQ, SuggestionSource.OWN}


def test_own_words_are_offered_after_approved_ones_marked_and_at_most_once() -> None:
    mine = (
        factory.own("提前还的话，先看看合同里怎么写的哈。", PREPAY),
        factory.own("您先打开合同，咱们一起看提前还的约定。", "提前还款有违约金吗", number=2),
    )
    chosen = chosen_for(PREPAY, own=mine)

    own = [one for one in chosen if one.source is SuggestionSource.OWN]
    assert chosen[0].source is SuggestionSource.FAQ
    assert [(one.source_id, one.is_approved) for one in own] == [("1", False)]


@pytest.mark.parametrize(
    "text",
    [
        "放心，我们保证给您批下来。",
        "提前还能省500块呢。",
        "买安鑫宝准没错。",
        "王女士您好，这个以合同为准。",
        "找内部渠道能快一点。",
    ],
)
def test_own_words_with_figures_names_or_promises_are_not_offered_again(text: str) -> None:
    chosen = chosen_for(PREPAY, own=(factory.own(text, PREPAY),))

    assert not [one for one in chosen if one.source is SuggestionSource.OWN]


def test_votes_change_the_order_and_say_so() -> None:
    asked = "还款"
    plain = ids(chosen_for(asked))
    assert len(plain) == 3
    key = factory.found_in(asked).question_key
    liked = tuple(factory.vote(plain[2], USED, by=who, count=3, key=key) for who in "abcd")

    chosen = chosen_for(asked, votes=liked)

    assert ids(chosen).index(plain[2]) < 2
    moved = next(one for one in chosen if one.source_id == plain[2])
    assert "12" in moved.reasons[0]


def test_what_colleagues_take_is_offered_although_the_matcher_did_not_find_it() -> None:
    key = factory.found_in(PREPAY).question_key
    taken = tuple(factory.vote("service.licence_check", USED, by=who, key=key) for who in "ab")
    phrase = tuple(
        factory.vote("loan.prepay_three", USED, by=who, key=key, source=SuggestionSource.QUICK)
        for who in "ab"
    )

    assert "loan.prepay_three" in ids(chosen_for(PREPAY, votes=phrase))
    assert ids(chosen_for(PREPAY, votes=taken)) == ids(chosen_for(PREPAY))


def test_no_suggestion_of_any_shipped_question_is_blocked_or_longer_than_a_message() -> None:
    known = knowledge()
    for faq in list(known.faqs.values())[::7]:
        for one in chosen_for(faq.question):
            assert not compliance.is_blocking(one.problems, Speaker.ADVISOR), one.source_id
            assert len(one.text) <= 2000
            assert "{" not in one.text


def test_every_shipped_phrase_may_be_said_by_a_person_to_one_customer_and_in_a_group() -> None:
    known = knowledge()
    for phrase in known.quick.values():
        lines = [known.content.risk_lines[code] for code in phrase.risk_lines]
        for speaker in (Speaker.ADVISOR, Speaker.GROUP):
            assert not known.content.rules.check_text("\n".join([phrase.text, *lines]), speaker, phrase.line)


def test_phrases_of_a_line_that_is_not_ours_are_found_by_nobody() -> None:
    off = knowledge(modes=((Line.WEALTH, EntityMode.OFF),))
    ended = dataclasses.replace(knowledge(), today=date(2028, 1, 1))

    assert off.quick_refusal("wealth.no_promise") is not None
    assert ended.quick_refusal("service.hello") is not None
    assert knowledge().quick_refusal("service.hello") is None

"""Names of others: what is asked about them is not answered as if it were ours."""

from __future__ import annotations

from content import matching
from domain.faq import Choice, Decision, Match, Thresholds
from tests.content import shipped

NAMES = shipped.words().elsewhere
FAQS = shipped.words().faqs


def decided(said: str, choice: Choice, *ids: str, confidence: float = 0.9) -> Decision:
    matches = tuple(Match(faq_id=faq_id, score=confidence, confidence=confidence) for faq_id in ids)
    found = Decision(choice=choice, matches=matches, considered=matches)
    return NAMES.doubted(said, found, FAQS, Thresholds())


def test_an_answer_about_somebody_else_becomes_an_offer() -> None:
    decision = decided("支付宝账号怎么注销", Choice.ANSWER, "service.close_account")

    assert decision.choice is Choice.MENU
    assert decision.names_others


def test_a_weak_offer_about_somebody_else_becomes_nothing() -> None:
    decision = decided("公积金怎么提取", Choice.MENU, "wealth.topup_withdraw", confidence=0.15)

    assert decision.choice is Choice.UNKNOWN
    assert decision.names_others


def test_an_entry_that_knows_the_name_is_answered_all_the_same() -> None:
    decision = decided("社保报完还能报吗", Choice.ANSWER, "insurance.deductible")

    assert decision.choice is Choice.ANSWER
    assert not decision.names_others


def test_words_without_such_a_name_are_left_alone() -> None:
    decision = decided("怎么注销账号", Choice.ANSWER, "service.close_account")

    assert decision.choice is Choice.ANSWER
    assert NAMES.find("怎么注销账号") == ()


def test_the_shipped_entries_find_themselves_with_the_names_at_work() -> None:
    for faq in FAQS.values():
        found = Decision(choice=Choice.ANSWER, matches=(Match(faq_id=faq.id, score=1.0, confidence=1.0),))
        for said in (faq.question, *faq.asks):
            assert NAMES.doubted(said, found, FAQS, Thresholds()).choice is Choice.ANSWER, said


def test_the_matcher_alone_would_have_answered() -> None:
    alone = matching.decide(shipped.matcher().read("账号怎么注销"), Thresholds())

    assert alone.choice is not Choice.UNKNOWN

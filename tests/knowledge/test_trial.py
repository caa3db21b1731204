"""What a changed entry does to questions, the riskiest first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bot.library import new_matcher
from content import trial
from content.knowledge import Knowledge
from content.trial import Effect, Outcome, TriedQuestion
from domain.faq import Choice, Faq
from tests.console import factory

AT = datetime(2026, 11, 20, tzinfo=UTC)


def changed(faq: Faq) -> Knowledge:
    known = factory.knowledge()
    faqs = {**known.faqs, faq.id: faq}
    return replace(known, faqs=faqs, matcher=new_matcher(known.content, faqs))


def test_a_greedy_entry_shows_what_it_takes_from_others_before_what_it_gains() -> None:
    before = factory.knowledge()
    taken = "提前还款要违约金吗"
    greedy = replace(
        before.faqs["loan.cost_table"],
        id="loan.greedy",
        question=taken,
        asks=(taken, "宠物医疗险报销多少"),
        digest="greedy",
    )
    after = changed(greedy)
    asked = [("宠物医疗险报销多少", AT)] * 3 + [(taken, AT), ("宠物医疗险报销多少", AT), ("你好", AT)]

    tried = trial.put_together(asked, 10)
    found = [
        trial.compare(
            one,
            trial.outcome(before, one.text),
            trial.outcome(after, one.text),
            "loan.greedy",
            is_reworded=True,
        )
        for one in tried
    ]
    done = trial.summed_up(tried, [one for one in found if one is not None])

    assert (done.asked, done.tried) == (6, 3)
    assert [(one.question.text, one.effect) for one in done.changes][:1] == [(taken, Effect.TAKEN)]
    assert done.counts()[Effect.GAINED] == 4


def test_each_effect_is_told_by_what_answered_before_and_after() -> None:
    def effect(before: Outcome, after: Outcome, *, is_reworded: bool = True) -> Effect | None:
        question = TriedQuestion(text="q", count=1, last_at=AT)
        found = trial.compare(question, before, after, "new", is_reworded=is_reworded)
        return found.effect if found else None

    def answer(faq_id: str, *, is_refused: bool = False) -> Outcome:
        return Outcome(choice=Choice.ANSWER, faq_ids=(faq_id,), is_refused=is_refused)

    nothing, menu = Outcome(choice=Choice.UNKNOWN), Outcome(choice=Choice.MENU, faq_ids=("a", "new"))
    assert effect(answer("a"), answer("new")) is Effect.TAKEN
    assert effect(answer("a"), menu) is Effect.LOST
    assert effect(answer("a"), answer("b")) is Effect.MOVED
    assert effect(answer("a"), answer("new", is_refused=True)) is Effect.REFUSED
    assert effect(nothing, answer("new")) is Effect.GAINED
    assert effect(menu, answer("b")) is Effect.HELPED
    assert effect(answer("new"), answer("new")) is Effect.REWORDED
    assert effect(answer("new"), answer("new"), is_reworded=False) is None
    assert effect(nothing, menu) is Effect.OFFERED
    assert effect(menu, nothing) is Effect.DROPPED
    assert effect(answer("a"), answer("a")) is None

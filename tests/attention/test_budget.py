"""The budget of attention: laws over random days, and examples for people."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attention import Notice, NoticeKind, NoticeState
from scheduler import attention_budget
from scheduler.attention_budget import BudgetRules
from tests.attention import factory
from tests.attention.days import RULES, Days, play
from tests.attention.factory import at, notice

MINUTE = timedelta(minutes=1)
END = at("12:00", "2026-11-27")
minutes = st.integers(0, 3 * 24 * 60)


@st.composite
def notices(draw: st.DrawFn) -> list[Notice]:
    """Draw a person's notices of three days: known ahead or not, urgent or not, useful for long or not."""
    return [
        notice(
            at("00:00") + due * MINUTE,
            created_at=at("00:00") + max(due - draw(st.sampled_from([0, 0, 10, 600])), 0) * MINUTE,
            latest_at=useful and at("00:00") + (due + useful) * MINUTE,
            is_exempt=draw(st.integers(0, 9)) == 0,
            kind=draw(st.sampled_from(NoticeKind)),
        )
        for due, useful in draw(
            st.lists(st.tuples(minutes, st.sampled_from([None, None, 1, 20, 60, 600])), max_size=120)
        )
    ]


@given(notices())
def test_ordinary_cards_keep_to_the_budget(found: list[Notice]) -> None:
    played = play(found, END)

    assert all(count <= RULES.cards_per_day for count in played.count(ordinary=True).values())
    before: datetime | None = None
    for position, card in enumerate(played.cards):
        day = RULES.day_of(card.at)
        earlier = sum(RULES.day_of(one.at) == day for one in played.cards[:position])
        if not card.is_exempt:
            assert earlier < RULES.cards_per_day
            assert before is None or card.at - before >= RULES.gap
            assert time(9) <= card.at.astimezone(factory.SHANGHAI).time() < time(21)
        before = card.at


@given(notices())
def test_every_notice_is_told_once_or_listed(found: list[Notice]) -> None:
    played = play(found, END)

    times = Counter(one.key for card in played.cards for one in card.told)
    assert all(count == 1 for count in times.values())
    assert times.keys() | played.listed.keys() == {one.key for one in found}
    assert not [one for one in played.waiting.values() if one.state is NoticeState.WAITING]


@given(notices())
def test_what_is_exempt_is_told_by_the_next_tick(found: list[Notice]) -> None:
    told_at = play(found, END).told_at()

    for one in found:
        if one.is_exempt:
            assert told_at[one.key] <= one.due_at + MINUTE


@given(notices())
def test_nothing_is_told_when_it_is_useless_or_before_it_happened(found: list[Notice]) -> None:
    for card in play(found, END).cards:
        for one in card.told:
            assert not one.is_useless(card.at)
            assert one.due_at <= card.at or (
                one.kind is NoticeKind.STEP or one.kind is NoticeKind.PREPARATION
            )
            assert one.due_at < card.at + RULES.slot


def played(*found: Notice, rules: BudgetRules = RULES) -> Days:
    return play(found, END, rules)


def cards(days: Days) -> list[str]:
    """Return the cards as "time: how many things"."""
    return [
        f"{card.at.astimezone(factory.SHANGHAI):%d %H:%M}: {len(card.told)}{'!' if card.is_exempt else ''}"
        for card in days.cards
    ]


def test_a_single_notice_is_told_when_it_is_due() -> None:
    assert cards(played(notice(at("10:07")))) == ["23 10:07: 1"]


def test_what_falls_into_one_slot_shares_a_card() -> None:
    known = [notice(at(text), created_at=at("08:00")) for text in ("10:00", "10:05", "10:29", "10:30")]

    assert cards(played(*known)) == ["23 10:00: 3", "23 10:30: 1"]


def test_news_of_a_slot_that_had_its_card_waits_for_the_end_of_the_slot() -> None:
    news = [notice(at(text)) for text in ("10:00", "10:05", "10:20", "10:31")]

    assert cards(played(*news)) == ["23 10:00: 1", "23 10:30: 2", "23 11:00: 1"]


def test_what_would_be_too_late_then_waits_for_the_least_gap_only() -> None:
    news = [notice(at("10:00")), notice(at("10:05"), latest_at=at("10:25"))]

    assert cards(played(*news)) == ["23 10:00: 1", "23 10:10: 1"]


def test_a_customer_who_waits_for_an_answer_waits_for_the_least_gap_only() -> None:
    news = [notice(at("10:00")), notice(at("10:05"), kind=NoticeKind.QUESTION), notice(at("10:06"))]

    assert cards(played(*news)) == ["23 10:00: 1", "23 10:10: 2"]


def test_what_nobody_could_act_on_any_more_is_listed() -> None:
    late = notice(at("10:05"), latest_at=at("10:09"))
    days = played(notice(at("10:00")), late)

    assert cards(days) == ["23 10:00: 1"]
    assert list(days.listed) == [late.key]


def test_what_is_known_ahead_but_has_not_happened_is_not_told_early() -> None:
    late = notice(at("10:20"), kind=NoticeKind.TELL, created_at=at("09:00"))

    assert cards(played(notice(at("10:00")), late)) == ["23 10:00: 1", "23 10:30: 1"]


def test_a_red_line_does_not_wait_and_takes_along_what_does() -> None:
    news = [notice(at("10:00")), notice(at("10:02")), notice(at("10:03"), is_exempt=True)]

    assert cards(played(*news)) == ["23 10:00: 1", "23 10:03: 2!"]


def test_at_night_only_what_is_exempt_is_told() -> None:
    news = [notice(at("23:00")), notice(at("23:30"), is_exempt=True), notice(at("23:31"))]

    assert cards(played(*news)) == ["23 23:30: 1!", "24 09:00: 2"]


def test_what_is_useless_in_the_morning_is_listed_at_night() -> None:
    late = notice(at("21:30"), latest_at=at("22:30"))

    assert list(played(late).listed) == [late.key]


def test_the_day_card_brings_what_was_only_listed() -> None:
    full = BudgetRules(zone=factory.SHANGHAI, cards_per_day=2, reserve=0)
    news = [notice(at(text)) for text in ("10:00", "12:00", "16:00")]
    day = notice(at("09:00", "2026-11-24"), kind=NoticeKind.DAY, created_at=at("08:30", "2026-11-24"))
    days = played(*news, day, rules=full)

    assert cards(days) == ["23 10:00: 1", "23 12:00: 1", "24 09:00: 2"]
    assert list(days.listed) == [news[2].key]


def test_an_evening_after_a_full_day_leaves_room_for_what_may_not_wait() -> None:
    busy = [
        notice(at("09:00") + timedelta(minutes=15 * number), created_at=at("08:00")) for number in range(48)
    ]
    urgent = [notice(at(text), is_exempt=True) for text in ("14:03", "17:03", "20:03")]
    days = played(*busy, *urgent)

    assert max(days.count().values()) <= RULES.cards_per_day
    assert all(listed_at >= at("20:00") for listed_at in days.listed.values())


def test_a_quiet_day_is_not_slowed_down() -> None:
    news = [notice(at(text)) for text in ("09:30", "10:10", "11:00", "15:00", "15:30")]

    assert cards(played(*news)) == ["23 09:30: 1", "23 10:10: 1", "23 11:00: 1", "23 15:00: 1", "23 15:30: 1"]


def test_known_urgent_matters_of_the_day_keep_their_cards() -> None:
    rules = BudgetRules(zone=factory.SHANGHAI, cards_per_day=3, reserve=0)
    urgent = [notice(at(text), is_exempt=True, created_at=at("08:00")) for text in ("15:00", "16:00")]
    held = [*urgent, notice(at("10:00"))]

    plan = attention_budget.plan(held, [], at("10:00"), rules)
    full = attention_budget.plan(held, [at("09:00")], at("10:00"), rules)

    assert len(plan.card) == 1
    assert (full.card, full.look_at) == ((), at("15:00") + timedelta.resolution)


def test_a_company_that_begins_earlier_gets_its_cards_earlier() -> None:
    rules = BudgetRules(zone=factory.SHANGHAI, day_card_at=time(8))
    day = notice(at("08:00"), kind=NoticeKind.DAY, created_at=at("07:30"))

    assert cards(played(day, notice(at("07:00")), rules=rules)) == ["23 08:00: 2"]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_cards_a_day_are_not_all_kept_back(count: int) -> None:
    rules = BudgetRules(zone=factory.SHANGHAI, cards_per_day=count)

    assert cards(played(notice(at("10:00")), rules=rules)) == ["23 10:00: 1"]


def test_quiet_hours_that_leave_no_day_are_refused() -> None:
    with pytest.raises(ValueError, match="leave no day"):
        BudgetRules(zone=factory.SHANGHAI, quiet_from=time(8), quiet_until=time(9))

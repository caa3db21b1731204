"""The law of appeals: whatever anybody tries, nobody decides who had a hand in it before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import appeal as rules
from domain import working_time
from domain.appeal import (
    DECIDED,
    DECISIONS,
    Actor,
    Appeal,
    AppealAct,
    AppealPart,
    AppealRefusal,
    AppealState,
    Hands,
)
from domain.hours import Period, ServiceHours

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PEOPLE = {
    "wang": Actor(name="wang", part=AppealPart.ADVISOR),
    "wang at the queue": Actor(name="wang", part=AppealPart.REVIEWER, is_compliance=True),
    "wang by another name": Actor(name="w", names=frozenset({"wang"}), part=AppealPart.REVIEWER),
    "colleague": Actor(name="li", part=AppealPart.ADVISOR),
    "lead": Actor(name="lead", part=AppealPart.REVIEWER),
    "first": Actor(name="first", part=AppealPart.REVIEWER, is_compliance=True),
    "second": Actor(name="second", part=AppealPart.REVIEWER),
    "compliance": Actor(name="comp", part=AppealPart.REVIEWER, is_compliance=True),
    "another": Actor(name="comp2", part=AppealPart.REVIEWER, is_compliance=True),
    "timer": Actor(name="timer", part=AppealPart.TIMER),
}


def opened(level: int = 1, state: AppealState = AppealState.DRAFT) -> Appeal:
    return Appeal(
        id=1,
        session_id=1,
        finding_id=1,
        subject="wang",
        level=level,
        state=state,
        outcome="",
        handler="",
        opened_at=AT,
        due_at=AT,
    )


class Walk:
    """A finding that `first` confirmed, and the appeals about it, moved by whoever tries."""

    def __init__(self) -> None:
        self.appeal = opened()
        self.handled: frozenset[str] = frozenset()
        self.is_escalated = False
        self.decided: list[tuple[int, str, frozenset[str]]] = []

    def attempt(self, actor: Actor, act: AppealAct) -> None:
        hands = Hands(judged=frozenset({"first"}), handled=self.handled, is_escalated=self.is_escalated)
        if rules.check_act(self.appeal, act, actor, hands) is not None:
            return
        to = rules.next_state(self.appeal, act)
        assert to is not None
        if act in DECISIONS:
            self.decided.append((self.appeal.level, actor.name, self.handled - {self.appeal.handler}))
        if act in (AppealAct.TAKE, AppealAct.FORWARD, *DECISIONS):
            self.handled |= {actor.name}
        self.is_escalated = self.is_escalated or act is AppealAct.ESCALATE
        handler = actor.name if act is AppealAct.TAKE else ""
        self.appeal = replace(self.appeal, state=to, handler=handler or self.appeal.handler)
        if act is AppealAct.RAISE:
            self.appeal = opened(level=2)
            self.is_escalated = False


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(sorted(PEOPLE)), st.sampled_from(list(AppealAct))), max_size=80))
def test_no_path_skips_the_second_reviewer(tries: list[tuple[str, AppealAct]]) -> None:
    walk = Walk()

    for person, act in tries:
        walk.attempt(PEOPLE[person], act)

    assert len(walk.decided) <= 2
    for level, decider, before in walk.decided:
        assert decider not in {"wang", "w", "li", "first", "timer"}
        assert level == 2 or decider != "lead" or "lead" not in before
        if level == 2:
            assert decider in {"comp", "comp2"}
    if len(walk.decided) == 2:
        assert walk.decided[0][1] != walk.decided[1][1]
    if walk.appeal.state in DECIDED:
        assert walk.decided


@settings(max_examples=80)
@given(st.lists(st.tuples(st.sampled_from(sorted(PEOPLE)), st.sampled_from(list(AppealAct))), max_size=40))
def test_who_sent_it_on_never_decides_the_same_level(tries: list[tuple[str, AppealAct]]) -> None:
    walk, sent_on = Walk(), set()

    for person, act in tries:
        before = walk.appeal
        walk.attempt(PEOPLE[person], act)
        if act is AppealAct.FORWARD and walk.appeal.state is not before.state:
            sent_on.add(PEOPLE[person].name)

    assert not sent_on & {decider for level, decider, _ in walk.decided if level == 1}


def test_the_plain_way_reaches_every_outcome() -> None:
    for act, outcome in DECISIONS.items():
        walk = Walk()
        for person, step in [
            ("wang", AppealAct.SUBMIT),
            ("lead", AppealAct.TAKE),
            ("lead", AppealAct.FORWARD),
            ("lead", act),
            ("first", act),
            ("second", act),
        ]:
            walk.attempt(PEOPLE[person], step)

        assert walk.appeal.state is outcome
        assert [decider for _, decider, _ in walk.decided] == ["second"]


@pytest.mark.parametrize(
    ("appeal", "act", "person", "hands", "refusal"),
    [
        (opened(), AppealAct.SUBMIT, "colleague", Hands(), AppealRefusal.NOT_YOURS),
        (opened(state=AppealState.CLOSED), AppealAct.SUBMIT, "wang", Hands(), AppealRefusal.NOT_NOW),
        (
            opened(2, AppealState.SUBMITTED),
            AppealAct.TAKE,
            "second",
            Hands(),
            AppealRefusal.COMPLIANCE_ONLY,
        ),
        (
            opened(state=AppealState.REINSPECTION),
            AppealAct.UPHOLD,
            "second",
            Hands(is_escalated=True),
            AppealRefusal.COMPLIANCE_ONLY,
        ),
        (
            opened(state=AppealState.REINSPECTION),
            AppealAct.EASE,
            "second",
            Hands(has_points=False),
            AppealRefusal.NO_PARTS,
        ),
        (opened(2, AppealState.UPHELD), AppealAct.RAISE, "wang", Hands(), AppealRefusal.NOT_NOW),
        (
            opened(state=AppealState.REINSPECTION),
            AppealAct.OVERTURN,
            "wang by another name",
            Hands(),
            AppealRefusal.NOT_YOURS,
        ),
    ],
)
def test_what_may_not_be_is_refused_with_its_reason(
    appeal: Appeal, act: AppealAct, person: str, hands: Hands, refusal: AppealRefusal
) -> None:
    assert rules.check_act(appeal, act, PEOPLE[person], hands) is refusal


def test_working_days_leave_out_weekends_and_holidays() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    days = ServiceHours(
        zone=zone,
        periods=tuple(Period(weekday=day, opens=time(9), closes=time(18)) for day in range(5)),
        closed_on=frozenset({date(2026, 11, 25)}),
    )

    # Monday the 23rd; Wednesday is a holiday, so three working days end with Friday, five with Tuesday.
    three, five = (working_time.days_after(days, AT, count) for count in (3, 5))
    assert three.astimezone(zone).isoformat() == "2026-11-28T00:00:00+08:00"
    assert five.astimezone(zone).isoformat() == "2026-12-02T00:00:00+08:00"

"""Missed windows are judged one by one, never fired in a burst."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.sop import AnchorKind, DeliveryCode, OnMissed, QuietPolicy
from scheduler import overdue, timetable
from scheduler.overdue import Act
from scheduler.timetable import Planned
from tests.sop import factory

MONDAY = date(2026, 11, 23)
OPENED = timetable.opening_anchor(MONDAY, factory.SHANGHAI)
HOUR = timedelta(hours=1)


def week(rhythm: str = "full") -> list[Planned]:
    return timetable.plan(
        factory.template().steps[rhythm],
        {AnchorKind.GROUP_OPENED: OPENED},
        factory.rules(),
        until=OPENED + timedelta(days=20),
    )


def alone(step_key: str, **changes: object) -> Planned:
    (one,) = timetable.plan(
        [factory.step(step_key, **changes)],
        {AnchorKind.GROUP_OPENED: OPENED},
        factory.rules(),
        until=OPENED + timedelta(days=20),
    )
    return one


@given(
    st.sampled_from(["calm", "full"]),
    st.integers(-100, 300),
    st.sets(st.dates(MONDAY, MONDAY + timedelta(days=9)), max_size=4),
)
def test_outage_of_any_length_ends_without_a_burst(rhythm: str, hours: int, sent: set[date]) -> None:
    now = OPENED + hours * HOUR
    rules = factory.rules(dict.fromkeys(sent, 1))

    found = overdue.judge(week(rhythm), now, rules)

    going = [one for one in found if one.act in (Act.RELEASE, Act.RESCHEDULE, Act.HAND_OVER)]
    assert all(one.at >= now for one in found if one.act is not Act.MISS)
    for one in going:
        assert one.planned.step.quiet_policy is QuietPolicy.RUN or not rules.is_quiet(one.at)
    days = Counter(
        rules.local(one.at).date()
        for one in going
        if one.planned.is_mass_send and one.act is not Act.HAND_OVER
    )
    assert all(count == 1 and day not in sent for day, count in days.items())
    at_once = [
        one
        for one in found
        if one.act is Act.RELEASE and one.planned.delivery in (DeliveryCode.MASS_SEND, DeliveryCode.SIDEBAR)
    ]
    assert len({one.planned.due_at for one in at_once}) <= 1


@given(st.integers(-100, 300))
def test_judging_twice_says_the_same(hours: int) -> None:
    now = OPENED + hours * HOUR

    first = overdue.judge(week(), now, factory.rules())

    assert overdue.judge(list(reversed(week())), now, factory.rules()) == first


def test_step_before_its_time_waits_and_within_its_window_leaves() -> None:
    one = alone("step")

    (early,) = overdue.judge([one], one.due_at - HOUR, factory.rules())
    (in_time,) = overdue.judge([one], one.due_at + HOUR, factory.rules())

    assert (early.act, early.at) == (Act.WAIT, one.due_at)
    assert (in_time.act, in_time.at) == (Act.RELEASE, one.due_at + HOUR)


def test_cues_that_waited_keep_their_distances() -> None:
    cues = [one for one in week("calm") if one.step.key.startswith("cue_")]
    now = factory.shanghai("2026-11-23 12:00")

    found = overdue.judge(cues, now, factory.rules())

    assert [one.act for one in found] == [Act.RELEASE, *[Act.WAIT] * 4]
    assert [(one.at - now) / timedelta(minutes=1) for one in found] == [0, 10, 20, 30, 40]


def test_missed_window_is_skipped_moved_or_handed_over_by_its_step() -> None:
    later = {"window": HOUR, "expire_after": timedelta(days=2)}
    skip = alone("skip", on_missed=OnMissed.SKIP, **later)
    moved = alone("moved", on_missed=OnMissed.RESCHEDULE, **later)
    by_hand = alone("by_hand", on_missed=OnMissed.FALLBACK_SIDEBAR, **later)
    now = skip.due_at + 3 * HOUR

    acts = [overdue.judge([one], now, factory.rules())[0] for one in (skip, moved, by_hand)]

    assert [one.act for one in acts] == [Act.MISS, Act.RESCHEDULE, Act.HAND_OVER]
    assert factory.local(acts[1].at) == "2026-11-24 10:00"


def test_words_that_are_no_longer_true_are_missed_for_good() -> None:
    one = alone("moved", on_missed=OnMissed.RESCHEDULE, window=HOUR, expire_after=5 * HOUR)

    (found,) = overdue.judge([one], one.due_at + 6 * HOUR, factory.rules())

    assert found.act is Act.MISS


def test_handing_over_waits_for_the_morning() -> None:
    one = alone(
        "late",
        schedule="day(0, 19:30)",
        on_missed=OnMissed.FALLBACK_SIDEBAR,
        window=HOUR,
        expire_after=timedelta(days=1),
    )

    (found,) = overdue.judge([one], factory.shanghai("2026-11-23 22:00"), factory.rules())

    assert (found.act, factory.local(found.at)) == (Act.WAIT, "2026-11-24 09:00")

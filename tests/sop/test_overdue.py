"""Missed windows are judged one by one, never fired in a burst."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

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
NOTHING: dict[str, datetime] = {}


def week(rhythm: str = "full", on: date = MONDAY) -> list[Planned]:
    opened = timetable.opening_anchor(on, factory.SHANGHAI)
    return timetable.plan(
        factory.template().steps[rhythm],
        {AnchorKind.GROUP_OPENED: opened},
        factory.rules(),
        until=opened + timedelta(days=20),
    )


def done(found: list[Planned], *but: str) -> dict[str, datetime]:
    """Return every step as done when due, without some."""
    return {one.step.key: one.due_at for one in found if one.step.key not in but}


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

    found = overdue.judge(week(rhythm), now, rules, done(week(rhythm)))

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


KEYS = [step.key for step in factory.template().steps["full"]]


@given(st.integers(-100, 300), st.dictionaries(st.sampled_from(KEYS), st.integers(-50, 250), max_size=20))
def test_nothing_goes_before_what_it_depends_on(hours: int, when: dict[str, int]) -> None:
    now = OPENED + hours * HOUR
    happened = {key: OPENED + after * HOUR for key, after in when.items() if after <= hours}

    found = overdue.judge(week(), now, factory.rules(), happened)

    for one in found:
        if one.act in (Act.RELEASE, Act.HAND_OVER):
            step = one.planned.step
            assert all(one.at >= happened[needed.step] + needed.gap for needed in step.depends_on)
            assert not step.anchor.step or step.anchor.step in happened


@given(st.integers(-100, 300))
def test_judging_twice_says_the_same(hours: int) -> None:
    now = OPENED + hours * HOUR

    first = overdue.judge(week(), now, factory.rules(), done(week()))

    assert overdue.judge(list(reversed(week())), now, factory.rules(), done(week())) == first


def test_step_before_its_time_waits_and_within_its_window_leaves() -> None:
    one = alone("step")

    (early,) = overdue.judge([one], one.due_at - HOUR, factory.rules(), NOTHING)
    (in_time,) = overdue.judge([one], one.due_at + HOUR, factory.rules(), NOTHING)

    assert (early.act, early.at) == (Act.WAIT, one.due_at)
    assert (in_time.act, in_time.at) == (Act.RELEASE, one.due_at + HOUR)


def test_cues_that_waited_keep_their_distances() -> None:
    cues = [one for one in week("calm") if one.step.key.startswith("cue_")]
    now = factory.shanghai("2026-11-23 12:00")

    found = overdue.judge(cues, now, factory.rules(), done(week()))

    assert [one.act for one in found] == [Act.RELEASE, *[Act.WAIT] * 4]
    assert [(one.at - now) / timedelta(minutes=1) for one in found] == [0, 10, 20, 30, 40]


def test_missed_window_is_skipped_moved_or_handed_over_by_its_step() -> None:
    later = {"window": HOUR, "expire_after": timedelta(days=2)}
    skip = alone("skip", on_missed=OnMissed.SKIP, **later)
    moved = alone("moved", on_missed=OnMissed.RESCHEDULE, **later)
    by_hand = alone("by_hand", on_missed=OnMissed.FALLBACK_SIDEBAR, **later)
    now = skip.due_at + 3 * HOUR

    acts = [overdue.judge([one], now, factory.rules(), NOTHING)[0] for one in (skip, moved, by_hand)]

    assert [one.act for one in acts] == [Act.MISS, Act.RESCHEDULE, Act.HAND_OVER]
    assert factory.local(acts[1].at) == "2026-11-24 10:00"


def test_words_that_are_no_longer_true_are_missed_for_good() -> None:
    one = alone("moved", on_missed=OnMissed.RESCHEDULE, window=HOUR, expire_after=5 * HOUR)

    (found,) = overdue.judge([one], one.due_at + 6 * HOUR, factory.rules(), NOTHING)

    assert found.act is Act.MISS


def test_handing_over_waits_for_the_morning() -> None:
    one = alone(
        "late",
        schedule="day(0, 19:30)",
        on_missed=OnMissed.FALLBACK_SIDEBAR,
        window=HOUR,
        expire_after=timedelta(days=1),
    )

    (found,) = overdue.judge([one], factory.shanghai("2026-11-23 22:00"), factory.rules(), NOTHING)

    assert (found.act, factory.local(found.at)) == (Act.WAIT, "2026-11-24 09:00")


def test_cue_is_never_released_before_the_opening_was_confirmed() -> None:
    found = week("calm")
    cue = next(one for one in found if one.step.key == "cue_hello")
    opened = done(found)["opening"]

    (unconfirmed,) = overdue.judge([cue], cue.due_at + HOUR, factory.rules(), NOTHING)
    (confirmed,) = overdue.judge([cue], cue.due_at + HOUR, factory.rules(), {"opening": opened})
    (given_up,) = overdue.judge([cue], cue.window_end, factory.rules(), NOTHING)

    assert (unconfirmed.act, unconfirmed.at) == (Act.WAIT, cue.window_end)
    assert confirmed.act is Act.RELEASE
    assert given_up.act is Act.MISS


def test_publication_waits_a_day_after_a_notice_that_went_out_late() -> None:
    found = week("calm", date(2026, 11, 20))  # It would be published on a Tuesday.
    publication = next(one for one in found if one.step.key == "publication")
    late = {**done(found), "notice": publication.due_at - 3 * HOUR}

    (moved,) = overdue.judge([publication], publication.due_at, factory.rules(), late)

    assert moved.act is Act.RESCHEDULE
    assert moved.at - late["notice"] >= 24 * HOUR
    assert moved.at >= publication.due_at + 24 * HOUR


def test_recap_of_what_was_never_published_is_missed() -> None:
    found = week("full")
    recap = next(one for one in found if one.step.key == "recap")
    unpublished = done(found, "publication")

    acts = [
        overdue.judge([recap], moment, factory.rules(), unpublished)[0].act
        for moment in (recap.due_at, recap.window_end)
    ]

    assert acts == [Act.WAIT, Act.MISS]

"""Due times: laws over random weeks, and examples for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import sop_values
from domain.sop import (
    Anchor,
    AnchorKind,
    CalendarPolicy,
    DeliveryCode,
    LimitMode,
    PastPolicy,
    QuietPolicy,
    SopDays,
    Step,
)
from scheduler import quota, schedules, timetable
from scheduler.timetable import Planned, Rules, Shift, Skip
from tests.sop import factory

MONDAY = date(2026, 11, 23)
DAYS = st.dates(date(2026, 1, 5), date(2026, 12, 10))
MODES = st.sampled_from(LimitMode)
RHYTHMS = st.sampled_from(["calm", "full"])


def week(rhythm: str = "calm", on: date = MONDAY, used: dict[date, int] | None = None) -> list[Planned]:
    """Return the first week of a group that opens on `on`."""
    return planned(factory.template().steps[rhythm], on, factory.rules(used))


def planned(steps: Sequence[Step], on: date = MONDAY, rules: Rules | None = None) -> list[Planned]:
    opened = timetable.opening_anchor(on, factory.SHANGHAI)
    anchors = {AnchorKind.GROUP_OPENED: opened, AnchorKind.STAGE_ENTERED: opened}
    return timetable.plan(steps, anchors, rules or factory.rules(), until=opened + timedelta(days=60))


def times(found: list[Planned]) -> dict[str, str]:
    return {one.step.key: factory.local(one.due_at) for one in found if one.skipped is None}


def mass_send_days(found: list[Planned]) -> list[date]:
    return [one.due_at.astimezone(factory.SHANGHAI).date() for one in found if one.is_mass_send]


used_days = st.dictionaries(DAYS, st.integers(1, 2), max_size=8)
kinds = st.sampled_from([DeliveryCode.MASS_SEND, DeliveryCode.SIDEBAR, DeliveryCode.APP, DeliveryCode.SYSTEM])
clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 30]))
written = st.one_of(
    st.builds("day({}, {})".format, st.integers(-2, 9), clocks),
    st.builds("weekly({}, {})".format, st.sampled_from(["mon", "tue fri", "sun"]), clocks),
    st.builds("offset({}h)".format, st.integers(0, 100)),
)


@st.composite
def random_steps(draw: st.DrawFn) -> list[Step]:
    """Steps that depend on earlier ones only, as `check` demands."""
    made: list[Step] = []
    for number in range(draw(st.integers(1, 7))):
        keys = [one.key for one in made]
        earlier = draw(st.lists(st.sampled_from(keys), unique=True, max_size=2)) if keys else []
        gap = draw(st.sampled_from(["", " + 3h", " + 24h"]))
        code = draw(kinds)
        made.append(
            factory.step(
                f"s{number}",
                draw(written),
                code=code,
                after=[key + gap for key in earlier],
                days=draw(st.sampled_from(SopDays)),
                calendar_policy=draw(st.sampled_from(CalendarPolicy)),
            )
        )
    return made


@given(random_steps(), DAYS, used_days, MODES)
def test_plan_keeps_every_law(steps: list[Step], on: date, used: dict[date, int], mode: LimitMode) -> None:
    rules = factory.rules(used, limit_mode=mode)

    found = planned(steps, on, rules)

    assert [one.due_at for one in found] == sorted(one.due_at for one in found)
    assert len({one.key for one in found}) == len(found)
    standing = [one for one in found if one.skipped is None]
    for one in standing:
        assert one.step.quiet_policy is QuietPolicy.RUN or not rules.is_quiet(one.due_at)
        day = rules.local(one.due_at).date()
        if one.step.calendar_policy is not CalendarPolicy.SEND:
            assert rules.calendar.is_on(day, one.step.days)
    days = Counter(mass_send_days(found))
    assert all(count == 1 and not used.get(day) for day, count in days.items())
    first = {one.step.key: one for one in reversed(found)}
    for one in standing:
        for needed in one.step.depends_on:
            before = first.get(needed.step)
            if before is not None:
                assert before.skipped is None
                assert one.due_at >= before.due_at + needed.gap


@given(random_steps(), DAYS, used_days, MODES, st.integers(0, 20))
def test_plan_around_its_own_beginning_is_the_same_plan(
    steps: list[Step], on: date, used: dict[date, int], mode: LimitMode, released: int
) -> None:
    rules = factory.rules(used, limit_mode=mode)
    opened = timetable.opening_anchor(on, factory.SHANGHAI)
    anchors = {AnchorKind.GROUP_OPENED: opened}
    until = opened + timedelta(days=40)
    first = timetable.plan(steps, anchors, rules, until=until)

    again = timetable.plan(steps, anchors, rules, until=until, kept=first[:released])

    assert again == first


@given(RHYTHMS, DAYS, used_days)
def test_first_week_keeps_its_order_whatever_the_calendar_does(
    rhythm: str, on: date, used: dict[date, int]
) -> None:
    found = week(rhythm, on, used)

    due = {one.step.key: one.due_at for one in found if one.skipped is None}
    assert due["publication"] - due["notice"] >= timedelta(hours=24)
    assert due["publication"] < due["recap"]
    assert due["review"] < due["score"]
    assert all(due[key] > due["opening"] for key in due if key.startswith("cue_"))
    assert len(set(mass_send_days(found))) == len(mass_send_days(found))
    assert not set(mass_send_days(found)) & set(used)


def test_calm_week_of_a_monday_stands_as_written() -> None:
    found = week("calm")

    assert times(found) == {
        "readiness": "2026-11-20 10:00",
        "approval": "2026-11-21 10:00",
        "invite_list": "2026-11-22 16:00",
        "binding": "2026-11-22 17:00",
        "opening": "2026-11-23 10:00",
        "cue_hello": "2026-11-23 10:05",
        "cue_give": "2026-11-23 10:15",
        "cue_rules": "2026-11-23 10:25",
        "cue_question": "2026-11-23 10:35",
        "cue_help": "2026-11-23 10:45",
        "open_questions": "2026-11-23 14:00",
        "first_day_report": "2026-11-23 17:30",
        "misread": "2026-11-24 10:00",
        "answers": "2026-11-24 10:00",
        "notice": "2026-11-25 10:00",
        "collect_questions": "2026-11-25 15:00",
        "report_72h": "2026-11-26 11:00",
        "reminder": "2026-11-26 18:00",
        "publication": "2026-11-27 19:30",
        "live_answers": "2026-11-27 19:40",
        "recap": "2026-11-28 10:00",
        "follow_up": "2026-11-28 14:00",
        "light": "2026-11-29 10:00",
        "review": "2026-11-30 10:00",
        "score": "2026-11-30 16:00",
    }
    assert len(mass_send_days(found)) == 4
    assert len(mass_send_days(week("full"))) == 7


def test_holiday_moves_the_publication_and_what_follows_it() -> None:
    found = week("full", date(2026, 9, 28))  # The fifth day is the second of the National Day week.

    at = times(found)
    assert at["publication"] == "2026-10-08 19:30"
    assert at["recap"] == "2026-10-09 10:00"
    assert at["review"] == "2026-10-10 10:00"
    assert at["score"] == "2026-10-10 16:00"
    assert [one.skipped for one in found if one.step.key == "light"] == [Skip.HOLIDAY]


def test_cues_wait_for_the_confirmed_opening_not_for_its_plan() -> None:
    steps = factory.template().steps["calm"]
    opened = timetable.opening_anchor(MONDAY, factory.SHANGHAI)
    late = factory.shanghai("2026-11-23 11:20")

    found = timetable.plan(
        steps,
        {AnchorKind.GROUP_OPENED: opened},
        factory.rules(),
        until=opened + timedelta(days=10),
        done={"opening": late},
    )

    assert times(found)["cue_hello"] == "2026-11-23 11:25"
    assert times(found)["opening"] == "2026-11-23 10:00"


def test_day_on_which_somebody_else_sent_is_left_alone() -> None:
    found = week("calm", used={date(2026, 11, 25): 1})

    notice = next(one for one in found if one.step.key == "notice")
    assert factory.local(notice.due_at) == "2026-11-26 10:00"
    assert notice.shifts == (Shift.SECOND_MASS_SEND,)
    assert times(found)["publication"] == "2026-11-27 19:30"


def test_step_may_say_that_it_gives_way_to_a_manual_send() -> None:
    steps = [
        factory.step("first"),
        factory.step("second", "day(0, 15:00)", branches=(sop_values.parse_branch("second_mass_send: sidebar"),)),
    ]  # fmt: skip

    first, second = planned(steps)

    assert (first.delivery, second.delivery) == (DeliveryCode.MASS_SEND, DeliveryCode.SIDEBAR)
    assert factory.local(second.due_at) == "2026-11-23 15:00"


def test_limit_that_is_used_up_moves_a_mass_send_into_the_next_week() -> None:
    used = {MONDAY + timedelta(days=number): 1 for number in range(3)}
    used[MONDAY] = 5  # Seven in this week, with the two days after it.

    (one,) = planned(
        [factory.step(schedule="day(3, 10:00)")], MONDAY, factory.rules(used, limit_mode=LimitMode.WEEK7)
    )

    assert factory.local(one.due_at) == "2026-11-30 10:00"
    assert one.shifts == (Shift.LIMIT,)


def test_step_without_any_slot_is_left_out_with_what_waits_for_it() -> None:
    steps = [factory.step("never"), factory.step("after", "day(1, 10:00)", after=["never"])]

    found = planned(steps, MONDAY, factory.rules(month_budget=0))

    assert {one.step.key: one.skipped for one in found} == {"never": Skip.NO_SLOT, "after": Skip.DEPENDENCY}


@pytest.mark.parametrize(
    ("policy", "due"),
    [(PastPolicy.IMMEDIATELY, "2026-11-23 15:00"), (PastPolicy.NEXT_SLOT, "2026-11-24 10:00")],
)
def test_day_zero_that_has_passed_is_done_at_once_or_in_the_next_slot(policy: PastPolicy, due: str) -> None:
    step = factory.step(anchor=Anchor(kind=AnchorKind.STAGE_ENTERED), past_policy=policy)
    entered = factory.shanghai("2026-11-23 15:00")

    (one,) = timetable.due_times(step, entered, factory.rules(), until=entered + timedelta(days=3))

    assert factory.local(one.due_at) == due
    assert one.shifts == (Shift.PAST,)


def test_gate_of_a_member_runs_at_night_and_a_message_waits_until_morning() -> None:
    joined = factory.shanghai("2026-11-23 23:10")
    anchor = Anchor(kind=AnchorKind.MEMBER_JOINED)
    gate = factory.step("gate", "offset(24h)", code=DeliveryCode.SYSTEM, anchor=anchor)
    poll = factory.step("poll", "offset(24h)", code=DeliveryCode.PERSONAL, anchor=anchor)

    due = [
        timetable.due_times(step, joined, factory.rules(), until=joined + timedelta(days=3))[0].due_at
        for step in (gate, poll)
    ]

    assert [factory.local(moment) for moment in due] == ["2026-11-24 23:10", "2026-11-25 09:00"]


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("weekly(mon thu, 10:00)", ["2026-11-26 10:00", "2026-11-30 10:00", "2026-12-03 10:00"]),
        ("monthly(31, 10:00)", ["2026-11-30 10:00", "2026-12-31 10:00"]),
        ("every(24h, 09:00-18:00)", ["2026-11-23 15:00", "2026-11-24 15:00", "2026-11-25 15:00"]),
        ("at(2026-12-01 10:00)", ["2026-12-01 10:00"]),
        ("calendar(2026-11-01 10:00, 2026-12-01 10:00)", ["2026-12-01 10:00"]),
        ("day(2, 10:00)", ["2026-11-25 10:00"]),
        ("offset(1h30m)", ["2026-11-23 16:30"]),
    ],
)
def test_schedule_gives_its_times(schedule: str, due: list[str]) -> None:
    step = factory.step(schedule=schedule)
    entered = factory.shanghai("2026-11-23 15:00")

    found = schedules.nominal_times(step, entered, factory.SHANGHAI, entered + timedelta(days=45))

    assert [factory.local(moment) for moment in found[: len(due)]] == due


@given(DAYS, st.times(), written)
def test_nominal_times_rise_and_end_before_the_limit(on: date, clock: time, schedule: str) -> None:
    anchor = datetime.combine(on, clock, factory.SHANGHAI)
    until = anchor + timedelta(days=30)

    found = schedules.nominal_times(factory.step(schedule=schedule), anchor, factory.SHANGHAI, until)

    assert found == sorted(set(found))
    assert all(one < until for one in found)


@given(st.dictionaries(DAYS, st.integers(1, 3), max_size=20), DAYS)
def test_every_mass_send_lowers_the_quota_by_one(sent: dict[date, int], on: date) -> None:
    more = {**sent, on: sent.get(on, 0) + 1}

    for mode in LimitMode:
        assert quota.left(mode, on, more) == quota.left(mode, on, sent) - 1

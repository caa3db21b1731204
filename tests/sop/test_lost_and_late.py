"""Openings that end undone, taps whose report is lost, nights, and days that move: what a review of issue 4 found."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from domain.enrolment import (
    EnrolmentState,
    MassTaskState,
    Occurrence,
    OccurrenceState,
    TargetResult,
)
from domain.faq import Line
from domain.sop import DeliveryCode, SopDays
from scheduler.bundles import Reason
from tests.sop import factory
from tests.sop.walk import CO_OWNER, OWNER, SUPERVISOR, Walk, utc

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
USUAL = 5 * MINUTE


def never(step: str) -> Walk:
    """Return a walk in which nobody ever does a step."""
    return Walk(
        confirms=lambda one: None if one.step == step else USUAL,
        taps=lambda one: None if one.step == step else 3 * MINUTE,
    )


def tapped_without_report(walk: Walk, step: str, when: str) -> None:
    """Let somebody send a step by hand at a moment; the client's report is lost."""

    def tap() -> None:
        one = walk.step(step)
        assert one.delivery is DeliveryCode.SIDEBAR, "not in anybody's hand"
        walk.unreported.add(one.id)

    walk.at(utc(when), tap)


def said_by_looking(walk: Walk, step: str, when: str) -> None:
    """Let somebody look into the group later and say that the words are there."""

    def tick() -> None:
        one = walk.step(step)
        walk.unreported.discard(one.id)
        walk.occurrences[one.id] = replace(one, state=OccurrenceState.SENT, sent_at=utc(when))
        walk.poke()

    walk.at(utc(when), tick)


# --- sent by hand, and nobody told how it ended ------------------------------------------------------------------


def test_words_perhaps_sent_by_hand_never_become_a_mass_send_issue_4() -> None:
    walk = never("publication")
    tapped_without_report(walk, "publication", "12-04 20:15")

    walk.run(utc("12-05 09:30"))

    found = walk.step("publication")
    assert (found.state, found.reason) == (OccurrenceState.ESCALATED, Reason.UNKNOWN)
    assert found.delivery is DeliveryCode.SIDEBAR
    assert len(walk.tasks_of("publication")) == 1
    told = [one.recipient for _, one in walk.told_at if one.occurrence_id == found.id and one.kind == "tell"]
    assert {OWNER, SUPERVISOR} <= set(told)


def test_recap_follows_when_somebody_says_that_it_was_sent_issue_4() -> None:
    walk = never("publication")
    tapped_without_report(walk, "publication", "12-04 20:15")
    said_by_looking(walk, "publication", "12-04 20:40")

    walk.run()

    assert walk.said("recap")
    assert walk.enrolment.state is EnrolmentState.COMPLETED


def test_words_perhaps_sent_are_given_up_when_nobody_ever_says_issue_4() -> None:
    walk = never("publication")
    tapped_without_report(walk, "publication", "12-04 20:15")

    walk.run()

    assert (walk.step("publication").state, walk.step("publication").reason) == (
        OccurrenceState.MISSED,
        Reason.UNKNOWN,
    )
    assert len(walk.tasks_of("publication")) == 1
    assert walk.said("recap") == []


def test_stopped_line_does_not_take_back_what_may_be_in_the_group_issue_4() -> None:
    walk = never("publication")
    tapped_without_report(walk, "publication", "12-04 20:15")

    def stop() -> None:
        walk.stopped = frozenset(walk.template.lines)
        walk.poke()

    def resume() -> None:
        walk.stopped = frozenset()
        walk.poke()

    walk.at(utc("12-04 20:20"), stop)
    walk.at(utc("12-04 20:25"), resume)
    walk.run(utc("12-05 09:30"))

    assert walk.step("publication").reason == Reason.UNKNOWN
    assert walk.said("publication") == []


# --- nights ------------------------------------------------------------------------------------------------------


def test_nothing_that_a_group_reads_is_sent_in_quiet_hours_issue_4() -> None:
    walk = Walk(size=5)
    walk.at(utc("11-30 14:40"), lambda: setattr(walk, "size", 12))
    walk.confirms = lambda one: 55 * MINUTE if one.step == "opening" else USUAL
    walk.taps = lambda one: 4 * HOUR + 58 * MINUTE if one.step.startswith("cue") else 3 * MINUTE

    walk.run()

    assert [one for one in walk.spoken if walk.rules().is_quiet(one.at)] == []
    assert walk.said("opening")


def test_mass_send_handed_over_ends_with_the_evening_issue_4() -> None:
    walk = never("publication")
    walk.result = lambda one: TargetResult.LIMITED if one.step == "review" else TargetResult.SENT

    walk.run()

    ends = [one.window_end for one in walk.occurrences.values() if one.delivery is DeliveryCode.SIDEBAR]
    by_hand = [one for one in walk.spoken if one.way is DeliveryCode.SIDEBAR]
    assert ends
    assert [one for one in by_hand if walk.rules().is_quiet(one.at)] == []


# --- the opening -------------------------------------------------------------------------------------------------


def stopped_twice(walk: Walk) -> None:
    def stop() -> None:
        for number, task in list(walk.tasks.items()):
            if task.state is MassTaskState.WAITING:
                walk.cancelled_by_somebody(number)

    walk.at(utc("11-30 10:03"), stop)
    walk.at(utc("11-30 10:08"), stop)


def confirms_from(first: str) -> Walk:
    walk = Walk()
    walk.confirms = lambda one: None if one.step == "opening" and one.due_at < utc(first) else USUAL
    walk.taps = lambda one: None if one.step == "opening" and one.due_at < utc(first) else 3 * MINUTE
    return walk


def test_opening_whose_task_others_stop_is_held_another_day_issue_4() -> None:
    walk = confirms_from("12-01 09:00")
    stopped_twice(walk)

    walk.run()

    assert [factory.local(one.at)[5:10] for one in walk.said("opening")] == ["12-01"]
    assert walk.enrolment.state is EnrolmentState.COMPLETED


def test_opening_that_the_platform_refuses_is_held_another_day_issue_4() -> None:
    walk = confirms_from("12-01 09:00")
    walk.makes = lambda one: (
        MassTaskState.FAILED if one.due_at < utc("12-01 09:00") else MassTaskState.WAITING
    )

    walk.run()

    assert [factory.local(one.at)[5:10] for one in walk.said("opening")] == ["12-01"]


def test_opening_that_a_person_leaves_out_is_held_another_day_issue_4() -> None:
    walk = Walk(confirms=lambda one: 20 * MINUTE)

    def skip() -> None:
        one = walk.step("opening")
        walk.occurrences[one.id] = replace(one, reason=Reason.PERSON)
        walk._cancel(one.mass_task_id or 0)

    walk.at(utc("11-30 10:05"), skip)
    walk.run()

    assert [factory.local(one.at)[5:10] for one in walk.said("opening")] == ["12-01"]


def test_opening_that_may_have_been_said_is_never_said_again_issue_4() -> None:
    walk = Walk(makes=lambda one: MassTaskState.UNKNOWN if one.step == "opening" else MassTaskState.WAITING)

    walk.run()

    assert len(walk.tasks_of("opening")) == 1
    assert (walk.enrolment.state, walk.enrolment.reason) == (EnrolmentState.FAILED, "never_opened")


def test_opening_missed_on_several_days_is_told_each_day_issue_4() -> None:
    walk = never("opening")

    walk.run()

    told = [
        factory.local(at)[:10]
        for at, one in walk.told_at
        if one.recipient == SUPERVISOR and one.kind == "missed"
    ]
    assert len(told) == len(set(told)) >= 5


# --- days that move ----------------------------------------------------------------------------------------------


def moved_to(walk: Walk, day: date, *, stops: bool = True) -> None:
    """Do what scheduler/acts.py does when a person moves the opening."""
    walk.enrolment = replace(walk.enrolment, opens_on=day)
    one = walk.step("opening")
    if stops and one.mass_task_id is not None:
        walk.occurrences[one.id] = replace(one, reason=Reason.MOVED)
        walk._cancel(one.mass_task_id)
    walk.poke()


def test_opening_moved_while_its_mass_send_is_out_is_held_on_the_new_day_only_issue_4() -> None:
    walk = Walk(confirms=lambda one: 20 * MINUTE if one.step == "opening" else USUAL)
    walk.at(utc("11-30 10:10"), lambda: moved_to(walk, date(2026, 12, 3)))

    walk.run()

    assert [factory.local(one.at)[5:10] for one in walk.said("opening")] == ["12-03"]
    assert walk.tasks_of("opening")[0].cancelled_at is not None
    assert walk.said("notice")[0].at >= utc("12-05 00:00")
    walk.check()


def test_opening_confirmed_before_the_stop_keeps_its_day_issue_4() -> None:
    walk = Walk(polled=2 * MINUTE)
    walk.confirms = lambda one: 10 * MINUTE + timedelta(seconds=20) if one.step == "opening" else USUAL
    walk.at(utc("11-30 10:10"), lambda: moved_to(walk, date(2026, 12, 3)))

    walk.run()

    assert walk.enrolment.opens_on == date(2026, 11, 30)
    assert [factory.local(one.at)[5:10] for one in walk.said("opening")] == ["11-30"]
    assert factory.local(walk.said("notice")[0].at)[5:10] == "12-02"
    assert any(line.startswith("not_moved") for line in walk.history)


def test_week_moved_into_a_holiday_leaves_out_what_its_rules_leave_out_issue_4() -> None:
    moved = Walk(now=factory.shanghai("2026-09-12 09:30"), opens_on=date(2026, 9, 16))
    moved.run(factory.shanghai("2026-09-14 12:00"))
    moved_to(moved, date(2026, 9, 25))
    moved.run()
    fresh = Walk(now=factory.shanghai("2026-09-15 09:30"), opens_on=date(2026, 9, 25))

    left_out = {
        one.step: one.reason for one in fresh.occurrences.values() if one.state is OccurrenceState.SKIPPED
    }

    assert left_out
    assert {step: moved.step(step).reason for step in left_out} == left_out
    assert [one.step for one in moved.spoken if one.step in left_out] == []


def test_week_moved_out_of_a_holiday_has_all_its_steps_again_issue_4() -> None:
    walk = Walk(now=factory.shanghai("2026-09-15 09:30"), opens_on=date(2026, 9, 25))
    left_out = [one.step for one in walk.occurrences.values() if one.state is OccurrenceState.SKIPPED]
    walk.run(factory.shanghai("2026-09-15 12:00"))

    moved_to(walk, date(2026, 10, 12))
    walk.run(factory.shanghai("2026-09-15 12:30"))

    assert left_out
    assert {walk.step(step).state for step in left_out} == {OccurrenceState.PLANNED}


def test_mass_send_put_to_another_day_waits_for_a_day_of_its_kind_issue_4() -> None:
    template = factory.template()
    window = replace(template.steps["calm"][0].window, length=6 * HOUR, expire_after=5 * DAY)
    steps = {
        rhythm: tuple(
            replace(step, days=SopDays.WORKDAY, branches=(), window=window) if step.key == "review" else step
            for step in found
        )
        for rhythm, found in template.steps.items()
    }
    walk = Walk(template=replace(template, steps=steps), opens_on=date(2026, 11, 27))
    walk.result = _limited_on_its_first_day

    walk.run(utc("12-04 12:00"))

    # From a Friday to a Monday.
    assert [one.created_at for one in walk.tasks_of("review")] == [utc("12-04 10:00")]
    assert walk.step("review").due_at == utc("12-07 10:00")


def _limited_on_its_first_day(one: Occurrence) -> TargetResult:
    is_first = one.step == "review" and one.due_at < utc("12-05 00:00")
    return TargetResult.LIMITED if is_first else TargetResult.SENT


# --- a stopped line where the template does not stop as a whole ---------------------------------------------------


def test_stopped_line_keeps_words_back_without_a_task_a_minute_issue_4() -> None:
    template = factory.template()
    walk = Walk(template=replace(template, guard=replace(template.guard, kill_switch=False)))
    walk.stopped = frozenset(Line(line) for line in template.lines)

    walk.run(utc("11-30 10:45"))

    assert walk.tasks_of("opening") == []
    assert (walk.step("opening").state, walk.step("opening").reason) == (
        OccurrenceState.BLOCKED,
        Reason.STOPPED,
    )


# --- put off, held back -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "handed_over_at"), [(0, "10:30"), (45, "10:45")])
def test_step_put_off_climbs_no_rung_before_its_time_issue_4(minutes: int, handed_over_at: str) -> None:
    walk = never("opening")

    def put_off() -> None:
        one = walk.step("opening")
        later = one.due_at + minutes * MINUTE
        walk.occurrences[one.id] = replace(one, later_at=later if minutes else None)
        walk.poke()

    walk.at(utc("11-30 10:02"), put_off)
    walk.run(utc("11-30 10:55"))

    told = [(factory.local(at)[11:], one.kind) for at, one in walk.told_at if one.recipient == CO_OWNER]
    assert told[0][0][:4] == handed_over_at[:4]
    assert walk.tasks_of("opening")[0].created_at == utc("11-30 10:00")


def test_opening_that_waits_for_members_is_due_and_not_planned_issue_4() -> None:
    walk = Walk(size=3)

    walk.run(utc("11-30 11:00"))

    assert walk.step("opening").state is OccurrenceState.DUE


@pytest.mark.parametrize(
    "late_by", [timedelta(hours=24, minutes=29, seconds=30), timedelta(hours=24, minutes=31)]
)
def test_an_old_task_confirmed_after_an_outage_keeps_the_days_mass_send_back_issue_4(
    late_by: timedelta,
) -> None:
    # Released on D1 at 10:00; the house is away from D1 15:00 to D2 10:30, when D2's own mass send is due.
    away = (utc("12-01 15:00"), utc("12-02 10:30"))
    walk = Walk(rhythm="full", outages=(away,), polled=timedelta(minutes=1))
    walk.confirms = lambda one: late_by if one.step == "misread" else timedelta(minutes=5)

    walk.run()

    walk.check()

"""The branches of docs/sop.md, one by one, on one group in memory; with the whole house they are in tests/weeks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from domain.enrolment import EnrolmentState, MassTaskState, Occurrence, OccurrenceState, TargetResult
from domain.faq import Line
from domain.sop import DeliveryCode, LimitMode
from scheduler.bundles import Alarm, People
from tests.sop import factory
from tests.sop.walk import CO_OWNER, OWNER, SUPERVISOR, Walk, utc

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SENT, MISSED, SKIPPED = OccurrenceState.SENT, OccurrenceState.MISSED, OccurrenceState.SKIPPED


def but(
    steps: dict[str, timedelta | None], usual: timedelta = 5 * MINUTE
) -> Callable[[Occurrence], timedelta | None]:
    """Let people take their usual time, but for some steps; None: never."""
    return lambda one: steps.get(one.step, usual)


def clock(moment: datetime) -> str:
    return factory.local(moment)[5:]


# --- owner has not confirmed ---------------------------------------------------------------------------------


def test_owner_has_not_confirmed_is_carded_reminded_thrice_told_and_missed() -> None:
    walk = Walk(confirms=but({"review": None}), taps=but({"review": None}))

    walk.run()

    task = walk.tasks_of("review")[0]
    assert [clock(moment) for moment in task.reminds] == ["12-07 11:00", "12-07 12:00", "12-07 14:00"]
    assert walk.told(OWNER, "review")[:2] == ["step", "reminder"]
    assert walk.told(CO_OWNER, "review")[:2] == ["tell", "hand_over"]
    assert walk.told(SUPERVISOR, "review") == ["tell", "missed"]
    assert task.cancelled_at is not None
    assert walk.step("review").state is MISSED


def test_owner_has_not_confirmed_by_the_end_the_co_owner_sends_by_hand() -> None:
    walk = Walk(confirms=but({"review": None}))

    walk.run()

    (said,) = walk.said("review")
    assert (said.way, said.by) == (DeliveryCode.SIDEBAR, CO_OWNER)
    assert utc("12-07 16:00") < said.at < utc("12-07 16:30")


def test_owner_has_not_confirmed_what_is_still_true_moves_to_the_next_day() -> None:
    walk = Walk(confirms=lambda one: None if one.step == "notice" and not one.shifts else 5 * MINUTE)
    walk.confirms = _from("notice", utc("12-03 09:00"))

    walk.run()

    assert [clock(one.at) for one in walk.said("notice")] == ["12-03 10:05"]
    assert walk.said("publication")[0].at >= utc("12-04 10:05")


def _from(step: str, first: datetime) -> Callable[[Occurrence], timedelta | None]:
    """Let a step's owner confirm only from a moment on."""
    return lambda one: 5 * MINUTE if one.step != step or one.due_at >= first else None


def test_owner_has_not_confirmed_what_is_time_critical_the_co_owner_sends_after_30_minutes() -> None:
    walk = Walk(confirms=but({"opening": None}))

    walk.run()

    (opening,) = walk.said("opening")
    assert (opening.by, opening.way) == (CO_OWNER, DeliveryCode.SIDEBAR)
    assert utc("11-30 10:30") < opening.at < utc("11-30 10:40")
    assert walk.told(OWNER, "opening")[:2] == ["step", "reminder"]
    assert walk.told(SUPERVISOR, "opening") == ["tell"]
    assert [len(task.reminds) for task in walk.tasks_of("opening")] == [1]
    assert all(one.at > opening.at for one in walk.spoken if one.step.startswith("cue_"))


def test_owner_who_confirms_just_before_the_stop_is_not_doubled() -> None:
    walk = Walk(confirms=but({"opening": 30 * MINUTE + timedelta(seconds=10)}), polled=2 * MINUTE)

    walk.run()

    assert [(one.by, one.way) for one in walk.said("opening")] == [(OWNER, DeliveryCode.MASS_SEND)]


def test_nobody_opens_the_group_so_it_opens_another_day() -> None:
    walk = Walk(confirms=_from("opening", utc("12-01 09:00")), taps=_from("opening", utc("12-01 09:00")))

    walk.run()

    assert [clock(one.at) for one in walk.said("opening")] == ["12-01 10:05"]
    assert walk.enrolment.state is EnrolmentState.COMPLETED


def test_nobody_ever_opens_the_group_so_it_fails_and_the_supervisor_knows() -> None:
    walk = Walk(confirms=but({"opening": None}), taps=but({"opening": None}))

    walk.run()

    assert walk.enrolment.state in (EnrolmentState.FAILED, EnrolmentState.CANCELLED)
    assert "missed" in walk.told(SUPERVISOR, "opening")
    assert walk.spoken == []


def test_nobody_publishes_so_the_publication_shifts_once_and_then_the_supervisor_knows() -> None:
    walk = Walk(confirms=but({"publication": None}), taps=but({"publication": None}))

    walk.run()

    released = [clock(task.created_at) for task in walk.tasks_of("publication")]
    assert released == ["12-04 19:30"]
    assert walk.step("publication").state is MISSED
    assert "missed" in walk.told(SUPERVISOR, "publication")
    assert walk.said("recap") == walk.said("review") == []


# --- confirmed late --------------------------------------------------------------------------------------------


def test_owner_confirmed_late_is_written_so_and_the_next_steps_keep_their_times() -> None:
    walk = Walk(outages=((utc("12-02 15:58"), utc("12-02 17:00")),), polled=timedelta(seconds=1))
    walk.confirms = but({"notice": 6 * HOUR + 20 * MINUTE})

    walk.run()

    assert walk.step("notice").state is OccurrenceState.SENT_LATE
    assert [clock(one.at) for one in walk.said("publication")] == ["12-04 19:35"]


# --- owner left, group transferred ------------------------------------------------------------------------------


def test_group_transferred_while_open_the_task_is_stopped_and_made_anew_for_the_new_owner() -> None:
    walk = Walk(confirms=lambda one: None)
    walk.run(utc("12-07 10:10") if walk.now > utc("12-07 10:10") else utc("11-30 10:05"))
    walk.people = replace(walk.people, owner="zhaoliu")
    walk.poke()
    walk.confirms = lambda one: MINUTE
    walk.run()

    first, second = walk.tasks_of("opening")
    assert (first.sender, first.state) == (OWNER, MassTaskState.CANCELLED)
    assert (second.sender, second.state) == ("zhaoliu", MassTaskState.CONFIRMED)
    assert clock(second.created_at) == "11-30 10:05"


def test_owner_left_while_open_the_co_owner_sends_by_hand() -> None:
    walk = Walk(confirms=lambda one: None)
    walk.run(utc("11-30 10:05"))
    walk.people = replace(walk.people, can_owner_send=False)
    walk.poke()
    walk.run(utc("11-30 10:20"))

    assert [(one.by, one.way) for one in walk.said("opening")] == [(CO_OWNER, DeliveryCode.SIDEBAR)]


def test_owner_left_before_the_release_the_co_owner_sends_by_hand() -> None:
    walk = Walk(people=People(owner=OWNER, co_owner=CO_OWNER, supervisor=SUPERVISOR, can_owner_send=False))

    walk.run()

    assert walk.tasks == {}
    assert [(one.by, one.way) for one in walk.said("notice")] == [(CO_OWNER, DeliveryCode.SIDEBAR)]


# --- task cancelled by somebody else, refused, unknown -----------------------------------------------------------


def test_task_cancelled_by_somebody_else_is_made_anew_once_and_then_missed() -> None:
    walk = Walk(confirms=but({"notice": None}))
    walk.run(utc("12-02 10:30"))
    for _ in range(2):
        walk.cancelled_by_somebody(max(walk.tasks))
        walk.run(walk.now + 20 * MINUTE)

    assert [task.state for task in walk.tasks_of("notice")] == [MassTaskState.CANCELLED] * 2
    assert walk.step("notice").state is MISSED


def test_refused_task_is_given_to_the_owner_by_hand() -> None:
    walk = Walk(makes=lambda one: MassTaskState.FAILED if one.step == "notice" else MassTaskState.WAITING)

    walk.run()

    assert [(one.by, one.way) for one in walk.said("notice")] == [(OWNER, DeliveryCode.SIDEBAR)]


def test_unknown_task_is_never_sent_again_and_the_supervisor_knows() -> None:
    walk = Walk(makes=lambda one: MassTaskState.UNKNOWN if one.step == "notice" else MassTaskState.WAITING)

    walk.run()

    assert len(walk.tasks_of("notice")) == 1
    assert walk.said("notice") == []
    assert "tell" in walk.told(SUPERVISOR, "notice")
    assert walk.step("notice").state is MISSED


def test_unknown_task_found_after_its_window_is_stopped() -> None:
    walk = Walk(makes=lambda one: MassTaskState.UNKNOWN if one.step == "notice" else MassTaskState.WAITING)

    walk.run()

    assert set(walk.cancels) == {task.id for task in walk.tasks_of("notice")}


def test_unknown_task_found_again_climbs_its_ladder_and_can_be_stopped() -> None:
    walk = Walk(makes=lambda one: MassTaskState.UNKNOWN if one.step == "notice" else MassTaskState.WAITING)
    walk.run(utc("12-02 10:30"))
    number = max(walk.tasks)
    walk.tasks[number] = replace(walk.tasks[number], state=MassTaskState.WAITING)
    walk.poke()
    walk.run()

    assert len(walk.tasks[number].reminds) == 3
    assert walk.tasks[number].state is MassTaskState.CANCELLED


# --- limit reached -----------------------------------------------------------------------------------------------


def test_limit_reached_by_others_is_told_by_the_platform_and_the_owner_sends_by_hand() -> None:
    walk = Walk(result=lambda one: TargetResult.LIMITED if one.step == "notice" else TargetResult.SENT)

    walk.run()

    assert [(one.by, one.way) for one in walk.said("notice")] == [(OWNER, DeliveryCode.SIDEBAR)]


@pytest.mark.parametrize(
    ("mode", "used"),
    [
        (LimitMode.WEEK7, {date(2026, 11, 30): 6}),
        (LimitMode.MONTH, {date(2026, 12, 1): 31}),
        (LimitMode.DAY1, {date(2026, 12, 2): 1}),
    ],
)
def test_limit_reached_by_our_own_count_is_sent_by_hand_or_another_day(
    mode: LimitMode, used: dict[date, int]
) -> None:
    template = factory.template()
    walk = Walk(template=replace(template, guard=replace(template.guard, limit_mode=mode)))
    walk.run(utc("12-01 20:00"))
    walk.used = used
    walk.run()

    (said,) = walk.said("notice")
    assert said.way is DeliveryCode.SIDEBAR or said.at > utc("12-03 00:00")


# --- one to one --------------------------------------------------------------------------------------------------


def test_one_to_one_is_done_when_the_platform_says_so_for_each_customer() -> None:
    walk = Walk(friends=("wmA", "wmB"))

    walk.run()

    rows = [one for one in walk.occurrences.values() if one.step == "follow_up"]
    assert {(one.member, one.state) for one in rows} == {("", SENT), ("wmA", SENT), ("wmB", SENT)}


def test_members_are_asked_one_to_one_the_day_after_they_joined() -> None:
    walk = Walk(rhythm="full", friends=("wmA",))

    walk.run()

    asked = [one for one in walk.occurrences.values() if one.step == "need_poll" and not one.member]
    assert [clock(one.due_at) for one in asked] == [f"12-{day:02} 15:00" for day in range(1, 8)]
    assert {one.state for one in asked} == {SENT}


def test_one_to_one_that_nobody_confirms_is_stopped_with_its_window() -> None:
    walk = Walk(friends=("wmA",), confirms=but({"follow_up": None}))

    walk.run()

    (task,) = walk.tasks_of("follow_up")
    assert task.state is MassTaskState.CANCELLED
    assert {one.state for one in walk.occurrences.values() if one.step == "follow_up"} == {MISSED}


def test_stopped_line_stops_one_to_one_sends_too() -> None:
    walk = Walk(friends=("wmA",), confirms=but({"follow_up": 3 * HOUR}))
    walk.at(utc("12-05 15:00"), lambda: setattr(walk, "stopped", frozenset([Line.LOAN])))
    walk.at(utc("12-05 15:00"), walk.poke)
    walk.at(utc("12-05 20:00"), lambda: setattr(walk, "stopped", frozenset()))
    walk.at(utc("12-05 20:00"), walk.poke)

    walk.run()

    assert [task.state for task in walk.tasks_of("follow_up")] == [MassTaskState.CANCELLED]
    assert walk.enrolment.state is EnrolmentState.COMPLETED


# --- the group rate ---------------------------------------------------------------------------------------------


def test_group_rate_too_high_holds_mass_sends_for_a_day_and_the_rest_goes_on() -> None:
    walk = Walk()
    walk.at(utc("12-01 20:00"), lambda: _alarm(walk, pauses=True))

    walk.run()

    assert walk.said("notice")[0].at >= utc("12-02 20:00")
    assert "misread" in {one.step for one in walk.spoken}


def test_burst_of_quits_is_told_and_pauses_nothing() -> None:
    walk = Walk()
    walk.at(utc("12-02 09:30"), lambda: _alarm(walk, pauses=False))

    walk.run()

    assert [clock(one.at) for one in walk.said("notice")] == ["12-02 10:05"]
    assert any(one.recipient == SUPERVISOR and one.title == "退群" for _, one in walk.told_at)


def _alarm(walk: Walk, *, pauses: bool) -> None:
    walk.alarms = (Alarm(key="rate", title="退群", text="退群 3", pauses=pauses),)
    walk.poke()


# --- stopped, paused ----------------------------------------------------------------------------------------------


def test_stopped_line_cancels_what_waits_and_resume_judges_by_the_window() -> None:
    walk = Walk(confirms=but({"notice": 4 * HOUR}))
    walk.run(utc("12-02 10:30"))
    walk.stopped = frozenset([Line.LOAN])
    walk.poke()
    walk.run(utc("12-02 11:00"))
    assert [task.state for task in walk.tasks_of("notice")] == [MassTaskState.CANCELLED]
    assert walk.enrolment.state is EnrolmentState.PAUSED
    walk.stopped = frozenset()
    walk.poke()
    walk.run()

    assert [clock(one.at) for one in walk.said("notice")] == ["12-02 15:00"]
    assert len(walk.tasks_of("notice")) == 2


def test_stopped_for_days_fires_nothing_in_a_burst() -> None:
    walk = Walk()
    walk.run(utc("12-01 20:00"))
    walk.stopped = frozenset([Line.WEALTH])
    walk.poke()
    walk.run(utc("12-06 12:00"))
    walk.stopped = frozenset()
    walk.poke()
    before = len(walk.spoken)
    walk.run()

    walk.check()
    after = walk.spoken[before:]
    assert all(one.at.date() != after[0].at.date() for one in after[1:])


# --- two sends on a day, quiet hours, too few members ---------------------------------------------------------------


def test_quiet_hours_hold_what_is_due_until_the_morning() -> None:
    walk = Walk(outages=((utc("12-02 09:00"), utc("12-02 21:30")),))

    walk.run()

    assert [clock(one.at) for one in walk.said("notice")] == ["12-03 10:05"]


def test_too_few_members_wait_until_the_afternoon_and_then_for_another_day() -> None:
    walk = Walk(size=5)
    walk.at(utc("12-01 11:00"), lambda: setattr(walk, "size", 11))

    walk.run()

    assert [clock(one.at) for one in walk.said("opening")] == ["12-01 11:05"]


def test_members_who_come_at_noon_open_the_group_the_same_day() -> None:
    walk = Walk(size=5)
    walk.at(utc("11-30 12:00"), lambda: setattr(walk, "size", 11))

    walk.run()

    assert [one.at.date() for one in walk.said("opening")] == [date(2026, 11, 30)]


# --- preparation ----------------------------------------------------------------------------------------------------


def test_readiness_below_60_cancels_the_opening_and_says_so() -> None:
    walk = Walk()
    walk.measures["points"] = 50.0

    walk.run()

    assert (walk.enrolment.state, walk.enrolment.reason) == (EnrolmentState.CANCELLED, "readiness")
    assert walk.told(SUPERVISOR, "readiness")[-1] == "alarm"
    assert walk.spoken == []


def test_readiness_ticked_at_the_last_moment_opens_the_group() -> None:
    walk = Walk()
    walk.measures["mandatory_open"] = 1.0
    walk.at(utc("11-30 09:30"), lambda: walk.measures.update(mandatory_open=0.0))

    walk.run()

    assert [clock(one.at) for one in walk.said("opening")] == ["11-30 10:05"]


def test_missing_binding_moves_the_opening_by_a_day() -> None:
    walk = Walk()
    walk.measures["bound"] = 0.0
    walk.at(utc("11-30 18:00"), lambda: walk.measures.update(bound=1.0))

    walk.run()

    assert [clock(one.at) for one in walk.said("opening")] == ["12-01 10:05"]


def test_opening_that_moves_finds_a_day_on_which_its_owner_has_room() -> None:
    walk = Walk(openings={date(2026, 12, 1): 2})
    walk.measures["bound"] = 0.0
    walk.at(utc("11-30 18:00"), lambda: walk.measures.update(bound=1.0))

    walk.run()

    assert [clock(one.at) for one in walk.said("opening")] == ["12-02 10:05"]


def test_words_that_may_not_be_said_block_their_step_until_they_may() -> None:
    walk = Walk(
        people=People(owner=OWNER, co_owner=CO_OWNER, supervisor=SUPERVISOR, compliance="sunqi"),
        unsayable={"notice": "unapproved"},
    )
    walk.at(utc("12-02 12:00"), lambda: walk.unsayable.clear())

    walk.run()

    assert walk.told("sunqi", "notice") == ["alarm"]
    assert utc("12-02 12:00") < walk.said("notice")[0].at < utc("12-02 12:20")


def test_words_that_are_never_approved_are_never_said() -> None:
    walk = Walk(unsayable={"notice": "unapproved"})

    walk.run()

    assert walk.said("notice") == walk.said("publication") == []
    assert walk.step("notice").state is MISSED


# --- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("score", "target"), [(60.0, "finance_weekly"), (59.9, "group_repair")])
def test_score_of_the_week_decides_where_the_group_goes(score: float, target: str) -> None:
    walk = Walk(score=score)

    walk.run()

    assert walk.moved_to == target


def test_group_moves_on_even_when_something_is_still_open_at_the_score() -> None:
    walk = Walk(confirms=but({"review": 5 * HOUR + 59 * MINUTE + timedelta(seconds=50)}), polled=10 * MINUTE)

    walk.run()

    assert walk.enrolment.state is EnrolmentState.COMPLETED
    assert walk.moved_to == "finance_weekly"


def test_dismissed_group_ends_at_once() -> None:
    walk = Walk(confirms=but({"notice": None}))
    walk.run(utc("12-02 11:00"))
    walk.is_gone = True
    walk.poke()
    walk.run()

    assert walk.enrolment.state is EnrolmentState.ENDED_EARLY
    assert walk.tasks_of("notice")[0].cancel_wanted_at is not None


# --- restart, clock jump ----------------------------------------------------------------------------------------------


def test_outage_of_a_week_fires_nothing_in_a_burst() -> None:
    walk = Walk(outages=((utc("12-01 12:00"), utc("12-08 12:00")),))

    walk.run()

    walk.check()
    late = [one for one in walk.spoken if one.at >= utc("12-08 12:00")]
    assert len(late) <= 1


def test_deciding_twice_at_one_moment_changes_nothing_more() -> None:
    walk = Walk(confirms=but({"notice": None, "review": None}))
    for hours in range(0, 24 * 12, 3):
        walk.run(utc("11-26 09:30") + hours * HOUR)
        tasks, notices, before = len(walk.tasks), len(walk.notices), dict(walk.occurrences)
        if walk.enrolment.ended_at is None:
            walk.decide()
            assert (len(walk.tasks), len(walk.notices), walk.occurrences) == (tasks, notices, before)

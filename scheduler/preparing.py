"""The opening day: whether the group may open, waits, moves to another day, or does not open at all. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from domain.attention import NoticeKind
from domain.enrolment import (
    DONE_STATES,
    OPEN_STATES,
    UNRELEASED_STATES,
    EnrolmentState,
    EvidenceKind,
    Occurrence,
    OccurrenceState,
)
from domain.sop import AnchorKind, Day, DeliveryCode, SopClock, Step, StepPart, Template
from scheduler import measuring, openings, timetable
from scheduler.bundles import Reason
from scheduler.timetable import Planned, Rules, Skip
from scheduler.working import Work

_DAY = timedelta(days=1)
# How often the group is counted again while it is too small to open.
_COUNT_AGAIN = timedelta(minutes=15)
_MOVED = "moved"
_MOST_MOVES = 5
# A template whose stages go on for so long has no end.
_ENDLESS = timedelta(days=84)
# How far a template without an end is planned ahead, and when the plan is made longer.
HORIZON = timedelta(days=14)
EXTEND_BEFORE = timedelta(days=6)
# Ways of steps on the members' clock that have a row for each day of joining, from which day after the opening on.
_FIRST_DAYS = {DeliveryCode.PERSONAL: 0, DeliveryCode.APP: 1}
# Anchors that the group itself gives.
GROUP_ANCHORS = (
    AnchorKind.GROUP_OPENED,
    AnchorKind.GROUP_CREATED,
    AnchorKind.STAGE_ENTERED,
    AnchorKind.MANUAL,
)


def plan(
    template: Template,
    rhythm: str,
    anchor_at: datetime,
    rules: Rules,
    *,
    until: datetime,
    done: Mapping[str, datetime] | None = None,
) -> list[Planned]:
    """Return the steps on the group's clock; those that count from another step come when that one is done.

    One-to-one steps and cards on the members' clock come too: one for each day on which somebody may join.
    """
    steps = [step for step in template.steps[rhythm] if step.anchor.kind in GROUP_ANCHORS]
    anchors = dict.fromkeys(GROUP_ANCHORS, anchor_at)
    found = timetable.plan(steps, anchors, rules, until=until, done=done or {})
    return found + _by_day_of_joining(template, rhythm, anchor_at, rules, until)


def _by_day_of_joining(
    template: Template, rhythm: str, anchor_at: datetime, rules: Rules, until: datetime
) -> list[Planned]:
    """Return steps on the members' clock by the day they joined: `n` days after the opening, or before it for 0.

    Cards to staff are about those who come after the opening day.
    """
    ends = [stage.ends for stage in template.stages if stage.clock is SopClock.GROUP]
    days = min(max(ends, default=HORIZON), HORIZON)
    first = rules.local(anchor_at).date()
    found = []
    for step in template.steps[rhythm]:
        first_day = _FIRST_DAYS.get(step.deliveries[0])
        if (
            first_day is None
            or step.anchor.kind is not AnchorKind.MEMBER_JOINED
            or not isinstance(step.schedule, Day)
        ):
            continue
        for n in range(first_day, max(days.days - step.schedule.day, 0)):
            joined_at = timetable.opening_anchor(first + n * _DAY, template.zone)
            found += [replace(one, n=n) for one in timetable.due_times(step, joined_at, rules, until=until)]
    return found


def end_of(template: Template, anchor_at: datetime) -> datetime | None:
    """Return when a template that ends is surely over; None for one that goes on."""
    ends = [stage.ends for stage in template.stages if stage.clock is SopClock.GROUP]
    longest = max(ends, default=_ENDLESS)
    return anchor_at + longest + 14 * _DAY if longest < _ENDLESS else None


def prepare(work: Work) -> None:
    """Take up another opening day, and decide about the opening when it is due."""
    _take_up_day(work)
    if work.enrolment.state is EnrolmentState.WAITING and work.enrolment.anchor_at <= work.now:
        work.change(state=EnrolmentState.RUNNING)
    opening = next(iter(work.part(StepPart.OPENING)), None)
    one = work.of_step(opening.key) if opening else None
    if opening is None or one is None or one.state not in UNRELEASED_STATES or one.due_at > work.now:
        return
    undone = _undone(work, opening)
    if any(_is_readiness(work.steps[key]) for key in undone):
        _give_up(work, one, "readiness", [key for key in undone if _is_readiness(work.steps[key])])
    elif undone:
        _move_opening(work, one, undone)
    elif work.bundle.size < work.rules.guard.min_members:
        _wait_for_members(work, one, opening)


def _take_up_day(work: Work) -> None:
    """Follow an opening day that a person moved; not before the opening that was out is settled.

    One that was confirmed all the same has opened the group: then the old day stays.
    """
    zone, enrolment = work.bundle.template.zone, work.enrolment
    if timetable.opening_anchor(enrolment.opens_on, zone) == enrolment.anchor_at:
        return
    if enrolment.opened_at is not None:
        work.change(opens_on=work.rules.local(enrolment.anchor_at).date())
        work.record("not_moved", note=work.enrolment.opens_on.isoformat())
    elif not any(one.state in OPEN_STATES for one in _openings(work)):
        replan(work)


def _openings(work: Work) -> list[Occurrence]:
    found = (work.of_step(step.key) for step in work.part(StepPart.OPENING))
    return [one for one in found if one is not None]


def _undone(work: Work, opening: Step) -> list[str]:
    """Return what is still missing before the opening; what was done after its window is done all the same."""
    for needed in opening.depends_on:
        one = work.of_step(needed.step)
        if one is None or one.state in DONE_STATES:
            continue
        if measuring.holds(work.step(one), work.bundle.measures) is True:
            work.sent(one, work.now, EvidenceKind.MEASURED)
    done = work.done()
    return [needed.step for needed in opening.depends_on if needed.step not in done]


def replan(work: Work) -> None:
    """Plan what was not released yet anew from the wanted opening day."""
    template = work.bundle.template
    anchor_at = timetable.opening_anchor(work.enrolment.opens_on, template.zone)
    work.change(anchor_at=anchor_at)
    until = end_of(template, anchor_at) or anchor_at + HORIZON
    fresh = plan(template, work.enrolment.rhythm, anchor_at, work.rules, until=until, done=work.done())
    by_key = {one.key: one for one in fresh}
    for one in work.all():
        planned = by_key.get((one.step, one.n))
        if planned is not None and not one.member:
            _place_anew(work, one, planned)
    work.record("moved", note=work.enrolment.opens_on.isoformat())


def first_due(planned: Planned, now: datetime, rules: Rules) -> tuple[datetime, datetime]:
    """Return when a step is due and its window ends; a preparation whose time has passed is due now."""
    if planned.step.part is not StepPart.PREPARATION or planned.due_at >= now:
        return planned.due_at, planned.window_end
    due_at = rules.quiet_end(now) if rules.is_quiet(now) else now
    return due_at, max(planned.window_end, due_at + timedelta(hours=3))


def _place_anew(work: Work, one: Occurrence, planned: Planned) -> None:
    is_preparation = planned.step.part is StepPart.PREPARATION
    due_at, window_end = first_due(planned, work.now, work.rules)
    expires_at = max(planned.expires_at, window_end)
    if planned.skipped is not None:
        if one.state in UNRELEASED_STATES:
            times = {"wanted_at": planned.wanted_at, "due_at": due_at, "window_end": window_end}
            work.close(work.put(one, **times), OccurrenceState.SKIPPED, reason=planned.skipped)
        return
    # The plan of another day left it out; on this day it can be done.
    was_left_out = one.state is OccurrenceState.SKIPPED and one.reason in Skip.__members__.values()
    if (
        was_left_out
        or one.state in UNRELEASED_STATES
        or (is_preparation and one.state is OccurrenceState.MISSED)
    ):
        work.back(
            one,
            wanted_at=planned.wanted_at,
            due_at=due_at,
            window_end=window_end,
            expires_at=expires_at,
            delivery=planned.delivery,
            shifts=one.shifts,
            reason="",
        )
    elif one.state in OPEN_STATES and is_preparation:
        work.put(one, window_end=window_end, expires_at=expires_at)


def _is_readiness(step: Step) -> bool:
    return any(one.name == "points" for one in step.success)


def _give_up(work: Work, one: Occurrence, reason: str, steps: list[str]) -> None:
    """Cancel the opening; who leads the owner learns what was missing."""
    for key in steps:
        _tell(work, key, work.of_step(key) or one)
    work.end(EnrolmentState.CANCELLED, reason)


def _tell(work: Work, key: str, about: Occurrence) -> None:
    policy = work.policy(work.steps[key])
    block = policy.words.get("missed", "") if policy else ""
    people = work.bundle.people
    recipient = people.of(policy.escalate_to) if policy else people.supervisor or people.owner
    latest = work.now + _DAY
    work.notify(recipient, NoticeKind.ALARM, block, about, key=str(work.enrolment.opens_on), latest_at=latest)


def _move_opening(work: Work, one: Occurrence, undone: list[str]) -> None:
    moves = sum(1 for shift in one.shifts if shift == _MOVED)
    if moves >= _MOST_MOVES:
        _give_up(work, one, "never_prepared", undone)
        return
    work.put(one, shifts=(*one.shifts, _MOVED))
    work.change(opens_on=_free_day(work, work.enrolment.opens_on + _DAY))
    replan(work)
    for key in undone:
        _tell(work, key, work.of_step(key) or one)


def _wait_for_members(work: Work, one: Occurrence, opening: Step) -> None:
    guard = work.rules.guard
    until = work.rules.at(work.enrolment.opens_on, guard.min_members_until)
    if work.now >= until:
        work.record("too_few_members", step=one.step, note=str(work.bundle.size))
        _move_opening(work, one, [])
        return
    due_at = min(work.now + _COUNT_AGAIN, until)
    work.put(one, state=OccurrenceState.DUE, due_at=due_at, window_end=opening.window.ends_at(due_at))


def heed_lost_opening(work: Work) -> None:
    """Try another day for an opening that ended undone, whatever the reason; the group fails when there is none.

    What may have been said is never said again: nothing follows it.
    """
    if work.enrolment.opened_at is not None or work.enrolment.ended_at is not None:
        return
    for one in _openings(work):
        if one.state not in (OccurrenceState.MISSED, OccurrenceState.SKIPPED):
            continue
        if one.reason == Reason.UNKNOWN or not _move_missed_opening(work, one):
            work.end(EnrolmentState.FAILED, "never_opened")
            return


def _move_missed_opening(work: Work, one: Occurrence) -> bool:
    """Try another day for an opening that nobody did; False when that was tried often enough."""
    moves = sum(1 for shift in one.shifts if shift == _MOVED)
    if moves >= _MOST_MOVES:
        return False
    again = work.back(one, shifts=(*[_MOVED] * moves, _MOVED))
    today = work.rules.local(work.now).date()
    work.change(opens_on=_free_day(work, max(today, work.enrolment.opens_on) + _DAY))
    work.put(again, reason="")
    replan(work)
    return True


def _free_day(work: Work, day: date) -> date:
    return openings.free_day(day, work.bundle.openings, work.rules.guard.openings_per_owner)

"""Decides what happens to one enrolment now: the engine of group SOPs. Pure; docs/sop.md tells it in words.

Asked whenever `next_at` has come or somebody poked the enrolment. The order is the law: what the platform says first,
then who may open, then what is due, then what people have not done. Deciding twice at one moment changes nothing more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.attention import NewNotice, NoticeKind
from domain.enrolment import (
    OPEN_STATES,
    UNRELEASED_STATES,
    EnrolmentState,
    Occurrence,
    OccurrenceState,
)
from domain.sop import DeliveryCode, ExitAct, ExitRule, SopRole, StepPart
from scheduler import climbing, collecting, ladder, overdue, personal, preparing, releasing, timetable
from scheduler.bundles import Bundle, Outcome, Reason
from scheduler.keys import key_of
from scheduler.overdue import Act, Judgement
from scheduler.working import Work
from store import occurrences

_LOOK_AGAIN = timedelta(minutes=10)
_DAY = timedelta(days=1)
_SPEAKING = frozenset([DeliveryCode.MASS_SEND, DeliveryCode.SIDEBAR, DeliveryCode.PERSONAL])


def advance(bundle: Bundle, now: datetime) -> Outcome:
    """Return what is decided at `now`; `next_at` of the enrolment says when to ask again."""
    work = Work(bundle, now)
    _know(work)
    if bundle.is_gone:
        work.end(EnrolmentState.ENDED_EARLY, "dismissed")
        return work.out
    if not _may_go_on(work):
        collecting.collect(work)
        work.change(next_at=None, members_changed_at=None)
        return work.out
    collecting.collect(work)
    _heed_alarms(work)
    _doubt_waiting(work)
    preparing.heed_lost_opening(work)
    if work.enrolment.ended_at is None:
        preparing.prepare(work)
    if work.enrolment.ended_at is None:
        climbing.close_windows(work)
        waits = _judge(work)
        climbing.climb(work)
        preparing.heed_lost_opening(work)
        _continue(work)
        _finish(work)
        if work.enrolment.ended_at is None:
            work.change(next_at=_next_at(work, waits), members_changed_at=None)
    return work.out


def _know(work: Work) -> None:
    """Take up what others wrote: whose group it is now, and an opening that somebody sent by hand."""
    owner = work.bundle.people.owner
    if owner and owner != work.enrolment.owner_platform_id:
        work.change(owner_platform_id=owner)
    if work.enrolment.opened_at is None:
        done = work.done()
        opened = [done[step.key] for step in work.part(StepPart.OPENING) if step.key in done]
        if opened:
            work.change(opened_at=min(opened))


def _may_go_on(work: Work) -> bool:
    """Heed stopped lines and pauses. What people had in hand is taken back and judged anew afterwards."""
    template, enrolment = work.bundle.template, work.enrolment
    stopped = sorted(str(line) for line in work.bundle.stopped & set(template.lines))
    is_stopped = bool(stopped) and template.guard.kill_switch
    if is_stopped:
        if enrolment.state is not EnrolmentState.PAUSED:
            work.change(state=EnrolmentState.PAUSED, reason=Reason.STOPPED)
            work.record("stopped", note=",".join(stopped))
        _take_back(work, Reason.STOPPED)
        return False
    if enrolment.state is EnrolmentState.PAUSED and enrolment.reason == Reason.STOPPED:
        has_begun = enrolment.anchor_at <= work.now
        work.change(state=EnrolmentState.RUNNING if has_begun else EnrolmentState.WAITING, reason="")
        work.record("resumed")
        return True
    if enrolment.state is EnrolmentState.PAUSED:
        _take_back(work, Reason.PAUSED)
        return False
    return True


def _take_back(work: Work, why: Reason) -> None:
    for one in work.open():
        if one.delivery is DeliveryCode.PERSONAL:
            personal.stop(work, one, why)
        elif one.delivery is DeliveryCode.MASS_SEND and one.mass_task_id is not None:
            if one.reason == Reason.UNKNOWN:
                work.out.cancels.add(one.mass_task_id)  # Should it be found meanwhile.
            elif one.reason not in (Reason.STOPPED, Reason.PAUSED):
                work.cancel_task(one, why)
        elif one.id in work.bundle.unreported and one.reason != Reason.UNKNOWN:
            climbing.doubt(work, one)
        elif one.delivery is DeliveryCode.SIDEBAR and one.reason != Reason.UNKNOWN:
            work.back(one, reason=why)


def _doubt_waiting(work: Work) -> None:
    """Release nothing that somebody may have sent by hand before it was taken back."""
    for one in work.waiting():
        if one.id in work.bundle.unreported:
            climbing.doubt(work, one)


def _heed_alarms(work: Work) -> None:
    for alarm in work.bundle.alarms:
        if alarm.pauses:
            work.change(paused_until=work.now + _DAY)
        work.record("alarm", note=alarm.key)
        people = work.bundle.people
        work.out.notices.append(
            NewNotice(
                key=key_of("alarm", work.enrolment.id, alarm.key),
                recipient=people.of(SopRole.SUPERVISOR),
                kind=NoticeKind.ALARM,
                title=alarm.title,
                text=alarm.text,
                url=f"/sidebar/group?enrolment={work.enrolment.id}",
                is_exempt=True,
                due_at=work.now,
                latest_at=work.now + _DAY,
            )
        )


# --- what is due ---------------------------------------------------------------------------------------------


def _judge(work: Work) -> list[datetime]:
    """Release, move or miss what is due; return when those that wait want to be looked at."""
    waits: list[datetime] = []
    done = work.done()
    ended = {
        one.step: min(one.window_end, work.now)
        for one in work.all()
        if one.state not in OPEN_STATES | UNRELEASED_STATES
    }
    waiting = [one for one in work.waiting() if not one.member]
    for speaks in (True, False):
        chosen = [one for one in waiting if (one.delivery in _SPEAKING) is speaks]
        known = done if speaks else {**ended, **done}
        by_key = {(one.step, one.n): one for one in chosen}
        judged = overdue.judge([work.planned(one) for one in chosen], work.now, work.rules, known)
        for judgement in judged:
            one = work.out.occurrences[by_key[judgement.planned.key].id]
            if one.state in UNRELEASED_STATES:
                _follow(work, one, judgement, waits)
    return waits


def _follow(work: Work, one: Occurrence, judgement: Judgement, waits: list[datetime]) -> None:
    step = work.step(one)
    match judgement.act:
        case Act.WAIT:
            waits.append(judgement.at)
        case Act.RELEASE if _is_held(work, one):
            work.put(one, state=OccurrenceState.DUE)
            waits.append(work.enrolment.paused_until or work.now + _LOOK_AGAIN)
        case Act.RELEASE:
            releasing.release(work, one)
        case Act.HAND_OVER:
            local = work.rules.local(work.now)
            evening = work.rules.at(local.date(), work.rules.guard.quiet_from)
            given = work.put(
                one,
                delivery=DeliveryCode.SIDEBAR,
                window_end=min(one.expires_at, evening),
                reason=Reason.FALLBACK,
            )
            releasing.release(work, given, role=SopRole.CO_OWNER)
        case Act.RESCHEDULE if step.part is StepPart.PUBLICATION and Reason.WINDOW in one.shifts:
            work.miss(one, Reason.WINDOW)  # One shift, then the supervisor decides.
        case Act.RESCHEDULE:
            work.put(
                one,
                due_at=judgement.at,
                window_end=step.window.ends_at(judgement.at),
                state=OccurrenceState.PLANNED,
                reason=Reason.WINDOW,
                shifts=(*one.shifts, Reason.WINDOW),
            )
            work.record("moved", step=step.key, note=work.clock_text(judgement.at))
            waits.append(judgement.at)
        case Act.MISS if step.part is StepPart.SCORE:
            releasing.release(work, one)  # A week is scored whatever became of it.
        case Act.MISS:
            work.miss(one, one.reason or Reason.WINDOW)


def _is_held(work: Work, one: Occurrence) -> bool:
    """Say whether a mass send is held back: too many left, or the one before it may still be confirmed."""
    if one.delivery is not DeliveryCode.MASS_SEND:
        return False
    until = work.enrolment.paused_until
    is_another_open = any(
        other.delivery is DeliveryCode.MASS_SEND and other.mass_task_id is not None and not other.member
        for other in work.open()
    )
    return is_another_open or (until is not None and work.now < until)


# --- what comes next -----------------------------------------------------------------------------------------


def _continue(work: Work) -> None:
    """Plan the steps that count from one that was done, and make the plan of an endless template longer."""
    if work.enrolment.ended_at is not None:
        return
    done = work.done()
    known = {(one.step, one.n) for one in work.all()}
    after = [step for step in work.steps.values() if step.anchor.step in done]
    fresh = []
    if after:
        until = max(done.values()) + preparing.HORIZON
        fresh = timetable.plan(after, {}, work.rules, until=until, done=done)
    if (
        preparing.end_of(work.bundle.template, work.enrolment.anchor_at) is None
        and _horizon(work) <= work.now
    ):
        fresh += preparing.plan(
            work.bundle.template,
            work.enrolment.rhythm,
            work.enrolment.anchor_at,
            work.rules,
            until=work.now + preparing.HORIZON,
        )
    for planned in fresh:
        if planned.key not in known and planned.window_end > work.now:
            work.out.added.append(row(work.enrolment.id, planned, planned.due_at, planned.window_end))


def row(
    enrolment_id: int, planned: timetable.Planned, due_at: datetime, window_end: datetime
) -> dict[str, object]:
    """Return the columns of a planned step."""
    skipped = planned.skipped
    return occurrences.row_of(
        enrolment_id,
        step=planned.step.key,
        n=planned.n,
        delivery=planned.delivery,
        wanted_at=planned.wanted_at,
        due_at=due_at,
        window_end=window_end,
        expires_at=max(planned.expires_at, window_end),
        shifts=[str(shift) for shift in planned.shifts],
        state=OccurrenceState.SKIPPED if skipped else OccurrenceState.PLANNED,
        reason=str(skipped or ""),
    )


def _horizon(work: Work) -> datetime:
    """Return when the plan of an endless template has to be made longer."""
    last = max((one.due_at for one in work.all()), default=work.now)
    return last - preparing.EXTEND_BEFORE


def _finish(work: Work) -> None:
    """Leave the template when its exit rules say so, or when everything has ended."""
    if work.enrolment.ended_at is not None:
        return
    done = work.done()
    scored = any(step.key in done for step in work.part(StepPart.SCORE))
    for rule in work.bundle.template.exits if scored else ():
        if _applies(work, rule) and rule.act is ExitAct.MOVE_TO:
            work.out.moves_to = rule.target
    is_over = not work.open() and not work.waiting() and not work.out.added
    ends = preparing.end_of(work.bundle.template, work.enrolment.anchor_at) is not None
    if (work.out.moves_to and not work.open()) or (is_over and ends):
        for one in work.waiting():
            work.close(one, OccurrenceState.CANCELLED, reason=Reason.ENDED)
        work.change(state=EnrolmentState.COMPLETED, ended_at=work.now, next_at=None)
        work.record("completed", note=work.out.moves_to)


def _applies(work: Work, rule: ExitRule) -> bool:
    known = {"score": work.enrolment.score, "dismissed": float(work.bundle.is_gone)}
    found = []
    for one in rule.conditions:
        value = known.get(one.name)
        found.append(value is not None and _compare(value, one.comparison, one.value))
    return all(found) if rule.requires_all else any(found)


def _compare(value: float, comparison: str, limit: float) -> bool:
    return {
        ">=": value >= limit,
        "<=": value <= limit,
        "<": value < limit,
        ">": value > limit,
        "==": value == limit,
    }[comparison]


def _next_at(work: Work, waits: list[datetime]) -> datetime | None:
    """Return when the enrolment has to be looked at again."""
    soon = work.now + _LOOK_AGAIN
    moments = [moment for moment in waits if moment > work.now]
    for one in work.waiting():
        if one.state is OccurrenceState.BLOCKED:
            moments.append(min(soon, max(one.window_end, work.now + timedelta(minutes=1))))
        elif one.due_at > work.now:
            moments.append(one.due_at)
    for one in work.open():
        moments.append(work.until(one) if work.until(one) > work.now else soon)
        policy = work.policy(work.step(one))
        if policy is not None and one.released_at is not None:
            rung_at = ladder.next_rung_at(policy, one.released_at, one.rung)
            if rung_at is not None:
                rung_at = max(rung_at, one.later_at or rung_at, work.now + timedelta(minutes=1))
                moments.append(work.rules.quiet_end(rung_at) if work.rules.is_quiet(rung_at) else rung_at)
    moments += [row["due_at"] for row in work.out.added if row["state"] is OccurrenceState.PLANNED]
    if preparing.end_of(work.bundle.template, work.enrolment.anchor_at) is None:
        moments.append(max(_horizon(work), soon))
    if not moments and work.waiting():
        moments.append(soon)  # Never asleep while something waits.
    return max(min(moments), work.now) if moments else None

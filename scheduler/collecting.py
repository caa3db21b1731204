"""What came of mass sends: every branch of docs/sop.md that begins with the platform's answer. Pure."""

from __future__ import annotations

from datetime import timedelta

from domain.attention import NoticeKind
from domain.enrolment import EvidenceKind, MassTask, MassTaskState, Occurrence, OccurrenceState, TargetResult
from domain.sop import BranchAct, BranchCase, DeliveryCode, SopRole
from scheduler import personal
from scheduler.bundles import Reason
from scheduler.working import CLIMBED, CRITICAL, Work

_DAY = timedelta(days=1)
# How soon a mass send is tried again that was kept back by a stop which is over.
_SOON = timedelta(minutes=1)
# A task that others stop is made anew this often, and no more.
_RECREATED = "recreated"


def collect(work: Work) -> None:
    """Take up what became of every mass send the group waits for."""
    for one in work.open():
        task = work.task(one)
        if task is None or one.delivery is not DeliveryCode.MASS_SEND:
            continue
        match task.state:
            case MassTaskState.CONFIRMED:
                _confirmed(work, one, task)
            case MassTaskState.CANCELLED:
                _cancelled(work, one, task)
            case MassTaskState.FAILED:
                _refused(work, one)
            case MassTaskState.UNKNOWN:
                _unknown(work, one)
            case MassTaskState.WAITING if one.reason == Reason.UNKNOWN:
                # Found again: it waits for its owner like any other.
                work.put(one, state=OccurrenceState.WAITING_OWNER, reason="")
            case MassTaskState.WAITING if one.state is OccurrenceState.RELEASED:
                work.put(one, state=OccurrenceState.WAITING_OWNER)
            case _:
                pass
    _collect_found(work)
    personal.collect(work)


def _collect_found(work: Work) -> None:
    """Take up mass sends that were given up as unknown and turn out to have been confirmed."""
    for one in work.all([OccurrenceState.MISSED, OccurrenceState.SKIPPED]):
        task = work.task(one)
        if one.reason != Reason.UNKNOWN or task is None or task.state is not MassTaskState.CONFIRMED:
            continue
        if task.results.get(work.bundle.chat_id) is TargetResult.SENT and task.confirmed_at is not None:
            work.sent(one, task.confirmed_at, EvidenceKind.PLATFORM, by=task.sender)


def give_by_hand(
    work: Work, one: Occurrence, role: SopRole, why: Reason, *, keeps_window: bool = True
) -> None:
    """Let a person send by hand what was to be a mass send; its words stay as they were checked.

    Without `keeps_window` it may be done until its words stop being true. Quiet hours end it, and in them nothing is
    given: it is judged anew when they are over.
    """
    if work.is_quiet():
        _wait_for_morning(work, one, why)
        return
    local = work.rules.local(work.now)
    evening = work.rules.at(local.date(), work.rules.guard.quiet_from)
    end = one.window_end if keeps_window else one.expires_at
    is_todays = one.released_at is not None and work.rules.local(one.released_at).date() == local.date()
    executor = work.bundle.people.of(role)
    work.give_day_back(one)
    given = work.put(
        one,
        delivery=DeliveryCode.SIDEBAR,
        state=OccurrenceState.ESCALATED,
        mass_task_id=None,
        executor=executor,
        released_at=one.released_at if is_todays else work.now,
        window_end=min(max(end, work.now + timedelta(minutes=1)), evening),
        rung=CLIMBED,
        reason=why,
    )
    step = work.step(one)
    policy = work.policy(step)
    block = (policy.words.get("hand_over") or policy.words.get("card", "")) if policy else ""
    work.record("by_hand", step=one.step, note=why)
    work.notify(executor, NoticeKind.HAND_OVER, block, given, key=why, is_exempt=step.part in CRITICAL)


def _wait_for_morning(work: Work, one: Occurrence, why: Reason) -> None:
    """Let what nobody may send at night be judged by its window: a stopped mass send anew, the rest by hand."""
    is_stopped = why in (Reason.HAND_OVER, Reason.OWNER_LEFT)
    way = one.delivery if is_stopped else DeliveryCode.SIDEBAR
    work.back(one, delivery=way, reason=Reason.WINDOW if is_stopped else why)


def branch_of_limit(work: Work, one: Occurrence, case: BranchCase, why: Reason) -> None:
    """Answer a reached limit as the step says: by hand, another day, or not at all."""
    act = work.step(one).branch(case)
    if act is BranchAct.SIDEBAR:
        give_by_hand(work, one, SopRole.OWNER, why)
    elif act is BranchAct.SKIP:
        work.close(one, OccurrenceState.SKIPPED, reason=why)
    else:
        move_a_day(work, one, why)


def move_a_day(work: Work, one: Occurrence, why: Reason) -> None:
    """Plan an occurrence for the same clock time on its next day; missed when its words will not be true then."""
    step = work.step(one)
    local = work.rules.local(one.due_at)
    day = max(local.date() + _DAY, work.rules.local(work.now).date())
    while work.rules.at(day, local.time()) <= work.now or not work.rules.calendar.is_on(day, step.days):
        day += _DAY
    due_at = work.rules.at(day, local.time())
    if due_at > one.expires_at:
        work.miss(one, why)
        return
    work.back(one, due_at=due_at, window_end=step.window.ends_at(due_at), reason=why)
    work.record("moved", step=one.step, note=why)


def _confirmed(work: Work, one: Occurrence, task: MassTask) -> None:
    result = task.results.get(work.bundle.chat_id, TargetResult.UNSENT)
    at = task.confirmed_at or work.now
    if result is TargetResult.SENT:
        work.sent(one, at, EvidenceKind.PLATFORM, by=task.sender)
    elif result is TargetResult.LIMITED:
        branch_of_limit(work, one, BranchCase.LIMIT_REACHED, Reason.LIMIT)
    elif work.now < one.window_end:
        give_by_hand(work, one, SopRole.OWNER, Reason.NOT_DELIVERED)
    else:
        work.miss(one, Reason.NOT_DELIVERED)


def _cancelled(work: Work, one: Occurrence, task: MassTask) -> None:
    """Go on where the reason for stopping the task led; nothing was sent, the platform says so."""
    match one.reason:
        case Reason.HAND_OVER:
            give_by_hand(work, one, SopRole.CO_OWNER, Reason.HAND_OVER)
        case Reason.OWNER_LEFT:
            give_by_hand(work, one, SopRole.CO_OWNER, Reason.OWNER_LEFT)
        case Reason.OWNER_CHANGED | Reason.STOPPED | Reason.PAUSED | Reason.WINDOW | Reason.MOVED:
            # Judged anew in this very round: released to the new owner, kept waiting, or missed by its policy.
            work.back(one)
        case Reason.PERSON:
            work.close(one, OccurrenceState.SKIPPED, reason=Reason.PERSON)
        case _ if task.cancel_wanted_at is not None:
            # Stopped by us for another group that shared it.
            work.back(one)
        case _ if _RECREATED in one.shifts or work.now >= work.until(one):
            work.miss(one, Reason.TASK_CANCELLED)
        case _:
            work.record("task_cancelled", step=one.step)
            work.back(one, shifts=(*one.shifts, _RECREATED), reason=Reason.TASK_CANCELLED)


def _refused(work: Work, one: Occurrence) -> None:
    if one.reason in (Reason.STOPPED, Reason.PAUSED, Reason.MOVED):
        work.back(one)
        return
    task = work.task(one)
    if task is not None and task.error == Reason.STOPPED and work.is_line_stopped():
        work.back(one, state=OccurrenceState.BLOCKED, reason=Reason.STOPPED)
        return
    if task is not None and task.error == Reason.STOPPED:
        # The outbox had not learned of the resumed line yet; the engine asks the rows themselves.
        work.back(one, due_at=work.now + _SOON)
        return
    work.record("refused", step=one.step, note=task.error if task else "")
    if work.now < one.window_end:
        give_by_hand(work, one, SopRole.OWNER, Reason.REFUSED)
    else:
        work.miss(one, Reason.REFUSED)


def _unknown(work: Work, one: Occurrence) -> None:
    """Tell the supervisor; the owner can look and say what is in the group. It is never sent again."""
    if one.reason == Reason.UNKNOWN:
        return
    told = work.put(one, state=OccurrenceState.ESCALATED, reason=Reason.UNKNOWN)
    policy = work.policy(work.step(one))
    block = policy.words.get("tell", "") if policy else ""
    work.record("unknown", step=one.step)
    work.notify(
        work.bundle.people.of(SopRole.SUPERVISOR),
        NoticeKind.TELL,
        block,
        told,
        key=Reason.UNKNOWN,
        is_exempt=True,
    )

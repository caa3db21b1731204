"""What happens to a released step until somebody has done it: the ladder, the end of its window, an owner who changed.

Pure. Rungs that an outage kept back are taken together, so a person gets one card and the platform one reminder.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from domain.attention import NoticeKind
from domain.enrolment import EvidenceKind, MassTaskState, Occurrence, OccurrenceState
from domain.sop import DeliveryCode, DeliveryPolicy, OnMissed, Rung, RungAct, SopRole, StepPart
from scheduler import ladder, measuring, personal
from scheduler.bundles import Reason
from scheduler.working import CLIMBED, CRITICAL, Work

# Why a mass send was asked to be stopped; what comes of that is collected.
_ON_ITS_WAY = frozenset(
    [
        Reason.HAND_OVER,
        Reason.OWNER_LEFT,
        Reason.OWNER_CHANGED,
        Reason.STOPPED,
        Reason.PAUSED,
        Reason.WINDOW,
        Reason.PERSON,
        Reason.MOVED,
    ]
)
# How long people have at least to look into a group and say whether words are there.
_LOOKED_WITHIN = timedelta(days=1)
# A stop that the platform has not confirmed so long after the window is a person's matter.
_STUCK_AFTER = timedelta(minutes=30)
# Who has these got them from an owner who did not do them, or could not.
_TAKEN_OVER = frozenset([Reason.HAND_OVER, Reason.FALLBACK, Reason.OWNER_LEFT])


def close_windows(work: Work) -> None:
    """End what is done by a figure, and what was not done in its window; the policy of its step is judged next."""
    for one in work.open():
        is_stopping = one.mass_task_id is not None and one.reason in _ON_ITS_WAY
        if is_stopping or _is_measured_done(work, one):
            continue
        if work.now >= work.until(one):
            _end(work, one)


def climb(work: Work) -> None:
    """Look after everything that people have in hand."""
    for one in work.open():
        if one.mass_task_id is not None and one.reason in _ON_ITS_WAY:
            _tell_stuck(work, one)
            continue
        if work.now >= work.until(one) or _is_measured_done(work, one) or _follow_owner(work, one):
            continue
        policy = work.policy(work.step(one))
        if policy is not None and one.released_at is not None:
            _take_rungs(work, one, policy)


def _tell_stuck(work: Work, one: Occurrence) -> None:
    """Tell the supervisor, once, of a mass send that could not be stopped: its owner may still confirm it."""
    if work.now < work.until(one) + _STUCK_AFTER:
        return
    policy = work.policy(work.step(one))
    block = policy.words.get("tell", "") if policy else ""
    latest = work.now + timedelta(days=1)
    recipient = work.bundle.people.of(SopRole.SUPERVISOR)
    work.notify(recipient, NoticeKind.TELL, block, one, key="stuck", is_exempt=True, latest_at=latest)


def _is_measured_done(work: Work, one: Occurrence) -> bool:
    """End a step of staff that a figure shows to be done: everything approved, every point ticked."""
    if one.delivery is not DeliveryCode.APP or one.reason == Reason.UNKNOWN:
        return False
    if measuring.holds(work.step(one), work.bundle.measures) is not True:
        return False
    work.sent(one, work.now, EvidenceKind.MEASURED)
    return True


def _end(work: Work, one: Occurrence) -> None:
    """The window is over: stop what the platform holds, then judge by the step's policy."""
    task = work.task(one)
    if one.delivery is DeliveryCode.MASS_SEND and task is not None:
        if one.reason == Reason.UNKNOWN:
            work.out.cancels.add(task.id)  # It may be found yet, and nobody may confirm it then.
            if work.step(one).part is StepPart.OPENING and one.window_end < one.expires_at:
                work.put(
                    one, window_end=one.expires_at
                )  # Without it the group has no week; somebody may look.
                return
            work.miss(one, Reason.UNKNOWN)
        elif task.state in (MassTaskState.WANTED, MassTaskState.WAITING):
            work.cancel_task(one, Reason.WINDOW)
        return
    if one.delivery is DeliveryCode.PERSONAL:
        personal.stop(work, one, Reason.WINDOW)
        return
    if one.delivery is DeliveryCode.SIDEBAR and one.reason == Reason.UNKNOWN:
        work.miss(one, Reason.UNKNOWN)
        return
    if one.id in work.bundle.unreported:
        doubt(work, one)
        return
    step = work.step(one)
    if one.delivery is DeliveryCode.SIDEBAR and step.is_mass_send and step.on_missed is not OnMissed.SKIP:
        # By hand it was not done either: its policy decides; after the fallback nobody is left.
        last = work.now if one.reason == Reason.FALLBACK else one.expires_at
        work.back(one, delivery=step.deliveries[0], reason=Reason.WINDOW, expires_at=last)
        return
    if measuring.is_idle(work.step(one), work.bundle.measures):
        work.close(one, OccurrenceState.SKIPPED, reason=Reason.NOT_NEEDED)
        return
    work.miss(one, Reason.WINDOW)


def doubt(work: Work, one: Occurrence) -> None:
    """Ask people to look into the group: the words may be there, sent by hand, so they are not sent another way.

    Who looked ticks the step off, or sends it by hand once more; a report that comes late counts too.
    """
    until = max(one.expires_at, work.now + _LOOKED_WITHIN)
    asked = work.put(
        one,
        state=OccurrenceState.ESCALATED,
        reason=Reason.UNKNOWN,
        delivery=DeliveryCode.SIDEBAR,
        window_end=until,
        rung=CLIMBED,
        mass_task_id=None,
        executor=one.executor or work.bundle.people.owner,
        released_at=one.released_at or work.now,
    )
    work.record("unknown", step=one.step)
    people = work.bundle.people
    for recipient in dict.fromkeys([asked.executor, people.owner, people.of(SopRole.SUPERVISOR)]):
        work.notify(
            recipient,
            NoticeKind.TELL,
            "",
            asked,
            key=Reason.UNKNOWN,
            is_exempt=True,
            words=work.bundle_reason("unreported"),
        )


def _follow_owner(work: Work, one: Occurrence) -> bool:
    """Give an open step to whom it belongs now. True when it is on its way to somebody else."""
    people = work.bundle.people
    task = work.task(one)
    if one.delivery is DeliveryCode.MASS_SEND:
        if task is None or task.state not in (MassTaskState.WANTED, MassTaskState.WAITING):
            return False
        if not people.owner:
            return False
        if task.sender != people.owner:
            work.record("owner_changed", step=one.step, note=f"{task.sender} → {people.owner}")
            work.cancel_task(one, Reason.OWNER_CHANGED)
            return True
        if not people.can_owner_send:
            work.record("owner_left", step=one.step, note=task.sender)
            work.cancel_task(one, Reason.OWNER_LEFT)
            return True
        return False
    role = work.step(one).executor
    is_owners = role in (SopRole.OWNER, SopRole.ADVISOR) and one.reason not in _TAKEN_OVER
    if is_owners and one.executor != people.of(role) and people.of(role):
        given = work.put(one, executor=people.of(role))
        work.record("owner_changed", step=one.step, note=f"{one.executor} → {given.executor}")
        policy = work.policy(work.step(one))
        block = policy.words.get("prompt", "") if policy else ""
        work.notify(given.executor, NoticeKind.STEP, block or one.block, given, key="owner")
    return False


def _take_rungs(work: Work, one: Occurrence, policy: DeliveryPolicy) -> None:
    assert one.released_at is not None
    if work.is_quiet() and work.step(one).part not in CRITICAL:
        return
    if one.later_at is not None and work.now < one.later_at:
        return
    due = ladder.due_rungs(policy, one.released_at, one.rung, work.now)
    if not due:
        return
    current = work.put(one, rung=one.rung + len(due), state=_state_after(due, one.state))
    last_card = next((rung for rung in reversed(due) if rung.act is RungAct.CARD), None)
    for rung in due:
        if rung.act is RungAct.CARD and rung is not last_card:
            continue
        _act(work, current, rung, policy)


def _state_after(due: Sequence[Rung], state: OccurrenceState) -> OccurrenceState:
    acts = {rung.act for rung in due}
    if acts & {RungAct.TELL, RungAct.HAND_OVER} or state is OccurrenceState.ESCALATED:
        return OccurrenceState.ESCALATED
    return OccurrenceState.REMINDED


def _act(work: Work, one: Occurrence, rung: Rung, policy: DeliveryPolicy) -> None:
    people = work.bundle.people
    task = work.task(one)
    match rung.act:
        case RungAct.CARD:
            work.notify(
                people.of(rung.role or SopRole.OWNER), NoticeKind.REMINDER, policy.words.get("card", ""), one
            )
        case RungAct.TELL:
            work.notify(
                people.of(rung.role or SopRole.SUPERVISOR), NoticeKind.TELL, policy.words.get("tell", ""), one
            )
        case RungAct.REMIND:
            may = task is not None and task.state is MassTaskState.WAITING
            # The groups of one task share its reminders: one for each such rung.
            asked = sum(1 for each in policy.rungs[: one.rung] if each.act is RungAct.REMIND)
            is_made = task is not None and len(task.reminds) >= asked
            if may and not is_made and task is not None and ladder.may_remind(task, policy, work.now):
                work.out.reminds.add(task.id)
        case RungAct.HAND_OVER:
            _hand_over(work, one, rung, policy)


def _hand_over(work: Work, one: Occurrence, rung: Rung, policy: DeliveryPolicy) -> None:
    if one.delivery is DeliveryCode.MASS_SEND:
        if one.reason != Reason.UNKNOWN:
            work.cancel_task(one, Reason.HAND_OVER)
        return
    executor = work.bundle.people.of(rung.role or SopRole.CO_OWNER)
    given = work.put(one, executor=executor, reason=Reason.HAND_OVER, rung=CLIMBED)
    work.notify(executor, NoticeKind.HAND_OVER, policy.words.get("hand_over", ""), given, key="hand_over")

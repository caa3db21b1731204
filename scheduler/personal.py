"""What came of one-to-one sends: a row for each customer, and one of the whole group that sums them up. Pure."""

from __future__ import annotations

from domain.enrolment import (
    DONE_STATES,
    OPEN_STATES,
    EvidenceKind,
    MassTask,
    MassTaskState,
    Occurrence,
    OccurrenceState,
    TargetResult,
)
from domain.sop import DeliveryCode
from scheduler.bundles import Reason
from scheduler.working import Work

_LOST = {TargetResult.LIMITED: Reason.LIMIT}


def collect(work: Work) -> None:
    """Take up what the platform says of each customer, then end the steps of which nothing is open any more."""
    for one in work.open():
        task = work.task(one)
        if one.delivery is DeliveryCode.PERSONAL and one.member and task is not None:
            _take(work, one, task)
    for one in work.open():
        if one.delivery is DeliveryCode.PERSONAL and not one.member:
            _sum_up(work, one)


def stop(work: Work, one: Occurrence, why: Reason) -> None:
    """Ask that what advisors have not sent be stopped; the rows end as the platform answers."""
    if one.member:
        work.cancel_task(one, why)


def _take(work: Work, one: Occurrence, task: MassTask) -> None:
    if task.results.get(one.member) is TargetResult.OPTED_OUT:
        work.close(one, OccurrenceState.SKIPPED, reason=Reason.OPTED_OUT)
        return
    match task.state:
        case MassTaskState.CONFIRMED:
            result = task.results.get(one.member, TargetResult.UNSENT)
            if result is TargetResult.SENT:
                work.sent(one, task.confirmed_at or work.now, EvidenceKind.PLATFORM, by=task.sender)
            else:
                work.close(one, OccurrenceState.MISSED, reason=_LOST.get(result, Reason.NOT_DELIVERED))
        case MassTaskState.CANCELLED:
            work.close(one, OccurrenceState.MISSED, reason=one.reason or Reason.TASK_CANCELLED)
        case MassTaskState.FAILED:
            work.close(one, OccurrenceState.MISSED, reason=Reason.REFUSED)
        case MassTaskState.UNKNOWN if work.now >= one.window_end:
            work.close(one, OccurrenceState.MISSED, reason=Reason.UNKNOWN)
            work.out.cancels.add(task.id)
        case _:
            pass


def _sum_up(work: Work, one: Occurrence) -> None:
    """End the group's row with its customers' rows: all of them sent, some, or none."""
    mine = [each for each in work.all() if each.member and (each.step, each.n) == (one.step, one.n)]
    if not mine or any(each.state in OPEN_STATES for each in mine):
        return
    mine = [each for each in mine if each.reason != Reason.OPTED_OUT]
    if not mine:
        work.close(one, OccurrenceState.SKIPPED, reason=Reason.OPTED_OUT)
        return
    moments = [each.sent_at for each in mine if each.state in DONE_STATES and each.sent_at is not None]
    if not moments:
        work.miss(one, mine[0].reason)
    elif len(moments) < len(mine):
        work.close(one, OccurrenceState.PARTLY_SENT, sent_at=max(moments))
    else:
        work.sent(one, max(moments), EvidenceKind.PLATFORM)

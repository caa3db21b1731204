"""Which rungs of a confirmation ladder are due (docs/sop.md). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.enrolment import MassTask
from domain.sop import DeliveryPolicy, Rung

# The platform's limit for reminding of one task (WeCom doc 97610).
REMINDS, REMIND_SPAN = 3, timedelta(hours=24)


def due_rungs(policy: DeliveryPolicy, released_at: datetime, taken: int, now: datetime) -> Sequence[Rung]:
    """Return the rungs whose time has come and that were not taken yet, in their order."""
    return [rung for rung in policy.rungs[taken:] if released_at + rung.after <= now]


def next_rung_at(policy: DeliveryPolicy, released_at: datetime, taken: int) -> datetime | None:
    """Return when the next rung comes; None after the last."""
    return released_at + policy.rungs[taken].after if taken < len(policy.rungs) else None


def may_remind(task: MassTask, policy: DeliveryPolicy, now: datetime) -> bool:
    """Say whether the platform would take another reminder, one that is on its way counted."""
    recent = sum(1 for moment in task.reminds if now - moment < REMIND_SPAN)
    waiting = task.remind_wanted_at is not None
    return not waiting and recent < min(REMINDS, policy.max_official_reminds)

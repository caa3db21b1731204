"""Steps at their times: made once under (enrolment, step, member, n), changed by whoever holds their enrolment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.enrolment import (
    DONE_STATES,
    OPEN_STATES,
    UNRELEASED_STATES,
    Evidence,
    EvidenceKind,
    MassTaskState,
    Occurrence,
    OccurrenceState,
    TargetResult,
)
from domain.sop import DeliveryCode
from store import dialect
from store.tables import enrolment, group, mass_task, occurrence

# How long a mass send that may exist may still be found and confirmed.
_MAY_BE_FOUND = timedelta(hours=24)
_OPEN = [str(state) for state in sorted(OPEN_STATES)]
_UNFINISHED = [str(state) for state in sorted(OPEN_STATES | UNRELEASED_STATES)]
_DONE = [str(state) for state in sorted(DONE_STATES)]
_SAVED = (
    "delivery",
    "state",
    "wanted_at",
    "due_at",
    "window_end",
    "expires_at",
    "executor",
    "released_at",
    "rung",
    "later_at",
    "mass_task_id",
    "block",
    "text",
    "content_version_id",
    "sent_at",
    "is_late",
    "reason",
)
_SAVE = (
    sa.update(occurrence)
    .where(occurrence.c.id == sa.bindparam("occurrence"))
    .values(
        {name: sa.bindparam(f"new_{name}") for name in _SAVED}
        | {
            "shifts": sa.bindparam("new_shifts"),
            "evidence_kind": sa.bindparam("new_evidence_kind"),
            "evidence_by": sa.bindparam("new_evidence_by"),
            "evidence_at": sa.bindparam("new_evidence_at"),
        }
    )
)


async def add(tx: AsyncConnection, new: Iterable[Mapping[str, Any]]) -> None:
    """Add occurrences (columns by name, see `row_of`); those that exist stay as they are."""
    rows = [dict(one) for one in new]
    if rows:
        await tx.execute(dialect.insert_new(tx, occurrence), rows)


async def find(tx: AsyncConnection, occurrence_id: int) -> Occurrence | None:
    """Return an occurrence, or None."""
    row = (await tx.execute(sa.select(occurrence).where(occurrence.c.id == occurrence_id))).one_or_none()
    return None if row is None else occurrence_of(row)


async def list_of(
    tx: AsyncConnection, enrolment_ids: Sequence[int], *, since: datetime | None = None
) -> dict[int, list[Occurrence]]:
    """Return the occurrences of enrolments by time; `since`: of those that ended only the ones due from then on."""
    wanted = (
        sa.select(occurrence)
        .where(occurrence.c.enrolment_id.in_(enrolment_ids))
        .order_by(occurrence.c.enrolment_id, occurrence.c.due_at, occurrence.c.id)
    )
    if since is not None:
        wanted = wanted.where(sa.or_(occurrence.c.state.in_(_UNFINISHED), occurrence.c.due_at >= since))
    found: dict[int, list[Occurrence]] = {number: [] for number in enrolment_ids}
    for row in (await tx.execute(wanted)).all():
        found[row.enrolment_id].append(occurrence_of(row))
    return found


async def list_of_enrolment(tx: AsyncConnection, enrolment_id: int) -> list[Occurrence]:
    """Return every occurrence of an enrolment by time."""
    return (await list_of(tx, [enrolment_id]))[enrolment_id]


async def list_open_of(tx: AsyncConnection, executors: Sequence[str]) -> list[Occurrence]:
    """Return what these people have in hand, by the end of its window."""
    wanted = (
        sa.select(occurrence)
        .where(occurrence.c.executor.in_(executors), occurrence.c.state.in_(_OPEN))
        .order_by(occurrence.c.window_end, occurrence.c.id)
    )
    return [occurrence_of(row) for row in (await tx.execute(wanted)).all()]


@dataclass(frozen=True, kw_only=True)
class MassSent:
    """A mass send that a group got, or may get yet. `moments`: the days it counts for, an unsettled one also now."""

    group_id: int
    enrolment_id: int
    moments: tuple[datetime, ...]
    is_open: bool


async def list_mass_sends(
    tx: AsyncConnection, group_ids: Sequence[int], since: datetime, now: datetime
) -> list[MassSent]:
    """Return the mass sends of groups, released from `since` on, whatever became of their enrolments.

    One that nobody has confirmed may still be confirmed today, one whose end is unknown for a day.
    """
    wanted = (
        sa.select(
            enrolment.c.group_id,
            enrolment.c.id.label("enrolment_id"),
            occurrence.c.sent_at,
            occurrence.c.released_at,
            mass_task.c.state,
            mass_task.c.confirmed_at,
        )
        .join(enrolment, enrolment.c.id == occurrence.c.enrolment_id)
        .join(mass_task, mass_task.c.id == occurrence.c.mass_task_id)
        .where(
            enrolment.c.group_id.in_(group_ids),
            occurrence.c.delivery == DeliveryCode.MASS_SEND,
            occurrence.c.released_at >= since,
            mass_task.c.state.not_in([MassTaskState.CANCELLED, MassTaskState.FAILED]),
        )
    )
    found = []
    for row in (await tx.execute(wanted)).all():
        known = row.sent_at or row.confirmed_at
        is_open = known is None and (
            row.state != MassTaskState.UNKNOWN or now - row.released_at < _MAY_BE_FOUND
        )
        moments = (known,) if known else (row.released_at, *((now,) if is_open else ()))
        found.append(
            MassSent(group_id=row.group_id, enrolment_id=row.enrolment_id, moments=moments, is_open=is_open)
        )
    return found


async def record_sent_after_end(
    tx: AsyncConnection, task_id: int, results: Mapping[str, TargetResult], at: datetime, sender: str
) -> None:
    """Write that a mass send was confirmed of a group whose way had been ended meanwhile."""
    wanted = (
        sa.select(occurrence.c.id, group.c.chat_id)
        .join(enrolment, enrolment.c.id == occurrence.c.enrolment_id)
        .join(group, group.c.id == enrolment.c.group_id)
        .where(occurrence.c.mass_task_id == task_id, occurrence.c.state == OccurrenceState.CANCELLED)
    )
    rows = (await tx.execute(wanted)).all()
    ids = [row.id for row in rows if results.get(row.chat_id) is TargetResult.SENT]
    if ids:
        values = {
            "state": OccurrenceState.SENT,
            "sent_at": at,
            "evidence_kind": EvidenceKind.PLATFORM,
            "evidence_by": sender,
            "evidence_at": at,
        }
        await tx.execute(sa.update(occurrence).where(occurrence.c.id.in_(ids)).values(values))


async def save(tx: AsyncConnection, changed: Iterable[Occurrence]) -> None:
    """Write what may change of occurrences."""
    rows = []
    for one in changed:
        row: dict[str, Any] = {"occurrence": one.id, "new_shifts": " ".join(one.shifts)}
        row |= {f"new_{name}": getattr(one, name) for name in _SAVED}
        proof = one.evidence
        row |= {
            "new_evidence_kind": proof.kind if proof else "",
            "new_evidence_by": proof.by if proof else "",
            "new_evidence_at": proof.at if proof else None,
        }
        rows.append(row)
    if rows:
        await tx.execute(_SAVE, rows)


def row_of(
    enrolment_id: int,
    *,
    step: str,
    n: int,
    delivery: DeliveryCode,
    wanted_at: datetime,
    due_at: datetime,
    window_end: datetime,
    expires_at: datetime,
    member: str = "",
    shifts: Sequence[str] = (),
    state: OccurrenceState = OccurrenceState.PLANNED,
    reason: str = "",
) -> dict[str, Any]:
    """Return the columns of a new occurrence."""
    return {
        "enrolment_id": enrolment_id,
        "step": step,
        "member": member,
        "n": n,
        "delivery": delivery,
        "state": state,
        "wanted_at": wanted_at,
        "due_at": due_at,
        "window_end": window_end,
        "expires_at": expires_at,
        "shifts": " ".join(shifts),
        "reason": reason,
    }


def occurrence_of(row: Any) -> Occurrence:
    """Return the record of a row that has all columns of the table."""
    proof = None
    if row.evidence_kind:
        proof = Evidence(
            kind=EvidenceKind(row.evidence_kind), by=row.evidence_by, at=row.evidence_at or row.due_at
        )
    return Occurrence(
        id=row.id,
        enrolment_id=row.enrolment_id,
        step=row.step,
        member=row.member,
        n=row.n,
        delivery=DeliveryCode(row.delivery),
        state=OccurrenceState(row.state),
        wanted_at=row.wanted_at,
        due_at=row.due_at,
        window_end=row.window_end,
        expires_at=row.expires_at,
        shifts=tuple(row.shifts.split()),
        executor=row.executor,
        released_at=row.released_at,
        rung=row.rung,
        later_at=row.later_at,
        mass_task_id=row.mass_task_id,
        block=row.block,
        text=row.text,
        content_version_id=row.content_version_id,
        sent_at=row.sent_at,
        is_late=row.is_late,
        reason=row.reason,
        evidence=proof,
    )

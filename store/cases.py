"""Cases: matters a person has to finish. The history is append-only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.case import Case, CaseEntry, CaseKind, CaseState, CaseWanted
from store.tables import case, case_entry


async def open_or_add(
    tx: AsyncConnection,
    wanted: CaseWanted,
    *,
    customer_id: int | None,
    conversation_id: int | None,
    actor: str,
    due_at: datetime,
    now: datetime,
    message_id: int | None = None,
) -> int:
    """Open a case, or add to the one that is open for the conversation; return its id.

    An urgent matter takes over the reason and the date of the case it is added to.
    """
    joins_any = wanted.joins_any or wanted.is_urgent
    current = await _find_open(tx, conversation_id, None if joins_any else wanted.kind)
    if current is not None:
        if wanted.is_urgent:
            await _raise(tx, current, wanted.reason, due_at)
        note = f"{wanted.reason} {wanted.note}".strip()
        await record(tx, current, actor=actor, act="again", note=note, now=now, message_id=message_id)
        return current
    row = {
        "kind": wanted.kind,
        "customer_id": customer_id,
        "conversation_id": conversation_id,
        "reason": wanted.reason[:64],
        "state": CaseState.OPEN,
        "opened_at": now,
        "due_at": due_at,
    }
    case_id = int((await tx.execute(sa.insert(case).values(row).returning(case.c.id))).scalar_one())
    await record(tx, case_id, actor=actor, act="opened", note=wanted.note, now=now, message_id=message_id)
    return case_id


async def record(
    tx: AsyncConnection,
    case_id: int,
    *,
    actor: str,
    act: str,
    note: str,
    now: datetime,
    message_id: int | None = None,
) -> None:
    """Add a line to the case's history."""
    row = {
        "case_id": case_id,
        "at": now,
        "actor": actor[:64],
        "act": act[:32],
        "note": note,
        "message_id": message_id,
    }
    await tx.execute(sa.insert(case_entry).values(row))


async def set_owner(tx: AsyncConnection, case_id: int, owner: str, *, actor: str, now: datetime) -> bool:
    """Give the case to a person; False when it is closed or unknown."""
    done = await tx.execute(
        sa.update(case)
        .where(case.c.id == case_id, case.c.state != CaseState.CLOSED)
        .values(owner=owner[:64], state=CaseState.WORKING)
    )
    if done.rowcount != 1:
        return False
    await record(tx, case_id, actor=actor, act="assigned", note=owner, now=now)
    return True


async def set_due(
    tx: AsyncConnection, case_id: int, due_at: datetime, *, actor: str, note: str, now: datetime
) -> bool:
    """Move the date the case has to be finished by; False when it is closed or unknown."""
    done = await tx.execute(
        sa.update(case).where(case.c.id == case_id, case.c.state != CaseState.CLOSED).values(due_at=due_at)
    )
    if done.rowcount != 1:
        return False
    await record(
        tx, case_id, actor=actor, act="due moved", note=f"{due_at.isoformat()} {note}".strip(), now=now
    )
    return True


async def close(tx: AsyncConnection, case_id: int, *, actor: str, note: str, now: datetime) -> bool:
    """Finish the case; False when it was closed before or is unknown."""
    done = await tx.execute(
        sa.update(case)
        .where(case.c.id == case_id, case.c.state != CaseState.CLOSED)
        .values(state=CaseState.CLOSED, closed_at=now)
    )
    if done.rowcount != 1:
        return False
    await record(tx, case_id, actor=actor, act="closed", note=note, now=now)
    return True


async def reopen(tx: AsyncConnection, case_id: int, *, actor: str, note: str, now: datetime) -> bool:
    """Take a closed case up again; False when it is not closed."""
    done = await tx.execute(
        sa.update(case)
        .where(case.c.id == case_id, case.c.state == CaseState.CLOSED)
        .values(state=CaseState.OPEN, closed_at=None)
    )
    if done.rowcount != 1:
        return False
    await record(tx, case_id, actor=actor, act="reopened", note=note, now=now)
    return True


async def find(tx: AsyncConnection, case_id: int) -> Case | None:
    """Return the case, or None."""
    row = (await tx.execute(sa.select(case).where(case.c.id == case_id))).one_or_none()
    return None if row is None else _case(row)


async def list_entries(tx: AsyncConnection, case_id: int) -> list[CaseEntry]:
    """Return the case's history, oldest first."""
    rows = await tx.execute(
        sa.select(case_entry).where(case_entry.c.case_id == case_id).order_by(case_entry.c.id)
    )
    return [CaseEntry(at=row.at, actor=row.actor, act=row.act, note=row.note) for row in rows.all()]


async def list_all(tx: AsyncConnection, *, states: Sequence[str], limit: int = 200) -> list[Case]:
    """Return cases in one of `states`, the most urgent first."""
    wanted = sa.select(case).where(case.c.state.in_(states)).order_by(case.c.due_at, case.c.id).limit(limit)
    return [_case(row) for row in (await tx.execute(wanted)).all()]


async def list_late(tx: AsyncConnection, now: datetime, limit: int = 200) -> list[Case]:
    """Return open cases whose date has passed, the latest first."""
    wanted = (
        sa.select(case)
        .where(case.c.state != CaseState.CLOSED, case.c.due_at < now)
        .order_by(case.c.due_at)
        .limit(limit)
    )
    return [_case(row) for row in (await tx.execute(wanted)).all()]


async def give(tx: AsyncConnection, conversation_id: int, owner: str, *, actor: str, now: datetime) -> None:
    """Give the open cases of a conversation that nobody owns to the person who took the conversation."""
    wanted = sa.select(case.c.id).where(
        case.c.conversation_id == conversation_id, case.c.state != CaseState.CLOSED, case.c.owner == ""
    )
    for case_id in (await tx.execute(wanted)).scalars().all():
        await set_owner(tx, case_id, owner, actor=actor, now=now)


async def _raise(tx: AsyncConnection, case_id: int, reason: str, due_at: datetime) -> None:
    earlier = sa.case((case.c.due_at < due_at, case.c.due_at), else_=due_at)
    await tx.execute(sa.update(case).where(case.c.id == case_id).values(reason=reason[:64], due_at=earlier))


async def _find_open(tx: AsyncConnection, conversation_id: int | None, kind: CaseKind | None) -> int | None:
    if conversation_id is None:
        return None
    of_kind = sa.true() if kind is None else case.c.kind == kind
    wanted = (
        sa.select(case.c.id)
        .where(case.c.conversation_id == conversation_id, of_kind, case.c.state != CaseState.CLOSED)
        .order_by(case.c.id.desc())
        .limit(1)
    )
    found: int | None = (await tx.execute(wanted)).scalar_one_or_none()
    return found


def _case(row: Any) -> Case:
    return Case(
        id=row.id,
        kind=CaseKind(row.kind),
        customer_id=row.customer_id,
        conversation_id=row.conversation_id,
        reason=row.reason,
        owner=row.owner,
        state=CaseState(row.state),
        opened_at=row.opened_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
    )

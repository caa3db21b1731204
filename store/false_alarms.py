"""What advisors say the check was wrong about (误报), and what compliance decided.

A member tells of the same words once; after the rules have changed a declined one may be told again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.verdict import AlarmRule, AlarmState, FalseAlarm
from store import dialect, paging
from store.paging import Place
from store.tables import false_alarm


def digest_of(text: str) -> str:
    """Return what the same words count as."""
    return hashlib.sha256(text.strip().encode()).hexdigest()


async def tell(
    tx: AsyncConnection,
    staff_platform_id: str,
    text: str,
    rules: Sequence[AlarmRule],
    *,
    rules_version: str,
    conversation_id: int | None,
    now: datetime,
) -> FalseAlarm:
    """Record that the check is said to be wrong about a text, masked by the caller; return the alarm as it stands.

    Told before it stays as it is, unless it was declined under other rules, or its words were erased: then it is open
    again, with the conversation it is told of now.
    """
    known = await find_told(tx, staff_platform_id, text)
    if known is None:
        row = {
            "staff_platform_id": staff_platform_id,
            "conversation_id": conversation_id,
            "digest": digest_of(text),
            "text": text,
            "problems": [asdict(one) for one in rules],
            "rules_version": rules_version,
            "told_at": now,
            "state": AlarmState.OPEN,
        }
        await tx.execute(dialect.insert_new(tx, false_alarm), row)
    elif not known.text or (known.state is AlarmState.DECLINED and known.rules_version != rules_version):
        values = {
            "conversation_id": conversation_id,
            "text": text,
            "problems": [asdict(one) for one in rules],
            "rules_version": rules_version,
            "told_at": now,
            "state": AlarmState.OPEN,
            "decided_by": "",
            "decided_at": None,
            "note": "",
        }
        await tx.execute(sa.update(false_alarm).where(false_alarm.c.id == known.id).values(values))
    else:
        return known
    told = await find_told(tx, staff_platform_id, text)
    assert told is not None, "it was added above"
    return told


async def find_told(tx: AsyncConnection, staff_platform_id: str, text: str) -> FalseAlarm | None:
    """Return what a member told about exactly these words, None when nothing."""
    wanted = sa.select(false_alarm).where(
        false_alarm.c.staff_platform_id == staff_platform_id, false_alarm.c.digest == digest_of(text)
    )
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else _alarm(row)


async def find(tx: AsyncConnection, alarm_id: int) -> FalseAlarm | None:
    """Return a false alarm, None when there is none."""
    row = (await tx.execute(sa.select(false_alarm).where(false_alarm.c.id == alarm_id))).one_or_none()
    return None if row is None else _alarm(row)


async def list_page(
    tx: AsyncConnection, state: AlarmState, *, before: Place | None = None, limit: int = 50
) -> list[FalseAlarm]:
    """Return false alarms in a state, newest first."""
    wanted = sa.select(false_alarm).where(false_alarm.c.state == state)
    if before is not None:
        wanted = wanted.where(paging.before(false_alarm.c.told_at, false_alarm.c.id, before))
    wanted = wanted.order_by(false_alarm.c.told_at.desc(), false_alarm.c.id.desc()).limit(limit)
    return [_alarm(row) for row in (await tx.execute(wanted)).all()]


async def count(tx: AsyncConnection) -> dict[AlarmState, int]:
    """Return how many false alarms there are by state."""
    wanted = sa.select(false_alarm.c.state, sa.func.count()).group_by(false_alarm.c.state)
    found = {AlarmState(state): number for state, number in (await tx.execute(wanted)).all()}
    return {state: found.get(state, 0) for state in AlarmState}


async def decide(
    tx: AsyncConnection, alarm_id: int, state: AlarmState, *, by: str, note: str, now: datetime
) -> bool:
    """Record what was decided; False when somebody had decided before."""
    done = await tx.execute(
        sa.update(false_alarm)
        .where(false_alarm.c.id == alarm_id, false_alarm.c.state == AlarmState.OPEN)
        .values(state=state, decided_by=by[:64], decided_at=now, note=note)
    )
    return done.rowcount == 1


def _alarm(row: Any) -> FalseAlarm:
    return FalseAlarm(
        id=row.id,
        staff_platform_id=row.staff_platform_id,
        conversation_id=row.conversation_id,
        text=row.text,
        rules=tuple(AlarmRule(**one) for one in row.problems),
        rules_version=row.rules_version,
        told_at=row.told_at,
        state=AlarmState(row.state),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        note=row.note,
    )

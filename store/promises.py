"""Promises: words given to customers with object and time, and whether they were kept.

Recorded with each judgement (store/evaluations.py). States: open, kept, broken, withdrawn; a person's word stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import NewPromise
from store.tables import message, promise

OPEN, KEPT, BROKEN, WITHDRAWN = "open", "kept", "broken", "withdrawn"
_CHUNK = 400
_OBJECT_LENGTH = 256


@dataclass(frozen=True, kw_only=True)
class Promise(NewPromise):
    """A word given, as it stands."""

    id: int
    session_id: int
    conversation_id: int
    state: str
    decided_at: datetime | None = None
    decided_by: str = ""


async def record(
    tx: AsyncConnection,
    given: Sequence[tuple[int, NewPromise]],
    now: datetime,
    *,
    session_ids: Iterable[int] = (),
) -> None:
    """Record promises, each with the session it was made or kept in. Idempotent by message and place.

    The session is 0 for one that was made in an earlier session and is only kept in this. Not kept by its time it is
    broken, unless somebody decided it; one that a judged session does not make any more is withdrawn.
    """
    judged = set(session_ids)
    known = await _known(tx, [one.message_id for _, one in given], judged)
    conversations = await _conversations(tx, [one.message_id for _, one in given])
    told: set[tuple[int, int, int]] = set()
    fresh: list[dict[str, Any]] = []
    for session_id, one in given:
        place = (one.message_id, one.start, one.end)
        told.add(place)
        state = state_of(one, now)
        row = known.get(place)
        if row is None:
            if session_id and one.message_id in conversations:
                fresh.append(_row(session_id, conversations[one.message_id], one, state))
            continue
        wanted: dict[str, Any] = {
            "due_at": one.due_at,
            "state": state,
            "kept_message_id": one.kept_message_id,
        }
        if session_id:
            wanted["session_id"] = session_id
        if row.decided_at is None:
            await _change(tx, row, wanted)
    if fresh:
        await tx.execute(sa.insert(promise), fresh)
    for place, row in known.items():
        if place not in told and row.session_id in judged and row.decided_at is None:
            await _change(tx, row, {"state": WITHDRAWN})


def state_of(one: NewPromise, now: datetime) -> str:
    """Return where a promise stands at a moment."""
    if one.kept_message_id is not None:
        return KEPT
    return BROKEN if now >= one.due_at else OPEN


async def _change(tx: AsyncConnection, row: Any, wanted: Mapping[str, Any]) -> None:
    values = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if values:
        await tx.execute(sa.update(promise).where(promise.c.id == row.id).values(**values))


async def _known(
    tx: AsyncConnection, message_ids: Sequence[int], session_ids: Iterable[int]
) -> dict[tuple[int, int, int], Any]:
    found: dict[tuple[int, int, int], Any] = {}
    for column, ids in (
        (promise.c.message_id, sorted(set(message_ids))),
        (promise.c.session_id, sorted(session_ids)),
    ):
        for at in range(0, len(ids), _CHUNK):
            wanted = sa.select(promise).where(column.in_(ids[at : at + _CHUNK]))
            found |= {(row.message_id, row.start, row.end): row for row in (await tx.execute(wanted)).all()}
    return found


async def _conversations(tx: AsyncConnection, message_ids: Sequence[int]) -> dict[int, int]:
    ids = sorted(set(message_ids))
    found: dict[int, int] = {}
    for at in range(0, len(ids), _CHUNK):
        wanted = sa.select(message.c.id, message.c.conversation_id).where(
            message.c.id.in_(ids[at : at + _CHUNK])
        )
        found |= {row.id: row.conversation_id for row in (await tx.execute(wanted)).all()}
    return found


def _row(session_id: int, conversation_id: int, one: NewPromise, state: str) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "conversation_id": conversation_id,
        "message_id": one.message_id,
        "subject": one.subject,
        "start": one.start,
        "end": one.end,
        "object": one.object[:_OBJECT_LENGTH],
        "made_at": one.made_at,
        "due_at": one.due_at,
        "state": state,
        "kept_message_id": one.kept_message_id,
        "decided_by": "",
    }


async def list_of_conversations(
    tx: AsyncConnection, conversation_ids: Sequence[int]
) -> dict[int, tuple[NewPromise, ...]]:
    """Return the promises of conversations that still stand (open, kept or broken), for judging.Background."""
    found: dict[int, list[NewPromise]] = {}
    for at in range(0, len(conversation_ids), _CHUNK):
        wanted = (
            sa.select(promise)
            .where(
                promise.c.conversation_id.in_(conversation_ids[at : at + _CHUNK]),
                promise.c.state != WITHDRAWN,
            )
            .order_by(promise.c.id)
        )
        for row in (await tx.execute(wanted)).all():
            found.setdefault(row.conversation_id, []).append(_promise(row))
    return {key: tuple(rows) for key, rows in found.items()}


async def list_of_subject(
    tx: AsyncConnection, subject: str, states: Iterable[str] = (OPEN,), limit: int = 200
) -> list[Promise]:
    """Return a subject's promises, those due first in front."""
    wanted = (
        sa.select(promise)
        .where(promise.c.subject == subject, promise.c.state.in_(list(states)))
        .order_by(promise.c.due_at, promise.c.id)
        .limit(limit)
    )
    return [_promise(row) for row in (await tx.execute(wanted)).all()]


async def list_of_session(tx: AsyncConnection, session_id: int) -> list[Promise]:
    """Return the promises made in a session."""
    wanted = sa.select(promise).where(promise.c.session_id == session_id).order_by(promise.c.id)
    return [_promise(row) for row in (await tx.execute(wanted)).all()]


async def decide(tx: AsyncConnection, promise_id: int, *, state: str, by: str, now: datetime) -> bool:
    """Record a person's word about a promise, e.g. KEPT by telephone or WITHDRAWN; False for an unknown id."""
    done = await tx.execute(
        sa.update(promise)
        .where(promise.c.id == promise_id)
        .values(state=state, decided_at=now, decided_by=by)
    )
    return done.rowcount == 1


def _promise(row: Any) -> Promise:
    return Promise(
        id=row.id,
        session_id=row.session_id,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        subject=row.subject,
        start=row.start,
        end=row.end,
        object=row.object,
        made_at=row.made_at,
        due_at=row.due_at,
        kept_message_id=row.kept_message_id,
        state=row.state,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
    )

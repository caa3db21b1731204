"""Findings: what the audit found, with its places; what people decided about it, and what that makes of the score.

A finding keeps its id as long as the same thing is found again. One that is not found any more is `gone`, unless a
person wrote or decided it: decisions stay, also in doubt. Every decision is a finding_entry, append-only, and
recomputes the evaluations. Who changes findings holds their conversation (`hold`), so that no decision is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import grading
from domain.audit import COUNTING, Evidence, Finding, FindingState, NewFinding, Span
from domain.compliance import Severity
from domain.errors import DecisionRefused
from store import dialect
from store.tables import evaluation, finding, finding_entry, finding_span

# Which decisions a state allows. What is gone is not decided any more.
MOVES: Mapping[FindingState, frozenset[FindingState]] = {
    FindingState.SUSPECTED: frozenset({FindingState.CONFIRMED, FindingState.REJECTED}),
    FindingState.COUNTED: frozenset({FindingState.CONFIRMED, FindingState.REJECTED, FindingState.OVERTURNED}),
    FindingState.CONFIRMED: frozenset({FindingState.REJECTED, FindingState.OVERTURNED}),
    FindingState.REJECTED: frozenset({FindingState.CONFIRMED}),
    # Compliance, asked once more, may restore what a first appeal ended.
    FindingState.OVERTURNED: frozenset({FindingState.CONFIRMED}),
    FindingState.GONE: frozenset(),
}
DECIDED = frozenset({FindingState.CONFIRMED, FindingState.REJECTED, FindingState.OVERTURNED})
_CHUNK = 400
# What only the rules know of.
_OF_RULES = sa.and_(
    finding.c.evidence != Evidence.HUMAN.value,
    finding.c.decided_at.is_(None),
    finding.c.state.not_in([state.value for state in DECIDED]),
)
_DECIDED_IN = (
    sa.select(finding.c.id, finding.c.session_id, finding_span.c.message_id)
    .outerjoin(finding_span, finding_span.c.finding_id == finding.c.id)
    .where(finding.c.session_id.in_(sa.bindparam("ids", expanding=True)), sa.not_(_OF_RULES))
    .order_by(finding.c.id, finding_span.c.id)
)


async def record(
    tx: AsyncConnection,
    found: Sequence[NewFinding],
    now: datetime,
    *,
    session_ids: Iterable[int] | None = None,
) -> list[Finding]:
    """Record what was found and return what is new.

    Idempotent by key; a finding that moved to another session moves along. `session_ids`: the sessions that were
    judged: what was found there before and is not any more becomes gone. Without them, those of `found`.
    """
    judged = sorted({one.session_id for one in found} if session_ids is None else set(session_ids))
    keys = {one.key: one for one in found}
    known = await _list_by_keys(tx, list(keys))
    fresh = [one for key, one in keys.items() if key not in known]
    new_ids = await _add(tx, fresh, now)
    for key, row in known.items():
        await _renew(tx, row, keys[key], now)
    await _vanish(tx, judged, set(keys))
    return [_of_new(one, id_, now) for one, id_ in zip(fresh, new_ids, strict=True)]


async def _list_by_keys(tx: AsyncConnection, keys: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for at in range(0, len(keys), _CHUNK):
        wanted = sa.select(finding).where(finding.c.key.in_(keys[at : at + _CHUNK]))
        found |= {row.key: row for row in (await tx.execute(wanted)).all()}
    return found


async def _add(tx: AsyncConnection, fresh: Sequence[NewFinding], now: datetime) -> list[int]:
    if not fresh:
        return []
    rows = [_row(one, now) for one in fresh]
    insert = sa.insert(finding).returning(finding.c.id, sort_by_parameter_order=True)
    ids = list((await tx.execute(insert, rows)).scalars().all())
    places = [
        {"finding_id": id_, "message_id": span.message_id, "start": span.start, "end": span.end}
        for id_, one in zip(ids, fresh, strict=True)
        for span in dict.fromkeys(one.spans)
        if span.message_id
    ]
    if places:
        await tx.execute(sa.insert(finding_span), places)
    return ids


def _row(one: NewFinding, now: datetime) -> dict[str, Any]:
    body = {part.name: getattr(one, part.name) for part in fields(NewFinding) if part.name != "spans"}
    body["severity"], body["evidence"] = one.severity.value, one.evidence.value
    return body | {"state": first_state(one).value, "found_at": now, "shown_at": now, "decided_by": ""}


def first_state(one: NewFinding) -> FindingState:
    """Return where a finding begins: only what a machine can tell for sure, and no red line, counts by itself."""
    counts = one.evidence is Evidence.AUTO and not one.is_red
    return FindingState.COUNTED if counts else FindingState.SUSPECTED


async def _renew(tx: AsyncConnection, row: Any, one: NewFinding, now: datetime) -> None:
    """Take up a finding that was known: where it stands now, and that it is back. What people decided stays."""
    if row.session_id != one.session_id:
        moved = sa.update(finding).where(finding.c.id == row.id).values(session_id=one.session_id)
        await tx.execute(moved)
    if _is_of_people(row):
        return
    wanted = first_state(one)
    told: dict[str, Any] = {
        "note": one.note,
        "points": one.points,
        "rule_version": one.rule_version,
        "evidence": one.evidence.value,
        "state": wanted.value,
    }
    values = {name: value for name, value in told.items() if getattr(row, name) != value}
    if "state" in values and wanted is FindingState.COUNTED:
        # Whom it costs points from now on can see it from now on, and appeal.
        values["shown_at"] = now
    if values:
        await tx.execute(sa.update(finding).where(finding.c.id == row.id, _OF_RULES).values(**values))
    places = [
        {"finding_id": row.id, "message_id": span.message_id, "start": span.start, "end": span.end}
        for span in dict.fromkeys(one.spans)
        if span.message_id
    ]
    if places:
        await tx.execute(dialect.insert_new(tx, finding_span), places)


def _is_of_people(row: Any) -> bool:
    """Say whether a person wrote the finding or has decided it, be it in doubt again."""
    return row.evidence == Evidence.HUMAN or row.decided_at is not None or row.state in DECIDED


async def _vanish(tx: AsyncConnection, session_ids: Sequence[int], keys: set[str]) -> None:
    """Mark as gone what these sessions held and was not found any more."""
    for at in range(0, len(session_ids), _CHUNK):
        chunk = session_ids[at : at + _CHUNK]
        held = sa.and_(finding.c.session_id.in_(chunk), _OF_RULES, finding.c.state != FindingState.GONE.value)
        rows = (await tx.execute(sa.select(finding.c.id, finding.c.key).where(held))).all()
        gone = [row.id for row in rows if row.key not in keys]
        if gone:
            vanished = sa.update(finding).where(finding.c.id.in_(gone), held)
            await tx.execute(vanished.values(state=FindingState.GONE.value))


async def hold(tx: AsyncConnection, conversation_ids: Iterable[int]) -> None:
    """Keep others from deciding and judging in these conversations until `tx` ends; read findings only then."""
    await dialect.lock_subjects(tx, "findings", set(conversation_ids))


async def hold_one(tx: AsyncConnection, finding_id: int) -> Any:
    """Hold a finding's conversation and return its row; raises KeyError for an unknown id."""
    wanted = sa.select(finding).where(finding.c.id == finding_id)
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        raise KeyError(finding_id)
    await hold(tx, [row.conversation_id])
    return row if tx.dialect.name == "sqlite" else (await tx.execute(wanted)).one()


async def move(
    tx: AsyncConnection, session_ids: Sequence[int], into: Mapping[int, int], now_in: Mapping[int, int]
) -> set[int]:
    """Bring what people wrote or decided to the sessions that hold its words now; return the sessions concerned.

    `session_ids`: the sessions that were cut again. `into`: those that became part of others, with these.
    `now_in`: the session of each message. What the rules find moves when it is found again.
    """
    found: dict[int, tuple[int, int]] = {}
    wanted = sorted({*session_ids, *into})
    for at in range(0, len(wanted), _CHUNK):
        for row in (await tx.execute(_DECIDED_IN, {"ids": wanted[at : at + _CHUNK]})).all():
            place = now_in.get(row.message_id, into.get(row.session_id, row.session_id))
            # The first of its places says where it is.
            found.setdefault(row.id, (row.session_id, place))
    moved = {number: places for number, places in found.items() if places[0] != places[1]}
    for number, (_, place) in moved.items():
        await tx.execute(sa.update(finding).where(finding.c.id == number).values(session_id=place))
    return {one for places in moved.values() for one in places}


async def decide(
    tx: AsyncConnection,
    finding_id: int,
    *,
    to: FindingState,
    by: str,
    note: str,
    now: datetime,
    review_id: int | None = None,
    appeal_id: int | None = None,
    points: float | None = None,
) -> Finding:
    """Record a person's decision, recompute the evaluations of the session, and return the finding as it stands.

    `points`: what it costs from now on, where an appeal was right in part. Deciding what is decided so already only
    adds the entry. Raises DecisionRefused for a step the state does not allow, KeyError for an unknown id.
    """
    row = await hold_one(tx, finding_id)
    state = FindingState(row.state)
    if to is not state and to not in MOVES[state]:
        raise DecisionRefused(f"finding {finding_id} is {state.value}; it cannot become {to.value}")
    values: dict[str, Any] = {"state": to.value, "decided_at": now, "decided_by": by}
    if points is not None:
        values["points"] = points
    await tx.execute(sa.update(finding).where(finding.c.id == finding_id).values(**values))
    entry = {
        "finding_id": finding_id,
        "at": now,
        "actor": by,
        "from_state": state.value,
        "to_state": to.value,
        "note": note,
        "review_id": review_id,
        "appeal_id": appeal_id,
    }
    await tx.execute(sa.insert(finding_entry).values(entry))
    await settle_sessions(tx, [row.session_id], subject=row.subject)
    return await get(tx, finding_id)


async def settle_sessions(tx: AsyncConnection, session_ids: Sequence[int], *, subject: str = "") -> None:
    """Recompute final_score and final_grade of the current evaluations whose findings somebody decided."""
    for at in range(0, len(session_ids), _CHUNK):
        chunk = session_ids[at : at + _CHUNK]
        decided = sa.select(finding.c.session_id, finding.c.subject).where(
            finding.c.session_id.in_(chunk), finding.c.decided_at.is_not(None)
        )
        if subject:
            decided = decided.where(finding.c.subject == subject)
        for row in (await tx.execute(decided.distinct())).all():
            await _settle(tx, row.session_id, row.subject)


async def _settle(tx: AsyncConnection, session_id: int, subject: str) -> None:
    wanted = sa.select(finding.c.item, finding.c.points, finding.c.is_red, finding.c.state).where(
        finding.c.session_id == session_id,
        finding.c.subject == subject,
        finding.c.state.in_([state.value for state in COUNTING]),
    )
    costs: dict[str, float] = {}
    has_red = False
    for row in (await tx.execute(wanted)).all():
        has_red = has_red or (row.is_red and row.state == FindingState.CONFIRMED)
        costs[row.item] = costs.get(row.item, 0.0) + row.points
    current = sa.select(evaluation).where(
        evaluation.c.session_id == session_id, evaluation.c.subject == subject, evaluation.c.is_current
    )
    for row in (await tx.execute(current)).all():
        score, _ = grading.score_of(_earned(row.items, costs))
        grade = grading.grade_of(score, has_confirmed_red=has_red)
        await tx.execute(
            sa.update(evaluation)
            .where(evaluation.c.id == row.id)
            .values(final_score=score, final_grade=grade.value)
        )


def _earned(
    items: Sequence[Mapping[str, Any]], costs: Mapping[str, float]
) -> list[tuple[float, float | None]]:
    """Return weight and points of each item. One that does not apply any more counts while a decision costs points."""
    return [
        (
            one["weight"],
            None
            if one["earned"] is None and one["item"] not in costs
            else grading.earned_of(one["weight"], costs.get(one["item"], 0.0)),
        )
        for one in items
    ]


async def get(tx: AsyncConnection, finding_id: int) -> Finding:
    """Return a finding; raises KeyError for an unknown id."""
    found = await _list(tx, sa.select(finding).where(finding.c.id == finding_id))
    if not found:
        raise KeyError(finding_id)
    return found[0]


async def list_of_session(tx: AsyncConnection, session_id: int, *, with_gone: bool = False) -> list[Finding]:
    """Return a session's findings in order of time."""
    wanted = sa.select(finding).where(finding.c.session_id == session_id)
    if not with_gone:
        wanted = wanted.where(finding.c.state != FindingState.GONE.value)
    return await _list(tx, wanted.order_by(finding.c.occurred_at, finding.c.id))


async def list_of_subject(
    tx: AsyncConnection,
    subject: str,
    *,
    since: datetime,
    until: datetime,
    states: Iterable[FindingState] = COUNTING,
    limit: int = 500,
) -> list[Finding]:
    """Return a subject's findings of what happened in [since, until), the newest first."""
    wanted = (
        sa.select(finding)
        .where(
            finding.c.subject == subject,
            finding.c.occurred_at >= since,
            finding.c.occurred_at < until,
            finding.c.state.in_([state.value for state in states]),
        )
        .order_by(finding.c.occurred_at.desc(), finding.c.id.desc())
        .limit(limit)
    )
    return await _list(tx, wanted)


async def list_suspected_red(tx: AsyncConnection, limit: int = 500) -> list[Finding]:
    """Return the red-line suspicions nobody has decided, the oldest first."""
    wanted = (
        sa.select(finding)
        .where(finding.c.state == FindingState.SUSPECTED.value, finding.c.is_red)
        .order_by(finding.c.found_at, finding.c.id)
        .limit(limit)
    )
    return await _list(tx, wanted)


async def list_entries(tx: AsyncConnection, finding_id: int) -> list[Any]:
    """Return the decisions about a finding, the oldest first: rows of finding_entry."""
    wanted = (
        sa.select(finding_entry).where(finding_entry.c.finding_id == finding_id).order_by(finding_entry.c.id)
    )
    return list((await tx.execute(wanted)).all())


async def _list(tx: AsyncConnection, wanted: sa.Select[Any]) -> list[Finding]:
    rows = (await tx.execute(wanted)).all()
    spans: dict[int, list[Span]] = {}
    for at in range(0, len(rows), _CHUNK):
        ids = [row.id for row in rows[at : at + _CHUNK]]
        places = sa.select(finding_span).where(finding_span.c.finding_id.in_(ids)).order_by(finding_span.c.id)
        for place in (await tx.execute(places)).all():
            spans.setdefault(place.finding_id, []).append(
                Span(message_id=place.message_id, start=place.start, end=place.end)
            )
    return [_finding(row, tuple(spans.get(row.id, ()))) for row in rows]


def _finding(row: Any, spans: tuple[Span, ...]) -> Finding:
    return Finding(
        id=row.id,
        key=row.key,
        session_id=row.session_id,
        conversation_id=row.conversation_id,
        subject=row.subject,
        item=row.item,
        label=row.label,
        severity=Severity(row.severity),
        is_red=row.is_red,
        evidence=Evidence(row.evidence),
        rule_id=row.rule_id,
        rule_version=row.rule_version,
        points=row.points,
        note=row.note,
        occurred_at=row.occurred_at,
        spans=spans,
        state=FindingState(row.state),
        found_at=row.found_at,
        shown_at=row.shown_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
    )


def _of_new(one: NewFinding, id_: int, now: datetime) -> Finding:
    body = {part.name: getattr(one, part.name) for part in fields(NewFinding)}
    return Finding(**body, id=id_, state=first_state(one), found_at=now, shown_at=now)

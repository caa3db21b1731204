"""Evaluations: how a subject did in a session under one rubric, kept for good; what decisions made of it.

The worker records what audit/judging.py said (`record`, `record_many`); a run that finds nothing new writes nothing.
Another rubric, other rules or other messages give another row, and `is_current` moves to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import Evaluated, Evidence, Figures, Finding, Grade, ItemResult, Judgement
from store import dialect, findings, promises
from store.tables import evaluation, session

_CHUNK = 500  # Keys in one statement; SQLite takes 32,766 variables.


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A session with its judgement. `input_digest`: of the messages, times and background it was made from."""

    session_id: int
    started_at: datetime
    judgement: Judgement
    input_digest: str


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A row: `evaluated` as it was judged, `final_score` and `final_grade` with what people decided since."""

    id: int
    session_id: int
    evaluated: Evaluated
    rubric_version: str
    rules_version: str
    input_digest: str
    final_score: float | None
    final_grade: Grade
    is_current: bool
    started_at: datetime
    evaluated_at: datetime

    @property
    def subject(self) -> str:
        return self.evaluated.subject


async def record(
    tx: AsyncConnection,
    session_id: int,
    judgement: Judgement,
    rubric_version: str,
    rules_version: str,
    input_digest: str,
    now: datetime,
) -> list[Finding]:
    """Record one session's judgement with its findings and promises; return the findings that are new."""
    wanted = sa.select(session.c.started_at).where(session.c.id == session_id)
    started_at = (await tx.execute(wanted)).scalar_one()
    one = Judged(session_id=session_id, started_at=started_at, judgement=judgement, input_digest=input_digest)
    return await record_many(tx, [one], rubric_version, rules_version, now)


async def record_many(
    tx: AsyncConnection, judged: Sequence[Judged], rubric_version: str, rules_version: str, now: datetime
) -> list[Finding]:
    """Record the judgements of many sessions in a few statements; return the findings that are new.

    Idempotent. What a decided finding of an older evaluation changed is carried to the new one.
    """
    ids = [one.session_id for one in judged]
    await _record_evaluations(tx, judged, rubric_version, rules_version, now)
    found = [one for each in judged for one in each.judgement.findings]
    new = await findings.record(tx, found, now, session_ids=ids)
    given = [
        (each.session_id if one.made_at >= each.started_at else 0, one)
        for each in judged
        for one in each.judgement.promises
    ]
    await promises.record(tx, given, now, session_ids=ids)
    await findings.settle_sessions(tx, ids)
    return new


async def _record_evaluations(
    tx: AsyncConnection, judged: Sequence[Judged], rubric_version: str, rules_version: str, now: datetime
) -> None:
    known = await _list_keys(tx, [one.session_id for one in judged])
    stale: list[int] = []
    rows: list[dict[str, Any]] = []
    for one in judged:
        key = (rubric_version, rules_version, one.input_digest)
        before = known.get(one.session_id, {})
        wanted = {done.subject for done in one.judgement.evaluated}
        stale += [id_ for (subject, held), id_ in before.items() if subject not in wanted or held != key]
        rows += [
            _row(one, done, rubric_version, rules_version, now)
            for done in one.judgement.evaluated
            if (done.subject, key) not in before
        ]
    for at in range(0, len(stale), _CHUNK):
        chunk = stale[at : at + _CHUNK]
        await tx.execute(sa.update(evaluation).where(evaluation.c.id.in_(chunk)).values(is_current=False))
    if rows:
        insert = dialect.insert(tx, evaluation)
        # The very same judgement was made before, and another one since; what people decided is settled afterwards.
        again = insert.on_conflict_do_update(
            index_elements=["session_id", "subject", "rubric_version", "rules_version", "input_digest"],
            set_={
                "is_current": True,
                "final_score": insert.excluded.final_score,
                "final_grade": insert.excluded.final_grade,
            },
        )
        await tx.execute(again, rows)


async def _list_keys(
    tx: AsyncConnection, session_ids: Sequence[int]
) -> dict[int, dict[tuple[str, tuple[str, str, str]], int]]:
    """Return the current rows of sessions: subject and versions to id."""
    found: dict[int, dict[tuple[str, tuple[str, str, str]], int]] = {}
    for at in range(0, len(session_ids), _CHUNK):
        wanted = sa.select(
            evaluation.c.id,
            evaluation.c.session_id,
            evaluation.c.subject,
            evaluation.c.rubric_version,
            evaluation.c.rules_version,
            evaluation.c.input_digest,
        ).where(evaluation.c.session_id.in_(session_ids[at : at + _CHUNK]), evaluation.c.is_current)
        for row in (await tx.execute(wanted)).all():
            key = (row.rubric_version, row.rules_version, row.input_digest)
            found.setdefault(row.session_id, {})[row.subject, key] = row.id
    return found


def _row(
    one: Judged, done: Evaluated, rubric_version: str, rules_version: str, now: datetime
) -> dict[str, Any]:
    return {
        "session_id": one.session_id,
        "subject": done.subject,
        "rubric_version": rubric_version,
        "rules_version": rules_version,
        "input_digest": one.input_digest,
        "score": done.score,
        "grade": done.grade.value,
        "final_score": done.score,
        "final_grade": done.grade.value,
        "weight": done.weight,
        "items": [_item_body(item) for item in done.items],
        "figures": figures_body(done.figures),
        "is_current": True,
        "started_at": one.started_at,
        "evaluated_at": now,
    }


async def list_of_session(
    tx: AsyncConnection, session_id: int, *, only_current: bool = True
) -> list[Evaluation]:
    """Return a session's evaluations, the oldest first."""
    wanted = sa.select(evaluation).where(evaluation.c.session_id == session_id).order_by(evaluation.c.id)
    if only_current:
        wanted = wanted.where(evaluation.c.is_current)
    return [_evaluation(row) for row in (await tx.execute(wanted)).all()]


async def list_of_subject(
    tx: AsyncConnection, subject: str, since: datetime, until: datetime, limit: int = 1000
) -> list[Evaluation]:
    """Return a subject's current evaluations of sessions begun in [since, until), the newest first."""
    wanted = (
        sa.select(evaluation)
        .where(
            evaluation.c.subject == subject,
            evaluation.c.is_current,
            evaluation.c.started_at >= since,
            evaluation.c.started_at < until,
        )
        .order_by(evaluation.c.started_at.desc(), evaluation.c.id.desc())
        .limit(limit)
    )
    return [_evaluation(row) for row in (await tx.execute(wanted)).all()]


def _evaluation(row: Any) -> Evaluation:
    return Evaluation(
        id=row.id,
        session_id=row.session_id,
        evaluated=Evaluated(
            subject=row.subject,
            score=row.score,
            grade=Grade(row.grade),
            weight=row.weight,
            items=items_of(row.items),
            figures=figures_of(row.figures),
        ),
        rubric_version=row.rubric_version,
        rules_version=row.rules_version,
        input_digest=row.input_digest,
        final_score=row.final_score,
        final_grade=Grade(row.final_grade),
        is_current=row.is_current,
        started_at=row.started_at,
        evaluated_at=row.evaluated_at,
    )


def _item_body(item: ItemResult) -> dict[str, Any]:
    """Return an item as JSON; "earned" null is N/A, "pending" and "reason" only where there is one."""
    body: dict[str, Any] = {
        "item": item.item,
        "weight": item.weight,
        "earned": item.earned,
        "evidence": item.evidence.value,
    }
    if item.pending:
        body["pending"] = item.pending
    if item.reason:
        body["reason"] = item.reason
    return body


def items_of(body: Sequence[Mapping[str, Any]]) -> tuple[ItemResult, ...]:
    """Return the items of an evaluation's `items` column."""
    return tuple(
        ItemResult(
            item=one["item"],
            weight=one["weight"],
            earned=one["earned"],
            evidence=Evidence(one["evidence"]),
            pending=one.get("pending", 0.0),
            reason=one.get("reason", ""),
        )
        for one in body
    )


_SPANS = ("first_wall", "first_working", "bot_first_wall")
_LISTS = ("waits_wall", "waits_working", "takeovers")
_MORE = ("mood_start", "mood_end", "mood_worst", "bot_answers", "bot_wrong", "bot_unhandled")
_COUNTS = ("asked", "answered", "late", "is_unanswered", "rounds", "customer_messages", "staff_messages")


def figures_body(figures: Figures) -> dict[str, Any]:
    """Return figures as JSON: spans in seconds, null for what was not measured."""
    body: dict[str, Any] = {name: _seconds(getattr(figures, name)) for name in _SPANS}
    body |= {name: [span.total_seconds() for span in getattr(figures, name)] for name in _LISTS}
    return body | {name: getattr(figures, name) for name in (*_COUNTS, *_MORE)}


def figures_of(body: Mapping[str, Any]) -> Figures:
    """Return the figures of a `figures` column; keys it does not know are left out."""
    values: dict[str, Any] = {name: _span(body.get(name)) for name in _SPANS}
    values |= {name: tuple(timedelta(seconds=one) for one in body.get(name) or ()) for name in _LISTS}
    values |= {name: body[name] for name in (*_COUNTS, *_MORE) if name in body}
    return Figures(**values)


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)

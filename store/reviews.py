"""Reviews: sessions and suspicions that a person looks at. Who may do what is audit/reviewing.py."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import Evidence, FindingState
from domain.review import Review, ReviewKind, ReviewState, Verdict
from store import dialect
from store.tables import finding, finding_entry, message_body, review, session

# Written alike in the index, so that SQLite takes it.
IS_OPEN = sa.text("review.state <> 'done'")
_URGENCY = {ReviewKind.RED: 0, ReviewKind.THIRD: 1, ReviewKind.MUST: 2}
_CHUNK = 200


@dataclass(frozen=True, kw_only=True)
class NewReview:
    """A review to be added. Under one `key` there is one row. `reviewer`: whose it is at once, "" for anybody's."""

    key: str
    kind: ReviewKind
    session_id: int
    subject: str
    due_at: datetime
    finding_id: int | None = None
    plan_id: int | None = None
    blind_of: int | None = None
    weight: float = 1.0
    reviewer: str = ""


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """A review in a list, with what it is about. `label` and `rule_id`: of the one finding, "" for a whole session."""

    review: Review
    conversation_id: int
    started_at: datetime
    line: str
    label: str = ""
    rule_id: str = ""


@dataclass(frozen=True, kw_only=True)
class BlindPair:
    """Two people's verdicts about the same; `labels`: of the findings in them, by id."""

    first: Review
    second: Review


async def add(tx: AsyncConnection, new: Sequence[NewReview], now: datetime) -> int:
    """Add reviews; what is there already under its key is left alone. Return how many were new."""
    rows: list[dict[str, Any]] = [
        {
            "key": one.key,
            "kind": one.kind,
            "session_id": one.session_id,
            "finding_id": one.finding_id,
            "plan_id": one.plan_id,
            "blind_of": one.blind_of,
            "subject": one.subject,
            "weight": one.weight,
            "state": ReviewState.TAKEN if one.reviewer else ReviewState.WAITING,
            "reviewer": one.reviewer,
            "created_at": now,
            "due_at": one.due_at,
            "verdicts": {},
        }
        for one in new
    ]
    count = 0
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        known = await _known(tx, [str(row["key"]) for row in part])
        count += len({str(row["key"]) for row in part} - known)
        await tx.execute(dialect.insert_new(tx, review), part)
    return count


async def find(tx: AsyncConnection, review_id: int) -> Review | None:
    """Return the review, or None."""
    row = (await tx.execute(sa.select(review).where(review.c.id == review_id))).one_or_none()
    return None if row is None else _review(row)


async def find_by_key(tx: AsyncConnection, key: str) -> Review | None:
    """Return the review under a key, or None."""
    row = (await tx.execute(sa.select(review).where(review.c.key == key))).one_or_none()
    return None if row is None else _review(row)


async def list_of_session(tx: AsyncConnection, session_id: int) -> list[Review]:
    """Return every review of a session, oldest first."""
    wanted = sa.select(review).where(review.c.session_id == session_id).order_by(review.c.id)
    return [_review(row) for row in (await tx.execute(wanted)).all()]


async def set_taken(tx: AsyncConnection, review_id: int, by: str, now: datetime) -> bool:
    """Give a waiting review to a person; False when somebody else has it, or it is done."""
    is_free = sa.or_(review.c.state == ReviewState.WAITING, review.c.reviewer == by)
    done = await tx.execute(
        sa.update(review)
        .where(review.c.id == review_id, review.c.state != ReviewState.DONE, is_free)
        .values(state=ReviewState.TAKEN, reviewer=by, taken_at=sa.func.coalesce(review.c.taken_at, now))
    )
    return done.rowcount == 1


async def set_waiting(tx: AsyncConnection, review_id: int, by: str) -> bool:
    """Give a review back that the person has; False when that is not so."""
    its = sa.and_(review.c.id == review_id, review.c.state == ReviewState.TAKEN, review.c.reviewer == by)
    done = await tx.execute(
        sa.update(review).where(its).values(state=ReviewState.WAITING, reviewer="", taken_at=None)
    )
    return done.rowcount == 1


async def set_done(
    tx: AsyncConnection,
    review_id: int,
    *,
    by: str,
    verdicts: Mapping[str, Verdict],
    note: str,
    rubric_version: str,
    now: datetime,
) -> bool:
    """Record the verdicts; False when somebody else was quicker."""
    is_free = sa.or_(review.c.state == ReviewState.WAITING, review.c.reviewer == by)
    done = await tx.execute(
        sa.update(review)
        .where(review.c.id == review_id, review.c.state != ReviewState.DONE, is_free)
        .values(
            state=ReviewState.DONE,
            reviewer=by,
            verdicts=dict(verdicts),
            note=note,
            rubric_version=rubric_version,
            taken_at=sa.func.coalesce(review.c.taken_at, now),
            done_at=now,
        )
    )
    return done.rowcount == 1


async def list_queue(
    tx: AsyncConnection,
    *,
    kinds: Collection[ReviewKind] = (),
    reviewer: str = "",
    is_done: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> list[QueueRow]:
    """Return reviews that wait: red lines first, then by date; done ones newest first. Empty `kinds`: all."""
    wanted = _ROWS.where(review.c.state == ReviewState.DONE) if is_done else _ROWS.where(IS_OPEN)
    if kinds:
        wanted = wanted.where(review.c.kind.in_(sorted(kinds)))
    if reviewer:
        wanted = wanted.where(review.c.reviewer == reviewer)
    order = (
        (review.c.done_at.desc(), review.c.id.desc())
        if is_done
        else (sa.case(_URGENCY, value=review.c.kind, else_=9), review.c.due_at, review.c.id)
    )
    rows = await tx.execute(wanted.order_by(*order).limit(limit).offset(offset))
    return [_queue_row(row) for row in rows.all()]


async def count_open(tx: AsyncConnection) -> dict[ReviewKind, int]:
    """Count what waits or is taken, by kind."""
    wanted = sa.select(review.c.kind, sa.func.count().label("number")).where(IS_OPEN).group_by(review.c.kind)
    return {ReviewKind(row.kind): row.number for row in (await tx.execute(wanted)).all()}


async def has_blind(tx: AsyncConnection, session_id: int, names: Collection[str]) -> bool:
    """Say whether one of these names has a session, or one that was joined to it, to judge without seeing verdicts."""
    its = sa.select(session.c.id).where(
        sa.or_(session.c.id == session_id, session.c.merged_into == session_id)
    )
    wanted = sa.select(
        sa.exists().where(
            review.c.session_id.in_(its),
            review.c.reviewer.in_(sorted(names)),
            review.c.kind.in_([ReviewKind.BLIND, ReviewKind.CALIBRATION]),
            review.c.state != ReviewState.DONE,
        )
    )
    return bool((await tx.execute(wanted)).scalar_one())


async def list_judges(tx: AsyncConnection, session_id: int, finding_id: int | None) -> frozenset[str]:
    """Return who has judged this finding, or this session as a whole where `finding_id` is None."""
    wanted = sa.select(review.c.reviewer).where(
        review.c.session_id == session_id,
        review.c.state == ReviewState.DONE,
        review.c.finding_id.is_(None) if finding_id is None else review.c.finding_id == finding_id,
    )
    return frozenset((await tx.execute(wanted)).scalars().all())


async def list_blind_pairs(tx: AsyncConnection, since: datetime, limit: int = 5_000) -> list[BlindPair]:
    """Return first and second looks that are both done, the second not before `since`."""
    seconds = (
        sa.select(review)
        .where(
            review.c.kind == ReviewKind.BLIND, review.c.state == ReviewState.DONE, review.c.done_at >= since
        )
        .order_by(review.c.id)
        .limit(limit)
    )
    found = [_review(row) for row in (await tx.execute(seconds)).all()]
    firsts: dict[int, Review] = {}
    ids = [one.blind_of for one in found if one.blind_of is not None]
    for start in range(0, len(ids), _CHUNK):
        wanted = sa.select(review).where(review.c.id.in_(ids[start : start + _CHUNK]))
        firsts |= {row.id: _review(row) for row in (await tx.execute(wanted)).all()}
    return [
        BlindPair(first=firsts[one.blind_of], second=one)
        for one in found
        if one.blind_of in firsts and firsts[one.blind_of].state is ReviewState.DONE
    ]


async def list_of_plan(tx: AsyncConnection, plan_id: int) -> list[Review]:
    """Return the reviews of a sample, oldest first."""
    wanted = sa.select(review).where(review.c.plan_id == plan_id).order_by(review.c.id)
    return [_review(row) for row in (await tx.execute(wanted)).all()]


async def list_labels(tx: AsyncConnection, finding_ids: Collection[int]) -> dict[int, str]:
    """Return the labels of findings."""
    labels: dict[int, str] = {}
    ids = sorted(finding_ids)
    for start in range(0, len(ids), _CHUNK):
        wanted = sa.select(finding.c.id, finding.c.label).where(finding.c.id.in_(ids[start : start + _CHUNK]))
        labels |= {row.id: row.label for row in (await tx.execute(wanted)).all()}
    return labels


async def list_states(tx: AsyncConnection, finding_ids: Collection[int]) -> dict[int, FindingState]:
    """Return where findings stand now."""
    states: dict[int, FindingState] = {}
    ids = sorted(finding_ids)
    for start in range(0, len(ids), _CHUNK):
        wanted = sa.select(finding.c.id, finding.c.state).where(finding.c.id.in_(ids[start : start + _CHUNK]))
        states |= {row.id: FindingState(row.state) for row in (await tx.execute(wanted)).all()}
    return states


async def list_added_states(tx: AsyncConnection, review_ids: Collection[int]) -> dict[int, FindingState]:
    """Return where the findings stand that people added with these reviews, by review."""
    states: dict[int, FindingState] = {}
    ids = sorted(review_ids)
    for start in range(0, len(ids), _CHUNK):
        wanted = (
            sa.select(finding_entry.c.review_id, finding.c.state)
            .join(finding, finding.c.id == finding_entry.c.finding_id)
            .where(
                finding_entry.c.review_id.in_(ids[start : start + _CHUNK]),
                finding.c.evidence == Evidence.HUMAN,
            )
        )
        states |= {row.review_id: FindingState(row.state) for row in (await tx.execute(wanted)).all()}
    return states


async def list_asked_must(tx: AsyncConnection, session_ids: Collection[int]) -> set[tuple[int, str]]:
    """Return session and subject of the reviews of these sessions that had to be."""
    asked: set[tuple[int, str]] = set()
    ids = sorted(set(session_ids))
    for start in range(0, len(ids), _CHUNK):
        wanted = sa.select(review.c.session_id, review.c.subject).where(
            review.c.session_id.in_(ids[start : start + _CHUNK]), review.c.kind == ReviewKind.MUST
        )
        asked |= {(row.session_id, row.subject) for row in (await tx.execute(wanted)).all()}
    return asked


async def list_subjects(tx: AsyncConnection, session_id: int) -> frozenset[str]:
    """Return who took part in a session on our side."""
    wanted = sa.select(session.c.subjects).where(session.c.id == session_id)
    return frozenset((await tx.execute(wanted)).scalar_one())


async def find_conversation(tx: AsyncConnection, session_id: int) -> int:
    """Return the conversation a session belongs to."""
    wanted = sa.select(session.c.conversation_id).where(session.c.id == session_id)
    return int((await tx.execute(wanted)).scalar_one())


async def list_texts(tx: AsyncConnection, message_ids: Collection[int]) -> dict[int, str]:
    """Return what messages say, by id; erased ones and those without words are left out."""
    texts: dict[int, str] = {}
    ids = sorted(set(message_ids))
    for start in range(0, len(ids), _CHUNK):
        wanted = sa.select(message_body.c.message_id, message_body.c.text).where(
            message_body.c.message_id.in_(ids[start : start + _CHUNK]),
            message_body.c.erased_at.is_(None),
            message_body.c.text != "",
        )
        texts |= {row.message_id: row.text for row in (await tx.execute(wanted)).all()}
    return texts


_ROWS = (
    sa.select(
        review,
        session.c.conversation_id,
        session.c.started_at,
        session.c.line,
        finding.c.label,
        finding.c.rule_id,
    )
    .join(session, session.c.id == review.c.session_id)
    .outerjoin(finding, finding.c.id == review.c.finding_id)
    # What a later cut does not find any more needs nobody.
    .where(sa.or_(finding.c.id.is_(None), finding.c.state != "gone", review.c.state == ReviewState.DONE))
)


async def _known(tx: AsyncConnection, keys: Sequence[str]) -> set[str]:
    return set((await tx.execute(sa.select(review.c.key).where(review.c.key.in_(keys)))).scalars().all())


def _queue_row(row: Any) -> QueueRow:
    return QueueRow(
        review=_review(row),
        conversation_id=row.conversation_id,
        started_at=row.started_at,
        line=row.line,
        label=row.label or "",
        rule_id=row.rule_id or "",
    )


def _review(row: Any) -> Review:
    return Review(
        id=row.id,
        key=row.key,
        kind=ReviewKind(row.kind),
        session_id=row.session_id,
        finding_id=row.finding_id,
        plan_id=row.plan_id,
        blind_of=row.blind_of,
        subject=row.subject,
        weight=row.weight,
        state=ReviewState(row.state),
        reviewer=row.reviewer,
        created_at=row.created_at,
        due_at=row.due_at,
        taken_at=row.taken_at,
        done_at=row.done_at,
        verdicts={key: Verdict(said) for key, said in row.verdicts.items()},
        note=row.note,
        rubric_version=row.rubric_version,
    )

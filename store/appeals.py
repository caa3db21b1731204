"""Appeals and their histories. Which move is allowed is domain/appeal.py; audit/appealing.py makes it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.appeal import DECIDED, Appeal, AppealAct, AppealEntry, AppealState
from domain.audit import FindingState
from domain.review import ReviewKind, ReviewState, Verdict, finding_key
from store import dialect
from store.tables import appeal, appeal_entry, finding, finding_entry, review, session

# Written alike in the index, so that SQLite takes it.
IS_OPEN = sa.text("appeal.closed_at IS NULL")
_OUTCOMES = sorted(DECIDED)


@dataclass(frozen=True, kw_only=True)
class AppealRow:
    """An appeal in a list, with what it is about."""

    appeal: Appeal
    label: str
    rule_id: str
    rule_version: str
    is_red: bool
    item: str
    note: str
    conversation_id: int
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class Overturns:
    """Decided appeals by `name`, a rule or a reviewer: how many, how many of them did not stand, in full or in part."""

    name: str
    decided: int
    overturned: int
    eased: int


async def add(
    tx: AsyncConnection,
    *,
    session_id: int,
    finding_id: int,
    subject: str,
    level: int,
    state: AppealState,
    due_at: datetime,
    now: datetime,
) -> int | None:
    """Add an appeal; None when there is one about this finding on this level."""
    row = {
        "session_id": session_id,
        "finding_id": finding_id,
        "subject": subject,
        "level": level,
        "state": state,
        "opened_at": now,
        "due_at": due_at,
    }
    added = dialect.insert(tx, appeal).values(row).on_conflict_do_nothing().returning(appeal.c.id)
    found: int | None = (await tx.execute(added)).scalar_one_or_none()
    return found


async def record(
    tx: AsyncConnection,
    appeal_id: int,
    *,
    actor: str,
    act: AppealAct,
    from_state: str,
    to_state: AppealState,
    note: str,
    now: datetime,
) -> None:
    """Add a line to an appeal's history."""
    row = {
        "appeal_id": appeal_id,
        "at": now,
        "actor": actor[:64],
        "act": act,
        "from_state": from_state,
        "to_state": to_state,
        "note": note,
    }
    await tx.execute(sa.insert(appeal_entry).values(row))


async def set_state(
    tx: AsyncConnection,
    one: Appeal,
    *,
    state: AppealState,
    outcome: str,
    handler: str,
    due_at: datetime,
    closed_at: datetime | None,
) -> bool:
    """Move an appeal on from the state it was read in; False when it has moved meanwhile."""
    done = await tx.execute(
        sa.update(appeal)
        .where(appeal.c.id == one.id, appeal.c.state == one.state, appeal.c.due_at == one.due_at)
        .values(state=state, outcome=outcome, handler=handler[:64], due_at=due_at, closed_at=closed_at)
    )
    return done.rowcount == 1


async def find(tx: AsyncConnection, appeal_id: int) -> Appeal | None:
    """Return the appeal, or None."""
    row = (await tx.execute(sa.select(appeal).where(appeal.c.id == appeal_id))).one_or_none()
    return None if row is None else _appeal(row)


async def find_row(tx: AsyncConnection, appeal_id: int) -> AppealRow | None:
    """Return the appeal with what it is about, or None."""
    row = (await tx.execute(_ROWS.where(appeal.c.id == appeal_id))).one_or_none()
    return None if row is None else _appeal_row(row)


async def list_of_finding(tx: AsyncConnection, finding_id: int) -> list[Appeal]:
    """Return the appeals about a finding, the first level first."""
    wanted = sa.select(appeal).where(appeal.c.finding_id == finding_id).order_by(appeal.c.level)
    return [_appeal(row) for row in (await tx.execute(wanted)).all()]


async def list_entries(tx: AsyncConnection, appeal_ids: Collection[int]) -> list[AppealEntry]:
    """Return the histories of appeals as one, oldest first."""
    wanted = (
        sa.select(appeal_entry)
        .where(appeal_entry.c.appeal_id.in_(sorted(appeal_ids)))
        .order_by(appeal_entry.c.id)
    )
    return [
        AppealEntry(
            at=row.at,
            actor=row.actor,
            act=AppealAct(row.act),
            from_state=row.from_state,
            to_state=AppealState(row.to_state),
            note=row.note,
        )
        for row in (await tx.execute(wanted)).all()
    ]


async def list_queue(tx: AsyncConnection, *, is_closed: bool = False, limit: int = 100) -> list[AppealRow]:
    """Return open appeals, red lines first, then by date; closed ones newest first."""
    if is_closed:
        wanted = _ROWS.where(appeal.c.closed_at.is_not(None)).order_by(appeal.c.closed_at.desc())
    else:
        wanted = _ROWS.where(IS_OPEN).order_by(finding.c.is_red.desc(), appeal.c.due_at, appeal.c.id)
    return [_appeal_row(row) for row in (await tx.execute(wanted.limit(limit))).all()]


async def list_of_subject(tx: AsyncConnection, subject: str, limit: int = 50) -> list[AppealRow]:
    """Return somebody's appeals, newest first."""
    wanted = _ROWS.where(appeal.c.subject == subject)
    rows = await tx.execute(wanted.order_by(appeal.c.opened_at.desc(), appeal.c.id.desc()).limit(limit))
    return [_appeal_row(row) for row in rows.all()]


async def list_due(tx: AsyncConnection, now: datetime, limit: int = 100) -> list[Appeal]:
    """Take open appeals whose time is over, the longest overdue first."""
    wanted = (
        sa.select(appeal)
        .where(IS_OPEN, appeal.c.due_at <= now)
        .order_by(appeal.c.due_at, appeal.c.id)
        .limit(limit)
    )
    return [_appeal(row) for row in (await tx.execute(dialect.skip_locked(tx, wanted))).all()]


async def find_next_due(tx: AsyncConnection) -> datetime | None:
    """Return when the time of an open appeal is over next; None without an open one."""
    found: datetime | None = (
        await tx.execute(sa.select(sa.func.min(appeal.c.due_at)).where(IS_OPEN))
    ).scalar_one_or_none()
    return found


async def list_judges(tx: AsyncConnection, finding_id: int) -> frozenset[str]:
    """Return the people who judged a finding outside of appeals: alone, or with its session; calibration is neither."""
    decided = sa.select(finding_entry.c.actor).where(
        finding_entry.c.finding_id == finding_id, finding_entry.c.appeal_id.is_(None)
    )
    reviewed = sa.select(review.c.reviewer).where(review.c.finding_id == finding_id, review.c.reviewer != "")
    known = frozenset((await tx.execute(sa.union(decided, reviewed))).scalars().all())
    return known | await _list_sayers(tx, [finding_id], said=frozenset(Verdict))


async def list_deciders(tx: AsyncConnection, finding_ids: Collection[int]) -> frozenset[str]:
    """Return who decided one of these findings in any way: by a review, beside one, or by an appeal."""
    decided = sa.select(finding_entry.c.actor).where(finding_entry.c.finding_id.in_(sorted(finding_ids)))
    known = frozenset((await tx.execute(decided.distinct())).scalars().all())
    return known | await _list_sayers(tx, finding_ids, said=frozenset({Verdict.YES, Verdict.NO}))


async def _list_sayers(
    tx: AsyncConnection, finding_ids: Collection[int], *, said: frozenset[Verdict]
) -> frozenset[str]:
    """Return whose done reviews say so of a finding, in whichever session of its conversation it was then."""
    keys = [finding_key(each) for each in finding_ids]
    wanted = (
        sa.select(review.c.reviewer, review.c.verdicts)
        .join(session, session.c.id == review.c.session_id)
        .where(
            review.c.state == ReviewState.DONE,
            review.c.kind != ReviewKind.CALIBRATION,
            session.c.conversation_id.in_(
                sa.select(finding.c.conversation_id).where(finding.c.id.in_(sorted(finding_ids)))
            ),
        )
    )
    rows = (await tx.execute(wanted)).all()
    return frozenset(row.reviewer for row in rows if any(row.verdicts.get(key) in said for key in keys))


async def list_settled(tx: AsyncConnection, finding_ids: Collection[int]) -> frozenset[int]:
    """Return which of the findings an appeal has decided, or is about to."""
    is_its = sa.or_(IS_OPEN, appeal.c.outcome.in_(_OUTCOMES))
    wanted = sa.select(appeal.c.finding_id).where(appeal.c.finding_id.in_(sorted(finding_ids)), is_its)
    return frozenset((await tx.execute(wanted)).scalars().all())


async def find_state_before(tx: AsyncConnection, appeal_id: int) -> FindingState | None:
    """Return what the finding was when this appeal put it in doubt; None when it did not."""
    wanted = (
        sa.select(finding_entry.c.from_state)
        .where(finding_entry.c.appeal_id == appeal_id, finding_entry.c.to_state == FindingState.SUSPECTED)
        .order_by(finding_entry.c.id.desc())
        .limit(1)
    )
    found = (await tx.execute(wanted)).scalar_one_or_none()
    return None if found is None else FindingState(found)


async def find_confirmer(tx: AsyncConnection, finding_id: int) -> str:
    """Return who confirmed a finding last, outside of appeals; "" when nobody did."""
    wanted = (
        sa.select(finding_entry.c.actor)
        .where(
            finding_entry.c.finding_id == finding_id,
            finding_entry.c.to_state == "confirmed",
            finding_entry.c.appeal_id.is_(None),
        )
        .order_by(finding_entry.c.id.desc())
        .limit(1)
    )
    return (await tx.execute(wanted)).scalar_one_or_none() or ""


async def count_overturns_by_rule(tx: AsyncConnection, since: datetime) -> list[Overturns]:
    """Count decided appeals since then by rule, on the last level of each finding."""
    return await _overturns(tx, finding.c.rule_id, since)


async def count_overturns_by_reviewer(tx: AsyncConnection, since: datetime) -> list[Overturns]:
    """Count decided appeals since then by who had confirmed the finding first."""
    first = (
        sa.select(finding_entry.c.finding_id, sa.func.min(finding_entry.c.id).label("id"))
        .where(finding_entry.c.to_state == "confirmed", finding_entry.c.appeal_id.is_(None))
        .group_by(finding_entry.c.finding_id)
        .subquery()
    )
    judge = (
        sa.select(finding_entry.c.actor)
        .join(first, first.c.id == finding_entry.c.id)
        .where(first.c.finding_id == finding.c.id)
        .scalar_subquery()
    )
    return [one for one in await _overturns(tx, judge, since) if one.name]


async def _overturns(tx: AsyncConnection, name: Any, since: datetime) -> list[Overturns]:
    higher = appeal.alias()
    is_last = ~sa.exists().where(
        higher.c.finding_id == appeal.c.finding_id,
        higher.c.level > appeal.c.level,
        higher.c.outcome.in_(_OUTCOMES),
    )
    named = (
        sa.select(name.label("name"), appeal.c.outcome)
        .select_from(appeal.join(finding, finding.c.id == appeal.c.finding_id))
        .where(appeal.c.outcome.in_(_OUTCOMES), appeal.c.opened_at >= since, is_last)
        .subquery()
    )

    def number(outcome: AppealState) -> sa.ColumnElement[int]:
        return sa.func.sum(sa.case((named.c.outcome == outcome, 1), else_=0))

    wanted = sa.select(
        named.c.name,
        sa.func.count().label("decided"),
        number(AppealState.OVERTURNED).label("overturned"),
        number(AppealState.PARTLY).label("eased"),
    ).group_by(named.c.name)
    return [
        Overturns(name=row.name or "", decided=row.decided, overturned=row.overturned, eased=row.eased)
        for row in (await tx.execute(wanted.order_by(sa.desc("decided"), named.c.name))).all()
    ]


_ROWS = (
    sa.select(
        appeal,
        finding.c.label,
        finding.c.rule_id,
        finding.c.rule_version,
        finding.c.is_red,
        finding.c.item,
        finding.c.note,
        session.c.conversation_id,
        session.c.started_at,
    )
    .join(finding, finding.c.id == appeal.c.finding_id)
    .join(session, session.c.id == appeal.c.session_id)
)


def _appeal_row(row: Any) -> AppealRow:
    return AppealRow(
        appeal=_appeal(row),
        label=row.label,
        rule_id=row.rule_id,
        rule_version=row.rule_version,
        is_red=row.is_red,
        item=row.item,
        note=row.note,
        conversation_id=row.conversation_id,
        started_at=row.started_at,
    )


def _appeal(row: Any) -> Appeal:
    return Appeal(
        id=row.id,
        session_id=row.session_id,
        finding_id=row.finding_id,
        subject=row.subject,
        level=row.level,
        state=AppealState(row.state),
        outcome=row.outcome,
        handler=row.handler,
        opened_at=row.opened_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
    )

"""How members of staff deal with their customers in a period: touches, quits, refusals, offers that did not suit.

Read only. What it means is audit/diagnosis.py. Periods are [since, until), times aware UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import FindingState
from domain.people import RelationEnd
from store.tables import evaluation, finding, opt_out, relation, staff

_SUITABILITY = "A3"  # The item of the scorecard about offers that have to suit.
_LABEL = "SUITABILITY"


@dataclass(frozen=True, kw_only=True)
class ContactCounts:
    """Counts of one person. `customers`, `quits`, `refusals` None: the platform never told who their customers are.

    `touches`: sessions in which they spoke. `quits`: customers who deleted them; `refusals`: who opted out. Of the
    `product_sessions`, in which they offered a product, `mismatched` are those a person confirmed not to suit.
    """

    subject: str
    customers: int | None
    touches: int
    quits: int | None
    refusals: int | None
    product_sessions: int
    mismatched: int


async def read(tx: AsyncConnection, subject: str, since: datetime, until: datetime) -> ContactCounts:
    """Return the counts of a UserID."""
    touches, offers = await _sessions(tx, subject, since, until)
    staff_id = (
        await tx.execute(sa.select(staff.c.id).where(staff.c.platform_id == subject))
    ).scalar_one_or_none()
    customers, quits, refusals = await _customers(tx, staff_id, since, until)
    return ContactCounts(
        subject=subject,
        customers=customers,
        touches=touches,
        quits=quits,
        refusals=refusals,
        product_sessions=offers,
        mismatched=await _mismatched(tx, subject, since, until),
    )


async def _sessions(tx: AsyncConnection, subject: str, since: datetime, until: datetime) -> tuple[int, int]:
    """Return in how many sessions the person was judged, and in how many of them an offer was."""
    wanted = sa.select(evaluation.c["items"]).where(
        evaluation.c.subject == subject,
        evaluation.c.is_current,
        evaluation.c.started_at >= since,
        evaluation.c.started_at < until,
    )
    rows = (await tx.execute(wanted)).scalars().all()
    return len(rows), sum(_has_offer(items) for items in rows)


def _has_offer(items: Sequence[dict[str, Any]]) -> bool:
    return any(one["item"] == _SUITABILITY and one["earned"] is not None for one in items)


async def _mismatched(tx: AsyncConnection, subject: str, since: datetime, until: datetime) -> int:
    """Return in how many sessions a person confirmed that an offer did not suit."""
    wanted = sa.select(sa.func.count(sa.distinct(finding.c.session_id))).where(
        finding.c.subject == subject,
        finding.c.state == FindingState.CONFIRMED.value,
        sa.or_(finding.c.item == _SUITABILITY, finding.c.label == _LABEL),
        finding.c.occurred_at >= since,
        finding.c.occurred_at < until,
    )
    return int((await tx.execute(wanted)).scalar_one())


async def _customers(
    tx: AsyncConnection, staff_id: int | None, since: datetime, until: datetime
) -> tuple[int | None, int | None, int | None]:
    """Return how many customers the person had, how many of them deleted the person, how many opted out."""
    if staff_id is None:
        return None, None, None
    held = sa.and_(
        relation.c.staff_id == staff_id,
        sa.or_(relation.c.from_at.is_(None), relation.c.from_at < until),
        sa.or_(relation.c.to_at.is_(None), relation.c.to_at >= since),
    )
    count = sa.select(sa.func.count(sa.distinct(relation.c.customer_id))).where(held)
    customers = int((await tx.execute(count)).scalar_one())
    if not customers:
        return None, None, None
    quits = await tx.execute(
        count.where(relation.c.to_at < until, relation.c.end_reason == RelationEnd.CUSTOMER_DELETED.value)
    )
    refused = sa.select(sa.func.count(sa.distinct(opt_out.c.customer_id))).where(
        opt_out.c.customer_id.in_(sa.select(relation.c.customer_id).where(held)),
        opt_out.c.at >= since,
        opt_out.c.at < until,
    )
    return customers, int(quits.scalar_one()), int((await tx.execute(refused)).scalar_one())

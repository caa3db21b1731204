"""Opt-outs: a customer wants nothing but service. In force from the moment it is on record (scheduler/guards.py)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.people import OptOut, OptOutSource, OptOutWanted
from store.tables import customer, opt_out


async def record(
    tx: AsyncConnection,
    customer_id: int,
    wanted: OptOutWanted,
    *,
    actor: str,
    at: datetime,
    message_id: int | None = None,
) -> None:
    """Put an opt-out on record; a second one changes nothing about since when it holds, the same message adds none."""
    if message_id is not None:
        told = sa.select(opt_out.c.id).where(opt_out.c.message_id == message_id)
        if (await tx.execute(told)).first() is not None:
            return
    await tx.execute(
        sa.insert(opt_out).values(
            customer_id=customer_id,
            source=wanted.source,
            evidence=wanted.evidence[:500],
            actor=actor[:64],
            message_id=message_id,
            at=at,
        )
    )
    await tx.execute(
        sa.update(customer)
        .where(customer.c.id == customer_id, customer.c.opted_out_at.is_(None))
        .values(opted_out_at=at, opt_out_evidence=f"{wanted.source}: {wanted.evidence}"[:500])
    )


async def withdraw(
    tx: AsyncConnection, customer_id: int, *, by: str, at: datetime, evidence: str = ""
) -> bool:
    """Record that the customer agrees again, and how that is known; False when there was no opt-out."""
    done = await tx.execute(
        sa.update(opt_out)
        .where(opt_out.c.customer_id == customer_id, opt_out.c.withdrawn_at.is_(None))
        .values(withdrawn_at=at, withdrawn_by=by[:64], withdrawn_evidence=evidence[:500])
    )
    await tx.execute(
        sa.update(customer).where(customer.c.id == customer_id).values(opted_out_at=None, opt_out_evidence="")
    )
    return done.rowcount > 0


async def list_of(tx: AsyncConnection, customer_id: int) -> list[OptOut]:
    """Return a customer's opt-outs, newest first."""
    wanted = sa.select(opt_out).where(opt_out.c.customer_id == customer_id).order_by(opt_out.c.id.desc())
    return [
        OptOut(
            id=row.id,
            customer_id=row.customer_id,
            source=OptOutSource(row.source),
            evidence=row.evidence,
            actor=row.actor,
            message_id=row.message_id,
            at=row.at,
            withdrawn_at=row.withdrawn_at,
            withdrawn_by=row.withdrawn_by,
            withdrawn_evidence=row.withdrawn_evidence,
        )
        for row in (await tx.execute(wanted)).all()
    ]

"""Legal holds: nothing of a customer, a member of staff or a conversation may be erased while one stands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import logins
from store.tables import conversation, customer, legal_hold, message


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A hold. One of customer, conversation and staff says what it is on; `lifted_at` once it stands no more."""

    id: int
    customer_id: int | None
    conversation_id: int | None
    staff_platform_id: str
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_at: datetime | None
    lifted_by: str

    @property
    def subject(self) -> str:
        """What it is on, as the access log writes it."""
        if self.customer_id is not None:
            return f"customer:{self.customer_id}"
        if self.conversation_id is not None:
            return f"conversation:{self.conversation_id}"
        return f"staff:{self.staff_platform_id}"


async def add(
    tx: AsyncConnection,
    *,
    reason: str,
    by: str,
    now: datetime,
    customer_id: int | None = None,
    conversation_id: int | None = None,
    staff_platform_id: str = "",
) -> int:
    """Place a hold on exactly one of the three and return its id; written to the access log. Raises ValueError."""
    if (customer_id is not None) + (conversation_id is not None) + bool(staff_platform_id) != 1:
        raise ValueError("a hold is on one customer, one conversation or one member of staff")
    row = {
        "customer_id": customer_id,
        "conversation_id": conversation_id,
        "staff_platform_id": staff_platform_id,
        "reason": reason,
        "placed_by": by,
        "placed_at": now,
    }
    added = await tx.execute(sa.insert(legal_hold).values(row).returning(legal_hold.c.id))
    hold_id = int(added.scalar_one())
    found = await get(tx, hold_id)
    await logins.record_access(tx, actor=by, act="placed hold", subject=found.subject, now=now, note=reason)
    return hold_id


async def lift(tx: AsyncConnection, hold_id: int, *, by: str, now: datetime) -> bool:
    """Let a hold stand no more; False when it did not stand. Written to the access log."""
    standing = sa.update(legal_hold).where(legal_hold.c.id == hold_id, legal_hold.c.lifted_at.is_(None))
    done = await tx.execute(standing.values(lifted_at=now, lifted_by=by))
    if not done.rowcount:
        return False
    found = await get(tx, hold_id)
    await logins.record_access(tx, actor=by, act="lifted hold", subject=found.subject, now=now)
    return True


async def get(tx: AsyncConnection, hold_id: int) -> Hold:
    """Return the hold; raises LookupError when there is none."""
    row = (await tx.execute(sa.select(legal_hold).where(legal_hold.c.id == hold_id))).one_or_none()
    if row is None:
        raise LookupError(f"no hold {hold_id}")
    return _hold(row)


async def list_all(tx: AsyncConnection, *, only_standing: bool = False) -> list[Hold]:
    """Return the holds, the newest first. A company has few, so there are no pages."""
    wanted = sa.select(legal_hold).order_by(legal_hold.c.id.desc())
    if only_standing:
        wanted = wanted.where(legal_hold.c.lifted_at.is_(None))
    return [_hold(row) for row in (await tx.execute(wanted)).all()]


async def list_held(tx: AsyncConnection, conversation_ids: Collection[int]) -> dict[int, Hold]:
    """Return which of these conversations may not be erased from, each with one hold that forbids it.

    A hold on a customer holds the customer's conversations and groups the customer spoke in; one on a member of staff
    holds every conversation in which that member spoke, and the member's own chats.
    """
    found: dict[int, Hold] = {}
    for hold in await list_all(tx, only_standing=True):
        left = [id_ for id_ in conversation_ids if id_ not in found]
        for start in range(0, len(left), 500):
            part = left[start : start + 500]
            wanted = sa.select(conversation.c.id).where(conversation.c.id.in_(part), _is_held(hold))
            found.update(dict.fromkeys((await tx.execute(wanted)).scalars(), hold))
    return found


def _is_held(hold: Hold) -> sa.ColumnElement[bool]:
    its = message.c.conversation_id == conversation.c.id
    if hold.conversation_id is not None:
        return conversation.c.id == hold.conversation_id
    if hold.customer_id is not None:
        name = sa.select(customer.c.platform_id).where(customer.c.id == hold.customer_id).scalar_subquery()
        spoke = sa.exists().where(its, message.c.sender_id == name)
        return sa.or_(conversation.c.customer_id == hold.customer_id, spoke)
    staff = hold.staff_platform_id
    own = sa.and_(conversation.c.channel == "chat", conversation.c.account_id == staff)
    return sa.or_(own, sa.exists().where(its, message.c.servicer_id == staff))


def _hold(row: Any) -> Hold:
    return Hold(
        id=row.id,
        customer_id=row.customer_id,
        conversation_id=row.conversation_id,
        staff_platform_id=row.staff_platform_id,
        reason=row.reason,
        placed_by=row.placed_by,
        placed_at=row.placed_at,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
    )

"""Lists of what the machine did and could not do: events, deliveries, content versions.

Read only, newest first, each by its index from a place on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Delivery
from store import contents, deliveries, paging
from store.paging import Place
from store.tables import approval, content_version, conversation, customer, delivery, event


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """One event without its body."""

    id: int
    key: str
    receiver: str
    kind: str
    state: str
    received_at: datetime
    processed_at: datetime | None
    attempt: int
    error: str

    @property
    def place(self) -> Place:
        return Place(at=self.received_at, id=self.id)


async def list_events(tx: AsyncConnection, state: str, *, before: Place | None, limit: int) -> list[EventRow]:
    """Return events in `state`, newest first."""
    wanted = (
        sa.select(*_EVENT)
        .where(event.c.state == state)
        .order_by(event.c.received_at.desc(), event.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        wanted = wanted.where(paging.before(event.c.received_at, event.c.id, before))
    return [_event_row(row) for row in (await tx.execute(wanted)).all()]


async def find_event(tx: AsyncConnection, event_id: int) -> EventRow | None:
    """Return one event without its body, or None."""
    row = (await tx.execute(sa.select(*_EVENT).where(event.c.id == event_id))).one_or_none()
    return None if row is None else _event_row(row)


async def find_event_body(tx: AsyncConnection, event_id: int) -> bytes | None:
    """Return the body of one event byte for byte, or None."""
    found = (await tx.execute(sa.select(event.c.body).where(event.c.id == event_id))).scalar_one_or_none()
    return None if found is None else bytes(found)


_EVENT = tuple(column for column in event.c if column.name != "body")


def _event_row(row: Any) -> EventRow:
    return EventRow(
        id=row.id,
        key=row.key,
        receiver=row.receiver,
        kind=row.kind,
        state=row.state,
        received_at=row.received_at,
        processed_at=row.processed_at,
        attempt=row.attempt,
        error=row.error or "",
    )


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    """One delivery with whom it was for."""

    delivery: Delivery
    platform_id: str
    nickname: str

    @property
    def place(self) -> Place:
        return Place(at=self.delivery.created_at, id=self.delivery.id)


async def list_deliveries(
    tx: AsyncConnection, state: str, *, before: Place | None, limit: int
) -> list[DeliveryRow]:
    """Return deliveries in `state`, newest first."""
    wanted = (
        sa.select(delivery, customer.c.platform_id, customer.c.nickname)
        .outerjoin(conversation, conversation.c.id == delivery.c.conversation_id)
        .outerjoin(customer, customer.c.id == conversation.c.customer_id)
        .where(delivery.c.state == state)
        .order_by(delivery.c.created_at.desc(), delivery.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        wanted = wanted.where(paging.before(delivery.c.created_at, delivery.c.id, before))
    return [
        DeliveryRow(
            delivery=deliveries.delivery_of(row),
            platform_id=row.platform_id or row.recipient,
            nickname=row.nickname or "",
        )
        for row in (await tx.execute(wanted)).all()
    ]


@dataclass(frozen=True, kw_only=True)
class VersionRow:
    """A version of a text and its newest approval, without the text; `approved_by` empty for drafts.

    `origin`, `note`: as in store.contents.Version.
    """

    id: int
    kind: str
    key: str
    digest: str
    loaded_at: datetime
    approved_by: str
    approved_at: datetime | None
    origin: str = contents.FILE
    note: str = ""


async def list_version_rows(tx: AsyncConnection) -> list[VersionRow]:
    """Return every version, oldest first; hundreds, a company's whole content."""
    newest = (
        sa.select(approval.c.content_version_id, sa.func.max(approval.c.id).label("approval_id"))
        .group_by(approval.c.content_version_id)
        .subquery()
    )
    version = content_version.c
    wanted = (
        sa.select(
            version.id,
            version.kind,
            version.key,
            version.digest,
            version.loaded_at,
            version.origin,
            approval.c.approved_by,
            approval.c.approved_at,
            approval.c.note,
        )
        .outerjoin(newest, newest.c.content_version_id == version.id)
        .outerjoin(approval, approval.c.id == newest.c.approval_id)
        .order_by(version.id)
    )
    return [
        VersionRow(
            id=row.id,
            kind=row.kind,
            key=row.key,
            digest=row.digest,
            loaded_at=row.loaded_at,
            approved_by="" if row.note == contents.WITHDRAWN else row.approved_by or "",
            approved_at=row.approved_at,
            origin=row.origin,
            note=row.note or "",
        )
        for row in (await tx.execute(wanted)).all()
    ]

"""Which pages of the desk are open, for whom; where a conversation stands for that; and which sessions still hold.

A page says every few seconds that it is still there (console/sidebar/stream.py, bot/desk_watch.py). Times are wall
times: a page is open because a machine holds its connection, whatever the business clock says.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.platform import SessionState
from store import dialect, logins
from store.tables import conversation, customer, desk_presence, kf_state, login, login_session, staff

# A page is told of every 15 seconds; one that was silent three times is gone, with its process.
LASTS = timedelta(seconds=45)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a conversation is held. `customer`: external user id, "" in groups; `servicer`: who serves now, or ""."""

    channel: str
    account_id: str
    customer: str
    servicer: str


async def add(
    tx: AsyncConnection,
    page_key: str,
    staff_platform_id: str,
    conversation_id: int | None,
    *,
    process: str,
    wall: datetime,
) -> None:
    """Record that a page was opened. Several conversations of one page are several keys."""
    row = {
        "page_key": page_key,
        "staff_platform_id": staff_platform_id,
        "conversation_id": conversation_id,
        "process": process,
        "seen_at": wall,
    }
    await tx.execute(dialect.insert_new(tx, desk_presence), [row])


async def keep(tx: AsyncConnection, page_keys: Collection[str], wall: datetime) -> None:
    """Record that these pages are still there."""
    if page_keys:
        its = desk_presence.c.page_key.in_(sorted(page_keys))
        await tx.execute(sa.update(desk_presence).where(its).values(seen_at=wall))


async def remove(tx: AsyncConnection, page_keys: Collection[str]) -> None:
    """Record that these pages were closed."""
    if page_keys:
        await tx.execute(sa.delete(desk_presence).where(desk_presence.c.page_key.in_(sorted(page_keys))))


async def sweep(tx: AsyncConnection, wall: datetime) -> None:
    """Forget the pages of processes that are gone."""
    await tx.execute(sa.delete(desk_presence).where(desk_presence.c.seen_at <= wall - LASTS))


async def is_watching(
    tx: AsyncConnection, staff_platform_id: str, conversation_id: int, wall: datetime
) -> bool:
    """Say whether this person has the page of this conversation open."""
    found = sa.select(sa.literal(1)).where(
        desk_presence.c.staff_platform_id == staff_platform_id,
        desk_presence.c.conversation_id == conversation_id,
        desk_presence.c.seen_at > wall - LASTS,
    )
    return (await tx.execute(found.limit(1))).first() is not None


async def list_watchers(
    tx: AsyncConnection, conversation_ids: Collection[int], wall: datetime
) -> dict[int, tuple[str, ...]]:
    """Return who has the page of each conversation open, in order; those nobody watches are missing."""
    if not conversation_ids:
        return {}
    rows = await tx.execute(
        sa.select(desk_presence.c.conversation_id, desk_presence.c.staff_platform_id)
        .where(
            desk_presence.c.conversation_id.in_(sorted(conversation_ids)),
            desk_presence.c.seen_at > wall - LASTS,
        )
        .distinct()
        .order_by(desk_presence.c.conversation_id, desk_presence.c.staff_platform_id)
    )
    found: dict[int, tuple[str, ...]] = {}
    for number, who in rows.all():
        found[number] = (*found.get(number, ()), who)
    return found


async def find_place(tx: AsyncConnection, conversation_id: int) -> Place | None:
    """Return where a conversation is held, or None."""
    row = (
        await tx.execute(
            sa.select(
                conversation.c.channel,
                conversation.c.account_id,
                customer.c.platform_id,
                kf_state.c.state,
                kf_state.c.servicer_id,
            )
            .outerjoin(customer, customer.c.id == conversation.c.customer_id)
            .outerjoin(kf_state, kf_state.c.conversation_id == conversation.c.id)
            .where(conversation.c.id == conversation_id)
        )
    ).one_or_none()
    if row is None:
        return None
    is_served = row.state == int(SessionState.SERVICER)
    return Place(
        channel=row.channel,
        account_id=row.account_id,
        customer=row.platform_id or "",
        servicer=row.servicer_id if is_served else "",
    )


async def list_ended_sessions(tx: AsyncConnection, digests: Sequence[str], wall: datetime) -> set[str]:
    """Return which of these login sessions hold no more: expired, revoked, forgotten, or of a login shut out.

    Also those that WeCom opened for somebody who has left since, as in logins.find_session.
    """
    if not digests:
        return set()
    good = (
        sa.select(login_session.c.token_digest)
        .join(login, login.c.id == login_session.c.login_id)
        .outerjoin(staff, staff.c.id == login.c.staff_id)
        .where(
            sa.or_(login_session.c.how.not_in(logins.BY_PLATFORM), staff.c.status.not_in(logins.GONE)),
            login_session.c.token_digest.in_(digests),
            login_session.c.expires_at > wall,
            login_session.c.revoked_at.is_(None),
            login.c.disabled_at.is_(None),
        )
    )
    return set(digests) - set((await tx.execute(good)).scalars())

"""Service accounts (微信客服账号): since when they are live, how far they are read, who is receiving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import dialect, staff
from store.tables import kf_account, kf_cursor, kf_servicer


@dataclass(frozen=True, kw_only=True)
class Account:
    """A service account. Nothing sent before `went_live_at` is ever answered."""

    id: str
    name: str
    went_live_at: datetime
    is_managed: bool
    synced_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class CursorLease:
    """The right to read one account. `attempt` is the fence: a newer holder has a higher one."""

    account_id: str
    cursor: str
    went_live_at: datetime
    attempt: int


async def ensure(
    tx: AsyncConnection, account_id: str, went_live_at: datetime, *, name: str = "", is_managed: bool = True
) -> None:
    """Add the account with its cursor when it is new; keep its name and right to be managed up to date."""
    row = {"id": account_id, "name": name, "went_live_at": went_live_at, "is_managed": is_managed}
    added = dialect.insert(tx, kf_account).values(row)
    if name:
        added = added.on_conflict_do_update(
            index_elements=["id"], set_={"name": name, "is_managed": is_managed}
        )
    else:
        added = added.on_conflict_do_nothing()
    await tx.execute(added)
    await tx.execute(dialect.insert(tx, kf_cursor).values(account_id=account_id).on_conflict_do_nothing())


async def set_managed(tx: AsyncConnection, account_ids: Sequence[str], is_managed: bool) -> None:
    """Record that the accounts were given to, or taken from, our app."""
    await tx.execute(
        sa.update(kf_account).where(kf_account.c.id.in_(account_ids)).values(is_managed=is_managed)
    )


async def list_all(tx: AsyncConnection) -> list[Account]:
    """Return every account by name."""
    return [
        Account(
            id=row.id,
            name=row.name,
            went_live_at=row.went_live_at,
            is_managed=row.is_managed,
            synced_at=row.synced_at,
        )
        for row in (await tx.execute(_LIST_ALL)).all()
    ]


async def claim_cursor(
    tx: AsyncConnection, account_id: str, *, wall: datetime, owner: str, lease: timedelta
) -> CursorLease | None:
    """Take the right to read the account, or None while another process holds it (wall time)."""
    taken = await tx.execute(
        _CLAIM_CURSOR, {"account": account_id, "wall": wall, "owner": owner, "until": wall + lease}
    )
    row = taken.one_or_none()
    if row is None:
        return None
    since = await tx.execute(_LIVE_SINCE, {"account": account_id})
    return CursorLease(
        account_id=account_id, cursor=row.cursor, attempt=row.attempt, went_live_at=since.scalar_one()
    )


async def set_cursor(tx: AsyncConnection, held: CursorLease, cursor: str, read_at: datetime | None) -> bool:
    """Move the cursor; False when somebody else has taken the account meanwhile, then store nothing.

    `cursor`: "" leaves it where it is. `read_at`: when the log's end was reached, None while more waits.
    """
    given = {"account": held.account_id, "fence": held.attempt, "place": cursor, "now": read_at}
    return (await tx.execute(_SET_CURSOR, given)).rowcount == 1


async def release_cursor(tx: AsyncConnection, held: CursorLease) -> None:
    """Give the right to read back."""
    await tx.execute(_RELEASE_CURSOR, {"account": held.account_id, "fence": held.attempt})


async def release_all(tx: AsyncConnection) -> None:
    """Give all rights to read back; only when no other process can run."""
    await tx.execute(sa.update(kf_cursor).values(lease_owner=None, lease_until=None))


async def set_servicer(
    tx: AsyncConnection, account_id: str, servicer_id: str, *, is_receiving: bool, now: datetime
) -> None:
    """Record whether a member of staff takes sessions of the account now."""
    await staff.ensure(tx, [servicer_id], now)
    row = {"account_id": account_id, "servicer_id": servicer_id, "is_receiving": is_receiving, "seen_at": now}
    changes = {"is_receiving": is_receiving, "seen_at": now}
    await tx.execute(
        dialect.insert(tx, kf_servicer)
        .values(row)
        .on_conflict_do_update(index_elements=["account_id", "servicer_id"], set_=changes)
    )


async def set_receiving(
    tx: AsyncConnection, account_id: str, receiving: Sequence[str], now: datetime
) -> None:
    """Record the platform's whole list of who is receiving for the account."""
    others = sa.update(kf_servicer).where(
        kf_servicer.c.account_id == account_id, kf_servicer.c.servicer_id.not_in(receiving)
    )
    await tx.execute(others.values(is_receiving=False, seen_at=now))
    for servicer_id in receiving:
        await set_servicer(tx, account_id, servicer_id, is_receiving=True, now=now)


async def list_servicers(tx: AsyncConnection, account_id: str) -> list[str]:
    """Return everybody who was ever seen taking sessions of the account."""
    wanted = sa.select(kf_servicer.c.servicer_id).where(kf_servicer.c.account_id == account_id)
    return sorted((await tx.execute(wanted)).scalars().all())


async def list_receiving(tx: AsyncConnection, account_id: str) -> list[str]:
    """Return who takes sessions of the account now."""
    wanted = sa.select(kf_servicer.c.servicer_id).where(
        kf_servicer.c.account_id == account_id, kf_servicer.c.is_receiving
    )
    return sorted((await tx.execute(wanted)).scalars().all())


_LIST_ALL = (
    sa.select(kf_account, kf_cursor.c.synced_at)
    .join(kf_cursor, kf_cursor.c.account_id == kf_account.c.id)
    .order_by(kf_account.c.name, kf_account.c.id)
)
_LIVE_SINCE = sa.select(kf_account.c.went_live_at).where(kf_account.c.id == sa.bindparam("account"))
_CLAIM_CURSOR = (
    sa.update(kf_cursor)
    .where(
        kf_cursor.c.account_id == sa.bindparam("account"),
        sa.or_(
            kf_cursor.c.lease_until.is_(None),
            kf_cursor.c.lease_until < sa.bindparam("wall"),
            kf_cursor.c.lease_owner == sa.bindparam("owner"),
        ),
    )
    .values(
        lease_owner=sa.bindparam("owner"),
        lease_until=sa.bindparam("until"),
        attempt=kf_cursor.c.attempt + 1,
    )
    .returning(kf_cursor.c.cursor, kf_cursor.c.attempt)
)
_IS_HELD = sa.and_(
    kf_cursor.c.account_id == sa.bindparam("account"), kf_cursor.c.attempt == sa.bindparam("fence")
)
_SET_CURSOR = (
    sa.update(kf_cursor)
    .where(_IS_HELD)
    .values(
        cursor=sa.func.coalesce(
            sa.func.nullif(sa.bindparam("place", type_=kf_cursor.c.cursor.type), ""), kf_cursor.c.cursor
        ),
        synced_at=sa.func.coalesce(
            sa.bindparam("now", type_=kf_cursor.c.synced_at.type), kf_cursor.c.synced_at
        ),
    )
)
_RELEASE_CURSOR = sa.update(kf_cursor).where(_IS_HELD).values(lease_owner=None, lease_until=None)

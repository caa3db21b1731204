"""Numbers for the overview and the health page.

Read only and cheap at any size: counts stop at CAP rows and run over partial or state indexes; what happened today is
found by a search for the first turn of the day over the primary key, because turns are numbered as they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.case import CaseState
from domain.platform import SessionState
from store import accounts, instance
from store.tables import (
    approval,
    case,
    content_version,
    conversation,
    delivery,
    event,
    kf_servicer,
    kf_state,
    media,
    staff,
    token,
    turn,
)

# A page shows "1000+" beyond this.
CAP = 1000


@dataclass(frozen=True, kw_only=True)
class Attention:
    """What waits for a person now; each number stops at CAP + 1."""

    cases_open: int
    cases_late: int
    cases_unowned: int
    own_cases: int
    in_pool: int
    with_person: int
    deliveries_unknown: int
    deliveries_failed: int
    deliveries_held: int
    events_failed: int
    events_unhandled: int


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue of the machine. `oldest_at`: since when its oldest row is due; None when it is empty."""

    waiting: int
    in_hand: int
    oldest_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class AccountHealth:
    """A service account with who is receiving for it."""

    account: accounts.Account
    receiving: tuple[str, ...]
    known_servicers: int


@dataclass(frozen=True, kw_only=True)
class TokenHealth:
    """An access token without its value."""

    key: str
    version: int
    obtained_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class StoreHealth:
    """What the store tells. `queues`: events, turns, deliveries, media."""

    engine: str
    engine_version: str
    schema_version: str
    went_live_at: str
    queues: Mapping[str, Queue]
    accounts: tuple[AccountHealth, ...]
    tokens: tuple[TokenHealth, ...]
    approvals: int
    versions: int


async def read_attention(tx: AsyncConnection, now: datetime, own: frozenset[str]) -> Attention:
    """Return what waits for a person; `own`: the names under which the reader owns cases."""
    is_open = case.c.state.in_([CaseState.OPEN, CaseState.WORKING])
    return Attention(
        cases_open=await count_capped(tx, case, is_open),
        cases_late=await count_capped(tx, case, is_open, case.c.due_at < now),
        cases_unowned=await count_capped(tx, case, is_open, case.c.owner == ""),
        own_cases=await count_capped(tx, case, is_open, case.c.owner.in_(own)),
        in_pool=await count_capped(tx, kf_state, kf_state.c.state == int(SessionState.POOL)),
        with_person=await count_capped(tx, kf_state, kf_state.c.state == int(SessionState.SERVICER)),
        deliveries_unknown=await count_capped(tx, delivery, delivery.c.state == "unknown"),
        deliveries_failed=await count_capped(tx, delivery, delivery.c.state == "failed"),
        deliveries_held=await count_capped(tx, delivery, delivery.c.state == "held"),
        events_failed=await count_capped(tx, event, event.c.state == "failed"),
        events_unhandled=await count_capped(tx, event, event.c.state == "unhandled"),
    )


async def count_decisions(tx: AsyncConnection, since: datetime) -> dict[str, int]:
    """Return how many turns that began at or after `since` ended in each decision."""
    first = await find_first_turn_since(tx, since - timedelta(hours=1))
    wanted = (
        sa.select(turn.c.decision, sa.func.count())
        .where(turn.c.id >= first, turn.c.opened_at >= since, turn.c.decision != "")
        .group_by(turn.c.decision)
    )
    return {row[0]: row[1] for row in (await tx.execute(wanted)).all()}


async def count_talks_since(tx: AsyncConnection, since: datetime) -> int:
    """Return how many conversations had a message since then, CAP + 1 at most."""
    return await count_capped(tx, conversation, conversation.c.last_message_at >= since)


async def count_capped(tx: AsyncConnection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    """Return how many rows satisfy the conditions, CAP + 1 when there are more."""
    some = sa.select(sa.literal(1)).select_from(table).where(*conditions).limit(CAP + 1).subquery()
    return int((await tx.execute(sa.select(sa.func.count()).select_from(some))).scalar_one())


async def read_health(tx: AsyncConnection) -> StoreHealth:
    """Return the state of queues, accounts, tokens and the database itself."""
    approved = sa.select(sa.func.count(sa.distinct(approval.c.content_version_id)))
    return StoreHealth(
        engine="SQLite" if tx.dialect.name == "sqlite" else "PostgreSQL",
        engine_version=await _engine_version(tx),
        schema_version=await _schema_version(tx),
        went_live_at=await instance.find_value(tx, "went_live_at") or "",
        queues={
            "events": await _queue(tx, event, "new", ["claimed"]),
            "turns": await _queue(tx, turn, "open", ["claimed"]),
            "deliveries": await _queue(tx, delivery, "due", ["claimed", "attempting"]),
            "media": await _queue(tx, media, "due", ["claimed"]),
        },
        accounts=await _accounts(tx),
        tokens=await _tokens(tx),
        approvals=int((await tx.execute(approved)).scalar_one()),
        versions=int(
            (await tx.execute(sa.select(sa.func.count()).select_from(content_version))).scalar_one()
        ),
    )


async def list_account_names(tx: AsyncConnection) -> dict[str, str]:
    """Return the name of each service account by its id."""
    return {one.id: one.name or one.id for one in await accounts.list_all(tx)}


async def find_first_turn_since(tx: AsyncConnection, since: datetime) -> int:
    """Search the numbers of turns for the first that began then; about 20 look-ups by key for a million turns."""
    edges = (await tx.execute(sa.select(sa.func.min(turn.c.id), sa.func.max(turn.c.id)))).one()
    low, high = int(edges[0] or 0), int(edges[1] or 0) + 1
    while low < high:
        middle = (low + high) // 2
        wanted = (
            sa.select(turn.c.id, turn.c.opened_at).where(turn.c.id >= middle).order_by(turn.c.id).limit(1)
        )
        row = (await tx.execute(wanted)).one_or_none()
        if row is None or row.opened_at >= since:
            high = middle
        else:
            low = row.id + 1
    return low


async def _queue(tx: AsyncConnection, table: sa.Table, waiting: str, in_hand: list[str]) -> Queue:
    oldest = await tx.execute(sa.select(sa.func.min(table.c.due_at)).where(table.c.state == waiting))
    return Queue(
        waiting=await count_capped(tx, table, table.c.state == waiting),
        in_hand=await count_capped(tx, table, table.c.state.in_(in_hand)),
        oldest_at=oldest.scalar_one(),
    )


async def _accounts(tx: AsyncConnection) -> tuple[AccountHealth, ...]:
    rows = (await tx.execute(sa.select(kf_servicer).order_by(kf_servicer.c.servicer_id))).all()
    return tuple(
        AccountHealth(
            account=one,
            receiving=tuple(row.servicer_id for row in rows if row.account_id == one.id and row.is_receiving),
            known_servicers=sum(row.account_id == one.id for row in rows),
        )
        for one in await accounts.list_all(tx)
    )


async def _tokens(tx: AsyncConnection) -> tuple[TokenHealth, ...]:
    wanted = sa.select(token.c.key, token.c.version, token.c.obtained_at, token.c.expires_at)
    rows = (await tx.execute(wanted.order_by(token.c.key))).all()
    return tuple(
        TokenHealth(key=row.key, version=row.version, obtained_at=row.obtained_at, expires_at=row.expires_at)
        for row in rows
    )


async def _engine_version(tx: AsyncConnection) -> str:
    asked = "SELECT sqlite_version()" if tx.dialect.name == "sqlite" else "SHOW server_version"
    found: Any = (await tx.execute(sa.text(asked))).scalar_one()
    return str(found).split(" ", 1)[0]


async def _schema_version(tx: AsyncConnection) -> str:
    """Return the revision the tables stand at; empty where tests laid them without one."""
    has_table = await tx.run_sync(lambda sync: sa.inspect(sync).has_table("alembic_version"))
    if not has_table:
        return ""
    found = (await tx.execute(sa.text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    return str(found or "")


async def list_staff_names(tx: AsyncConnection) -> dict[str, str]:
    """Return the name of each member of staff whose name is known, by the platform's id."""
    rows = await tx.execute(sa.select(staff.c.platform_id, staff.c.name).where(staff.c.name != ""))
    return {row.platform_id: row.name for row in rows.all()}


async def list_servicers(tx: AsyncConnection) -> list[str]:
    """Return everybody who ever received customers for an account."""
    rows = await tx.execute(
        sa.select(kf_servicer.c.servicer_id).distinct().order_by(kf_servicer.c.servicer_id)
    )
    return list(rows.scalars().all())

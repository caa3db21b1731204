"""What a claim costs follows what it takes, not what waits: which indexes the databases use. Issue 4."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Act
from store import deliveries, tables
from store.database import Store
from tests.store import plans

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
MANY = 3_000


def rows(act: Act, count: int, *, state: str = "due", **other: object) -> list[dict[str, object]]:
    return [
        {
            "key": f"{act}{state}{number}",
            "act": act,
            "send_class": 2,
            "purpose": "care",
            "channel": "mass",
            "recipient": f"owner{number % 7}",
            "body": {"text": "x"},
            "state": state,
            "created_at": NOW,
            "due_at": NOW + timedelta(seconds=number % 11),
            **other,
        }
        for number in range(count)
    ]


async def fill(store: Store, *many: list[dict[str, object]], with_statistics: bool = True) -> None:
    async def add(tx: AsyncConnection) -> None:
        for some in many:
            await tx.execute(sa.insert(tables.delivery), some)
        if with_statistics:
            await tx.execute(sa.text("ANALYZE"))

    await store.write(add)


async def claim(tx: AsyncConnection) -> list[deliveries.Claimed]:
    lease = timedelta(seconds=60)
    return await deliveries.claim_due(
        tx, now=NOW + timedelta(minutes=1), wall=NOW, owner="worker", lease=lease, limit=4, bulk_limit=2
    )


@pytest.mark.parametrize("with_statistics", [True, False])
@pytest.mark.parametrize("act", [Act.TEXT, Act.MASS_SEND])
async def test_a_claim_reads_what_is_due_in_the_order_of_an_index_4(
    store: Store, act: Act, with_statistics: bool
) -> None:
    # SQLite never has statistics, PostgreSQL not at once.
    ended = rows(Act.TEXT, MANY, state="accepted")
    await fill(store, rows(act, MANY), ended, with_statistics=with_statistics)
    # Words to customers fill the hand before anything in bulk is asked for.
    indexes = ["ix_delivery_due_customer", "ix_delivery_due_bulk"][: 2 if act is Act.MASS_SEND else 1]

    told = await plans.of(store, claim)

    for plan, index in zip(told, indexes, strict=False):
        assert index in plan, plan
        assert not plans.is_sorted_or_scanned(plan), plan
    claiming = told[len(indexes)]
    assert "PRIMARY KEY" in claiming or "pk_delivery" in claiming, claiming


async def test_every_act_is_found_by_a_claim_and_those_in_bulk_are_counted_so_4(store: Store) -> None:
    for act in Act:
        await fill(store, rows(act, 1))
        (claimed,) = await store.write(claim)

        assert claimed.delivery.act is act
        assert deliveries.is_bulk(claimed.delivery) is (f"'{act}'" in tables.DUE_IN_BULK)


async def test_what_waits_longest_is_known_of_both_kinds_4(store: Store) -> None:
    async def oldest(tx: AsyncConnection) -> datetime | None:
        return await deliveries.find_oldest_due(tx)

    nothing = await store.write(oldest)
    await fill(store, rows(Act.TEXT, 1))
    await fill(store, [{**one, "due_at": NOW - timedelta(hours=1)} for one in rows(Act.CARD, MANY)])

    assert nothing is None
    assert await store.write(oldest) == NOW - timedelta(hours=1)
    assert all("ix_delivery_due" in plan for plan in await plans.of(store, oldest))


async def test_msgids_are_looked_up_among_the_senders_own_mass_sends_4(store: Store) -> None:
    sent = rows(Act.MASS_SEND, MANY, state="accepted", attempted_at=NOW)
    other = rows(Act.TEXT, MANY, state="accepted", channel="kf", attempted_at=NOW, recipient="owner3")
    await fill(store, [{**one, "receipt": f"msg{n}"} for n, one in enumerate(sent)], other)

    async def look(tx: AsyncConnection) -> set[str]:
        return await deliveries.list_mass_receipts(tx, "owner3", NOW - timedelta(hours=1))

    found = await store.write(look)
    (plan,) = await plans.of(store, look)

    assert found == {f"msg{number}" for number in range(MANY) if number % 7 == 3}
    assert "ix_delivery_mass" in plan

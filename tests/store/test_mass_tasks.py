"""Which mass sends are asked about first, and that an index says so. Issue 4."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.enrolment import MassTaskState
from store import mass_tasks, tables
from store.database import Store
from tests.store import plans

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
MANY = 3_000


async def add(tx: AsyncConnection, number: int, poll_at: datetime) -> int:
    made = await mass_tasks.add(
        tx,
        delivery_key=f"key{number}",
        chat_type="group",
        sender="zhangsan",
        targets=["wr1"],
        until=NOW + timedelta(hours=4),
        now=NOW,
    )
    change = sa.update(tables.mass_task).where(tables.mass_task.c.id == made)
    await tx.execute(change.values(state=MassTaskState.WAITING, poll_at=poll_at))
    return made


async def claim(tx: AsyncConnection, limit: int = 4) -> list[int]:
    lease = timedelta(seconds=60)
    found = await mass_tasks.claim_poll(tx, now=NOW, wall=NOW, owner="worker", lease=lease, limit=limit)
    return sorted(task.id for task, _ in found)


async def test_reminders_and_stops_come_before_tasks_that_are_only_asked_about_4(store: Store) -> None:
    async def fill(tx: AsyncConnection) -> list[int]:
        made = [await add(tx, number, NOW - timedelta(hours=1, seconds=-number)) for number in range(8)]
        await mass_tasks.want_remind(tx, [made[6]], NOW)
        await mass_tasks.want_cancel(tx, [made[7]], NOW)
        return made

    made = await store.write(fill)

    first = await store.write(claim)
    second = await store.write(claim)
    third = await store.write(claim)

    assert first == [made[0], made[1], made[6], made[7]]
    assert (second, third) == (made[2:6], [])


async def test_a_claim_reads_tasks_in_the_order_of_an_index_4(store: Store) -> None:
    async def fill(tx: AsyncConnection) -> None:
        first = await add(tx, 0, NOW)
        row = (await tx.execute(sa.select(tables.mass_task).where(tables.mass_task.c.id == first))).one()
        values = {name: value for name, value in row._asdict().items() if name != "id"}
        rows = [{**values, "delivery_key": f"other{number}"} for number in range(MANY)]
        await tx.execute(sa.insert(tables.mass_task), rows)
        await tx.execute(sa.text("ANALYZE"))

    await store.write(fill)

    wished, polled, *_ = await plans.of(store, claim)

    assert "ix_mass_task_wished" in wished
    assert "ix_mass_task_poll" in polled
    assert not plans.is_sorted_or_scanned(wished + polled)

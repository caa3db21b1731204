"""What the desk keeps of a customer's words goes when they are erased, and stays under a hold."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from content import retention as retention_files
from scheduler.erasing import Eraser
from store import holds, tables
from store.database import Store
from tests.proof import factory
from tests.proof.factory import Record

ROOT = Path(__file__).parents[2]
SECRET = "我的卡号是6222020000000000000"


async def fill(store: Store, clock: FrozenClock) -> Record:
    """Add a talk and, in every table of the desk, a row that holds the customer's words."""
    now = clock.now()

    async def job(tx: AsyncConnection) -> Record:
        made = await factory.talk(tx, now, [SECRET, "好的"])
        talk = {"conversation_id": made.conversation}
        for message_id in (made.messages[0], None):
            row = {**talk, "staff_platform_id": "li", "message_id": message_id, "asked": SECRET}
            number = await add(tx, tables.suggestion_round, **row, how="typed", made_at=now)
            await add(
                tx,
                tables.suggestion,
                round_id=number,
                place=0,
                source="own",
                source_id="1",
                text=SECRET,
                score=0.5,
                reasons=[SECRET],
                shown={},
                state="edited",
                note=SECRET,
            )
        person = {**talk, "staff_platform_id": "li"}
        times = {"first_used_at": now, "last_used_at": now}
        await add(
            tx, tables.own_wording, **person, digest="d", text=SECRET, asked=SECRET, state="own", **times
        )
        await add(
            tx,
            tables.false_alarm,
            **person,
            digest="d",
            text=SECRET,
            problems=[],
            told_at=now,
            state="open",
        )
        await add(
            tx, tables.whisper, **person, whispered_by="wang", text=SECRET, whispered_at=now, outcome="used"
        )
        await add(
            tx,
            tables.handover,
            **talk,
            reason="H1",
            asked_at=now,
            state="ended",
            note={"asked": SECRET},
        )
        await add(
            tx,
            tables.delivery,
            **talk,
            key="k1",
            act="by_hand",
            send_class=4,
            purpose="service",
            channel="sidebar",
            body={"text": SECRET},
            state="accepted",
            created_at=now,
            due_at=now,
        )
        return made

    return await store.write(job)


async def add(tx: AsyncConnection, table: sa.Table, **row: object) -> int:
    added = await tx.execute(sa.insert(table).values(row).returning(table.c.id))
    return int(added.scalar_one())


async def left(store: Store) -> list[str]:
    """Return the tables that still hold the words."""
    kept = (
        tables.suggestion_round,
        tables.suggestion,
        tables.own_wording,
        tables.false_alarm,
        tables.whisper,
        tables.handover,
        tables.delivery,
        tables.message_body,
    )
    found = []
    async with store.read() as tx:
        for table in kept:
            rows = (await tx.execute(sa.select(table))).mappings().all()
            text = json.dumps([dict(row) for row in rows], default=str, ensure_ascii=False)
            assert rows, table.name
            found += [table.name] if SECRET in text else []
    return found


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_customers_words_leave_the_desk_with_the_talk_6(
    store: Store, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    made = await fill(store, frozen_clock)
    eraser = Eraser(store, frozen_clock, tmp_path, retention_files.load(ROOT / "content"))
    await store.write(
        lambda tx: holds.add(
            tx, reason="诉讼", by="qian", now=frozen_clock.now(), conversation_id=made.conversation
        )
    )
    await eraser.erase_customer(made.customer, reason="request", by="qian")
    held = await left(store)
    await store.write(lambda tx: holds.lift(tx, 1, by="qian", now=frozen_clock.now()))
    frozen_clock.advance(timedelta(days=365 * 25))
    await eraser.erase_customer(made.customer, reason="request", by="qian")

    assert len(held) == 8
    assert await left(store) == []

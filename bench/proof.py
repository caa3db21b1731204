"""Sealing and checking the chain over many messages.

    .venv/bin/python -m bench.proof [--messages 200000] [--database sqlite|postgresql]

Records messages as the program does, seals them, checks the whole chain; prints rows a second of each and the size of
the blocks. Everything is removed at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bench import databases
from bench import search as talk
from bot import verifying
from bot.clock import SystemClock
from bot.sealing import Sealer
from domain.talk import Author
from store import conversations, customers, messages, schema
from store.database import Store
from store.messages import NewMessage

START = datetime(2026, 1, 1, tzinfo=UTC)
_PART = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="guanjia-proof-") as folder,
        databases.database(chosen.database, Path(folder)) as url,
    ):
        schema.upgrade(url)
        asyncio.run(_measure(url, chosen.database, chosen.messages))


async def _measure(url: str, database: str, count: int) -> None:
    store = await Store.open(url)
    try:
        begun = time.perf_counter()
        await _fill(store, count)
        filled = time.perf_counter()
        blocks = await Sealer(store, SystemClock()).seal(everything=True)
        sealed = time.perf_counter()
        found = await verifying.verify(store)
        checked = time.perf_counter()
        async with store.read() as tx:
            size = (
                await tx.execute(sa.text("SELECT sum(length(marks) + length(ids)) FROM chain_block"))
            ).scalar()
    finally:
        await store.close()
    assert not found.flaws
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{database}: {count:,} messages recorded in {filled - begun:.0f} s")
    print(
        f"sealed in {blocks} blocks: {count / (sealed - filled):,.0f} rows/s, {size / count:.0f} bytes a row"
    )
    print(
        f"checked: {count / (checked - sealed):,.0f} rows/s with their texts; at most {memory:.0f} MB of memory"
    )


async def _fill(store: Store, count: int) -> None:
    async def begin(tx: AsyncConnection) -> int:
        ids = await customers.ensure(tx, ["wmBench"], START)
        found = await conversations.ensure(tx, "kf", "wkBench", [ids["wmBench"]], START)
        return found[ids["wmBench"]].id

    conversation_id = await store.write(begin)
    texts = list(talk.texts(count))
    for first in range(0, count, _PART):
        new = [
            NewMessage(
                conversation_id=conversation_id,
                source="kf:wkBench",
                msgid=str(number),
                author=Author.CUSTOMER,
                kind="text",
                sent_at=START + timedelta(seconds=30 * number),
                text=text,
                raw='{"msgtype": "text"}',
            )
            for number, text in enumerate(texts[first : first + _PART], first)
        ]
        await store.write(lambda tx, new=new: messages.add(tx, new, START))


if __name__ == "__main__":
    main()

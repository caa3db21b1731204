"""The worker that seals what is on record into the chain, and the key that signs it.

One block at a time, one chain a database: rows are read and counted outside of any writing transaction, the block is
added only if it still follows the newest one (store/chain.py), so two replicas do no harm to each other. A row is
sealed once it was there at the look before: what PostgreSQL lets become visible later goes into a later block.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Sequence
from datetime import datetime

from bot.signing import Signer
from domain import proof
from domain.ports import Clock
from domain.proof import GENESIS, Block
from store import chain, chain_rows
from store.chain_rows import COVERED, Row
from store.database import Store

log = logging.getLogger(__name__)

# Rows of one block at most: reading them keeps the program from other work for about 15 ms.
BLOCK_ROWS = 1024


class Sealer:
    """Seals what waits. `signer`: None leaves blocks unsigned."""

    def __init__(
        self, store: Store, clock: Clock, *, signer: Signer | None = None, block_rows: int = BLOCK_ROWS
    ) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer
        self._block_rows = block_rows
        # The newest id of each table at the look before; empty at the first one.
        self._seen: dict[str, int] = {}

    async def seal(self, *, everything: bool = False) -> int:
        """Seal what was there at the look before and return the number of blocks; `everything`: what is there now.

        On SQLite rows become visible in the order of their ids, so nothing has to wait.
        """
        made = 0
        for table in COVERED:
            async with self._store.read() as tx:
                newest = await chain_rows.find_newest(tx, table)
                late = await chain.list_late(tx, table)
            ready = newest if everything or self._store.dialect.is_sqlite else self._seen.get(table, 0)
            self._seen[table] = newest
            if late:
                made += await self._seal_late(table, late)
            made += await self._seal_table(table, ready)
            await self._raise_floor(table)
        if made:
            log.info("sealed", extra={"action": "chain_sealed", "blocks": made})
        return made

    async def _seal_table(self, table: str, ready: int) -> int:
        made = 0
        while True:
            async with self._store.read() as tx:
                frontier = await chain.find_frontier(tx, table)
                if frontier >= ready:
                    return made
                rows = await chain_rows.read_rows(tx, table, frontier + 1, ready, self._block_rows)
            if not rows or not await self._add(table, rows):
                return made
            made += 1

    async def _seal_late(self, table: str, ids: Sequence[int]) -> int:
        made = 0
        for start in range(0, len(ids), self._block_rows):
            part = ids[start : start + self._block_rows]
            async with self._store.read() as tx:
                rows = await chain_rows.read_rows(tx, table, part[0], part[-1])
            wanted = set(part)
            made += await self._add(table, {id_: row for id_, row in rows.items() if id_ in wanted})
        return made

    async def _add(self, table: str, rows: dict[int, Row]) -> bool:
        now = self._clock.now()
        async with self._store.read() as tx:
            head = await chain.find_head(tx)
        number, previous = (head.number + 1, head.digest) if head else (1, GENESIS)
        block = await asyncio.to_thread(make_block, table, rows, number, previous, now)
        if self._signer is not None:
            block = self._signer.sign(block)
        return await self._store.write(lambda tx: chain.add_block(tx, block, now))

    async def _raise_floor(self, table: str) -> None:
        if self._store.dialect.is_sqlite:
            return
        now = self._clock.now()
        await self._store.write(lambda tx: chain.raise_floor(tx, table, now))


def make_block(table: str, rows: dict[int, Row], number: int, previous: str, now: datetime) -> Block:
    """Return the block over `rows`, which are in the order of their ids; unsigned."""
    ids = list(rows)
    block = Block(
        number=number,
        table=table,
        ids=proof.ranges_of(ids),
        first_id=ids[0],
        last_id=ids[-1],
        row_count=len(ids),
        rows_digest=proof.rows_digest(table, rows.values()),
        marks=b"".join(map(proof.marks_of, rows.values())),
        previous_digest=previous,
        sealed_at=chain_rows.time_text(now),
    )
    return dataclasses.replace(block, digest=proof.block_digest(block))

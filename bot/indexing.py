"""The worker that keeps the index of the full-text search, one batch at a time."""

from __future__ import annotations

import asyncio
import logging

from domain.ports import Clock
from store import search_index
from store.database import Store
from store.search_index import Sizes

log = logging.getLogger(__name__)


class Indexer:
    """Indexes full batches. Two of them on one database write the same batch twice, which changes nothing."""

    def __init__(self, store: Store, clock: Clock, *, sizes: Sizes = search_index.SIZES) -> None:
        self._store = store
        self._clock = clock
        self._sizes = sizes
        self._seen = 0

    async def index(self, *, limit: int = 50) -> int:
        """Index up to `limit` batches and return how many; on PostgreSQL those that were full at the look before."""
        async with self._store.read() as tx:
            newest = await search_index.find_newest(tx)
            stale = None if self._store.dialect.is_sqlite else await search_index.find_incomplete(tx)
        ready = newest if self._store.dialect.is_sqlite else self._seen
        self._seen = newest
        if stale is not None:
            await self._index(*stale)
        done = 0
        while done < limit:
            async with self._store.read() as tx:
                ids = await search_index.find_next(tx, ready, self._sizes)
            if ids is None or not await self._index(*ids):
                break
            done += 1
        if done:
            log.info("indexed", extra={"action": "search_indexed", "batches": done})
        return done

    async def _index(self, first_id: int, last_id: int) -> bool:
        async with self._store.read() as tx:
            texts = await search_index.read_texts(tx, first_id, last_id)
        batch = await asyncio.to_thread(search_index.make_batch, texts)
        now = self._clock.now()
        return await self._store.write(lambda tx: search_index.add(tx, batch, now))

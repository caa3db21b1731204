"""Proof as a whole: the loop of a serving process that seals, indexes and erases, and what the command line asks for.

Each part is a class of its own: bot/sealing.py, bot/indexing.py, bot/retaining.py.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path

from bot import config, signing, verifying
from bot.clock import FileClock, SystemClock
from bot.indexing import Indexer
from bot.sealing import Sealer
from bot.signing import Signer
from bot.verifying import Progress, Verified
from domain.errors import ConfigError
from domain.ports import Clock
from domain.proof import Head
from scheduler.ticker import Ticker
from store import chain, schema
from store.database import Store

# A search reads what is not indexed yet as it is; the sooner the less.
_INDEX_SECONDS = 5


class Workers:
    """What a serving process does for proof, as ticks."""

    def __init__(self, settings: config.Settings, store: Store, clock: Clock) -> None:
        self._seconds = settings.proof.seal_seconds
        self.sealer = sealer_of(settings, store, clock)
        self.indexer = Indexer(store, clock) if settings.proof.search_index else None

    def add_ticks(self, ticker: Ticker) -> None:
        """Add what is done now and then."""
        ticker.every(self._seconds, "seal", self._seal)
        if self.indexer is not None:
            ticker.every(_INDEX_SECONDS, "search_index", self._index)

    async def _index(self) -> None:
        if self.indexer is not None:
            await self.indexer.index()

    async def _seal(self) -> None:
        await self.sealer.seal()


async def verify(
    settings: config.Settings,
    *,
    from_block: int,
    kept: Head | None,
    signer: Signer | None,
    progress: Progress,
) -> Verified:
    """Check the chain of the configured database."""
    store = await _opened(settings)
    try:
        return await verifying.verify(
            store, from_block=from_block, kept=kept, signer=signer, progress=progress
        )
    finally:
        await store.close()


async def find_head(settings: config.Settings) -> Head | None:
    """Return the newest block, signed now with the configured key when it was not signed by it."""
    store = await _opened(settings)
    try:
        async with store.read() as tx:
            found = await chain.find_head(tx)
    finally:
        await store.close()
    if found is None or settings.proof.signing_key_file is None:
        return found
    signer = signing.load(settings.proof.signing_key_file)
    return found if found.key_id == signer.key_id else signer.sign_head(found)


async def seal(settings: config.Settings) -> int:
    """Seal everything that is on record now and return the number of blocks."""
    store = await _opened(settings)
    try:
        return await sealer_of(settings, store, clock_of(settings)).seal(everything=True)
    finally:
        await store.close()


def sealer_of(settings: config.Settings, store: Store, clock: Clock) -> Sealer:
    """Return the worker that seals."""
    path = settings.proof.signing_key_file
    return Sealer(store, clock, signer=signing.load(path) if path else None)


def head_json(found: Head) -> str:
    """Return a head as it is written to a file."""
    return json.dumps({"format": 1, **dataclasses.asdict(found)}, indent=1)


def load_head(path: Path) -> Head:
    """Return the head of a file. Raises ConfigError for a file that holds none."""
    try:
        said = json.loads(path.read_text("utf-8"))
        fields = {one.name: said[one.name] for one in dataclasses.fields(Head)}
        return Head(**{**fields, "number": int(said["number"])})
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            [f"{path} holds no head of a chain; export one with `guanjia chain head`"]
        ) from error


def clock_of(settings: config.Settings) -> Clock:
    """Return the clock the server would use."""
    return FileClock(settings.clock.file) if settings.clock.file else SystemClock()


async def _opened(settings: config.Settings) -> Store:
    await asyncio.to_thread(schema.ensure, settings.store.url)
    return await Store.open(settings.store.url)

"""Proof as a whole: the loop of a serving process that seals, indexes and erases, and what the command line asks for.

Each part is a class of its own: bot/sealing.py, bot/indexing.py, bot/retaining.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path

from bot import config, signing, verifying
from bot.clock import FileClock, SystemClock
from bot.indexing import Indexer
from bot.retaining import Retainer
from bot.sealing import Sealer
from bot.signing import Signer
from bot.verifying import Progress, Verified
from content import retention as retention_files
from domain.errors import ConfigError
from domain.ports import Clock
from domain.proof import Head
from scheduler.erasing import Eraser
from scheduler.ticker import Ticker
from store import chain, schema
from store.database import Store

# A search reads what is not indexed yet as it is; the sooner the less.
_INDEX_SECONDS = 5
# How often it is asked whether the night's work is due.
_NIGHT_SECONDS = 120


class Workers:
    """What a serving process does for proof, as ticks."""

    def __init__(self, settings: config.Settings, store: Store, clock: Clock) -> None:
        self._seconds = settings.proof.seal_seconds
        self.sealer = sealer_of(settings, store, clock)
        self.indexer = Indexer(store, clock) if settings.proof.search_index else None
        rules = retention_files.load(settings.content.folder)
        self.eraser = Eraser(store, clock, settings.media_folder, rules)
        self.retainer = Retainer(
            store,
            clock,
            self.eraser,
            at=settings.proof.retention_at,
            zone=settings.service.zone,
            approved_by=settings.proof.retention_approved_by if settings.proof.retention_enabled else "",
        )

    def add_ticks(self, ticker: Ticker) -> None:
        """Add what is done now and then."""
        ticker.every(self._seconds, "seal", self._seal)
        if self.indexer is not None:
            ticker.every(_INDEX_SECONDS, "search_index", self._index)
        ticker.every(_NIGHT_SECONDS, "retention", self.retainer.look)

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
    async with opened(settings) as store:
        return await verifying.verify(
            store, from_block=from_block, kept=kept, signer=signer, progress=progress
        )


async def find_head(settings: config.Settings) -> Head | None:
    """Return the newest block, signed now with the configured key when it was not signed by it."""
    async with opened(settings) as store, store.read() as tx:
        found = await chain.find_head(tx)
    if found is None or settings.proof.signing_key_file is None:
        return found
    signer = signing.load(settings.proof.signing_key_file)
    return found if found.key_id == signer.key_id else signer.sign_head(found)


async def seal(settings: config.Settings) -> int:
    """Seal everything that is on record now and return the number of blocks."""
    async with opened(settings) as store:
        return await sealer_of(settings, store, clock_of(settings)).seal(everything=True)


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


@contextlib.asynccontextmanager
async def opened(settings: config.Settings) -> AsyncIterator[Store]:
    """Give the configured database, of the right schema; nothing else of the house."""
    await asyncio.to_thread(schema.ensure, settings.store.url)
    store = await Store.open(settings.store.url)
    try:
        yield store
    finally:
        await store.close()

"""Reading the message archive: page after page, one reader per database, what is read and how far in one transaction.

A callback (msgaudit_notify) only says that something waits; without one the archive is read at intervals. While a page
is stored the next one is fetched and opened: RSA takes about as long as the database. Stopped at any point, the archive
is read on from the last entry that is on record, and what is on record already is known by its msgid.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import archive_intake
from bot.archive_intake import Read
from domain import errors
from domain.archive import ArchiveReader, HoldReason
from domain.ports import Clock
from scheduler.ticker import Wakeup
from store import archives, instance
from store.archives import ArchiveLease
from store.database import Store

log = logging.getLogger(__name__)

# Longer than a page takes even when the library dies over it again and again.
_LEASE = timedelta(seconds=120)
# Another process reads; look again after this, it may have died.
_ELSEWHERE_SECONDS = 5.0
# A refusal is a matter of the set-up; people take their time.
_REFUSED_SECONDS = 300.0
_LONGEST_BACKOFF_SECONDS = 60.0
# Pages of one step, so that a stop need not wait for the whole archive.
_PAGES = 20
_HOLDS_AT_ONCE = 200
# SQLite has one writer: a thousand entries in one transaction keep everybody else waiting for a quarter of a second.
_ENTRIES_AT_ONCE = 200
_TRIED_WITH = "archive_tried_with"


class ArchivePuller:
    """Reads the archive of one corp into the store."""

    def __init__(
        self,
        store: Store,
        reader: ArchiveReader,
        clock: Clock,
        *,
        corp_id: str,
        owner: str,
        policy_version: str,
        poll_seconds: float,
        limit: int,
        tools: str = "",
    ) -> None:
        # `tools`: changes when a key or the library does; what was put aside is then tried again.
        self._store = store
        self._reader = reader
        self._clock = clock
        self._corp_id = corp_id
        self._owner = owner
        self._policy_version = policy_version
        self._poll_seconds = poll_seconds
        self._limit = limit
        self._tools = hashlib.sha256(tools.encode()).hexdigest()
        self._is_tried = False
        self._failures = 0
        self.bell = Wakeup()

    async def pull_due(self) -> float | None:
        """Read what is there; a step for ticker.run_loop."""
        wall = self._clock.wall()
        held = await self._store.write(
            lambda tx: archives.claim(tx, self._corp_id, wall=wall, owner=self._owner, lease=_LEASE)
        )
        if held is None:
            return _ELSEWHERE_SECONDS
        try:
            if not self._is_tried:
                await self._try_again()
                self._is_tried = True
            is_over = await self._read_pages(held)
        except errors.ChannelError as error:
            return await self._wait(held, error)
        except BaseException:
            await self._release(held)
            raise
        self._failures = 0
        return self._poll_seconds if is_over else 0

    async def _read_pages(self, held: ArchiveLease) -> bool:
        """Read up to so many pages; True when nothing newer is there or another process reads now."""
        seq = held.seq
        page = await self._fetch(seq)
        for place in range(_PAGES):
            if not page:
                done = partial(archives.set_caught_up, held=held, now=self._clock.now())
                await self._store.write(done)
                return True
            seq = page[-1].entry.seq
            is_last = place == _PAGES - 1
            following = None if is_last else asyncio.create_task(self._fetch(seq), name="archive-next")
            try:
                if not await self._record(held, page):
                    return True
                page = [] if following is None else await following
            finally:
                if following is not None and not following.done():
                    following.cancel()
                    with contextlib.suppress(asyncio.CancelledError, errors.ChannelError):
                        await following
        await self._release(held)
        return False

    async def _fetch(self, seq: int) -> list[Read]:
        entries = await self._reader.pull(seq, self._limit)
        if not entries:
            return []
        opened = await self._reader.open(entries)
        return [archive_intake.read(one, told) for one, told in zip(entries, opened, strict=True)]

    async def _record(self, held: ArchiveLease, page: Sequence[Read]) -> bool:
        """Store a page, some entries a transaction, so that a customer's answer need not wait for all of it."""
        new = aside = 0
        for start in range(0, len(page), _ENTRIES_AT_ONCE):
            job = partial(
                archive_intake.record_page,
                held=held,
                page=page[start : start + _ENTRIES_AT_ONCE],
                policy_version=self._policy_version,
                now=self._clock.now(),
                until=self._clock.wall() + _LEASE,
            )
            stored = await self._store.write(job)
            if stored is None:
                log.warning("archive read elsewhere", extra={"action": "archive_lease_lost"})
                return False
            new, aside = new + stored.new, aside + stored.held
        log.info(
            "archive page recorded",
            extra={"action": "archive_page", "new": new, "held": aside, "of": len(page)},
        )
        return True

    # --- what was put aside ---------------------------------------------------------------------------------

    async def _try_again(self) -> None:
        """Open again what was put aside, once for each change of keys or library."""
        async with self._store.read() as tx:
            is_same = await instance.find_value(tx, _TRIED_WITH) == self._tools
        if is_same:
            return
        after = 0
        while True:
            async with self._store.read() as tx:
                held = await archives.list_holds(tx, after_id=after, limit=_HOLDS_AT_ONCE)
            if not held:
                break
            after = held[-1].id
            opened = await self._reader.open([one.entry for one in held])
            found = [archive_intake.read(one.entry, told) for one, told in zip(held, opened, strict=True)]
            await self._store.write(partial(self._settle, held=held, found=found))
        await self._store.write(lambda tx: instance.set_value(tx, _TRIED_WITH, self._tools))

    async def _settle(
        self, tx: AsyncConnection, held: Sequence[archives.Hold], found: Sequence[Read]
    ) -> None:
        now = self._clock.now()
        read = [(one, told) for one, told in zip(held, found, strict=True) if told.reason is None]
        await archive_intake.record(
            tx, [told for _, told in read], policy_version=self._policy_version, now=now
        )
        await archives.settle_holds(tx, [one.id for one, _ in read], now)
        reasons: dict[int, tuple[HoldReason, str]] = {
            one.id: (told.reason, told.error)
            for one, told in zip(held, found, strict=True)
            if told.reason is not None and (told.reason, told.error) != (one.reason, one.error)
        }
        await archives.set_reasons(tx, reasons)

    # --- when it does not work ------------------------------------------------------------------------------

    async def _wait(self, held: ArchiveLease, error: errors.ChannelError) -> float:
        await self._release(held)
        self._failures += 1
        seconds = min(2.0 ** min(self._failures - 1, 8), _LONGEST_BACKOFF_SECONDS)
        if isinstance(error, errors.ChannelBusy):
            seconds = max(seconds, error.retry_after.total_seconds())
        elif isinstance(error, errors.ChannelRefused):
            seconds = _REFUSED_SECONDS
        log.warning(
            "archive not read",
            extra={"action": "archive_failed", "error": type(error).__name__, "reason": str(error)},
        )
        return seconds

    async def _release(self, held: ArchiveLease) -> None:
        with contextlib.suppress(errors.StoreUnavailable):
            await self._store.write(lambda tx: archives.release(tx, held))

"""Reading service accounts: every page, with a stored cursor, one reader per account at a time.

A callback only says that something waits; the log is the truth. Accounts are also read every minute without a callback,
because callbacks may be lost (WeCom doc 94670).
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from bot import intake
from bot.channels.wecom.kf import Kf
from domain.ports import Clock
from store import accounts, turns
from store.database import Store

log = logging.getLogger(__name__)

# Longer than a page takes, shorter than anybody would wait for a dead reader.
_LEASE = timedelta(seconds=30)


class Puller:
    """Reads the accounts of one corp into the store."""

    def __init__(
        self,
        store: Store,
        kf: Kf,
        clock: Clock,
        rules: turns.TurnRules,
        *,
        owner: str,
        limit: int,
        is_whole: Callable[[str], bool],
        on_new: Callable[[], None],
    ) -> None:
        self._store = store
        self._kf = kf
        self._clock = clock
        self._rules = rules
        self._owner = owner
        self._limit = limit
        self._is_whole = is_whole
        self._on_new = on_new
        self._waiting: dict[str, asyncio.Task[bool]] = {}
        self._one_reader: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def pull(self, account_id: str, sync_token: str = "") -> bool:
        """Read the account to its end. False when another process is reading it: ask again a little later.

        However many ask, one pull runs and one waits: it will see what all of them were told of. Raises the
        ChannelError that stopped it; what was read before is stored.
        """
        waiting = self._waiting.get(account_id)
        if waiting is None:
            waiting = asyncio.create_task(self._pull_next(account_id, sync_token), name=f"pull-{account_id}")
            self._waiting[account_id] = waiting
        return await asyncio.shield(waiting)

    async def _pull_next(self, account_id: str, sync_token: str) -> bool:
        async with self._one_reader[account_id]:
            self._waiting.pop(account_id, None)
            wall = self._clock.wall()
            held = await self._store.write(
                lambda tx: accounts.claim_cursor(tx, account_id, wall=wall, owner=self._owner, lease=_LEASE)
            )
            if held is None:
                return False
            try:
                return await self._read_pages(held, sync_token)
            finally:
                await self._store.write(lambda tx: accounts.release_cursor(tx, held))

    async def _read_pages(self, held: accounts.CursorLease, sync_token: str) -> bool:
        cursor = held.cursor
        while True:
            page = await self._kf.sync(held.account_id, cursor, sync_token, self._limit)
            now = self._clock.now()
            record = partial(
                intake.record_page, held=held, page=page, rules=self._rules, is_whole=self._is_whole, now=now
            )
            stored = await self._store.write(record)
            if stored is None:
                return False
            if stored:
                self._on_new()
            cursor = page.next_cursor or cursor
            if not page.has_more:
                return True

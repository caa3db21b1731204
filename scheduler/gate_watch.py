"""A look at a group when the hour of one of its members has come: 24, 48, 72 hours or 7 days after joining.

The platform tells a quit once and keeps no history. Where that event was lost, only a look at the whole list tells, and
only a look about the member's hour tells on which side of it the quit was (domain/cohorts.py, LOOK_SLACK). So groups in
a template are looked at then, each once for all members whose hour has come, and quit rates are those of a world in
which no event is ever lost.
"""

from __future__ import annotations

import logging

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ports import Clock
from scheduler.ticker import Wakeup
from store import cohort_reports, lookups
from store.database import Store
from store.lookups import LookupKind

log = logging.getLogger(__name__)

# How often it is asked whose hour has come; well below LOOK_SLACK, as the look itself takes its time.
EVERY_SECONDS = 300.0


class GateWatch:
    """A worker without rows of its own: what was looked at since is not asked for again."""

    def __init__(self, store: Store, clock: Clock, *, lookups_bell: Wakeup | None = None) -> None:
        self._store = store
        self._clock = clock
        self._lookups_bell = lookups_bell

    async def watch_due(self) -> int:
        """Ask for a look at each group whose member's hour has come; return how many. For Ticker.every."""
        now = self._clock.now()

        async def job(tx: AsyncConnection) -> int:
            due = await cohort_reports.list_due_looks(tx, now)
            await lookups.want(tx, LookupKind.GROUP, due, now=now)
            return len(due)

        async with self._store.read() as tx:
            if not await cohort_reports.list_due_looks(tx, now):
                return 0
        count = await self._store.write(job)
        if self._lookups_bell is not None:
            self._lookups_bell.ring()
        log.info("gates looked at", extra={"action": "gates_looked_at", "count": count})
        return count

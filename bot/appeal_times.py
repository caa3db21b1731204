"""What time does to appeals, now and then: hands on what nobody took up, reminds, closes what is over.

The limits are content/review_rules.toml, the moves audit/appealing.py. Two processes at once do no harm: an appeal
moves only from the state it was read in.
"""

from __future__ import annotations

import logging

from audit import appealing
from domain.hours import ServiceHours
from domain.ports import Clock
from store import appeals
from store.database import Store

log = logging.getLogger(__name__)


class AppealTimes:
    """Looks at the appeals whose time is over."""

    def __init__(self, store: Store, clock: Clock, hours: ServiceHours) -> None:
        self._store = store
        self._clock = clock
        self._company = appealing.company(hours)

    async def look(self) -> None:
        """Move what is overdue; asks the store for the next date first, so that a quiet minute writes nothing."""
        now = self._clock.now()
        async with self._store.read() as tx:
            due_at = await appeals.find_next_due(tx)
        if due_at is None or due_at > now:
            return
        moved = await self._store.write(lambda tx: appealing.run_due(tx, self._company, now))
        log.info("appeals moved on", extra={"action": "appeals_moved", "count": moved})

"""What time does to appeals and reviews, now and then: hands on what nobody took up, reminds, closes what is over.

A session that ended with a complaint, a dispute or a customer at risk in it is given to people here, all of them.

The limits are content/review_rules.toml, the moves audit/appealing.py. Two processes at once do no harm: an appeal
moves only from the state it was read in.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from audit import appealing, drawing
from content import review_rules
from domain.hours import ServiceHours
from domain.ports import Clock
from store import appeals
from store.database import Store

log = logging.getLogger(__name__)
# How far back the first look goes, for what ended while nothing ran; and every later one.
_FIRST_LOOK = timedelta(days=31)
_LOOK = timedelta(days=3)


class AppealTimes:
    """Looks at the appeals whose time is over."""

    def __init__(self, store: Store, clock: Clock, hours: ServiceHours) -> None:
        self._store = store
        self._clock = clock
        self._company = appealing.company(hours)
        self._looks_back = _FIRST_LOOK

    async def look(self) -> None:
        """Move what is overdue; asks the store for the next date first, so that a quiet minute writes nothing."""
        now = self._clock.now()
        await self._open_must(now)
        async with self._store.read() as tx:
            due_at = await appeals.find_next_due(tx)
        if due_at is None or due_at > now:
            return
        moved = await self._store.write(lambda tx: appealing.run_due(tx, self._company, now))
        log.info("appeals moved on", extra={"action": "appeals_moved", "count": moved})

    async def _open_must(self, now: datetime) -> None:
        """Ask people about the sessions that must be looked at; two processes at once ask but once."""
        rules, since = review_rules.load(), now - self._looks_back
        async with self._store.read() as tx:
            waits = bool(await drawing.list_must(tx, rules, since))
        if waits:
            opened = await self._store.write(lambda tx: drawing.open_must(tx, rules, since=since, now=now))
            log.info("reviews opened", extra={"action": "must_reviews_opened", "count": opened})
        self._looks_back = _LOOK

"""Watches for what open pages of the desk should hear of, and tells them (console/streams.py).

While pages are open, one cheap look at the store every quarter of a second, and at once when a worker of this process
has recorded something; with nobody looking nothing is asked. So it does not matter which replica recorded a message.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from console.streams import Bye, Streams
from domain.ports import Clock
from scheduler.ticker import Wakeup
from store import desk_news, presence, whispers
from store.database import Store
from store.desk_news import Look, Marks, News, NewsKind

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
# A bell that never stops ringing must not become a loop without rest.
_LEAST_GAP = timedelta(milliseconds=40)
_SESSIONS_GAP = timedelta(seconds=1)
_BEAT_GAP = timedelta(seconds=15)
# On PostgreSQL a smaller id may show after a larger one; the last seconds are read again, and what is known is dropped.
_READ_AGAIN = timedelta(seconds=5)
_KNOWN_LIMIT = 5_000


class DeskWatch:
    """One per process. `on_customer`: called with conversation and message when a customer wrote on an open page."""

    def __init__(self, store: Store, clock: Clock, *, process: str) -> None:
        self._store = store
        self._clock = clock
        self.bell = Wakeup()
        self.streams = Streams(process, ring=self.bell.ring)
        self.on_customer: Callable[[int, int], None] = lambda conversation, message: None
        self._marks: list[tuple[datetime, Marks]] = []
        self._known: OrderedDict[tuple[NewsKind, int], None] = OrderedDict()
        self._looked_at = self._sessions_at = self._beat_at = datetime.min.replace(tzinfo=clock.wall().tzinfo)

    async def watch(self) -> float | None:
        """Look once; a step for ticker.run_loop."""
        streams, wall = self.streams, self._clock.wall()
        streams.sweep()
        if not len(streams):
            self._marks.clear()
            return None
        gap = (self._looked_at + _LEAST_GAP - wall).total_seconds()
        if 0 < gap <= _LEAST_GAP.total_seconds():
            await Wakeup().wait(gap)
        self._looked_at = wall
        await self._look(wall)
        if wall - self._sessions_at >= _SESSIONS_GAP:
            self._sessions_at = wall
            await self._end_sessions(wall)
        if wall - self._beat_at >= _BEAT_GAP:
            self._beat_at = wall
            await self._beat(wall)
        return LOOK_SECONDS

    def stop(self) -> None:
        """Send everybody away, so that a stop need not wait for them."""
        self.streams.stop()

    async def _look(self, wall: datetime) -> None:
        streams = self.streams
        async with self._store.read() as tx:
            if not self._marks:
                # What came before is for each page to catch up with (console/sidebar/stream.py).
                self._marks = [(wall, await desk_news.find_marks(tx))]
            found = await desk_news.look(
                tx,
                self._marks[0][1],
                conversations=streams.conversations(),
                people=streams.people(),
                groups=streams.groups(),
            )
        self._remember(wall, found)
        fresh = [one for one in found.news if self._is_fresh(one)]
        streams.tell(fresh)
        for one in fresh:
            if one.is_customer and one.subject is not None:
                self.on_customer(one.subject, one.number)

    def _remember(self, wall: datetime, found: Look) -> None:
        """Keep how far it was read at which time; the oldest mark within reach is where the next look begins."""
        if found.marks != self._marks[-1][1]:
            self._marks.append((wall, found.marks))
        while len(self._marks) > 1 and self._marks[1][0] <= wall - _READ_AGAIN:
            self._marks.pop(0)

    def _is_fresh(self, one: News) -> bool:
        key = (one.kind, one.number)
        if key in self._known:
            return False
        self._known[key] = None
        while len(self._known) > _KNOWN_LIMIT:
            self._known.popitem(last=False)
        return True

    async def _end_sessions(self, wall: datetime) -> None:
        """End the streams whose login session holds no more."""
        open_now = self.streams.all()
        digests = sorted({one.wanted.session for one in open_now})
        async with self._store.read() as tx:
            ended = await presence.list_ended_sessions(tx, digests, wall)
        for one in open_now:
            if one.wanted.session in ended:
                one.end(Bye.LOGIN)
                self.streams.close(one)
        if ended:
            log.info("streams ended", extra={"action": "streams_ended", "count": len(ended)})

    async def _beat(self, wall: datetime) -> None:
        """Keep the lines alive, and the record of who has which page open."""
        keys = []
        for one in self.streams.all():
            one.beat()
            keys += [key for key, _ in one.keys]

        async def job(tx: AsyncConnection) -> None:
            await presence.keep(tx, keys, wall)
            await presence.sweep(tx, wall)
            await whispers.settle(tx, self._clock.now())

        await self._store.write(job)

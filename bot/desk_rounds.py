"""Finds suggestions for open pages when a customer has written, so that they appear by themselves.

bot/desk_watch.py says who wrote where; whoever may answer there and has the page open gets a round, recorded once for
each last message. Several bubbles that wait together are one round, for the last of them.
"""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.ext.asyncio import AsyncConnection

from console.streams import Streams
from domain.ports import Clock
from domain.suggestion import RoundHow
from handlers.suggesting import Suggester, SuggestionWanted
from scheduler.ticker import Wakeup
from store import dialect, presence, suggestions
from store.database import Store
from store.desk_news import News, NewsKind
from store.presence import Place

log = logging.getLogger(__name__)

# Finding takes about 25 ms of processor time (2026-11-22), but waits for threads and commits meanwhile.
_AT_ONCE = 4


class DeskRounds:
    """One per process. `suggester`: the pages' own one; without it nothing is suggested."""

    def __init__(self, store: Store, clock: Clock, streams: Streams) -> None:
        self._store = store
        self._clock = clock
        self._streams = streams
        self.suggester: Suggester | None = None
        self._waiting: dict[tuple[int, str], int] = {}
        self.bell = Wakeup()

    def want(self, conversation_id: int, message_id: int) -> None:
        """Let everybody who has the conversation open get suggestions for its last message."""
        for who in self._streams.watchers(conversation_id):
            known = self._waiting.get((conversation_id, who), 0)
            self._waiting[conversation_id, who] = max(known, message_id)
        self.bell.ring()

    async def make_due(self) -> float | None:
        """Make the rounds that wait; a step for ticker.run_loop."""
        while self._waiting:
            batch = list(self._waiting.items())[:_AT_ONCE]
            for key, _ in batch:
                del self._waiting[key]
            await asyncio.gather(*(self._try(*key, message_id) for key, message_id in batch))
        return None

    async def _try(self, conversation_id: int, who: str, message_id: int) -> None:
        try:
            await self._make(conversation_id, who, message_id)
        except Exception:
            # The page finds its suggestions itself when it is looked at; the next customer must not wait for it.
            log.exception("no suggestions", extra={"action": "round_failed", "conversation": conversation_id})

    async def _make(self, conversation_id: int, who: str, message_id: int) -> None:
        if self.suggester is None:
            return
        async with self._store.read() as tx:
            place = await presence.find_place(tx, conversation_id)
            if place is None or not may_answer(place, who):
                return
            if await self._is_known(tx, conversation_id, who, message_id):
                return
            wanted = SuggestionWanted(
                conversation_id=conversation_id,
                staff_platform_id=who,
                message_id=message_id,
                how=RoundHow.PUSHED,
            )
            found = await self.suggester.suggest(tx, wanted)
        now = self._clock.now()

        async def job(tx: AsyncConnection) -> int | None:
            # The page itself, or another replica, may have been quicker; console/sidebar/rounds.py takes the same lock.
            await dialect.lock_subjects(tx, "desk_round", [f"{conversation_id}.{who}"])
            if await self._is_known(tx, conversation_id, who, message_id):
                return None
            return (await suggestions.record_round(tx, found, now)).id

        number = await self._store.write(job)
        if number is not None:
            news = News(kind=NewsKind.ROUND, subject=conversation_id, number=number, staff=who)
            self._streams.tell([news])

    async def _is_known(self, tx: AsyncConnection, conversation_id: int, who: str, message_id: int) -> bool:
        latest = await suggestions.find_latest(tx, conversation_id, who)
        return latest is not None and (latest.message_id or 0) >= message_id


def may_answer(place: Place, who: str) -> bool:
    """Say whether suggestions of a conversation are for this person: who serves the session, or the chat's advisor."""
    return who == (place.account_id if place.channel == "chat" else place.servicer)

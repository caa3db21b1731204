"""The open event streams of this process: who listens to what, and what each of them is still to be told.

console/sidebar/stream.py opens one per page and writes what comes out; bot/desk_watch.py puts in what is new and ends
those whose login ended. Nothing but ids goes through here. Everything is bounded: streams per process and person, and
what one of them may have waiting; who does not keep up is sent away and comes back with the last id it saw.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from store.desk_news import Marks, News, NewsKind

STREAMS_LIMIT = 1_000
PERSON_LIMIT = 8
_WAITING_LIMIT = 100
BEAT = b":\n\n"
"""A comment: nothing happened, and we are still here."""


class Bye(StrEnum):
    """Why a stream ended; the page decides by it whether to come back."""

    LOGIN = "login"  # The session was revoked or has run out.
    GONE = "gone"  # The page may not see this conversation any more.
    MANY = "many"  # The same person opened more pages than are kept; the oldest goes.
    FULL = "full"  # This process holds as many streams as it can.
    SLOW = "slow"  # The page did not read what it was told.
    STOPPING = "stopping"  # The process stops.


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a page wants to hear of. `session`: digest of its login session. `group`: our own id of a group."""

    staff: str
    session: str
    conversations: tuple[int, ...] = ()
    group: int | None = None
    marks: Marks = field(default_factory=Marks)


class Stream:
    """One open page. `key` names it in store/presence.py; `keys` are one for each conversation it shows."""

    def __init__(self, wanted: Wanted, is_gone: Callable[[], bool]) -> None:
        self.wanted = wanted
        self.key = secrets.token_hex(16)
        self.marks = wanted.marks
        self.is_gone = is_gone
        self.farewell: Bye | None = None
        self._told: OrderedDict[tuple[NewsKind, int], None] = OrderedDict()
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING_LIMIT)

    @property
    def keys(self) -> list[tuple[str, int | None]]:
        """The keys of this page for the record of who has what open."""
        numbers: tuple[int | None, ...] = self.wanted.conversations or (None,)
        return [(f"{self.key}.{place}", number) for place, number in enumerate(numbers)]

    def concerns(self, news: News) -> bool:
        """Say whether the page wants to hear of this."""
        if news.kind is NewsKind.MESSAGE:
            return news.subject in self.wanted.conversations
        if news.kind is NewsKind.STEP:
            return news.subject is not None and news.subject == self.wanted.group
        return news.staff == self.wanted.staff

    def tell(self, news: News) -> None:
        """Let the page hear of it, once."""
        if (news.kind, news.number) in self._told:
            return
        self._told[news.kind, news.number] = None
        while len(self._told) > _WAITING_LIMIT:
            self._told.popitem(last=False)
        # Marks only grow; a number that comes late is told under the mark that stands.
        reached = max(news.number, getattr(self.marks, news.kind))
        self.marks = replace(self.marks, **{news.kind.value: reached})
        place = "group" if news.kind is NewsKind.STEP else "conversation"
        data = {place: news.subject, news.kind.value: news.number}
        self._put(f"id: {self.marks}\nevent: {news.kind}\ndata: {json.dumps(data)}\n\n".encode())

    def beat(self) -> None:
        """Let the page, and whatever stands between, know that we are still here."""
        self._put(BEAT)

    def end(self, why: Bye) -> None:
        """Say good-bye; nothing comes after it."""
        if self.farewell is None:
            self.farewell = why
            # Whoever comes back is told anew.
            while not self._waiting.empty():
                self._waiting.get_nowait()
            self._waiting.put_nowait(None)

    async def next(self) -> bytes | None:
        """Return what is to be written next; None when the stream has ended."""
        return await self._waiting.get()

    def _put(self, text: bytes) -> None:
        if self.farewell is not None:
            return
        if self._waiting.qsize() >= _WAITING_LIMIT:
            self.end(Bye.SLOW)
            return
        self._waiting.put_nowait(text)


class Streams:
    """All streams of this process. `process`: its name in the record of open pages; `ring`: called for a new one."""

    def __init__(self, process: str = "", ring: Callable[[], None] = lambda: None) -> None:
        self.process = process
        self.ring = ring
        self._open: dict[str, Stream] = {}
        self._is_stopping = False

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def open(self, wanted: Wanted, is_gone: Callable[[], bool]) -> Stream | Bye:
        """Return a new stream, or why there is none. A person's oldest one gives way."""
        if self._is_stopping:
            return Bye.STOPPING
        own = [one for one in self._open.values() if one.wanted.staff == wanted.staff]
        for one in own[: max(len(own) - PERSON_LIMIT + 1, 0)]:
            one.end(Bye.MANY)
            self._open.pop(one.key, None)
        if len(self._open) >= STREAMS_LIMIT:
            return Bye.FULL
        stream = Stream(wanted, is_gone)
        self._open[stream.key] = stream
        self.ring()
        return stream

    def close(self, stream: Stream) -> None:
        """Forget a stream whose page is gone."""
        self._open.pop(stream.key, None)

    def all(self) -> list[Stream]:
        """Return those that are open."""
        return list(self._open.values())

    def tell(self, news: Iterable[News]) -> int:
        """Pass news on to whom they concern; return how many were told."""
        count = 0
        for one in news:
            for stream in self._open.values():
                if stream.concerns(one):
                    stream.tell(one)
                    count += 1
        return count

    def conversations(self) -> set[int]:
        """Return the conversations somebody looks at."""
        return {number for one in self._open.values() for number in one.wanted.conversations}

    def people(self) -> set[str]:
        """Return who has a page open."""
        return {one.wanted.staff for one in self._open.values()}

    def groups(self) -> set[int]:
        """Return the groups somebody looks at."""
        return {one.wanted.group for one in self._open.values() if one.wanted.group is not None}

    def watchers(self, conversation_id: int) -> set[str]:
        """Return who has a page of this conversation open."""
        return {
            one.wanted.staff for one in self._open.values() if conversation_id in one.wanted.conversations
        }

    def sweep(self) -> None:
        """Let go of pages whose connection is closed."""
        for one in self.all():
            if one.is_gone():
                one.end(Bye.STOPPING)
                self.close(one)

    def stop(self) -> None:
        """Say good-bye to everybody, for a process that ends; a stop waits for open answers."""
        self._is_stopping = True
        for one in self.all():
            one.end(Bye.STOPPING)

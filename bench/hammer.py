"""A load generator on bare sockets: requests made beforehand, so many connections, one answer at a time on each.

Cheap on purpose (about 20,000 requests a second on one core), because the server shall be the slow part.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial


@dataclass
class Blows:
    """What came back. `seconds`: one latency per answer."""

    took: float = 0.0
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.took if self.took else 0.0


class _Connection(asyncio.Protocol):
    """Sends the next request when the answer to the last one is whole."""

    def __init__(self, requests: Iterator[bytes], blows: Blows, done: asyncio.Future[None]) -> None:
        self._requests, self._blows, self._done = requests, blows, done
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0 or len(self._buffer) < head + 4 + _length(self._buffer[:head]):
            return
        self._blows.seconds.append(time.perf_counter() - self._sent_at)
        self._blows.statuses[int(self._buffer[9:12])] += 1
        closes = b"connection: close" in self._buffer[:head].lower()
        self._buffer = b""
        if closes:
            self._finish()
        else:
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._blows.broken += self._sent_at > 0
            self._done.set_result(None)

    def _next(self) -> None:
        request = next(self._requests, None)
        assert self._transport is not None
        if request is None:
            self._finish()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def _finish(self) -> None:
        assert self._transport is not None
        self._sent_at = 0.0
        self._transport.close()


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    if at < 0:
        return 0
    end = lowered.find(b"\r", at)
    return int(lowered[at + 15 : end if end > 0 else None])


async def strike(port: int, requests: Sequence[bytes], connections: int) -> Blows:
    """Send all requests over `connections` connections and return what came back.

    A connection the server closes is opened again, until every request has been sent.
    """
    loop = asyncio.get_running_loop()
    blows, left = Blows(), iter(requests)
    begun = time.perf_counter()

    async def keep_one() -> None:
        while len(blows.seconds) + blows.broken < len(requests):
            before = len(blows.seconds) + blows.broken
            done: asyncio.Future[None] = loop.create_future()
            await loop.create_connection(partial(_Connection, left, blows, done), "127.0.0.1", port)
            await done
            if len(blows.seconds) + blows.broken == before:
                return

    await asyncio.gather(*(keep_one() for _ in range(connections)))
    blows.took = time.perf_counter() - begun
    return blows


def request_of(path: str, body: bytes) -> bytes:
    """Return the bytes of a POST."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

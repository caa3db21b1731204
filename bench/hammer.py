"""A load generator on bare sockets: requests made beforehand, so many connections, one answer at a time on each.

Cheap on purpose (epoll, no event loop), because the server shall be the slow part.
"""

from __future__ import annotations

import asyncio
import itertools
import select
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


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


class _Connection:
    """One socket; sends the next request when the answer to the last one is whole."""

    def __init__(self, port: int, poll: select.epoll) -> None:
        self._port, self._poll = port, poll
        self._buffer = b""
        self._rest = memoryview(b"")
        self.sent_at = 0.0
        self.open()

    def open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self._port))
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._poll.register(self.socket, select.EPOLLIN)

    def close(self) -> None:
        self._poll.unregister(self.socket)
        self.socket.close()

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self._rest = memoryview(request)
        self.push()

    def push(self) -> None:
        """Send what is left of the request."""
        try:
            self._rest = self._rest[self.socket.send(self._rest) :]
        except BlockingIOError:
            pass
        except OSError:
            self._rest = memoryview(b"")  # Refused in the middle; the answer may still be there to be read.
        self._poll.modify(self.socket, select.EPOLLIN | (select.EPOLLOUT if len(self._rest) else 0))

    def receive(self) -> tuple[int, bool] | None:
        """Return status and whether the server closes, None while the answer is not whole; status 0: it broke."""
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        if not data:
            self._buffer = b""
            return 0, True
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0 or len(self._buffer) < head + 4 + _length(self._buffer[:head]):
            return None
        status = int(self._buffer[9:12])
        closes = b"connection: close" in self._buffer[:head].lower()
        self._buffer = b""
        return status, closes or len(self._rest) > 0


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    if at < 0:
        return 0
    end = lowered.find(b"\r", at)
    return int(lowered[at + 15 : end if end > 0 else None])


def _strike(port: int, requests: Sequence[bytes], connections: int) -> Blows:
    blows, left = Blows(), iter(requests)
    poll = select.epoll()
    open_ones: dict[int, _Connection] = {}
    begun = time.perf_counter()
    for request in itertools.islice(left, connections):
        one = _Connection(port, poll)
        open_ones[one.socket.fileno()] = one
        one.send(request)
    while open_ones:
        for number, mask in poll.poll():
            one = open_ones[number]
            if mask & select.EPOLLOUT:
                one.push()
            answer = one.receive() if mask & ~select.EPOLLOUT else None
            if answer is None:
                continue
            status, closes = answer
            if status:
                blows.seconds.append(time.perf_counter() - one.sent_at)
                blows.statuses[status] += 1
            else:
                blows.broken += 1
            request_or_none = next(left, None)
            if closes or request_or_none is None:
                del open_ones[number]
                one.close()
                if request_or_none is not None:
                    one.open()
                    open_ones[one.socket.fileno()] = one
            if request_or_none is not None:
                one.send(request_or_none)
    blows.took = time.perf_counter() - begun
    poll.close()
    return blows


async def strike(port: int, requests: Sequence[bytes], connections: int) -> Blows:
    """Send all requests over `connections` connections and return what came back.

    A connection the server closes is opened again, until every request has been sent. Works in a thread.
    """
    return await asyncio.to_thread(_strike, port, requests, connections)


def request_of(path: str, body: bytes) -> bytes:
    """Return the bytes of a POST."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

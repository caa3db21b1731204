"""Staying under the platform's limits, per API path.

Used by client.py around every call. Two buckets per path stand for the documented limits of 10,000 a minute
and 150,000 an hour (WeCom doc 90312); `share` divides them among replicas. The limit on calls at the same
time (45033) is not published, so it is a modest number of ours. After 45009 nobody calls that path until
the cooldown ends: repeating before that burns quota for nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

from domain.errors import ChannelBusy
from domain.ports import Clock

# capacity + refill over the window stays under the limit: 1,000 + 60 x 150 and 42,000 + 3,600 x 30.
_MINUTE = (1_000.0, 150.0)
_HOUR = (42_000.0, 30.0)
_COOLDOWN_LIMIT = timedelta(hours=1)


class _Bucket:
    def __init__(self, capacity: float, per_second: float, now: float) -> None:
        self._capacity, self._rate = capacity, per_second
        self._tokens, self._at = capacity, now

    def take(self, now: float) -> float:
        """Take one token, possibly of the future, and return the seconds until it is ours."""
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._rate) - 1
        self._at = now
        return max(0.0, -self._tokens / self._rate)


class Pacing:
    """The limits of one corp. Share one among all clients of that corp.

    `clock` times cooldowns, since the platform's limits live in its time; `monotonic` times the buckets.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        share: float = 1.0,
        concurrency: int = 20,
        cooldown: timedelta = timedelta(minutes=1),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._monotonic, self._share, self._cooldown = clock, monotonic, share, cooldown
        self._buckets: dict[str, tuple[_Bucket, _Bucket]] = {}
        self._slots: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(concurrency))
        self._closed_until: dict[str, datetime] = {}
        self._strikes: dict[str, int] = defaultdict(int)

    @contextlib.asynccontextmanager
    async def turn(self, endpoint: str) -> AsyncIterator[None]:
        """Hold a place for one call. Raises ChannelBusy at once while the path cools down."""
        self._check_open(endpoint)
        async with self._slots[endpoint]:
            if wait := max(bucket.take(self._monotonic()) for bucket in self._pair(endpoint)):
                await asyncio.sleep(wait)
            self._check_open(endpoint)
            yield

    def close(self, endpoint: str) -> timedelta:
        """Note a 45009 and return how long the path stays closed: the unit of the limit is not told, so
        one minute first, doubled up to an hour when the next call is refused again."""
        now = self._clock.now()
        if self._closed_until.get(endpoint, now) <= now:  # else a neighbour's refusal from the same moment
            length = min(self._cooldown * 2 ** self._strikes[endpoint], _COOLDOWN_LIMIT)
            self._strikes[endpoint] = min(self._strikes[endpoint] + 1, 10)
            self._closed_until[endpoint] = now + length
        return self._closed_until[endpoint] - now

    def passed(self, endpoint: str) -> None:
        """Note that the platform took a call, so that the next 45009 is a first one."""
        if endpoint in self._strikes:
            del self._strikes[endpoint]

    def _pair(self, endpoint: str) -> tuple[_Bucket, _Bucket]:
        if endpoint not in self._buckets:
            (minute, hour), now, share = (_MINUTE, _HOUR), self._monotonic(), self._share
            self._buckets[endpoint] = (
                _Bucket(minute[0] * share, minute[1] * share, now),
                _Bucket(hour[0] * share, hour[1] * share, now),
            )
        return self._buckets[endpoint]

    def _check_open(self, endpoint: str) -> None:
        until = self._closed_until.get(endpoint)
        if until is not None and (left := until - self._clock.now()) > timedelta(0):
            what = f"{endpoint}: waiting for the platform's frequency limit to pass"
            raise ChannelBusy(what, retry_after=left, errcode=45009, endpoint=endpoint)

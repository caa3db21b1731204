"""How often somebody may ask: per session, per address, and per address for ways in. Counted in this process.

A bucket fills evenly and holds one minute's worth, so a page that asks for twenty things at once is no offence. What
is asked beyond it is answered 429 with Retry-After, before the store is asked who it is. Static files are not counted:
they cost nothing and browsers keep them. The customers' pages have their own limits (console/week/limits.py).
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from domain.ports import Clock

_SECONDS = 60.0
_KEYS = 20_000

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Requests a minute; 0 is no limit. `sign_in`: of the ways in, per address."""

    session: int = 0
    address: int = 0
    sign_in: int = 0


class Buckets:
    """One bucket per key, of `per_minute`; the keys used longest ago are forgotten beyond a bound."""

    def __init__(self, per_minute: int, *, keys: int = _KEYS) -> None:
        self._most = float(per_minute)
        self._keys = keys
        self._left: OrderedDict[str, tuple[datetime, float]] = OrderedDict()

    def take(self, key: str, now: datetime) -> float:
        """Take one; return 0, or how many seconds it is until there is one again. `now`: machine time."""
        if not self._most:
            return 0.0
        since, left = self._left.get(key, (now, self._most))
        passed = max(0.0, (now - since).total_seconds())
        left = min(self._most, left + passed * self._most / _SECONDS)
        wait = 0.0 if left >= 1.0 else (1.0 - left) * _SECONDS / self._most
        self._left[key] = (now, left - 1.0 if not wait else left)
        self._left.move_to_end(key)
        if len(self._left) > self._keys:
            self._left.popitem(last=False)
        return wait


class Gate:
    """The limits of one set of pages under `root`, e.g. "/console". `ways_in`: paths by which people come in."""

    def __init__(
        self, rates: Rates, clock: Clock, *, root: str, cookie: str, ways_in: frozenset[str]
    ) -> None:
        self._clock, self._cookie, self._ways_in = clock, cookie, ways_in
        self._free = (f"{root}/static/", f"{root}/lib/")
        self._by_session = Buckets(rates.session)
        self._by_address = Buckets(rates.address)
        self._by_entry = Buckets(rates.sign_in)

    def wait(self, request: web.Request, address: str) -> float:
        """Count the request; return 0, or after how many seconds it may be asked again."""
        if request.path.startswith(self._free):
            return 0.0
        now = self._clock.wall()
        waits = [self._by_address.take(address, now)]
        token = request.cookies.get(self._cookie, "")
        if token:
            digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
            waits.append(self._by_session.take(digest, now))
        # Looking at the login page is no try; sending its form is.
        if request.path in self._ways_in and not (
            request.method == "GET" and request.path.endswith("/login")
        ):
            waits.append(self._by_entry.take(address, now))
        return max(waits)


def limiting(
    gate: Gate, address_of: Callable[[web.Request], str], refuse: Callable[[web.Request], web.Response]
) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the middleware that lets `refuse` answer what is too much; Retry-After is added here."""

    @web.middleware
    async def limit(request: web.Request, handler: _Handler) -> web.StreamResponse:
        wait = gate.wait(request, address_of(request))
        if not wait:
            return await handler(request)
        response = refuse(request)
        response.headers["Retry-After"] = str(math.ceil(wait))
        return response

    return limit

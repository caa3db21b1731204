"""The access token of one secret: one in the database, one renewal at a time.

client.py asks for the current token before each call and for a renewed one when the platform refuses it.
However many callers and replicas find a token stale, one gettoken is made: callers of a process share one
task, and processes share a lease on the row (store/tokens.py). Repeating gettoken is throttled, and a wrong
secret tried often blocks the address for an hour, so a refusal is remembered for a minute. WeCom doc 91039.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from domain.errors import ChannelError, ChannelUnauthorised
from domain.platform import AccessToken
from domain.ports import Clock
from store import tokens
from store.database import Store

log = logging.getLogger(__name__)

# Longer than gettoken's own timeout (client.py), so that a lease is lost only by a dead process; short, because
# after a crash in the middle of a renewal everyone waits for it.
LEASE = timedelta(seconds=8)
_PAUSE_SECONDS = 0.05  # Between looks at the row while another process renews.
_REFUSAL_LASTS = timedelta(minutes=1)
_MARGIN = timedelta(minutes=5)

Fetch = Callable[[], Awaitable[tuple[str, timedelta]]]


def key(corp_id: str, secret: str) -> str:
    """Return the row's key. One token per secret, so the key tells secrets apart without showing them."""
    return hashlib.sha256(f"{corp_id}\0{secret}".encode()).hexdigest()


class Tokens:
    """The token under `key`; `fetch` makes a new one and tells how long it lives."""

    def __init__(self, store: Store, clock: Clock, key: str, fetch: Fetch) -> None:
        self._store, self._clock, self._key, self._fetch = store, clock, key, fetch
        self._known: AccessToken | None = None
        self._flight: asyncio.Task[AccessToken] | None = None
        self._refused: tuple[datetime, ChannelUnauthorised] | None = None

    async def current(self) -> AccessToken:
        """Return a token that should work. Raises ChannelUnauthorised, ChannelUnreachable, ChannelBusy."""
        if self._known is not None and self._is_fresh(self._known):
            return self._known
        return await self._newer_than(self._known.version if self._known else 0)

    async def renewed(self, stale: AccessToken) -> AccessToken:
        """Return a token newer than `stale`, which the platform has just refused. Raises as `current`."""
        if self._known is not None and self._known.version > stale.version:
            return self._known
        self._known = None
        return await self._newer_than(stale.version)

    async def close(self) -> None:
        """End a renewal that is under way."""
        if self._flight is not None and not self._flight.done():
            self._flight.cancel()
            await asyncio.wait([self._flight])

    async def _newer_than(self, version: int) -> AccessToken:
        while True:
            if self._flight is None or self._flight.done():
                self._flight = asyncio.create_task(self._renew(version), name="token-renewal")
                self._flight.add_done_callback(_retrieve)
            # Shielded: one caller who gives up must not end the renewal the others wait for.
            found = await asyncio.shield(self._flight)
            self._known = found
            if found.version > version:
                return found

    async def _renew(self, version: int) -> AccessToken:
        self._raise_if_refused()
        while True:
            async with self._store.read() as tx:
                found = await tokens.find(tx, self._key)
            if found is not None and found.version > version and self._is_fresh(found):
                return found
            if renewed := await self._try_renewal(found.version if found else 0):
                return renewed
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _try_renewal(self, version: int) -> AccessToken | None:
        owner, wall = secrets.token_hex(16), self._clock.wall()
        if not await self._store.write(
            lambda tx: tokens.claim_renewal(tx, self._key, version, owner, wall, wall + LEASE)
        ):
            return None
        try:
            value, lifetime = await self._fetch()
        except ChannelError as error:
            if isinstance(error, ChannelUnauthorised):
                self._refused = (wall, error)
            await self._store.write(lambda tx: tokens.release(tx, self._key, owner))
            raise
        now = self._clock.now()
        log.info("token renewed", extra={"action": "token_renewed", "token_key": self._key[:8]})
        return await self._store.write(
            lambda tx: tokens.replace(tx, self._key, owner, value, now, now + lifetime)
        )

    def _raise_if_refused(self) -> None:
        if self._refused is not None and self._clock.wall() - self._refused[0] < _REFUSAL_LASTS:
            raise ChannelUnauthorised(
                str(self._refused[1]), errcode=self._refused[1].errcode, endpoint=self._refused[1].endpoint
            )

    def _is_fresh(self, token: AccessToken) -> bool:
        # A tenth of a short life, so that a test server's 30-second tokens work too.
        margin = min(_MARGIN, (token.expires_at - token.obtained_at) / 10)
        return self._clock.now() < token.expires_at - margin


def _retrieve(flight: asyncio.Task[AccessToken]) -> None:
    if not flight.cancelled():
        flight.exception()  # Callers got it; a flight nobody waits for any more is no news.

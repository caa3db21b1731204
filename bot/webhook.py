"""The door for callbacks: verify, store once, answer 200.

GET proves to WeCom that the address is ours; POST brings an event. Nothing is parsed before its signature holds,
nothing unverified is stored or logged, and 200 is said only after the commit (WeCom doc 90930).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from bot.channels.wecom import envelope, parsing
from bot.inbox import Inbox
from bot.metrics import Metrics
from domain.errors import EnvelopeError, StoreUnavailable

log = logging.getLogger(__name__)

# An encrypted callback is a few kilobytes; WeCom's largest documented text field is 2,048 bytes.
BODY_LIMIT_BYTES = 64 * 1024
_DRAIN_SECONDS = 2.0
_STORE_DOWN = "store down, event not accepted"
_FORBIDDEN = {envelope.BAD_SIGNATURE, envelope.BAD_RECEIVER}


class Answering(Protocol):
    """Who answers callbacks whose answer goes back inside the response (bot/aibot_door.py)."""

    async def respond(
        self, request: web.Request, receiver: envelope.Receiver, plaintext: bytes
    ) -> web.StreamResponse:
        """Store what has to be stored, then answer; raises EnvelopeError and StoreUnavailable."""
        ...


class Webhook:
    """Answers `/callback/{receiver}`. `answering`: by receiver, who answers there instead of the inbox."""

    def __init__(
        self,
        receivers: Mapping[str, envelope.Receiver],
        inbox: Inbox,
        metrics: Metrics,
        answering: Mapping[str, Answering] | None = None,
    ) -> None:
        self._receivers = receivers
        self._answering = answering or {}
        self._inbox = inbox
        self._metrics = metrics
        self._accepted = {name: metrics.events_accepted.labels(name) for name in receivers}

    def add_routes(self, app: web.Application) -> None:
        """Register both methods."""
        app.router.add_get("/callback/{receiver}", self.verify)
        app.router.add_post("/callback/{receiver}", self.receive)

    async def verify(self, request: web.Request) -> web.Response:
        """Answer the URL check with the decrypted echo, nothing around it, within a second (WeCom doc 90930)."""
        receiver = self._receivers.get(request.match_info["receiver"])
        if receiver is None:
            return _empty(404)
        try:
            echo = envelope.open_echo(receiver, request.query)
        except EnvelopeError as error:
            return self._refuse(receiver.name, error)
        return web.Response(body=echo, content_type="text/plain")

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Store a genuine event under its key and answer 200; 503 while the store is down, so that WeCom retries."""
        receiver = self._receivers.get(request.match_info["receiver"])
        if receiver is None:
            return _empty(404)
        if (request.content_length or 0) > BODY_LIMIT_BYTES:
            return await self._refuse_large(request, receiver.name)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return await self._refuse_large(request, receiver.name)
        try:
            plaintext = envelope.open_post(receiver, request.query, body)
            if receiver.name in self._answering:
                return await self._respond(request, receiver, plaintext)
            kind = parsing.kind_of(parsing.parse(plaintext))
        except EnvelopeError as error:
            return self._refuse(receiver.name, error)
        key = envelope.dedupe_key(receiver, plaintext)
        try:
            await self._inbox.accept(key=key, receiver=receiver.name, kind=kind, body=plaintext)
        except StoreUnavailable:
            log.exception(_STORE_DOWN, extra={"action": "event_not_stored", "event": key})
            return _empty(503)
        self._accepted[receiver.name].inc()
        return _empty(200)

    async def _respond(
        self, request: web.Request, receiver: envelope.Receiver, plaintext: bytes
    ) -> web.StreamResponse:
        try:
            return await self._answering[receiver.name].respond(request, receiver, plaintext)
        except StoreUnavailable:
            key = envelope.dedupe_key(receiver, plaintext)
            log.exception(_STORE_DOWN, extra={"action": "event_not_stored", "event": key})
            return _empty(503)

    def _refuse(self, receiver: str, error: EnvelopeError) -> web.Response:
        log.warning(
            "callback refused", extra={"action": "callback_refused", "receiver": receiver, "code": error.code}
        )
        self._metrics.events_refused.labels(receiver, str(error.code)).inc()
        return _empty(403 if error.code in _FORBIDDEN else 400)

    async def _refuse_large(self, request: web.Request, receiver: str) -> web.Response:
        """Answer 413. The rest of the body is read and thrown away first, so that the sender sees the answer."""
        log.warning("callback too large", extra={"action": "callback_too_large", "receiver": receiver})
        self._metrics.events_refused.labels(receiver, "413").inc()
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                async for _ in request.content.iter_any():
                    pass
        response = _empty(413)
        response.force_close()
        return response


def _empty(status: int) -> web.Response:
    return web.Response(status=status)

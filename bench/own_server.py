"""Our door for callbacks without the rest of the house: `python -m bench.own_server PORT [DATABASE_URL]`.

With a database every event is committed before the 200, as in the product; the loops that work on events afterwards do
not run. Without one the inbox takes the event and forgets it, which shows what the web server and the envelope cost.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from aiohttp import web

from bench import wecom
from bot.channels.wecom import envelope
from bot.clock import SystemClock
from bot.metrics import Metrics
from bot.webhook import BODY_LIMIT_BYTES, Webhook
from scheduler.ticker import Wakeup
from store import events, schema
from store.database import Store
from store.tables import event


class Forgetful:
    """An inbox that stores nothing."""

    async def accept(self, *, key: str, receiver: str, kind: str, body: bytes) -> None:
        """Forget it."""


class Durable:
    """What bot.inbox.Inbox.accept does, without what follows."""

    def __init__(self, store: Store) -> None:
        self._store, self._clock, self._bell = store, SystemClock(), Wakeup()

    async def accept(self, *, key: str, receiver: str, kind: str, body: bytes) -> None:
        """Store it."""
        row = events.new_row(key=key, receiver=receiver, kind=kind, body=body, at=self._clock.now())
        await self._store.add(event, row)
        self._bell.ring()


async def serve(port: int, database_url: str) -> None:
    """Serve until SIGTERM."""
    store = None
    if database_url:
        await asyncio.to_thread(schema.ensure, database_url)
        store = await Store.open(database_url)
    receiver = envelope.Receiver(
        name="kf", token=wecom.TOKEN, aes_key=wecom.AES_KEY, receive_id=wecom.CORP, agent_id=wecom.AGENT
    )
    application = web.Application(client_max_size=BODY_LIMIT_BYTES)
    inbox = Durable(store) if store else Forgetful()
    Webhook({"kf": receiver}, inbox, Metrics()).add_routes(application)  # type: ignore[arg-type]  # accept is all it asks
    application.router.add_get("/healthz", _healthz)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await runner.cleanup()
    if store is not None:
        await store.close()


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok")


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))

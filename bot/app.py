"""The composition root: the only place that builds store, content, channel and clock, and joins them.

`opened` is the house without its loops, for the command line; `serve` is the whole thing until it is told to stop;
`running` is the same for tests. Start: schema, store, words, loops, doors. Stop: doors first, then what is on its way.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from bot import assembling, config, machine, serving_lock
from bot.aibot_door import AibotDoor
from bot.channels.wecom import aibot, envelope, pacing
from bot.channels.wecom import errors as wecom_errors
from bot.channels.wecom.app_chats import AppChats
from bot.channels.wecom.app_messages import AppMessages
from bot.channels.wecom.client import Settings as ClientSettings
from bot.channels.wecom.client import WeComClient
from bot.channels.wecom.contacts import Contacts
from bot.channels.wecom.external import External
from bot.channels.wecom.group_welcomes import GroupWelcomes
from bot.channels.wecom.kf import Kf
from bot.channels.wecom.mass import MassSends
from bot.channels.wecom.msgaudit import MsgAudit
from bot.channels.wecom.statistics import ContactStatistics, KfStatistics
from bot.channels.wecom.uploads import Uploads
from bot.channels.wecom.web_login import WebLogin
from bot.clock import FileClock, SystemClock
from bot.library import Library
from bot.loops import Loops
from bot.metrics import Metrics
from bot.pages import add_pages
from bot.webhook import BODY_LIMIT_BYTES, Webhook
from content.loading import Content
from domain.errors import ConfigError
from domain.ports import Clock
from store import instance, schema
from store.database import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class House:
    """Everything that is open. `kf` and `client` are None without a receiver named kf.

    `contacts`, `external`, `mass`, `uploads` and `group_welcomes` are None without a receiver named contacts;
    `app_messages`, `app_chats` and `web_login` without one named assistant that has an agent_id.
    """

    settings: config.Settings
    store: Store
    clock: Clock
    library: Library
    metrics: Metrics
    client: WeComClient | None
    kf: Kf | None
    owner: str
    went_live_at: datetime
    started_at: datetime
    contacts: Contacts | None = None
    external: External | None = None
    contact_statistics: ContactStatistics | None = None
    kf_statistics: KfStatistics | None = None
    mass: MassSends | None = None
    uploads: Uploads | None = None
    group_welcomes: GroupWelcomes | None = None
    app_messages: AppMessages | None = None
    app_chats: AppChats | None = None
    web_login: WebLogin | None = None
    # None where the message archive is not set up.
    msgaudit: MsgAudit | None = None

    @property
    def content(self) -> Content:
        return self.library.content


async def serve(settings: config.Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises ConfigError for a port that is taken or a second `serve` on one SQLite file, StoreUnavailable, ContentError.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    async with running(settings) as (_, address):
        gc.freeze()
        gc.enable()
        log.info("ready", extra={"action": "ready", "address": address})
        await stopped.wait()
        log.info("stopping", extra={"action": "stopping"})


@contextlib.asynccontextmanager
async def running(settings: config.Settings) -> AsyncIterator[tuple[House, str]]:
    """Give the house with its loops and doors and the address it listens on (the port may have been 0)."""
    with serving_lock.held(settings.store.url), _listening(settings.server) as listener:
        async with opened(settings, goes_live=True) as house:
            loops = Loops(house)
            await loops.take_over()
            application = application_of(house, loops)
            runner = web.AppRunner(
                application,
                access_log=None,
                shutdown_timeout=settings.server.shutdown_seconds,
                # webhook.py reads the rest of a large body itself, under a limit of its own.
                lingering_time=0,
            )
            await runner.setup()
            site = web.SockSite(runner, listener)
            # Doors first: the loops begin with half a second of work, and a callback only has to be stored.
            await site.start()
            await loops.start()
            try:
                yield house, f"http://{settings.server.host}:{listener.getsockname()[1]}"
            finally:
                await runner.cleanup()
                await loops.stop(settings.server.shutdown_seconds)


@contextlib.asynccontextmanager
async def opened(settings: config.Settings, *, goes_live: bool = False) -> AsyncIterator[House]:
    """Give the house without loops and doors: store open and of the right schema, words loaded, client ready.

    `goes_live`: this is the server; its first start is when the company goes live, unless the settings say when. It
    also takes the last good words when the files have mistakes, while commands refuse them.
    """
    clock = _clock(settings)
    await asyncio.to_thread(schema.ensure, settings.store.url)
    store = await Store.open(settings.store.url)
    clients: dict[str, WeComClient] = {}
    web_login: WebLogin | None = None
    try:
        metrics = Metrics()
        now = clock.now()
        first_served_at = await store.write(
            lambda tx: instance.ensure_went_live(tx, now) if goes_live else instance.find_went_live(tx)
        )
        library = Library(store, clock, assembling.library_rules(settings))
        await library.load(takes_last_good=goes_live)
        clients |= _clients(settings, store, clock, metrics)
        client, people = clients.get("kf"), clients.get("contacts")
        assistant, agent_id = clients.get("assistant"), _agent_id(settings, "assistant")
        if assistant is not None and agent_id is not None:
            base, sso_base = settings.wecom.login_base, settings.wecom.sso_base
            web_login = WebLogin(assistant, store, clock, agent_id=agent_id, base=base, sso_base=sso_base)
        yield House(
            settings=settings,
            store=store,
            clock=clock,
            library=library,
            metrics=metrics,
            client=client,
            kf=Kf(client, clock) if client else None,
            owner=machine.owner_name(),
            went_live_at=(settings.kf.go_live_at or first_served_at or now).astimezone(UTC),
            started_at=now,
            contacts=Contacts(people) if people else None,
            external=External(people, clock) if people else None,
            contact_statistics=ContactStatistics(people) if people else None,
            kf_statistics=KfStatistics(client) if client else None,
            mass=MassSends(people, clock) if people else None,
            uploads=Uploads(people, store, clock) if people else None,
            group_welcomes=GroupWelcomes(people, _agent_id(settings, "contacts")) if people else None,
            app_messages=AppMessages(assistant, agent_id) if assistant and agent_id else None,
            app_chats=AppChats(assistant) if assistant and agent_id else None,
            web_login=web_login,
            msgaudit=MsgAudit(clients["archive"]) if "archive" in clients else None,
        )
    finally:
        if web_login is not None:
            await web_login.close()
        for client in clients.values():
            await client.close()
        await store.close()


def receivers(settings: config.Settings) -> dict[str, envelope.Receiver]:
    """Return the callback receivers by name, ready to open envelopes."""
    return {
        name: envelope.Receiver(
            name=name,
            token=one.token.get_secret_value(),
            aes_key=one.aes_key.get_secret_value(),
            receive_id=settings.wecom.corp_id if one.receive_id is None else one.receive_id,
            agent_id=one.agent_id,
        )
        for name, one in settings.wecom.receivers.items()
    }


def _agent_id(settings: config.Settings, name: str) -> int | None:
    receiver = settings.wecom.receivers.get(name)
    return receiver.agent_id if receiver else None


def application_of(house: House, loops: Loops) -> web.Application:
    """Return the doors of the house: callbacks and pages."""
    application = web.Application(client_max_size=BODY_LIMIT_BYTES)
    counted = house.metrics.events_accepted.labels(aibot.RECEIVER).inc
    robot = AibotDoor(loops.staff_questions, loops.inbox, house.clock, counted)
    webhook = Webhook(
        receivers(house.settings), loops.inbox, house.metrics, answering={aibot.RECEIVER: robot}
    )
    webhook.add_routes(application)
    add_pages(application, house, loops)
    return application


def _clock(settings: config.Settings) -> Clock:
    return FileClock(settings.clock.file) if settings.clock.file else SystemClock()


def _clients(
    settings: config.Settings, store: Store, clock: Clock, metrics: Metrics
) -> dict[str, WeComClient]:
    """Return a client for each secret that calls the platform, under the limits of one corp."""
    wecom, shared = settings.wecom, pacing.Pacing(clock)

    def observe(endpoint: str, result: str) -> None:
        metrics.api_calls.labels(endpoint, result).inc()

    rules = wecom_errors.Rules(
        kf_repeat_errcodes=frozenset(wecom.kf_repeat_errcodes),
        code_used_errcodes=frozenset(wecom.code_used_errcodes),
    )
    secrets: dict[str, str] = {
        name: wecom.receivers[name].secret.get_secret_value()
        for name in ("kf", "contacts", "assistant")
        if name in wecom.receivers
    }
    if wecom.archive.is_on:
        secrets["archive"] = wecom.archive_secret
    return {
        name: WeComClient(
            ClientSettings(
                corp_id=wecom.corp_id,
                secret=secret,
                api_base=wecom.api_base,
                proxy=wecom.proxy_url or None,
                timeout_seconds=wecom.timeout_seconds,
                rules=rules,
                observe=observe,
            ),
            store,
            clock,
            shared,
        )
        for name, secret in secrets.items()
    }


@contextlib.contextmanager
def _listening(server: config.table.Server) -> Iterator[socket.socket]:
    """Give the bound socket; raise ConfigError when the port is taken."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((server.host, server.port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            [
                f"server.port: {server.host}:{server.port} cannot be used ({error.strerror}); free it or change it"
            ]
        ) from error
    try:
        yield listener
    finally:
        listener.close()


def data_folder(settings: config.Settings) -> Path:
    """Return the folder for media and caches, made when it is missing."""
    folder: Path = settings.store.data_folder
    folder.mkdir(parents=True, exist_ok=True)
    return folder

"""The other doors: health, figures, the ownership file, the console, the staff's phone page, the customers' pages."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from bot import assembling, trying, week_pages
from console import routes
from console.context import ConsoleContext, ProcessHealth, SidebarContext
from console.rates import Rates
from console.sidebar import routes as sidebar_routes
from console.week import routes as week_routes
from content import retention as retention_files
from domain.delivery import Attached
from domain.errors import ChannelRefused, StoreUnavailable
from domain.faq import Line
from domain.reply import Reply
from domain.talk import Topic
from handlers.suggesting import Suggester
from store import events, lines

if TYPE_CHECKING:
    from bot.app import House
    from bot.config import Settings
    from bot.loops import Loops

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.Response]]

_CHECKOUT = Path(__file__).resolve().parents[1]


def add_pages(application: web.Application, house: House, loops: Loops) -> None:
    """Register every page but the callbacks."""
    application.router.add_get("/healthz", _healthz)
    application.router.add_get("/readyz", _readyz(house))
    application.router.add_get("/metrics", _metrics(house))
    application.router.add_get("/", _to_console)
    proof = house.settings.server.verify_file
    if proof is not None:
        application.router.add_get(f"/{proof.name}", _ownership(proof))
    pages = console_context(house, loops)
    routes.add_routes(application, pages)
    sidebar = sidebar_context(house, loops, pages)
    loops.desk_rounds.suggester = sidebar.suggester
    sidebar_routes.add_routes(application, sidebar)
    week_routes.add_routes(application, week_pages.week_context(house))


def sidebar_context(house: House, loops: Loops, pages: ConsoleContext) -> SidebarContext:
    """Return what the staff's phone page may use of the house beside what `pages` may."""
    settings = house.settings
    rules = assembling.handler_rules(settings)

    async def media_id(one: Attached) -> str:
        if house.uploads is None:
            raise ChannelRefused("no receiver named contacts, so nothing can be uploaded")
        return await house.uploads.media_id(one)

    return SidebarContext(
        console=pages,
        login=house.web_login,
        signer=house.web_login,
        corp_id=settings.wecom.corp_id,
        agent_id=house.web_login.agent_id if house.web_login else 0,
        public_url=settings.server.public_url,
        frame_ancestors=settings.server.frame_ancestors,
        jssdk_url=settings.server.jssdk_url,
        entry_secret=pages_secret(settings),
        media_id=media_id,
        suggester=Suggester(house.library.knowledge, rules, house.clock),
        facts=rules.facts,
        streams=loops.desk.streams,
    )


def console_context(house: House, loops: Loops) -> ConsoleContext:
    """Return what the pages may use of the house."""
    settings = house.settings

    async def stop_line(line: Line, by: str, reason: str) -> bool:
        now = house.clock.now()
        done = await house.store.write(lambda tx: lines.stop(tx, line, by=by, reason=reason, now=now))
        await house.library.take_up_stops()
        return done

    async def resume_line(line: Line, by: str) -> bool:
        now = house.clock.now()
        done = await house.store.write(lambda tx: lines.resume(tx, line, by=by, now=now))
        await house.library.take_up_stops()
        return done

    async def requeue_event(key: str) -> bool:
        now = house.clock.now()
        done = await house.store.write(lambda tx: events.requeue(tx, key, now))
        loops.inbox.bell.ring()
        return done

    rules = assembling.handler_rules(settings)

    async def try_question(text: str, topic: Topic | None) -> Reply | None:
        knowledge = house.library.knowledge()
        async with house.store.read() as tx:
            return await trying.reply_to(
                text, topic, tx=tx, knowledge=knowledge, clock=house.clock, rules=rules
            )

    async def health() -> ProcessHealth:
        return ProcessHealth(
            version=program_version(),
            started_at=house.started_at,
            writer_queue=house.store.queue_length,
            is_matching_ready=house.library.is_ready,
            problems=house.library.mistakes,
            content_read_at=house.library.read_at,
            compares_meaning=house.library.compares_meaning,
        )

    return ConsoleContext(
        store=house.store,
        clock=house.clock,
        zone=settings.service.zone,
        data_folder=settings.store.data_folder,
        library_folder=_CHECKOUT / "node_modules",
        company=settings.company.short_name or settings.company.name,
        session_hours=settings.console.session_hours,
        secure_cookies=settings.console.secure_cookies,
        picker=settings.console.picker,
        knowledge=house.library.knowledge,
        stop_line=stop_line,
        resume_line=resume_line,
        requeue_event=requeue_event,
        health=health,
        try_question=try_question,
        shelf=house.library.shelf,
        sop_template=house.library.sop_template,
        retention=lambda: retention_files.load(settings.content.folder),
        refresh_content=house.library.refresh,
        rehearse=house.library.rehearse,
        hours=rules.hours,
        roster=rules.roster,
        login=house.web_login,
        public_url=settings.server.public_url,
        entry_secret=pages_secret(settings),
        rates=Rates(
            session=settings.console.session_requests_per_minute,
            address=settings.console.address_requests_per_minute,
            sign_in=settings.console.sign_ins_per_minute,
        ),
    )


def pages_secret(settings: Settings) -> str:
    """Return what binds a login under way to its browser: all replicas share it, and nobody outside knows it."""
    assistant = settings.wecom.receivers.get("assistant")
    return assistant.secret.get_secret_value() if assistant else ""


def program_version() -> str:
    """Return the version of the installed program, or of the checkout."""
    try:
        return version("guanjia")
    except PackageNotFoundError:
        return "0.1.0"


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _to_console(_: web.Request) -> web.Response:
    raise web.HTTPFound("/console/")


def _readyz(house: House) -> Handler:
    async def readyz(_: web.Request) -> web.Response:
        try:
            async with house.store.read() as tx:
                await lines.list_stopped(tx)
        except (StoreUnavailable, OSError):
            log.exception("not ready", extra={"action": "not_ready"})
            return web.Response(status=503, text="store down")
        return web.Response(text="ready")

    return readyz


def _metrics(house: House) -> Handler:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=house.metrics.text(), content_type="text/plain", charset="utf-8")

    return metrics


def _ownership(proof: Path) -> Handler:
    text = proof.read_text("utf-8")

    async def ownership(_: web.Request) -> web.Response:
        return web.Response(text=text)

    return ownership

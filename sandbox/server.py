"""Puts the sandbox together: the only place that constructs its parts.

`running(settings)` is for tests; `python -m sandbox` serves the same application.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from sandbox import (
    app_chats,
    cards,
    contact_ways,
    endpoints_archive,
    endpoints_base,
    endpoints_contacts,
    endpoints_groups,
    endpoints_kf,
    endpoints_mass,
    endpoints_people,
    founding,
    login_page,
    page,
    past,
    robot_doors,
    statistics,
    tags,
)
from sandbox.archive_desk import ArchiveDesk
from sandbox.behaviour import Behaviour
from sandbox.callbacks import Postman
from sandbox.clock import WorldClock
from sandbox.control import Control
from sandbox.control_corp import CorpControl
from sandbox.faults import FaultBox
from sandbox.live import Live
from sandbox.protocol import Protocol
from sandbox.reading import Reading, clock_json
from sandbox.reading_corp import CorpReading
from sandbox.records import AppMessage, Json
from sandbox.robot_wire import Wire
from sandbox.robots import Robots
from sandbox.settings import Settings
from sandbox.world import World

BODY_LIMIT_BYTES = 32 * 1024 * 1024
ENDPOINTS = [
    *endpoints_base.ENDPOINTS,
    *endpoints_kf.ENDPOINTS,
    *endpoints_people.ENDPOINTS,
    *endpoints_contacts.ENDPOINTS,
    *tags.ENDPOINTS,
    *contact_ways.ENDPOINTS,
    *endpoints_groups.ENDPOINTS,
    *endpoints_mass.ENDPOINTS,
    *app_chats.ENDPOINTS,
    *endpoints_archive.ENDPOINTS,
    *statistics.ENDPOINTS,
]


@dataclass(kw_only=True)
class Box:
    """A running sandbox: `url` without a slash at the end, and its parts for tests in the same process."""

    url: str
    world: World
    faults: FaultBox
    postman: Postman
    protocol: Protocol
    live: Live
    behaviour: Behaviour
    robots: Robots
    wire: Wire


BOX = web.AppKey("box", Box)


def create_app(settings: Settings) -> web.Application:
    """The sandbox as an aiohttp application; `app[server.BOX]` gives access to its world."""
    clock = WorldClock(Path(settings.clock_file) if settings.clock_file else None)
    world = World(settings, clock)
    if settings.archive_folder:
        world.archive = ArchiveDesk(world, Path(settings.archive_folder))
    faults = FaultBox(settings.seed)
    postman = Postman(settings, clock, faults)
    protocol = Protocol(world, faults, ENDPOINTS)
    live = Live()
    robots = Robots(world)
    wire = Wire(robots, postman, faults, lambda: box.url)
    box = Box(
        url=f"http://{settings.host}:{settings.port}",
        world=world,
        faults=faults,
        postman=postman,
        protocol=protocol,
        live=live,
        behaviour=Behaviour(world),
        robots=robots,
        wire=wire,
    )
    founding.found(world, box.behaviour)
    past.play(world, settings.talks)
    _connect(box)
    app = web.Application(client_max_size=BODY_LIMIT_BYTES)
    app[BOX] = box
    app.add_routes(page.routes())
    app.add_routes(Reading(world, faults, postman, protocol).routes())
    app.add_routes(CorpReading(world).routes())
    app.add_routes(login_page.routes(world))
    app.add_routes(Control(world, faults, postman, live).routes())
    app.add_routes(CorpControl(world, box.behaviour).routes())
    app.add_routes(robot_doors.RobotDoors(world, robots, wire, postman).routes())
    app.router.add_get("/sandbox/live", live.stream)
    app.router.add_route("*", "/cgi-bin/{path:.+}", protocol.serve)
    app.cleanup_ctx.append(_post_office)
    app.cleanup_ctx.append(_agenda)
    app.on_shutdown.append(_close_pages)
    return app


def _connect(box: Box) -> None:
    def notice(open_kfid: str, token: str) -> None:
        fields: Json = {
            "MsgType": "event",
            "Event": "kf_msg_or_event",
            "Token": token,
            "OpenKfId": open_kfid,
        }
        box.postman.post_fields("kf", fields)

    def change(kind: str, content: dict[str, object]) -> None:
        box.live.tell(kind, content)

    def card(receiver: str, fields: Json, message: AppMessage, userid: str) -> None:
        def reply(plain: str) -> None:
            cards.reply_arrived(box.world, message, userid, plain)

        box.postman.post_fields(receiver, fields, reply)

    box.world.on_notice = notice
    box.world.on_event = box.postman.post_fields
    box.world.on_card = card
    box.world.on_change = change
    box.world.pace.on_change = lambda: box.live.tell("clock", clock_json(box.world))
    box.world.pace.is_behind = box.postman.has_waiting
    box.postman.on_change = lambda: box.live.tell("callbacks", box.postman.status())


async def _post_office(app: web.Application) -> AsyncIterator[None]:
    box = app[BOX]
    await box.postman.start()
    await box.wire.start()
    checks: list[asyncio.Task[str]] = []
    if box.world.settings.verify_at_start:
        checks = [asyncio.create_task(box.postman.verify(name)) for name in box.postman.receivers]
    yield
    for check in checks:
        check.cancel()
    await asyncio.gather(*checks, return_exceptions=True)
    await box.wire.close()
    await box.postman.close()


async def _agenda(app: web.Application) -> AsyncIterator[None]:
    """Let people do what they have planned, and time pass at its pace, while the server runs."""
    world = app[BOX].world
    running = [
        asyncio.create_task(world.agenda.keep_running()),
        asyncio.create_task(world.pace.keep_looking()),
    ]
    yield
    for one in running:
        one.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _close_pages(app: web.Application) -> None:
    app[BOX].live.close()


@asynccontextmanager
async def running(settings: Settings, port: int = 0) -> AsyncIterator[Box]:
    """Serve on loopback (`port` 0: a free one) until the block ends."""
    app = create_app(settings)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        box = app[BOX]
        bound = runner.addresses[0][1]
        box.url = f"http://127.0.0.1:{bound}"
        yield box
    finally:
        await runner.cleanup()

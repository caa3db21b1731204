"""The staff's and the customers' pages with a small company behind each, started once for all looks at them.

Each set of pages has a database of its own, so that the makers of the scenes need not know of each other.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channels.wecom.web_login import WebLogin
from bot.clock import FrozenClock, write_clock_file
from console import demo, routes
from console.sidebar import routes as phone_routes
from console.week import routes as week_routes
from domain.login import Role
from domain.week_pages import WeekPage
from sandbox import server
from store.database import Store
from tests.boards import scene as board_scene
from tests.console import audit_scene, group_factory
from tests.console import factory as console_factory
from tests.handover import factory as handover_factory
from tests.knowledge.test_drafts import propose
from tests.plugins.browser import DESK
from tests.plugins.clock import MONDAY_MORNING
from tests.reviews import factory as reviews_factory
from tests.reviews.conftest import make_case
from tests.sidebar import desk_factory, doors
from tests.sidebar import factory as phone_factory
from tests.wecom import edge
from tests.week_pages import factory as week_factory

_BOARDS = ("", "/team", "/response", "/compliance", "/sessions")
_OTHERWISE = {
    "/console",
    "/console/login",
    "/console/search",
    "/console/try",
    *(f"/console/audit{one}" for one in _BOARDS),
}
UNLAWFUL = "您放心，这个产品保本保息，绝对没有风险。"
SMALL = {"width": 360, "height": 740}
# Pages that only ever show a file, a stream or a way on, and those that are looked at with more behind them.
WALKED = ("/console/login", "/console/cases", "/console/account", "/sidebar/", "/g/Xk3vQ8mZpL2tR7wY/feedback")
_NO_PAGES = ("/console/static/", "/console/lib/", "/console/login/", "/console/media/")


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A page to look at: its address, whose cookies, how wide the window is, and what it is answered with."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)
    viewport: dict[str, int] = field(default_factory=lambda: DESK)
    status: int = 200
    typed: str = ""  # What is written to the customer there first, so that the verdict shows.

    @property
    def is_walked(self) -> bool:
        """Whether the Tab key is tried there: once on each kind of page."""
        return self.path in WALKED or self.path.startswith("/sidebar/customer?")

    @property
    def path(self) -> str:
        """The address without the port, for messages."""
        return "/" + self.url.split("/", 3)[3]


class Sites:
    """Starts the pages. `visits` fills up as they start."""

    def __init__(self, stack: contextlib.AsyncExitStack, folder: Path, template: Path) -> None:
        self.visits: list[Visit] = []
        self._stack, self._folder, self._template = stack, folder, template
        self._numbers = itertools.count(1)

    async def start(self) -> None:
        """Start everything."""
        login = await self._phone()
        await self._console(login)
        await self._boards()
        await self._week()

    async def _console(self, login: WebLogin) -> None:
        clock, store = FrozenClock(MONDAY_MORNING), await self._store()
        names = await console_factory.add_people(store, clock)
        scene = await console_factory.make_scene(store, clock, self._folder)
        groups = await group_factory.make_groups(store, clock)
        audit = await audit_scene.make_audit_scene(store, clock, names)
        draft = await propose(store, clock, "li", answer="您可以提前还款，具体以合同为准。")
        given = await handover_factory.give(store, clock, scene.other_talk, scene.other_case)
        ctx = console_factory.make_context(store, clock, self._folder, picker=True, login=login)
        app = web.Application()
        routes.add_routes(app, ctx)
        url = await self._serve(app)
        self.visits.append(Visit(url=f"{url}/console/login"))
        await console_factory.add_login(store, clock, "everybody", *Role)
        cookies = await console_factory.sign_in(store, "everybody", clock)
        await console_factory.tell_false_alarm(store, clock)
        for path in _plain_paths(app):
            self._add(url, path, cookies)
        for path in (
            f"/console/conversations/{scene.own_talk}",
            f"/console/conversations/{scene.other_talk}",
            f"/console/cases/{scene.own_case}",
            f"/console/events/{scene.failed_event}",
            f"/console/groups/{groups.own}",
            "/console/content/faq/loan.prepay",
            "/console/try?q=提前还款要违约金吗",
            "/console/search?q=提前",
            "/console/sops/finance_week1/preview",
            f"/console/drafts/{draft}",
            f"/console/desk/{scene.own_talk}",
            f"/console/handovers/{given}",
            f"/console/audit/reviews/{audit.review}",
            f"/console/audit/appeals/{audit.other.appeal}",
        ):
            self._add(url, path, cookies)
        self._add(url, "/console/nothing-here", cookies, status=404)

    async def _boards(self) -> None:
        clock, store = FrozenClock(MONDAY_MORNING), await self._store()
        scene = await board_scene.make(store, clock, self._folder)
        await store.write(lambda tx: demo.ensure_logins(tx, clock.now()))
        app = web.Application()
        routes.add_routes(app, console_factory.make_context(store, clock, self._folder))
        url, cookies = await self._serve(app), await console_factory.sign_in(store, "linzhuguan", clock)
        for path in (
            *(f"{one}?period=30" for one in (*_BOARDS, "/advisors/zhangsan")),
            f"/sessions/{scene.full}",
            f"/sessions/{scene.group}",
        ):
            self._add(url, f"/console/audit{path}", cookies)

    async def _phone(self) -> WebLogin:
        clock, store = FrozenClock(MONDAY_MORNING), await self._store()
        clock_file = self._folder / "clock.json"
        write_clock_file(clock_file, virtual_at=clock.now(), rate=0.0)
        box = await self._stack.enter_async_context(server.running(phone_factory.company(str(clock_file))))
        client = await self._stack.enter_async_context(
            edge.caller(box.url, store, clock, corp_id=phone_factory.CORP, secret="s")
        )
        login = WebLogin(client, store, clock, agent_id=phone_factory.AGENT_ID, base=box.url)
        self._stack.push_async_callback(login.close)
        scene = await phone_factory.make_scene(store, clock)
        await doors.befriend(store, clock, phone_factory.OWNER, phone_factory.CUSTOMER)
        talk = await desk_factory.serve(store, clock, phone_factory.OWNER)
        await desk_factory.say(store, clock, talk, "你好", desk_factory.QUESTION)
        case = await store.write(functools.partial(make_case, subject=phone_factory.OWNER))
        await reviews_factory.confirm(store, clock, case)
        app = web.Application()
        phone_routes.add_routes(app, phone_factory.make_context(store, clock, self._folder, box.url, login))
        url = await self._serve(app)
        cookies = await doors.sign_in(store, clock, phone_factory.OWNER)
        # The page was just come back to; a visit from outside would be sent to the platform first.
        cookies |= {"guanjia_sidebar_here": "1"}
        steps = (scene.send, scene.points, scene.bind)
        for path in (
            "/sidebar/",
            *(f"/sidebar/steps/{number}" for number in steps),
            f"/sidebar/group?chat_id={phone_factory.CHAT}",
            "/sidebar/audit",
            f"/sidebar/audit/findings/{case.red}",
        ):
            self._add(url, path, cookies, SMALL)
        desk = f"/sidebar/customer?external_userid={phone_factory.CUSTOMER}&entry=single_kf_tools"
        self.visits.append(Visit(url=url + desk, cookies=cookies, viewport=SMALL, typed=UNLAWFUL))
        self._add(url, "/sidebar/nothing-here", cookies, SMALL, status=404)
        self._add(url, "/sidebar/login/return", {}, SMALL, status=403)
        self._add(box.url, f"/wwlogin/sso/login?{_scan_query(login, url)}", {})
        return login

    async def _week(self) -> None:
        clock, store = FrozenClock(MONDAY_MORNING), await self._store()
        week = await week_factory.add_week(store, clock.now())
        await week_factory.add_questions(store, week, clock.now(), "answered", "answered", "answered")
        app = web.Application()
        week_routes.add_routes(app, week_factory.make_context(store, clock))
        url = await self._serve(app)
        for name in (WeekPage.GUIDE, WeekPage.EVENT, WeekPage.FEEDBACK):
            self._add(url, f"/g/{week_factory.CODE}/{name}", {}, SMALL)
        self._add(url, f"/g/{week_factory.CODE}/nothing", {}, SMALL, status=404)

    async def _store(self) -> Store:
        path = self._folder / f"{next(self._numbers)}.db"
        shutil.copyfile(self._template, path)
        store = await Store.open(f"sqlite:///{path}")
        self._stack.push_async_callback(store.close)
        return store

    async def _serve(self, app: web.Application) -> str:
        served = TestServer(app)
        await served.start_server()
        self._stack.push_async_callback(served.close)
        return str(served.make_url("")).rstrip("/")

    def _add(
        self,
        url: str,
        path: str,
        cookies: dict[str, str],
        viewport: dict[str, int] = DESK,
        *,
        status: int = 200,
    ) -> None:
        self.visits.append(Visit(url=url + path, cookies=cookies, viewport=viewport, status=status))


@contextlib.asynccontextmanager
async def running(folder: Path, template: Path) -> AsyncIterator[list[Visit]]:
    """Give what there is to look at. `template`: an empty database of the current schema."""
    async with contextlib.AsyncExitStack() as stack:
        sites = Sites(stack, folder, template)
        await sites.start()
        yield sites.visits


def _plain_paths(app: web.Application) -> list[str]:
    """Every page without a number in its address, so that a new one is looked at without being named here."""
    found = {
        route.resource.canonical
        for resource in app.router.resources()
        for route in resource
        if route.method == "GET" and route.resource is not None
    }
    return sorted(path for path in found if path not in _OTHERWISE and _is_page(path))


def _is_page(path: str) -> bool:
    is_file = path.endswith(("stream", "export")) and path != "/console/export"
    return "{" not in path and not path.startswith(_NO_PAGES) and not is_file


def _scan_query(login: WebLogin, url: str) -> str:
    return login.scan_url(f"{url}/console/login/return", "s1").partition("?")[2]

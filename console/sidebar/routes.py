"""The phone page's addresses, and what holds for each of them: who asks, is the form ours, which headers go along.

`add_routes` is the only door from bot/pages.py. docs/access.md says who gets what; tests/sidebar compare.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from console import rates
from console import routes as console_routes
from console.access import Forbidden, NotFound
from console.context import SidebarContext
from console.sessions import Sessions, address_of, is_csrf_right
from console.sidebar import (
    audit_page,
    customer_page,
    entrance,
    group_page,
    handover_page,
    open_page,
    own_page,
    quick_page,
    sending,
    signing,
    step_page,
    step_sending,
    stream,
    today_page,
    verdict_page,
)
from console.sidebar.entrance import Entrance
from console.sidebar.frame import SidebarFrame
from console.sidebar.visit import SidebarHandler, SidebarVisit
from console.streams import Bye
from console.visit import Form, read_form
from domain.errors import StoreUnavailable
from domain.login import LoginDoor

log = logging.getLogger(__name__)

_RawHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application, ctx: SidebarContext) -> None:
    """Put the pages under /sidebar/ of `app`. Reads our templates and static files once."""

    async def to_today(request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": "/sidebar/"})

    app.router.add_get("/sidebar", to_today)
    app.add_subapp("/sidebar/", build(ctx))


def build(ctx: SidebarContext) -> web.Application:
    """Return the application of the pages; its paths come without /sidebar."""
    frame = SidebarFrame(ctx)
    sessions = Sessions(ctx.console, cookie=entrance.COOKIE, path=entrance.PATH, door=LoginDoor.SIDEBAR)
    way_in = Entrance(ctx, frame, sessions)
    app = web.Application(
        middlewares=[_with_headers(headers_of(ctx)), _errors_shown_by(frame), _limiting(ctx, frame)]
    )
    app.router.add_get("/enter", way_in.enter)
    app.router.add_get("/login/return", way_in.come_back)
    app.router.add_get("/static/{digest:[0-9a-f]{16}}/{name:[a-z_.-]+}", frame.assets.serve_own)
    app.router.add_get("/lib/{name:[a-z.-]+}", frame.assets.serve_library)

    async def send_away(_: web.Application) -> None:
        # A stop waits for open answers.
        ctx.streams.stop()

    app.on_shutdown.append(send_away)
    for method, path, handler in _pages():
        app.router.add_route(method, path, _signed_in(handler, ctx, frame, way_in))
    return app


def headers_of(ctx: SidebarContext) -> dict[str, str]:
    """Return the headers of every answer: the console's, with the frames and the SDK that the settings allow."""
    script = "'self'"
    if ctx.jssdk_url:
        parts = urlsplit(ctx.jssdk_url)
        script += f" {parts.scheme}://{parts.netloc}"
    ancestors = " ".join(ctx.frame_ancestors) or "'none'"
    policy = (
        f"default-src 'none'; script-src {script}; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )
    return {**console_routes.HEADERS, "Content-Security-Policy": policy}


def _pages() -> list[tuple[str, str, SidebarHandler]]:
    """Return every page for a member of staff. A page asks console/sidebar/access.py for all it shows."""
    number = r"{id:\d{1,18}}"
    return [
        ("GET", "/", today_page.show),
        ("GET", f"/steps/{number}", step_page.show),
        ("POST", f"/steps/{number}/done", step_page.done),
        ("POST", f"/steps/{number}/postpone", step_page.postpone),
        ("POST", f"/steps/{number}/problem", step_page.problem),
        ("POST", f"/steps/{number}/tick", step_page.tick),
        ("POST", f"/steps/{number}/bound", step_page.bound),
        ("POST", f"/steps/{number}/begin", step_sending.begin),
        ("POST", f"/steps/{number}/sent", step_sending.sent),
        ("GET", rf"/steps/{number}/files/{{place:\d{{1,2}}}}", step_page.show_file),
        ("GET", "/group", group_page.show),
        ("POST", "/questions/mark", group_page.mark),
        ("POST", f"/questions/{number}/answered", group_page.answered),
        ("POST", f"/questions/{number}/begin", group_page.begin),
        ("POST", f"/questions/{number}/sent", group_page.sent),
        ("POST", f"/questions/{number}/propose", group_page.propose),
        ("POST", f"/steps/{number}/propose", step_page.propose),
        ("GET", "/customer", customer_page.show),
        ("GET", "/customer/talk", customer_page.show_talk),
        ("POST", "/customer/ask", customer_page.ask),
        ("POST", "/customer/begin", sending.begin),
        ("POST", "/customer/sent", sending.sent),
        ("POST", f"/suggestions/{number}/refuse", sending.refuse),
        ("GET", "/quick", quick_page.show),
        ("GET", "/own", own_page.show),
        ("POST", f"/own/{number}/submit", own_page.submit),
        ("POST", f"/own/{number}/withdraw", own_page.withdraw),
        ("POST", "/customer/opt-out", customer_page.opt_out),
        ("POST", "/customer/agree", customer_page.agree),
        ("POST", f"/handovers/{number}/give-back", handover_page.give_back),
        ("GET", "/audit", audit_page.show),
        ("GET", f"/audit/findings/{number}", audit_page.show_finding),
        ("POST", f"/audit/findings/{number}/appeal", audit_page.appeal),
        ("POST", f"/audit/appeals/{number}/act", audit_page.act),
        ("POST", f"/audit/notes/{number}/read", audit_page.read_note),
        ("POST", "/check", verdict_page.check),
        ("POST", "/false-alarms", verdict_page.tell),
        ("GET", "/sign", signing.sign),
        ("GET", "/stream", stream.show),
        ("GET", "/open", open_page.show),
    ]


def _signed_in(
    handler: SidebarHandler, ctx: SidebarContext, frame: SidebarFrame, way_in: Entrance
) -> _RawHandler:
    """Return the handler that runs `handler` for a member whose form is ours, and asks the platform about others."""

    async def checked(request: web.Request) -> web.StreamResponse:
        viewer = await way_in.find_viewer(request)
        if viewer is None:
            return await _to_platform(request, way_in)
        form: Form = MultiDictProxy(MultiDict())
        if request.method == "POST":
            form = await read_form(request)
            sent = request.headers.get("X-CSRF-Token") or str(form.get("csrf", ""))
            if not is_csrf_right(viewer, sent):
                return _error(frame, 403, "csrf")
        visit = SidebarVisit(
            request=request,
            ctx=ctx,
            frame=frame,
            viewer=viewer,
            base=entrance.base_of(ctx, request),
            form=form,
        )
        response = await handler(visit)
        way_in.arrived(request, response)
        return response

    return checked


async def _to_platform(request: web.Request, way_in: Entrance) -> web.StreamResponse:
    if request.headers.get("Accept", "").startswith("text/event-stream"):
        return await stream.farewell(request, Bye.LOGIN)
    if "HX-Request" in request.headers:
        # htmx follows this header with the whole page; a redirect would put the form into a corner of it.
        return web.Response(status=200, headers={"HX-Refresh": "true"})
    if request.headers.get("Accept") == "application/json":
        return web.json_response({"refused": "login"}, status=401)
    if request.method != "GET":
        # The page that holds the form; what was typed into it is kept by the page itself.
        parts = request.path.split("/")
        has_page = len(parts) > 3 and parts[2] == "steps"
        if parts[2] == "customer":
            return way_in.renewal(customer_page.address_of(request.query.get("external_userid", "")[:64]))
        if parts[2] == "audit":
            is_finding = len(parts) > 4 and parts[3] == "findings"
            return way_in.renewal("/".join(parts[:5]) if is_finding else "/sidebar/audit")
        # A form may not lead to the platform (form-action), so a page stands between.
        return way_in.renewal("/".join(parts[:4]) if has_page else "/sidebar/")
    return way_in.lead_in(request, request.path_qs)


def _with_headers(headers: dict[str, str]) -> Callable[..., Awaitable[web.StreamResponse]]:
    @web.middleware
    async def set_headers(request: web.Request, handler: _RawHandler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            for name, value in headers.items():
                error.headers.setdefault(name, value)
            raise
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    return set_headers


def _errors_shown_by(frame: SidebarFrame) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the middleware that turns what a handler raises into a page with a helpful sentence."""

    @web.middleware
    async def show_errors(request: web.Request, handler: _RawHandler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Forbidden:
            return _error(frame, 403)
        except NotFound:
            return _error(frame, 404)
        except StoreUnavailable:
            log.warning("sidebar without store", extra={"action": "sidebar_store_unavailable"})
            return _error(frame, 503)
        except web.HTTPException as error:
            if error.status < 400 or not frame.words.has("error", error.status):
                raise
            return _error(frame, error.status)
        except Exception:
            number = secrets.token_hex(4)
            log.exception("page failed", extra={"action": "page_failed", "number": number})
            return _error(frame, 500, number=number)

    return show_errors


def _limiting(ctx: SidebarContext, frame: SidebarFrame) -> Callable[..., Awaitable[web.StreamResponse]]:
    def refuse(request: web.Request) -> web.Response:
        if request.headers.get("Accept") == "application/json":
            return web.json_response({"refused": "rate"}, status=429)
        return _error(frame, 429)

    console = ctx.console
    gate = rates.Gate(
        console.rates, console.clock, root="/sidebar", cookie=entrance.COOKIE, ways_in=entrance.WAYS_IN
    )
    return rates.limiting(gate, address_of, refuse)


def _error(frame: SidebarFrame, status: int, word: str = "", number: str = "") -> web.Response:
    values = {"word": word or str(status), "number": number}
    return web.Response(status=status, text=frame.render("failed.html", values), content_type="text/html")

"""The pages' addresses, and what holds for every one of them: who asks, is the form ours, which headers go along.

`add_routes` is the only door from bot/app.py. docs/access.md says which role gets what; tests/console/test_access.py
compares.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, MutableMapping

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from console import (
    account_page,
    agreement_page,
    appeals_page,
    audit_advisor_page,
    audit_compliance_page,
    audit_overview_page,
    audit_response_page,
    audit_session_page,
    audit_sessions_page,
    audit_team_page,
    calibration_page,
    cases_page,
    content_page,
    conversations_page,
    deliveries_page,
    desk_page,
    draft_routes,
    events_page,
    export_page,
    false_alarms_page,
    frame,
    group_acts,
    group_page,
    groups_page,
    handovers_page,
    health_page,
    lines_page,
    login_page,
    logins_page,
    overview_page,
    own_audit_page,
    privacy_page,
    quits_page,
    rates,
    reader_page,
    reviews_page,
    roster_page,
    sampling_page,
    search_page,
    sessions_page,
    sops_page,
    try_page,
    unanswered_page,
    whisper_page,
)
from console.access import Forbidden, NotFound
from console.context import ConsoleContext
from console.frame import Frame
from console.openings import Openings
from console.sessions import COOKIE, Sessions, address_of, is_csrf_right
from console.trials import Trials
from console.visit import Form, Handler, Visit, read_form
from domain.errors import StoreUnavailable

log = logging.getLogger(__name__)

_RawHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


def add_routes(app: web.Application, ctx: ConsoleContext) -> None:
    """Put the pages under /console/ of `app`. Reads our templates and static files once."""

    async def to_overview(request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": "/console/"})

    app.router.add_get("/console", to_overview)
    app.add_subapp("/console/", build(ctx))


def build(ctx: ConsoleContext) -> web.Application:
    """Return the application of the pages; its paths come without /console."""
    made, sessions, openings = Frame(ctx), Sessions(ctx), Openings()
    app = web.Application(middlewares=[_with_headers, _errors_shown_by(made), _limiting(ctx, made)])
    entrance = login_page.LoginPage(ctx, made, sessions)
    app.router.add_get("/login", entrance.show)
    app.router.add_post("/login", entrance.sign_in)
    app.router.add_post("/pick", entrance.pick)
    app.router.add_get("/login/wecom", entrance.lead_out)
    app.router.add_get("/login/return", entrance.come_back)
    app.router.add_get("/static/{digest:[0-9a-f]{16}}/{name:[a-z_.-]+}", made.assets.serve_own)
    app.router.add_get("/lib/{name:[a-z.-]+}", made.assets.serve_library)
    trials = Trials()
    app.on_cleanup.append(trials.end)
    for method, path, handler in [*draft_routes.pages(trials), *_pages(sessions)]:
        app.router.add_route(method, path, _signed_in(handler, ctx, made, sessions, openings))
    return app


def _pages(sessions: Sessions) -> list[tuple[str, str, Handler]]:
    """Return every page that needs somebody signed in. A page asks console/access.py for all it shows."""
    number, enrolment = r"{id:\d{1,18}}", r"{enrolment:\d{1,18}}"
    session = r"{session:[0-9a-f]{16}}"
    return [
        ("GET", "/", overview_page.OverviewPage().show),
        ("GET", "/desk", desk_page.show),
        ("POST", f"/desk/{number}/take", desk_page.take),
        ("GET", f"/desk/{number}", whisper_page.show),
        ("POST", f"/desk/{number}/whisper", whisper_page.whisper),
        ("GET", "/conversations", conversations_page.show),
        ("GET", f"/conversations/{number}", reader_page.show),
        ("GET", f"/media/{number}", reader_page.show_media),
        ("GET", "/search", search_page.show),
        ("GET", "/export", export_page.show),
        ("POST", "/export", export_page.hand_out),
        ("POST", "/export/mine", export_page.hand_out_own),
        ("GET", "/privacy", privacy_page.show_list),
        ("GET", f"/privacy/{number}", privacy_page.show),
        ("GET", f"/privacy/{number}/evidence", privacy_page.show_evidence),
        ("POST", f"/privacy/{number}/erase", privacy_page.erase),
        ("POST", f"/privacy/{number}/hold", privacy_page.hold),
        ("POST", f"/privacy/holds/{number}/lift", privacy_page.lift),
        ("GET", "/cases", cases_page.show_list),
        ("GET", f"/cases/{number}", cases_page.show_one),
        ("POST", f"/cases/{number}/assign", cases_page.assign),
        ("POST", f"/cases/{number}/due", cases_page.move_due),
        ("POST", f"/cases/{number}/note", cases_page.add_note),
        ("POST", f"/cases/{number}/close", cases_page.close),
        ("POST", f"/cases/{number}/reopen", cases_page.reopen),
        ("GET", "/handovers", handovers_page.show_list),
        ("GET", f"/handovers/{number}", handovers_page.show_one),
        ("POST", f"/handovers/{number}/move", handovers_page.move),
        ("POST", f"/handovers/{number}/give-back", handovers_page.give_back),
        ("GET", "/roster", roster_page.show),
        ("POST", "/roster/add", roster_page.add),
        ("POST", f"/roster/{number}/end", roster_page.end),
        ("GET", "/groups", groups_page.show),
        ("GET", "/groups/quits", quits_page.show),
        ("GET", f"/groups/{number}", group_page.show),
        ("GET", f"/groups/{number}/steps/" + r"{occurrence:\d{1,18}}", group_page.show_step),
        ("GET", f"/groups/{number}/enrol", group_acts.show_enrol),
        ("POST", f"/groups/{number}/enrol", group_acts.enrol),
        *(
            ("POST", f"/groups/{number}/enrolments/{enrolment}/{act}", handler)
            for act, handler in group_acts.ACTS.items()
        ),
        ("GET", "/sops", sops_page.show_list),
        ("GET", "/sops/{template:[a-z0-9_]+}/preview", sops_page.show_preview),
        ("GET", "/audit", audit_overview_page.show),
        ("GET", "/audit/team", audit_team_page.show),
        ("GET", r"/audit/advisors/{subject:[\w.@-]{1,64}}", audit_advisor_page.show),
        ("GET", "/audit/response", audit_response_page.show),
        ("GET", "/audit/compliance", audit_compliance_page.show),
        ("GET", "/audit/sessions", audit_sessions_page.show),
        ("GET", f"/audit/sessions/{number}", audit_session_page.show),
        ("GET", "/audit/reviews", reviews_page.show_list),
        ("GET", f"/audit/reviews/{number}", reviews_page.show_one),
        ("POST", f"/audit/reviews/{number}/take", reviews_page.take),
        ("POST", f"/audit/reviews/{number}/release", reviews_page.release),
        ("POST", f"/audit/reviews/{number}/decide", reviews_page.decide),
        ("POST", f"/audit/reviews/{number}/coach", reviews_page.coach),
        ("GET", "/audit/appeals", appeals_page.show_list),
        ("GET", f"/audit/appeals/{number}", appeals_page.show_one),
        ("POST", f"/audit/appeals/{number}/act", appeals_page.act),
        ("GET", "/audit/sampling", sampling_page.show),
        ("POST", "/audit/sampling/make", sampling_page.make),
        ("GET", "/audit/agreement", agreement_page.show),
        ("GET", "/audit/calibration", calibration_page.show),
        ("POST", "/audit/calibration/make", calibration_page.make),
        ("POST", f"/audit/calibration/{number}/close", calibration_page.close),
        ("GET", "/audit/mine", own_audit_page.show),
        ("GET", f"/audit/mine/findings/{number}", own_audit_page.show_finding),
        ("POST", f"/audit/mine/findings/{number}/appeal", own_audit_page.appeal),
        ("POST", f"/audit/mine/appeals/{number}/act", own_audit_page.act),
        ("POST", f"/audit/mine/notes/{number}/read", own_audit_page.read_note),
        ("GET", "/deliveries", deliveries_page.show_list),
        ("POST", f"/deliveries/{number}/settle", deliveries_page.settle),
        ("GET", "/unanswered", unanswered_page.show),
        ("GET", "/content", content_page.show_list),
        ("GET", "/content/{kind:faq|reply|quick|sop}/{key:[a-z0-9_./]+}", content_page.show_one),
        ("POST", "/content/approve", content_page.approve),
        ("GET", "/try", try_page.show),
        ("GET", "/false-alarms", false_alarms_page.show),
        ("GET", "/false-alarms/export", false_alarms_page.export),
        ("POST", f"/false-alarms/{number}/decide", false_alarms_page.decide),
        ("GET", "/lines", lines_page.show),
        ("POST", "/lines/{line:[a-z]+}/stop", lines_page.stop),
        ("POST", "/lines/{line:[a-z]+}/resume", lines_page.resume),
        ("GET", "/events", events_page.show_list),
        ("GET", f"/events/{number}", events_page.show_one),
        ("POST", f"/events/{number}/retry", events_page.retry),
        ("POST", "/events/retry", events_page.retry_all),
        ("GET", "/health", health_page.show),
        ("GET", "/logins", logins_page.show_list),
        ("POST", "/logins/add", logins_page.add(sessions)),
        ("POST", f"/logins/{number}/roles", logins_page.set_roles),
        ("POST", f"/logins/{number}/disable", logins_page.disable),
        ("POST", f"/logins/{number}/enable", logins_page.enable),
        ("POST", f"/logins/{number}/password", logins_page.set_password(sessions)),
        ("POST", f"/logins/{number}/link", logins_page.link),
        ("POST", f"/logins/{number}/sign-out", sessions_page.end_all),
        ("GET", "/sessions", sessions_page.show),
        ("POST", f"/sessions/{session}/end", sessions_page.end),
        ("GET", "/access-log", logins_page.show_access_log),
        ("GET", "/account", account_page.show),
        ("POST", "/account/password", account_page.set_password(sessions)),
        ("POST", f"/account/sessions/{session}/end", account_page.end_session),
        ("POST", "/logout", login_page.sign_out(sessions, everywhere=False)),
        ("POST", "/logout-everywhere", login_page.sign_out(sessions, everywhere=True)),
    ]


def _signed_in(
    handler: Handler, ctx: ConsoleContext, made: Frame, sessions: Sessions, openings: Openings
) -> _RawHandler:
    """Return the handler that runs `handler` for a signed-in person whose form is ours, and sends others to sign in."""

    async def checked(request: web.Request) -> web.StreamResponse:
        viewer = await sessions.find_viewer(request)
        if viewer is None:
            return _to_login(request)
        form: Form = MultiDictProxy(MultiDict())
        if request.method == "POST":
            form = await read_form(request)
            sent = request.headers.get("X-CSRF-Token") or str(form.get("csrf", ""))
            if not is_csrf_right(viewer, sent):
                return _error(made, 403, "csrf")
        visit = Visit(request=request, ctx=ctx, frame=made, viewer=viewer, openings=openings, form=form)
        return await handler(visit)

    return checked


def _to_login(request: web.Request) -> web.Response:
    if request.method != "GET":
        location = frame.address("/console/login", told="lost", next=_page_of(request.path))
        return web.Response(status=303, headers={"Location": location})
    if "HX-Request" in request.headers:
        # htmx follows this header with the whole page; a redirect would put the form into a corner of it.
        return web.Response(status=200, headers={"HX-Refresh": "true"})
    wanted = request.path_qs if request.path != "/console/" else ""
    return web.Response(status=303, headers={"Location": frame.address("/console/login", next=wanted)})


def _page_of(path: str) -> str:
    """Return the page that holds the form which posts to `path`: /console/cases/7/note stands on /console/cases/7."""
    parts = path.split("/")[2:]
    with_own_page = ("cases", "events", "groups", "drafts", "handovers")
    has_own_page = parts[0] in with_own_page and len(parts) > 1 and parts[1].isdigit()
    if parts[0].startswith("logout"):
        return ""
    if parts[0] == "audit":
        return _audit_page_of(parts)
    return "/console/" + "/".join(parts[: 2 if has_own_page else 1])


def _audit_page_of(parts: list[str]) -> str:
    """Return the page of a form of the audit: reviews/7/decide, mine/findings/7/appeal, mine/notes/7/read."""
    has_own_page = parts[1:2] in (["reviews"], ["appeals"]) or parts[1:3] == ["mine", "findings"]
    return "/console/" + "/".join(parts[:-1] if has_own_page else parts[:2])


@web.middleware
async def _with_headers(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as error:
        _set_headers(error.headers)
        raise
    _set_headers(response.headers)
    return response


def _set_headers(headers: MutableMapping[str, str]) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


def _errors_shown_by(made: Frame) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the middleware that turns what a handler raises into a page with a helpful sentence."""

    @web.middleware
    async def show_errors(request: web.Request, handler: _RawHandler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Forbidden:
            return _error(made, 403)
        except NotFound:
            return _error(made, 404)
        except StoreUnavailable:
            log.warning("console without store", extra={"action": "console_store_unavailable"})
            return _error(made, 503)
        except web.HTTPException as error:
            if error.status < 400 or not made.words.has("error", error.status):
                raise
            return _error(made, error.status)
        except Exception:
            number = secrets.token_hex(4)
            log.exception("page failed", extra={"action": "page_failed", "number": number})
            return _error(made, 500, number=number)

    return show_errors


def _limiting(ctx: ConsoleContext, made: Frame) -> Callable[..., Awaitable[web.StreamResponse]]:
    gate = rates.Gate(ctx.rates, ctx.clock, root="/console", cookie=COOKIE, ways_in=login_page.WAYS_IN)
    return rates.limiting(gate, address_of, lambda request: _error(made, 429))


def _error(made: Frame, status: int, word: str = "", number: str = "") -> web.Response:
    values = {"word": word or str(status), "number": number}
    return web.Response(status=status, text=made.render("error.html", values), content_type="text/html")

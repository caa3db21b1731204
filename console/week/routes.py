"""The addresses of the pages for customers, their headers, and what a visitor reads when something is not there.

`add_routes` is the only door from bot/pages.py.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path

from aiohttp import web

from console.week import weeks
from console.week.context import WeekContext
from console.week.pages import WeekPages
from console.week.weeks import Reason, Shut
from domain.errors import StoreUnavailable
from domain.week_pages import WeekPage

log = logging.getLogger(__name__)

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
# Page codes are random (store/enrolments.py); the length only keeps nonsense from the database.
_CODE = "{code:[A-Za-z0-9_-]{4,64}}"
_FOR_EVER = "public, max-age=31536000, immutable"


def add_routes(app: web.Application, ctx: WeekContext) -> None:
    """Put the pages under /g/ of `app`. Reads our templates and the style once."""
    app.add_subapp("/g/", build(ctx))


def build(ctx: WeekContext) -> web.Application:
    """Return the application of the pages; its paths come without /g."""
    style = Path(__file__).with_name("static").joinpath("week.css").read_bytes()
    digest = hashlib.sha256(style).hexdigest()[:16]
    pages = WeekPages(ctx, style_url=f"/g/static/{digest}/week.css")
    app = web.Application(middlewares=[_with_headers, _shut_by(pages)])
    names = "|".join(WeekPage)
    app.router.add_get(r"/static/{digest:[0-9a-f]{16}}/week.css", _style(style, digest))
    app.router.add_get("/guide/{template:[a-z0-9_]{1,64}}", pages.show_company_guide)
    app.router.add_get(f"/{_CODE}/{{page:{names}}}", pages.show)
    app.router.add_get(f"/{_CODE}/{{page:{names}}}/seen", pages.record_seen)
    app.router.add_post(f"/{_CODE}/{WeekPage.EVENT}", pages.take_interest)
    app.router.add_post(f"/{_CODE}/{WeekPage.FEEDBACK}", pages.take_feedback)
    return app


def _style(content: bytes, digest: str) -> _Handler:
    async def serve(request: web.Request) -> web.Response:
        is_exact = request.match_info["digest"] == digest
        return web.Response(
            body=content,
            content_type="text/css",
            charset="utf-8",
            headers={"Cache-Control": _FOR_EVER if is_exact else "no-cache"},
        )

    return serve


@web.middleware
async def _with_headers(request: web.Request, handler: _Handler) -> web.StreamResponse:
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


def _shut_by(pages: WeekPages) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the middleware that turns what a handler raises into a page with a kind sentence."""

    @web.middleware
    async def show_reason(request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Shut as shut:
            return pages.shut(shut.reason, weeks.STATUS[shut.reason])
        except StoreUnavailable:
            log.warning("week page without store", extra={"action": "week_page_store_unavailable"})
            return pages.shut(Reason.FAULT, 503)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            reason = Reason.UNKNOWN if error.status == 404 else Reason.FORM
            return pages.shut(reason, error.status)
        except Exception:
            log.exception("week page failed", extra={"action": "week_page_failed"})
            return pages.shut(Reason.FAULT, weeks.STATUS[Reason.FAULT])

    return show_reason

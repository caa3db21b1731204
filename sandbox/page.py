"""The pages: customers' phones, members' phones, groups, the address book. A strict policy, nothing from elsewhere.

Only the page of members' phones may hold a frame: it shows pages of the application, as the client's sidebar does.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

ASSETS = Path(__file__).parent / "assets"
CONTENT_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def routes() -> list[web.RouteDef]:
    return [
        web.get("/", _index),
        web.get("/{page:client|groups|people|bot}", _page),
        web.get("/assets/{name}", _asset),
        web.get("/favicon.ico", _icon),
    ]


async def _index(_: web.Request) -> web.StreamResponse:
    return _file("index.html")


async def _page(request: web.Request) -> web.StreamResponse:
    name = request.match_info["page"]
    response = _file(f"{name}.html")
    if name == "client":
        response.headers["Content-Security-Policy"] = f"{POLICY}; frame-src http: https:"
    return response


async def _icon(_: web.Request) -> web.StreamResponse:
    return _file("logo.svg")


async def _asset(request: web.Request) -> web.StreamResponse:
    return _file(request.match_info["name"])


def _file(name: str) -> web.StreamResponse:
    path = ASSETS / name
    if "/" in name or path.suffix not in CONTENT_TYPES or not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(
        path, headers={**HEADERS, "Content-Type": f"{CONTENT_TYPES[path.suffix]}; charset=utf-8"}
    )

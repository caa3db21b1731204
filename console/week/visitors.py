"""Who counts as a visitor, without knowing anybody: a random number in a cookie of one group's pages.

A visit counts when a browser that keeps the cookie comes back for the page's picture. What fetches a link to show its
preview in a chat asks for the page alone, keeps no cookie, or says what it is; none of that counts. A browser that
keeps no cookies is not counted either: the figures are rather too low than too high.
"""

from __future__ import annotations

import re
import secrets

from aiohttp import hdrs, web

COOKIE = "guanjia_week"
# The week, and time to look something up afterwards; the guide tells customers of it.
KEPT_SECONDS = 30 * 24 * 3600
_NUMBER = re.compile(r"[0-9a-f]{32}")
# Programs that fetch pages, by the words they use of themselves; browsers inside apps use none of them.
_FETCHERS = re.compile(
    r"bot/|\+https?:|spider|crawl|preview|fetch|externalhit|shareextension|curl/|wget|python|java/|okhttp|go-http|"
    r"httpclient|axios",
    re.IGNORECASE,
)


def visitor_of(request: web.Request) -> str:
    """Return the visitor's number, empty when the browser brought none of ours."""
    said = request.cookies.get(COOKIE, "")
    return said if _NUMBER.fullmatch(said) else ""


def greet(request: web.Request, response: web.Response, *, is_secure: bool) -> None:
    """Give a browser that comes for the first time its number, for the pages of this group only."""
    if request.method != hdrs.METH_GET or visitor_of(request) or is_fetcher(request):
        return
    response.set_cookie(
        COOKIE,
        secrets.token_hex(16),
        max_age=KEPT_SECONDS,
        path=f"/g/{request.match_info['code']}/",
        httponly=True,
        samesite="Lax",
        secure=is_secure,
    )


def is_fetcher(request: web.Request) -> bool:
    """Say whether a program asks and not a person's browser."""
    agent = request.headers.get(hdrs.USER_AGENT, "")
    return not agent or _FETCHERS.search(agent) is not None


def is_from_elsewhere(request: web.Request) -> bool:
    """Say whether the browser tells that another site made it ask (Fetch Metadata); old browsers tell nothing."""
    return request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none")

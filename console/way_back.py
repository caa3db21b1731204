"""Where a browser wanted to go, kept while it is at the platform to be told who its user is.

The state that comes back with the code is bound to this browser by a cookie, sealed under a key all replicas share, so
that nobody can be made to come in with somebody else's code (RFC 6749 §10.12). The cookie lives ten minutes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable

from aiohttp import web

from console.context import ConsoleContext
from console.sessions import is_loopback

SECONDS = 600


class WayBack:
    """Keeps and finds ways back. `name`: of the cookies and the key, one for each set of pages under `path`.

    `safe` turns what was asked for into one of our own pages.
    """

    def __init__(
        self, ctx: ConsoleContext, *, secret: str, name: str, path: str, safe: Callable[[str], str]
    ) -> None:
        self._ctx, self._safe = ctx, safe
        self._cookie, self._path = f"guanjia_{name}_", path
        self._key = hashlib.sha256(f"guanjia {name}\0{secret}".encode()).digest()

    def lead(self, address_with: Callable[[str], str], wanted: str) -> web.Response:
        """Send the browser to `address_with(state)`; it comes back to `find`."""
        state = secrets.token_hex(16)
        response = web.Response(status=303, headers={"Location": address_with(state)})
        until = int(self._ctx.clock.wall().timestamp()) + SECONDS
        head = f"{until}.{base64.urlsafe_b64encode(self._safe(wanted).encode()).decode()}"
        response.set_cookie(
            self._cookie + state[:8],
            f"{head}.{self._seal(state, head)}",
            max_age=SECONDS,
            path=self._path,
            httponly=True,
            samesite="Lax",
            secure=self._ctx.secure_cookies,
        )
        return response

    def find(self, request: web.Request) -> str | None:
        """Return the way back of the state that came; None for another browser's, a changed or an old one."""
        state = request.query.get("state", "")
        head, _, seal = request.cookies.get(self._cookie + state[:8], "").rpartition(".")
        until, _, way = head.partition(".")
        if not head or not hmac.compare_digest(seal.encode(), self._seal(state, head).encode()):
            return None
        if int(until) < self._ctx.clock.wall().timestamp():
            return None
        try:
            return self._safe(base64.urlsafe_b64decode(way).decode())
        except (binascii.Error, UnicodeDecodeError):
            return None

    def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """Drop the cookie of the state that came."""
        response.del_cookie(self._cookie + request.query.get("state", "")[:8], path=self._path)

    def _seal(self, state: str, head: str) -> str:
        return hmac.new(self._key, f"{state} {head}".encode(), hashlib.sha256).hexdigest()


def base_of(public_url: str, request: web.Request) -> str:
    """Return our own address: the public one, or in its absence this machine's; empty where there is neither."""
    if public_url:
        return public_url
    host = request.host.rsplit(":", 1)[0].strip("[]")
    return f"http://{request.host}" if host == "localhost" or is_loopback(host) else ""

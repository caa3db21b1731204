"""Coming in without a password: the platform says which member opens the page (silent OAuth2, WeCom docs 91022, 91023).

Whoever opens a page from outside, from a card or from the chat toolbar, is asked for anew, unseen: several members may
share one browser, and the session of one must not show to another. A visit that begins on our own pages keeps its
session. A browser that does not tell where it comes from (Sec-Fetch-Site) keeps it as well.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from urllib.parse import urlsplit

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import frame as frames
from console.access import Viewer
from console.context import SidebarContext
from console.sessions import Sessions, is_loopback
from console.sidebar.frame import SidebarFrame
from console.visit import cleaned
from domain.errors import ChannelError, ChannelRefused, CodeUsed
from domain.login import Login, Role
from domain.people import StaffStatus
from store import logins, staff

log = logging.getLogger(__name__)

COOKIE = "guanjia_sidebar"
PATH = "/sidebar"
_RETURN = "/sidebar/login/return"
_HERE_COOKIE = "guanjia_sidebar_here"
_ENTRY_COOKIE = "guanjia_entry_"
_ENTRY_SECONDS = 600
_HERE_SECONDS = 30
# What the platform says of a code (WeCom doc 90313).
_CODE_SPENT = frozenset({40029, 42003, 42022})
_OUT_OF_RANGE = frozenset({50001, 50002, 60011, 60021, 60111})


class Refused(Exception):
    """Nobody could be let in; the word names a page of [phone_entry] in words.toml."""

    def __init__(self, word: str) -> None:
        self.word = word
        super().__init__(word)


class Entrance:
    """The way in. `sessions` keep the cookie of these pages."""

    def __init__(self, ctx: SidebarContext, frame: SidebarFrame, sessions: Sessions) -> None:
        self._ctx = ctx
        self._frame = frame
        self._sessions = sessions
        # State and way back are bound to this browser by a cookie under this key; any replica may check it.
        self._key = hashlib.sha256(b"guanjia sidebar entry\0" + ctx.entry_secret.encode()).digest()

    async def find_viewer(self, request: web.Request) -> Viewer | None:
        """Return who asks; None when the platform has to be asked for it."""
        viewer = await self._sessions.find_viewer(request)
        if viewer is None or not viewer.login.staff_platform_id:
            return None
        return None if _comes_from_outside(request) else viewer

    def lead_in(self, request: web.Request, wanted: str) -> web.Response:
        """Send the browser to the platform, which sends it back with a code."""
        login = self._ctx.login
        base = base_of(self._ctx, request)
        if login is None or not base:
            return self.refusal("not_set_up", wanted)
        state = secrets.token_hex(16)
        location = login.authorize_url(base + _RETURN, state)
        response = web.Response(status=303, headers={"Location": location})
        self._keep(
            response, _ENTRY_COOKIE + state[:8], self._sealed(state, safe_next(wanted)), _ENTRY_SECONDS
        )
        return response

    async def enter(self, request: web.Request) -> web.Response:
        """Begin anew from the page that told what went wrong."""
        return self.lead_in(request, request.query.get("to", ""))

    async def come_back(self, request: web.Request) -> web.Response:
        """Take the platform's answer: find the member, open a session and go to the page that was wanted."""
        state = request.query.get("state", "")
        name = _ENTRY_COOKIE + state[:8]
        wanted = self._opened(request.cookies.get(name, ""), state)
        if wanted is None:
            return self.refusal("state", "")
        try:
            member = await self._member_of(request.query.get("code", ""))
            login = await self._ctx.console.store.write(lambda tx: self._login_of(tx, member))
        except Refused as refused:
            return self.refusal(refused.word, wanted)
        response = web.Response(status=303, headers={"Location": wanted})
        viewer = await self._sessions.find_viewer(request)
        if viewer is None or viewer.login.id != login.id:
            await self._sessions.begin(login, request, response, "wecom")
        self._keep(response, _HERE_COOKIE, "1", _HERE_SECONDS)
        response.del_cookie(name, path=PATH)
        return response

    def arrived(self, request: web.Request, response: web.StreamResponse) -> None:
        """Forget that the browser has just come back from the platform."""
        if _HERE_COOKIE in request.cookies and not response.prepared:
            response.del_cookie(_HERE_COOKIE, path=PATH)

    def refusal(self, word: str, wanted: str) -> web.Response:
        """Answer with a page that says what happened and lets the person try again."""
        values = {"word": word, "again": frames.address("/sidebar/enter", to=safe_next(wanted))}
        text = self._frame.render("entry.html", values)
        return web.Response(status=403, text=text, content_type="text/html")

    def renewal(self, wanted: str) -> web.Response:
        """Answer a form whose session has ended with a page that goes back to `wanted`, and so to the platform."""
        text = self._frame.render("renewal.html", {"again": safe_next(wanted)})
        return web.Response(text=text, content_type="text/html")

    async def _member_of(self, code: str) -> str:
        if not code or self._ctx.login is None:
            raise Refused("code")
        try:
            member = await self._ctx.login.member_of(cleaned(code, 512))
        except ChannelError as error:
            log.warning("login refused", extra={"action": "login_refused", "errcode": error.errcode})
            if isinstance(error, CodeUsed) or error.errcode in _CODE_SPENT:
                raise Refused("code") from error
            if error.errcode in _OUT_OF_RANGE:
                raise Refused("range") from error
            # Without a number of the platform the answer was genuine, but named no member of ours.
            is_stranger = isinstance(error, ChannelRefused) and error.errcode is None
            raise Refused("member" if is_stranger else "platform") from error
        if not member:
            raise Refused("member")
        return member

    async def _login_of(self, tx: AsyncConnection, member: str) -> Login:
        """Return the login of a member, added when there is none. Raises Refused for one who is shut out."""
        now = self._ctx.console.clock.now()
        await staff.ensure(tx, [member], now)
        person = await staff.find(tx, member)
        if person is None or person.status in (StaffStatus.LEFT, StaffStatus.DISABLED):
            raise Refused("left")
        found = await logins.find_login_of_staff(tx, member)
        if found is None:
            # A name that is taken belongs to somebody else until an administrator says otherwise.
            for name in (member, f"{member[:56]}@wecom"):
                login_id = await logins.add_login(
                    tx,
                    name=name,
                    display_name=person.name or member,
                    password_hash="",
                    roles=[Role.ADVISOR],
                    by="wecom",
                    now=now,
                    staff_id=person.id,
                )
                if login_id is not None:
                    await logins.record_access(
                        tx, actor=name, act="login added", subject=f"login:{login_id}", now=now, note="wecom"
                    )
                    break
            found = await logins.find_login_of_staff(tx, member)
        if found is None or found.disabled_at is not None:
            raise Refused("disabled")
        return found

    def _keep(self, response: web.Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path=PATH,
            httponly=True,
            samesite="Lax",
            secure=self._ctx.console.secure_cookies,
        )

    def _sealed(self, state: str, wanted: str) -> str:
        until = int(self._ctx.console.clock.wall().timestamp()) + _ENTRY_SECONDS
        way = base64.urlsafe_b64encode(wanted.encode()).decode()
        return f"{until}.{way}.{self._seal(state, f'{until}.{way}')}"

    def _opened(self, kept: str, state: str) -> str | None:
        """Return the way back that was kept for `state`; None for another browser's, a changed or an old one."""
        head, _, seal = kept.rpartition(".")
        until, _, way = head.partition(".")
        if not head or not hmac.compare_digest(seal.encode(), self._seal(state, head).encode()):
            return None
        if int(until) < self._ctx.console.clock.wall().timestamp():
            return None
        return safe_next(base64.urlsafe_b64decode(way).decode())

    def _seal(self, state: str, head: str) -> str:
        return hmac.new(self._key, f"{state} {head}".encode(), hashlib.sha256).hexdigest()


def base_of(ctx: SidebarContext, request: web.Request) -> str:
    """Return our own address: the public one, or in its absence this machine's; empty where there is neither."""
    if ctx.public_url:
        return ctx.public_url
    host = request.host.rsplit(":", 1)[0].strip("[]")
    return f"http://{request.host}" if host == "localhost" or is_loopback(host) else ""


def safe_next(path: str) -> str:
    """Return `path` if it is one of our pages, else today's list: nobody shall be sent elsewhere."""
    parts = (
        urlsplit(path) if path.startswith("/sidebar/") and path.isprintable() and "\\" not in path else None
    )
    if parts is None or parts.netloc or parts.path.startswith(("/sidebar/login", "/sidebar/enter")):
        return "/sidebar/"
    return path[:500]


def _comes_from_outside(request: web.Request) -> bool:
    """Say whether the browser was sent here by something that is not a page of ours."""
    is_page = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    has_arrived = _HERE_COOKIE in request.cookies
    return is_page and not has_arrived and request.headers.get("Sec-Fetch-Site") != "same-origin"

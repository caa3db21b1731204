"""Coming in without a password: the platform says which member opens the page (silent OAuth2, WeCom docs 91022, 91023).

Whoever opens a page from outside, from a card or from the chat toolbar, is asked for anew, unseen: several members may
share one browser, and the session of one must not show to another. A visit that begins on our own pages keeps its
session. A browser that does not tell where it comes from (Sec-Fetch-Site) keeps it as well.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import frame as frames
from console import members, way_back
from console.access import Viewer
from console.context import SidebarContext
from console.members import Refused
from console.sessions import Sessions
from console.sidebar.frame import SidebarFrame
from console.way_back import WayBack
from domain.login import Login, Role
from domain.people import StaffStatus
from store import login_links, logins, staff

COOKIE = "guanjia_sidebar"
PATH = "/sidebar"
_RETURN = "/sidebar/login/return"
# For the limit on how often an address may try to come in (console/rates.py).
WAYS_IN = frozenset({"/sidebar/enter", _RETURN})
_HERE_COOKIE = "guanjia_sidebar_here"
_HERE_SECONDS = 30


class Entrance:
    """The way in. `sessions` keep the cookie of these pages."""

    def __init__(self, ctx: SidebarContext, frame: SidebarFrame, sessions: Sessions) -> None:
        self._ctx = ctx
        self._frame = frame
        self._sessions = sessions
        self._ways = WayBack(ctx.console, secret=ctx.entry_secret, name="entry", path=PATH, safe=safe_next)

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
        return self._ways.lead(lambda state: login.authorize_url(base + _RETURN, state), wanted)

    async def enter(self, request: web.Request) -> web.Response:
        """Begin anew from the page that told what went wrong."""
        return self.lead_in(request, request.query.get("to", ""))

    async def come_back(self, request: web.Request) -> web.Response:
        """Take the platform's answer: find the member, open a session and go to the page that was wanted."""
        wanted = self._ways.find(request)
        if wanted is None:
            return self.refusal("state", "")
        try:
            member = await members.member_of(self._ctx.login, request.query.get("code", ""))
            login = await self._ctx.console.store.write(lambda tx: self._login_of(tx, member))
        except Refused as refused:
            return self.refusal(refused.word, wanted)
        response = web.Response(status=303, headers={"Location": wanted})
        viewer = await self._sessions.find_viewer(request)
        if viewer is None or viewer.login.id != login.id:
            await self._sessions.begin(login, request, response, "wecom")
        self._keep_here(response)
        self._ways.forget(request, response)
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

    async def _login_of(self, tx: AsyncConnection, member: str) -> Login:
        """Return the login of a member, added when there is none. Raises Refused for one who is shut out."""
        now = self._ctx.console.clock.now()
        await staff.ensure(tx, [member], now)
        person = await staff.find(tx, member)
        if person is None or person.status in (StaffStatus.LEFT, StaffStatus.DISABLED):
            raise Refused("left")
        found = await logins.find_login_of_staff(tx, member)
        if found is None:
            names = (member, f"{member[:56]}@wecom")
            found = await login_links.take_up(tx, names, person.id)
        if found is None:
            # A name that is taken belongs to somebody else until an administrator says otherwise.
            for name in names:
                login_id = await logins.add_login(
                    tx,
                    name=name,
                    display_name=person.name or member,
                    password_hash="",
                    roles=[Role.ADVISOR],
                    by=logins.SELF_MADE,
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

    def _keep_here(self, response: web.Response) -> None:
        response.set_cookie(
            _HERE_COOKIE,
            "1",
            max_age=_HERE_SECONDS,
            path=PATH,
            httponly=True,
            samesite="Lax",
            secure=self._ctx.console.secure_cookies,
        )


def base_of(ctx: SidebarContext, request: web.Request) -> str:
    """Return our own address; empty where there is none that a browser could come back to."""
    return way_back.base_of(ctx.public_url, request)


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

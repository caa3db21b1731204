"""Signing in and out: with a password, through WeCom, and in the demo by choosing who to be.

Through WeCom means a scan on a desk (扫码登录) and, inside the client, nothing at all: both come back with a code. Only
a login an administrator linked with the member is let in, with the roles somebody granted it; nobody makes rights for
themselves by being in the address book.
"""

from __future__ import annotations

import logging
import secrets
from urllib.parse import urlsplit

from aiohttp import web

from console import browsers, frame, members, way_back
from console.context import ConsoleContext
from console.frame import Frame
from console.members import Refused
from console.sessions import SEED_COOKIE, Sessions, address_of, is_at_this_machine
from console.visit import Handler, Visit, cleaned, read_form
from console.way_back import WayBack
from domain.login import Login
from domain.people import StaffStatus
from store import logins, staff

log = logging.getLogger(__name__)

_PATH = "/console/login"
_RETURN = "/console/login/return"
# The ways in, for the limit on how often an address may try (console/rates.py).
WAYS_IN = frozenset({_PATH, "/console/pick", "/console/login/wecom", _RETURN})


class LoginPage:
    """The pages that need nobody signed in."""

    def __init__(self, ctx: ConsoleContext, frame: Frame, sessions: Sessions) -> None:
        self._ctx = ctx
        self._frame = frame
        self._sessions = sessions
        self._ways = WayBack(
            ctx, secret=ctx.entry_secret, name="console_entry", path="/console", safe=_safe_next
        )

    async def show(self, request: web.Request) -> web.Response:
        """Show the form, and in the demo on this machine the people to choose from.

        A browser inside WeCom goes on to the platform at once, unless it has just been told something.
        """
        is_wecom, can_wecom = _is_in_wecom(request), bool(self._base(request))
        if is_wecom and can_wecom and not {"told", "by"} & request.query.keys():
            return await self.lead_out(request)
        seed = request.cookies.get(SEED_COOKIE, "") or secrets.token_urlsafe(24)
        words, told = self._frame.words, request.query.get("told", "")
        values = {
            "seed": seed,
            "next": _safe_next(request.query.get("next", "")),
            "told": words.label("signed_in", told) if words.has("signed_in", told) else "",
            "people": await self._people(request),
            "can_wecom": can_wecom,
            "is_wecom": is_wecom,
        }
        response = web.Response(text=self._frame.render("login.html", values), content_type="text/html")
        response.set_cookie(
            SEED_COOKIE,
            seed,
            path="/console",
            httponly=True,
            samesite="Strict",
            secure=self._ctx.secure_cookies,
        )
        return response

    async def sign_in(self, request: web.Request) -> web.Response:
        """Check name and password."""
        form = await read_form(request)
        next_path = _safe_next(str(form.get("next", "")))
        if not _came_from_our_form(request, str(form.get("seed", ""))):
            return self._again("stale", next_path)
        name, password = cleaned(form.get("name"), 64), str(form.get("password", ""))[:1024]
        found = await self._sessions.check_password(name, password, address_of(request))
        if isinstance(found, str):
            return self._again(found, next_path)
        return await self._enter(found, request, next_path, "password")

    async def pick(self, request: web.Request) -> web.Response:
        """Enter as one of the demo's people; they have no password and exist nowhere else."""
        form = await read_form(request)
        people = await self._people(request)
        chosen = next((one for one in people if one.name == form.get("name")), None)
        if chosen is None:
            raise web.HTTPForbidden()
        if not _came_from_our_form(request, str(form.get("seed", ""))):
            return self._again("stale", "/console/")
        return await self._enter(chosen, request, _safe_next(str(form.get("next", ""))), "picker")

    async def lead_out(self, request: web.Request) -> web.Response:
        """Send the browser to WeCom: inside the client the member is known, elsewhere a code is scanned."""
        login, base = self._ctx.login, self._base(request)
        if login is None or not base:
            return self._refusal("not_set_up", "")
        if urlsplit(base).netloc != request.host and "moved" not in request.query:
            # WeCom leads back to our one public name, and the cookie of the state has to be there. Once only: behind
            # a proxy the name we see need not be the name people use.
            wanted = frame.address("/console/login/wecom", next=request.query.get("next", ""), moved=1)
            return web.Response(status=303, headers={"Location": base + wanted})
        address_with = login.authorize_url if _is_in_wecom(request) else login.scan_url
        return self._ways.lead(
            lambda state: address_with(base + _RETURN, state), request.query.get("next", "")
        )

    async def come_back(self, request: web.Request) -> web.Response:
        """Take WeCom's answer: find the member's login and open a session."""
        wanted = self._ways.find(request)
        if wanted is None:
            return self._refusal("state", "")
        try:
            member = await members.member_of(self._ctx.login, request.query.get("code", ""))
            login = await self._login_of(member)
        except Refused as refused:
            return self._refusal(refused.word, wanted)
        response = await self._enter(login, request, wanted, "wecom" if _is_in_wecom(request) else "qr")
        self._ways.forget(request, response)
        return response

    async def _login_of(self, member: str) -> Login:
        """Return the login linked with this member. Raises Refused for one who is shut out or has no role here."""
        async with self._ctx.store.read() as tx:
            person = await staff.find(tx, member)
            found = await logins.find_login_of_staff(tx, member)
        if person is not None and person.status in (StaffStatus.LEFT, StaffStatus.DISABLED):
            raise Refused("left")
        if found is not None and found.disabled_at is not None:
            raise Refused("disabled")
        if found is None or not found.granted_roles:
            log.warning("no console role", extra={"action": "login_without_role", "staff": member})
            raise Refused("no_role")
        return found

    def _base(self, request: web.Request) -> str:
        """Return the address WeCom sends browsers back to; empty where it is no way in."""
        return way_back.base_of(self._ctx.public_url, request) if self._ctx.login is not None else ""

    def _refusal(self, word: str, wanted: str) -> web.Response:
        values = {
            "word": word,
            "again": frame.address("/console/login/wecom", next=wanted),
            "by_password": frame.address(_PATH, by="password", next=wanted),
        }
        text = self._frame.render("entry.html", values)
        return web.Response(status=403, text=text, content_type="text/html")

    async def _people(self, request: web.Request) -> list[Login]:
        if not self._ctx.picker or not is_at_this_machine(request):
            return []
        async with self._ctx.store.read() as tx:
            everybody = await logins.list_logins(tx)
        order = list(self._frame.words.section("role"))
        passwordless = [
            one
            for one in everybody
            if not one.password_hash and one.disabled_at is None and one.granted_roles
        ]
        return sorted(passwordless, key=lambda one: min(order.index(role) for role in one.granted_roles))

    async def _enter(self, login: Login, request: web.Request, next_path: str, how: str) -> web.Response:
        response = web.Response(status=303, headers={"Location": next_path})
        await self._sessions.begin(login, request, response, how)
        response.del_cookie(SEED_COOKIE, path="/console", secure=self._ctx.secure_cookies, httponly=True)
        return response

    def _again(self, told: str, next_path: str) -> web.Response:
        location = frame.address(_PATH, told=told, next=next_path if next_path != "/console/" else "")
        return web.Response(status=303, headers={"Location": location})


def sign_out(sessions: Sessions, *, everywhere: bool) -> Handler:
    """Return the handler that ends this session, or all of the person's."""

    async def handler(visit: Visit) -> web.Response:
        response = web.Response(status=303, headers={"Location": f"{_PATH}?told=ended"})
        await sessions.end(visit.viewer, response, everywhere=everywhere)
        return response

    return handler


def _is_in_wecom(request: web.Request) -> bool:
    return browsers.is_wecom(request.headers.get("User-Agent", "")[:1000])


def _came_from_our_form(request: web.Request, seed: str) -> bool:
    """Say whether the form was ours: nobody is signed in yet, so a cookie set with the form stands for the session."""
    kept = request.cookies.get(SEED_COOKIE, "")
    return bool(kept) and secrets.compare_digest(kept.encode(), seed.encode("utf-8", "replace"))


def _safe_next(path: str) -> str:
    """Return `path` if it is one of our pages, else the overview: nobody shall be sent elsewhere after signing in."""
    page = path.partition("?")[0]
    is_ours = path.startswith("/console/") and page != _PATH and not page.startswith(_PATH + "/")
    return path if is_ours and "\\" not in path and path.isprintable() else "/console/"

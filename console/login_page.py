"""Signing in and out; in the demo, choosing who to be."""

from __future__ import annotations

import secrets

from aiohttp import web

from console import frame
from console.context import ConsoleContext
from console.frame import Frame
from console.sessions import SEED_COOKIE, Sessions, address_of, is_at_this_machine
from console.visit import Handler, Visit, cleaned, read_form
from domain.login import Login
from store import logins

_PATH = "/console/login"


class LoginPage:
    """The pages that need nobody signed in."""

    def __init__(self, ctx: ConsoleContext, frame: Frame, sessions: Sessions) -> None:
        self._ctx = ctx
        self._frame = frame
        self._sessions = sessions

    async def show(self, request: web.Request) -> web.Response:
        """Show the form, and in the demo on this machine the people to choose from."""
        seed = request.cookies.get(SEED_COOKIE, "") or secrets.token_urlsafe(24)
        words, told = self._frame.words, request.query.get("told", "")
        values = {
            "seed": seed,
            "next": _safe_next(request.query.get("next", "")),
            "told": words.label("signed_in", told) if words.has("signed_in", told) else "",
            "people": await self._people(request),
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

    async def _people(self, request: web.Request) -> list[Login]:
        if not self._ctx.picker or not is_at_this_machine(request):
            return []
        async with self._ctx.store.read() as tx:
            everybody = await logins.list_logins(tx)
        order = list(self._frame.words.section("role"))
        passwordless = [
            one for one in everybody if not one.password_hash and one.disabled_at is None and one.roles
        ]
        return sorted(passwordless, key=lambda one: min(order.index(role) for role in one.roles))

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


def _came_from_our_form(request: web.Request, seed: str) -> bool:
    """Say whether the form was ours: nobody is signed in yet, so a cookie set with the form stands for the session."""
    kept = request.cookies.get(SEED_COOKIE, "")
    return bool(kept) and secrets.compare_digest(kept.encode(), seed.encode("utf-8", "replace"))


def _safe_next(path: str) -> str:
    """Return `path` if it is one of our pages, else the overview: nobody shall be sent elsewhere after signing in."""
    is_ours = path.startswith("/console/") and path.partition("?")[0] != _PATH
    return path if is_ours and "\\" not in path and path.isprintable() else "/console/"

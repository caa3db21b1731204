"""Signing in, staying signed in and being shut out.

The cookie holds a random token; the store holds only its SHA-256. Times are wall times, see store/logins.py. A wrong
password counts against the name (in the store, for all replicas) and against the address (in this process).
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import ipaddress
import secrets
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import browsers
from console.access import Viewer
from console.context import ConsoleContext
from console.passwords import Passwords
from domain.login import Login, LoginDoor
from store import logins

COOKIE = "guanjia_session"
SEED_COOKIE = "guanjia_seed"
LOCK = timedelta(minutes=15)
NAME_FAILURES = 5
ADDRESS_FAILURES = 20
# Every write costs a commit; "last used" need not be finer.
_SEEN_STEP = timedelta(minutes=5)
_ADDRESSES_KEPT = 10_000


class Failures:
    """Wrong passwords per key in the last LOCK, in this process. Forgets the oldest keys beyond a bound."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times: OrderedDict[str, deque[datetime]] = OrderedDict()

    def is_locked(self, key: str, now: datetime) -> bool:
        """Say whether the key has used up its tries."""
        times = self._times.get(key)
        while times and times[0] <= now - LOCK:
            times.popleft()
        return times is not None and len(times) >= self._limit

    def add(self, key: str, now: datetime) -> None:
        """Count a failure."""
        times = self._times.setdefault(key, deque(maxlen=self._limit))
        times.append(now)
        self._times.move_to_end(key)
        while len(self._times) > _ADDRESSES_KEPT:
            self._times.popitem(last=False)

    def clear(self, key: str) -> None:
        """Forget the key's failures."""
        self._times.pop(key, None)


class Sessions:
    """Who is signed in. `cookie`, `path`: under which name and for which addresses the browser keeps it.

    `door`: the pages its sessions open. Whoever brings the token of one door to the other is nobody there.
    """

    def __init__(
        self,
        ctx: ConsoleContext,
        *,
        cookie: str = COOKIE,
        path: str = "/",
        door: LoginDoor = LoginDoor.CONSOLE,
    ) -> None:
        self._ctx = ctx
        self._door = door
        self._cookie = cookie
        self._path = path
        self.passwords = Passwords()
        self._by_address = Failures(ADDRESS_FAILURES)
        # Unknown names are locked like known ones, so that a lock tells nothing.
        self._by_name = Failures(NAME_FAILURES)

    async def find_viewer(self, request: web.Request) -> Viewer | None:
        """Return the person whose cookie this is; None when nobody is signed in."""
        token = request.cookies.get(self._cookie, "")
        if not token:
            return None
        now, digest = self._ctx.clock.wall(), digest_of(token)
        async with self._ctx.store.read() as tx:
            session = await logins.find_session(tx, digest, now, self._door)
        if session is None:
            return None
        if now - session.seen_at > _SEEN_STEP:
            await self._ctx.store.write(lambda tx: logins.set_seen(tx, digest, now))
        login = session.login
        if self._door is LoginDoor.CONSOLE:
            # What the phone page gave by itself is no right here.
            login = dataclasses.replace(login, roles=login.granted_roles)
        return Viewer(login=login, token_digest=digest, csrf=session.csrf)

    async def check_password(self, name: str, password: str, address: str) -> Login | str:
        """Return the login, or why not: "locked" or "refused". Which of name and password was wrong stays untold."""
        now = self._ctx.clock.wall()
        async with self._ctx.store.read() as tx:
            found = await logins.find_login(tx, name)
        is_locked = found is not None and found.locked_until is not None and found.locked_until > now
        if is_locked or self._by_name.is_locked(name, now) or self._by_address.is_locked(address, now):
            return "locked"
        right = await self.passwords.is_right(found.password_hash if found else "", password)
        if found is not None and right and found.disabled_at is None:
            self._by_name.clear(name)
            if found.failures:
                login_id = found.id
                await self._ctx.store.write(lambda tx: logins.clear_failures(tx, login_id))
            return found
        await self._count_failure(found, name, address, now)
        return "refused"

    async def begin(self, login: Login, request: web.Request, response: web.StreamResponse, how: str) -> None:
        """Open a session and set its cookie. `how`: password, picker, wecom or qr.

        A session this browser had before ends: nobody holds its cookie any more.
        """
        token, now = secrets.token_urlsafe(32), self._ctx.clock.wall()
        former = request.cookies.get(self._cookie, "")
        lasts = timedelta(hours=self._ctx.session_hours)
        address = address_of(request)

        async def job(tx: AsyncConnection) -> None:
            await logins.add_session(
                tx,
                login.id,
                token_digest=digest_of(token),
                csrf=secrets.token_urlsafe(24),
                now=now,
                expires_at=now + lasts,
                door=self._door,
                how=how,
                browser=browsers.name_of(request.headers.get("User-Agent", "")[:1000]),
                address=address,
            )
            if former:
                await logins.revoke_session(tx, digest_of(former), now)
            at = self._ctx.clock.now()
            await logins.record_access(
                tx,
                actor=login.name,
                act="signed in",
                subject=f"login:{login.id}",
                now=at,
                note=f"{how} {address}",
            )

        await self._ctx.store.write(job)
        response.set_cookie(
            self._cookie,
            token,
            max_age=int(lasts.total_seconds()),
            path=self._path,
            httponly=True,
            samesite="Lax",
            secure=self._ctx.secure_cookies,
        )

    async def end(self, viewer: Viewer, response: web.StreamResponse, *, everywhere: bool) -> None:
        """End this session, or all of the person's."""
        now = self._ctx.clock.wall()
        if everywhere:
            await self._ctx.store.write(lambda tx: logins.revoke_all_sessions(tx, viewer.login.id, now))
        else:
            await self._ctx.store.write(lambda tx: logins.revoke_session(tx, viewer.token_digest, now))
        response.del_cookie(
            self._cookie, path=self._path, secure=self._ctx.secure_cookies, httponly=True, samesite="Lax"
        )

    async def _count_failure(self, found: Login | None, name: str, address: str, now: datetime) -> None:
        self._by_address.add(address, now)
        self._by_name.add(name, now)
        if found is not None:
            login_id = found.id
            await self._ctx.store.write(
                lambda tx: logins.record_failure(tx, login_id, limit=NAME_FAILURES, lock=LOCK, now=now)
            )


def digest_of(token: str) -> str:
    """Return what the store keeps of a cookie's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def is_csrf_right(viewer: Viewer, sent: str) -> bool:
    """Say whether a POST came from one of our own pages."""
    return secrets.compare_digest(viewer.csrf.encode(), sent.encode("utf-8", "replace"))


def address_of(request: web.Request) -> str:
    """Return the visitor's address: what the nearest proxy saw when that proxy is on this machine, else the peer."""
    peer = request.remote or ""
    seen = request.headers.get("X-Forwarded-For", "")
    if seen and is_loopback(peer):
        nearest = seen.rsplit(",", 1)[-1].strip()
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(nearest))
    return peer


def is_at_this_machine(request: web.Request) -> bool:
    """Say whether the browser runs on this machine and came without a proxy; the picker serves nobody else.

    The Host header must be loopback too: a page elsewhere could point its own name at 127.0.0.1 (DNS rebinding).
    """
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    host = request.host.rsplit(":", 1)[0].strip("[]")
    return is_loopback(request.remote or "") and (host == "localhost" or is_loopback(host))


def is_loopback(address: str) -> bool:
    """Say whether an address can only be reached from this machine."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False

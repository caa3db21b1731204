"""The login addresses as members' browsers meet them: silent (WeCom doc 91022), and with a QR code (doc 98152).

Silent: back at once for a browser that is a member's, else a choice of members. With a code: always a choice, since the
code is scanned by a phone and the sandbox's phones are links; the picture is for the eye and holds nothing.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable

from aiohttp import web

from sandbox import web_login
from sandbox.codes import ApiError, WorldError
from sandbox.settings import AppSettings
from sandbox.world import World

WHO = "sandbox_member"  # the cookie by which authorize knows whose browser it is
_CELLS = 25
_FINDERS = ((0, 0), (_CELLS - 7, 0), (0, _CELLS - 7))


def routes(world: World) -> list[web.RouteDef]:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await authorize(world, request)

    async def serve_code(request: web.Request) -> web.StreamResponse:
        return await scan(world, request)

    return [
        web.get("/connect/oauth2/authorize", serve),
        web.get("/wwlogin/sso/login", serve_code),
    ]


async def authorize(world: World, request: web.Request) -> web.StreamResponse:
    """The authorize page: back at once for a browser that is a member's, else a choice of members."""
    chosen = request.query.get(WHO, "") or request.cookies.get(WHO, "")
    problem = _leave(world, request, chosen, web_login.check_authorize, web_login.authorize)
    return problem or _page(f"<h1>以谁的身份打开？</h1>{_choice(world, request)}")


async def scan(world: World, request: web.Request) -> web.StreamResponse:
    """The page with the QR code, and beside it who may scan it."""
    chosen = request.query.get(WHO, "")
    problem = _leave(world, request, chosen, web_login.check_scan, web_login.scanned)
    if problem:
        return problem
    corp = html.escape(world.settings.corp_name or "企业微信")
    return _page(
        f"<h1>企业微信扫码登录</h1><p>登录到 {corp} 的应用</p>"
        f"{_picture(request.query.get('state', ''))}"
        f"<h2>沙盒里没有手机：点谁，就是谁扫了码并同意登录</h2>{_choice(world, request)}"
    )


def _leave(
    world: World,
    request: web.Request,
    chosen: str,
    check: Callable[[World, dict[str, str]], AppSettings],
    go: Callable[[World, str, dict[str, str]], str],
) -> web.Response | None:
    """Answer with what is wrong with the address, or leave for the app with the chosen member; None: nobody yet."""
    query = {name: value for name, value in request.query.items() if name != WHO}
    try:
        check(world, query)
        if chosen in world.members:
            raise web.HTTPFound(go(world, chosen, query))
    except (ApiError, WorldError) as error:
        code = f"{error.code} " if isinstance(error, ApiError) else ""
        return _page(f"<h1>打不开这个页面</h1><p>{html.escape(code + str(error))}</p>", status=400)
    return None


def _choice(world: World, request: web.Request) -> str:
    links = "".join(
        f'<li><a href="{html.escape(str(request.url.update_query({WHO: one.userid})))}">'
        f"{html.escape(one.name)}</a></li>"
        for one in world.members.values()
    )
    return f"<ul>{links}</ul>"


def _picture(seed: str) -> str:
    """Something that looks like a QR code, another one for each state."""
    bits = hashlib.shake_256(seed.encode(errors="replace")).digest(_CELLS * _CELLS // 8 + 1)
    dots = "".join(
        f"M{x} {y}h1v1h-1z"
        for y in range(_CELLS)
        for x in range(_CELLS)
        if not _near_finder(x, y) and bits[(y * _CELLS + x) // 8] >> ((y * _CELLS + x) % 8) & 1
    )
    corners = "".join(f"M{x} {y}h7v7h-7zm1 1v5h5v-5zm1 1h3v3h-3z" for x, y in _FINDERS)
    return (
        f'<svg class="scan-code" viewBox="-2 -2 {_CELLS + 4} {_CELLS + 4}" aria-hidden="true">'
        f'<path fill-rule="evenodd" d="{corners}{dots}"/></svg>'
    )


def _near_finder(x: int, y: int) -> bool:
    return any(left - 1 <= x <= left + 7 and top - 1 <= y <= top + 7 for left, top in _FINDERS)


def _page(content: str, *, status: int = 200) -> web.Response:
    head = (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>沙盒登录</title>'
        '<link rel="icon" href="/assets/logo.svg"><link rel="stylesheet" href="/assets/base.css">'
        '<link rel="stylesheet" href="/assets/corp.css">'
    )
    policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'"
    return web.Response(
        text=f'{head}<body class="login"><main>{content}</main></body></html>',
        content_type="text/html",
        status=status,
        headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"},
    )

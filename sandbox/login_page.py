"""The authorize address (WeCom doc 91022) as members' browsers meet it: back at once, or a choice of members."""

from __future__ import annotations

import html

from aiohttp import web

from sandbox import web_login
from sandbox.codes import ApiError, WorldError
from sandbox.world import World

WHO = "sandbox_member"  # the cookie by which authorize knows whose browser it is


def routes(world: World) -> list[web.RouteDef]:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await authorize(world, request)

    return [web.get("/connect/oauth2/authorize", serve)]


async def authorize(world: World, request: web.Request) -> web.StreamResponse:
    """The authorize page: back at once for a browser that is a member's, else a choice of members."""
    query = dict(request.query)
    chosen = query.pop("sandbox_member", "") or request.cookies.get(WHO, "")
    try:
        web_login.check_authorize(world, query)
        if chosen in world.members:
            raise web.HTTPFound(web_login.authorize(world, chosen, query))
    except (ApiError, WorldError) as error:
        code = f"{error.code} " if isinstance(error, ApiError) else ""
        return _page(f"<h1>打不开这个页面</h1><p>{html.escape(code + str(error))}</p>", status=400)
    links = "".join(
        f'<li><a href="{html.escape(str(request.url.update_query(sandbox_member=one.userid)))}">'
        f"{html.escape(one.name)}</a></li>"
        for one in world.members.values()
    )
    return _page(f"<h1>以谁的身份打开？</h1><ul>{links}</ul>")


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

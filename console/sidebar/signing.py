"""Signatures with which a page of ours registers at the JS-SDK (WeCom doc 90506)."""

from __future__ import annotations

import logging

from aiohttp import web

from console.sidebar.visit import SidebarVisit
from domain.errors import ChannelError

log = logging.getLogger(__name__)


async def sign(visit: SidebarVisit) -> web.Response:
    """Sign the address of one of our own pages; `kind` is corp or agent, each with a ticket of its own."""
    url = visit.request.query.get("url", "").partition("#")[0]
    kind = visit.query("kind")
    signer = visit.ctx.signer
    if kind not in ("corp", "agent") or not url.startswith(f"{visit.base}/sidebar/") or len(url) > 2000:
        return web.json_response({"refused": "address"}, status=400)
    if signer is None:
        return web.json_response({"refused": "not_set_up"}, status=503)
    try:
        made = await (signer.corp_signature(url) if kind == "corp" else signer.agent_signature(url))
    except ChannelError as error:
        log.warning("page not signed", extra={"action": "page_not_signed", "errcode": error.errcode})
        return web.json_response({"refused": str(error.errcode or "unreachable")}, status=502)
    return web.json_response(
        {"timestamp": str(made.timestamp), "nonceStr": made.nonce, "signature": made.signature}
    )

"""Giving a customer back to the bot from the sidebar: by who serves the session, and nobody else."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console.sidebar import access
from console.sidebar.visit import SidebarVisit
from scheduler import handing


async def give_back(visit: SidebarVisit) -> web.Response:
    """End the own session with the customer; the bot serves from the customer's next message.

    Answers JSON to a script that asks for it, else sends the browser back to the customer's page.
    """
    handover_id, now = visit.number(), visit.ctx.console.clock.now()

    async def job(tx: AsyncConnection) -> tuple[str, str]:
        found, talk = await access.access_served(visit.viewer, tx, handover_id)
        wrong = await handing.take_back(tx, found, visit.ctx.console.knowledge(), by=visit.me, now=now)
        return talk.customer.platform_id, wrong

    customer, wrong = await visit.write(job)
    if visit.request.headers.get("Accept") == "application/json":
        if wrong:
            return web.json_response({"refused": wrong}, status=409)
        return web.json_response({"done": "handover_back"})
    return visit.back(
        "/sidebar/customer",
        done="" if wrong else "handover_back",
        wrong=wrong,
        external_userid=customer,
        entry="single_kf_tools",
    )

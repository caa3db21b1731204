"""Conversations as they happen, newest first."""

from __future__ import annotations

from aiohttp import web

from console import access, frame, people
from console.visit import PAGE_ROWS, Visit
from store import health_reports
from store.talk_reports import TalkFilter

SHOWS = ("", "person", "serving", "late")


async def show(visit: Visit) -> web.Response:
    """Show a page of conversations; the first page renews itself."""
    show, account, search = visit.choice("show", SHOWS), visit.query("account"), visit.query("search")
    wanted = TalkFilter(show=show, account_id=account, search=search, now=visit.ctx.clock.now())
    async with visit.ctx.store.read() as tx:
        rows = await access.access_conversations(visit.viewer, tx, wanted, visit.place, PAGE_ROWS + 1)
        accounts = await health_reports.list_account_names(tx)
        names = await people.list_names(tx)
    url = frame.address("/console/conversations", show=show, account=account, search=search)
    return visit.live_page(
        "conversations.html",
        "conversations_part.html",
        url,
        rows=rows[:PAGE_ROWS],
        next_place=rows[PAGE_ROWS - 1].place if len(rows) > PAGE_ROWS else None,
        accounts=accounts,
        people=names,
        show=show,
        account=account,
        search=search,
    )

"""Questions without a sure answer: what to write next. Without names, so that editors need not see whose they were."""

from __future__ import annotations

from aiohttp import web

from console import access
from console.visit import PAGE_ROWS, Visit


async def show(visit: Visit) -> web.Response:
    """Show a page of questions, newest first."""
    async with visit.ctx.store.read() as tx:
        rows = await access.access_unanswered(visit.viewer, tx, visit.place, PAGE_ROWS + 1)
    faqs = visit.ctx.knowledge().content.faqs
    return visit.page(
        "unanswered.html",
        rows=rows[:PAGE_ROWS],
        next_place=rows[PAGE_ROWS - 1].place if len(rows) > PAGE_ROWS else None,
        titles={faq_id: faq.question for faq_id, faq in faqs.items()},
    )

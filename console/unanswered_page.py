"""Questions without a sure answer: what to write next. Without names, so that editors need not see whose they were."""

from __future__ import annotations

import re
from dataclasses import replace

from aiohttp import web

from console import access
from console.visit import PAGE_ROWS, Visit

# Phone, card, identity and contract numbers; editors need none of them.
_NUMBER = re.compile(r"\d(?:[ -]?\d){5,}[Xx]?")


async def show(visit: Visit) -> web.Response:
    """Show a page of questions, newest first."""
    async with visit.ctx.store.read() as tx:
        rows = await access.access_unanswered(visit.viewer, tx, visit.place, PAGE_ROWS + 1)
    faqs = visit.ctx.knowledge().content.faqs
    return visit.page(
        "unanswered.html",
        rows=[replace(row, text=without_numbers(row.text)) for row in rows[:PAGE_ROWS]],
        next_place=rows[PAGE_ROWS - 1].place if len(rows) > PAGE_ROWS else None,
        titles={faq_id: faq.question for faq_id, faq in faqs.items()},
    )


def without_numbers(text: str) -> str:
    """Return `text` with every run of six digits or more replaced by stars."""
    return _NUMBER.sub("******", text)

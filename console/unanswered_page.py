"""Questions without a sure answer: what to write next. Without names, so that editors need not see whose they were."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from aiohttp import web

from console import access
from console.visit import PAGE_ROWS, Visit
from content import grouping
from store.gaps import QuestionRow

# Phone, card, identity and contract numbers; editors need none of them.
_NUMBER = re.compile(r"\d(?:[ -]?\d){5,}[Xx]?")
_SHOWS = ("groups", "each")
_DAYS = ("30", "7", "90")
_MOST_GROUPS = 200


async def show(visit: Visit) -> web.Response:
    """Show the questions of a period put together, or one by one."""
    if visit.choice("show", _SHOWS) == "each":
        return await _show_each(visit)
    return await _show_groups(visit)


async def _show_groups(visit: Visit) -> web.Response:
    days = visit.choice("days", _DAYS)
    since = visit.ctx.clock.now() - timedelta(days=int(days))
    async with visit.ctx.store.read() as tx:
        rows = await access.access_gaps(visit.viewer, tx, since)
    groups = await asyncio.to_thread(groups_of, rows)
    return visit.page(
        "gaps.html",
        groups=groups[:_MOST_GROUPS],
        group_count=len(groups),
        question_count=len(rows),
        days=days,
        titles=visit.ctx.knowledge().titles(),
    )


async def _show_each(visit: Visit) -> web.Response:
    async with visit.ctx.store.read() as tx:
        rows = await access.access_unanswered(visit.viewer, tx, visit.place, PAGE_ROWS + 1)
    return visit.page(
        "unanswered.html",
        rows=[replace(row, text=without_numbers(row.text)) for row in rows[:PAGE_ROWS]],
        next_place=rows[PAGE_ROWS - 1].place if len(rows) > PAGE_ROWS else None,
        titles=visit.ctx.knowledge().titles(),
    )


def groups_of(rows: Iterable[QuestionRow]) -> list[grouping.Group]:
    """Return the questions put together, their numbers hidden; also for `guanjia faq gaps`."""
    return grouping.groups_of(
        grouping.Asked(
            text=without_numbers(row.text),
            customer=row.customer_id,
            at=row.opened_at,
            nearest=row.faq_id,
            confidence=row.confidence or row.score or 0.0,
        )
        for row in rows
    )


def without_numbers(text: str) -> str:
    """Return `text` with every run of six digits or more replaced by stars."""
    return _NUMBER.sub("******", text)

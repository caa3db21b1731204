"""How far reviewers agree, item by item, and how often appeals take rules and reviewers back."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from audit import second_looks
from console import access, people
from console.access import Right
from console.visit import Visit
from content import review_rules

_DAYS = ("90", "30", "365")


async def show(visit: Visit) -> web.Response:
    """Show the last months."""
    access.require(visit.viewer, Right.REVIEW)
    days = visit.choice("days", _DAYS)
    since, rules = visit.ctx.clock.now() - timedelta(days=int(days)), review_rules.load()
    async with visit.ctx.store.read() as tx:
        rows = await second_looks.read_agreement(tx, since)
        by_rule, by_reviewer = await second_looks.read_overturned(tx, since, rules)
        names = await people.list_names(tx)
    rubric = visit.ctx.knowledge().content.rubric
    items = {item.id: item.name for item in rubric.items}
    return visit.page(
        "agreement.html",
        rows=rows,
        by_rule=by_rule,
        by_reviewer=by_reviewer,
        people=names,
        items=items,
        labels_of=rubric.label_name,
        days=days,
        rules=rules,
        least=second_looks.LEAST_PAIRS,
    )

"""Samples: how many sessions a period has, how many should be looked at, what the looked-at ones tell."""

from __future__ import annotations

import secrets
from datetime import date, datetime, time, timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import agreement, drawing
from console import access
from console.access import Right
from console.review_access import actor_of
from console.visit import Visit
from content import review_rules
from domain.sampling import NewPlan, PlanKind
from store import sampling_plans

_MARGINS = ("5", "3", "2", "1")
_SEEDS = 2**62
# Nobody looks at more; a slip of the hand must not fill the queue.
_MOST = 2_000


async def show(visit: Visit) -> web.Response:
    """Show the samples, and the form with its sizes counted for the period asked for."""
    access.require(visit.viewer, Right.REVIEW)
    rules = review_rules.load()
    from_on, until_on = _period(visit, visit.query("from"), visit.query("until"))
    margin = int(visit.choice("margin", _MARGINS)) / 100
    async with visit.ctx.store.read() as tx:
        facts = await sampling_plans.list_facts(tx, _at(visit, from_on), _at(visit, until_on))
        results = await drawing.results(tx)
    found = drawing.candidates_of(facts, rules, visit.ctx.hours)
    return visit.page(
        "sampling.html",
        from_on=from_on,
        until_on=until_on - timedelta(days=1),
        margin=margin,
        margins=_MARGINS,
        population=drawing.population_of(found, rules, margin),
        kinds=drawing.KINDS,
        results=results,
        rules=rules,
        zero_defect=agreement.zero_defect_size(0.01),
        many=agreement.sample_size(margin),
    )


async def make(visit: Visit) -> web.Response:
    """Draw a sample and put it into the queue."""
    from_on, until_on = _period(visit, visit.said("from", 10), visit.said("until", 10))
    kind, size, now = visit.said("kind", 16), visit.said("size", 6), visit.ctx.clock.now()
    rules = review_rules.load()

    async def job(tx: AsyncConnection) -> str:
        access.require(visit.viewer, Right.REVIEW)
        if kind not in drawing.KINDS or not size.isascii() or not size.isdigit() or int(size) > _MOST:
            return "plan_size"
        wanted = NewPlan(
            kind=PlanKind(kind),
            name=visit.said("name", 100) or f"{from_on:%m-%d} – {until_on - timedelta(days=1):%m-%d}",
            from_at=_at(visit, from_on),
            until_at=_at(visit, until_on),
            population=0,
            seed=secrets.randbelow(_SEEDS),
            rules={"size": int(size), "risks": {str(risk): by for risk, by in rules.risks.items()}},
            made_by=actor_of(visit.viewer),
            made_at=now,
        )
        made = await drawing.make(tx, wanted, int(size), rules, visit.ctx.hours)
        return "" if made else "plan_empty"

    wrong = await visit.write(job)
    path = "/console/audit/sampling"
    return visit.back(path, wrong=wrong) if wrong else visit.back(path, done="plan_made")


def _period(visit: Visit, first: str, last: str) -> tuple[date, date]:
    """Return the first day and the day after the last; the last 30 days where nothing sensible was asked."""
    today = visit.ctx.clock.now().astimezone(visit.ctx.zone).date()
    from_on, until_on = _day(first), _day(last)
    if from_on is None or until_on is None or not from_on <= until_on <= from_on + timedelta(days=400):
        return today - timedelta(days=29), today + timedelta(days=1)
    return from_on, until_on + timedelta(days=1)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def _at(visit: Visit, day: date) -> datetime:
    return datetime.combine(day, time.min, visit.ctx.zone)

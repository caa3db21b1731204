"""Calibration sets: who has judged, where reviewers differ, and how each stands to the answers agreed on."""

from __future__ import annotations

import secrets
from datetime import timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import calibrating
from console import access, people
from console.access import RIGHTS, NotFound, Right
from console.review_access import actor_of
from console.visit import Visit
from content import review_rules
from domain.sampling import NewPlan, PlanKind
from store import calibrations, logins

_SIZES = ("20", "25", "30", "10")
_SEEDS = 2**62
_PERIOD = timedelta(days=30)


async def show(visit: Visit) -> web.Response:
    """Show the sets, and the form for a new one."""
    access.require(visit.viewer, Right.REVIEW)
    async with visit.ctx.store.read() as tx:
        results = await calibrating.results(tx)
        names = await people.list_names(tx)
        reviewers = await list_reviewers(tx)
    rubric = visit.ctx.knowledge().content.rubric
    return visit.page(
        "calibration.html",
        results=results,
        people=names,
        reviewers=reviewers,
        sizes=_SIZES,
        items={item.id: item.name for item in rubric.items},
        labels_of=rubric.label_name,
        version=rubric.version,
    )


async def make(visit: Visit) -> web.Response:
    """Draw a set from the last 30 days for the reviewers chosen."""
    chosen, size = [str(one) for one in visit.form.getall("reviewer", [])], visit.said("size", 3)
    now = visit.ctx.clock.now()

    async def job(tx: AsyncConnection) -> str:
        access.require(visit.viewer, Right.REVIEW)
        known = await list_reviewers(tx)
        names = [name for name in known if name in chosen]
        if size not in _SIZES or len(names) < 2:
            return "calibration_people"
        wanted = NewPlan(
            kind=PlanKind.CALIBRATION,
            name=visit.said("name", 100) or f"{now.astimezone(visit.ctx.zone):%Y-%m}",
            from_at=now - _PERIOD,
            until_at=now,
            population=0,
            seed=secrets.randbelow(_SEEDS),
            rules={"size": int(size)},
            made_by=actor_of(visit.viewer),
            made_at=now,
        )
        guideline = visit.ctx.knowledge().content.rubric.version
        made = await calibrating.make(
            tx, wanted, int(size), names, guideline, review_rules.load(), visit.ctx.hours
        )
        return "" if made else "plan_empty"

    return _told(visit, await visit.write(job), "calibration_made")


async def close(visit: Visit) -> web.Response:
    """Agree on the majority's answers."""

    async def job(tx: AsyncConnection) -> str:
        access.require(visit.viewer, Right.REVIEW)
        one = await calibrations.find(tx, visit.number())
        if one is None:
            raise NotFound()
        done = await calibrating.close(tx, one, visit.ctx.clock.now())
        return "" if done else "calibration_open"

    return _told(visit, await visit.write(job), "calibration_closed")


async def list_reviewers(tx: AsyncConnection) -> list[str]:
    """Return who may judge, under the names decisions are written with."""
    return [
        login.staff_platform_id or login.name
        for login in await logins.list_logins(tx)
        if login.disabled_at is None and any(Right.REVIEW in RIGHTS[role] for role in login.roles)
    ]


def _told(visit: Visit, wrong: str, done: str) -> web.Response:
    path = "/console/audit/calibration"
    return visit.back(path, wrong=wrong) if wrong else visit.back(path, done=done)

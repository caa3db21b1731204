"""Where those come from who leave a group within their first day: a report for whoever chooses the invitations.

It never stops a group; leaving on the first day is the filter working (domain/cohorts.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from aiohttp import web

from console import access, groups_page, people
from console.visit import Visit
from console.words import Words
from domain.cohorts import SourceKind, SourceQuits
from store import cohort_reports, sop_reports, staff

DAYS = ("30", "7", "90")
_DRAWN = 12
_SHOWN = 200


async def show(visit: Visit) -> web.Response:
    """Show the report over some days."""
    days, kind = visit.choice("days", DAYS), visit.choice("by", tuple(SourceKind))
    now = visit.ctx.clock.now()
    since = visit.frame.times.start_of_today() - timedelta(days=int(days) - 1)
    async with visit.ctx.store.read() as tx:
        scope = await access.access_group_scope(visit.viewer, tx)
        members = await staff.list_all(tx)
        owners = await sop_reports.list_owners(tx, scope)
        wanted = groups_page.wanted_groups(visit, scope, members, "")
        chosen = None if scope is None else await sop_reports.list_group_ids(tx, wanted)
        found = await cohort_reports.report_sources(
            tx,
            now,
            since=since,
            until=now + timedelta(seconds=1),
            owners=wanted.owners,
            group_ids=chosen,
        )
        names = await people.list_names(tx)
    rows = [one for one in found if one.source.kind == kind]
    return visit.page(
        "group_quits.html",
        rows=rows[:_SHOWN],
        more=max(0, len(rows) - _SHOWN),
        days=days,
        kind=kind,
        owners=owners,
        owner=visit.query("owner"),
        team=visit.query("team"),
        people=names,
        joined=sum(one.joined for one in rows),
        drawing=_drawing(rows, names, visit.frame.words),
    )


def _drawing(rows: Sequence[SourceQuits], names: dict[str, str], words: Words) -> dict[str, Any]:
    """Return the sources with most newcomers of a day, by how many of them stayed and left."""
    drawn = sorted((one for one in rows if one.members), key=lambda one: (-one.left, -one.members))[:_DRAWN]
    return {
        "names": [name_of(one, names, words) for one in drawn],
        "stayed": [one.members - one.left - one.uncertain for one in drawn],
        "left": [one.left for one in drawn],
        "words": {name: words.label("gates_drawing", name) for name in ("stayed", "left")},
    }


def name_of(one: SourceQuits, names: dict[str, str], words: Words) -> str:
    """Return what a source is called."""
    name = one.source.name
    if not name:
        return words.label("source_none", "none")
    if one.source.kind is SourceKind.SCENE:
        return words.label("join_scene", name)
    return names.get(name, name) if one.source.kind is SourceKind.INVITER else name

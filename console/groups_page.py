"""All groups: today's work of everybody, late confirmations, groups at risk, and where each group stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, people, sop_standing
from console.sop_standing import Standing
from console.visit import PAGE_ROWS, Visit
from domain.people import Staff
from domain.sop import Step, Template
from store import cohort_reports, sop_reports, staff
from store.cohort_reports import GroupQuits
from store.sop_reports import GroupFilter, GroupRow, GroupScope, PersonalWork, WorkRow

SHOWS = ("today", "running", "late", "risk", "all")
_PERSONAL_ROWS = 20
_LISTS = {
    "running": sop_reports.list_running,
    "late": sop_reports.list_late,
    "risk": sop_reports.list_at_risk,
    "all": sop_reports.list_groups,
}


@dataclass(frozen=True, kw_only=True)
class ListedGroup:
    """A line of the list. `standing` None: the group is in no template."""

    row: GroupRow
    standing: Standing | None
    quits: GroupQuits
    questions: int


@dataclass(frozen=True, kw_only=True)
class ListedWork:
    """A line of today's work. `step` None: its template cannot be read."""

    row: WorkRow
    step: Step | None
    is_late: bool


@dataclass(frozen=True, kw_only=True)
class ListedPersonal:
    """One-to-one messages of a step in a group."""

    row: PersonalWork
    step: Step | None


async def show(visit: Visit) -> web.Response:
    """Show today's work, or a list of groups."""
    search = visit.query("q")
    shown = visit.choice("show", SHOWS)
    if search and shown == "today":
        shown = "all"
    async with visit.ctx.store.read() as tx:
        scope = await access.access_group_scope(visit.viewer, tx)
        members = await staff.list_all(tx)
        names = await people.list_names(tx)
        owners = await sop_reports.list_owners(tx, scope)
        wanted = wanted_groups(visit, scope, members, search)
        values: dict[str, object] = {
            "totals": await sop_reports.count_groups(tx, wanted),
            "people": names,
            "owners": owners,
            "teams": sorted({members[one].team for one in owners if one in members and members[one].team}),
            "show": shown,
            "owner": visit.query("owner"),
            "team": visit.query("team"),
            "search": search,
        }
        if shown == "today":
            values |= await _today(visit, tx, wanted)
        else:
            values |= await _groups(visit, tx, wanted, shown)
    return visit.page("groups.html", **values)


def wanted_groups(
    visit: Visit, scope: GroupScope | None, members: Mapping[str, Staff], search: str
) -> GroupFilter:
    """Return which groups the address asks for: of an owner, else of a team, by a part of the name."""
    owner, team = visit.query("owner"), visit.query("team")
    owners: frozenset[str] | None = None
    if owner:
        owners = frozenset({owner})
    elif team:
        owners = frozenset(one.platform_id for one in members.values() if one.team == team)
    return GroupFilter(scope=scope, owners=owners, search=search, now=visit.ctx.clock.now())


async def _today(visit: Visit, tx: AsyncConnection, wanted: GroupFilter) -> dict[str, object]:
    until = visit.frame.times.start_of_today() + timedelta(days=1)
    rows = await sop_reports.list_work(tx, wanted, until=until, after=visit.place, limit=PAGE_ROWS + 1)
    personal = await sop_reports.list_personal(tx, wanted, limit=_PERSONAL_ROWS)
    versions = {one.sop_version_id for one in rows} | {one.sop_version_id for one in personal}
    templates = await templates_of(visit, versions)
    return {
        "work": [_listed_work(row, templates, wanted) for row in rows[:PAGE_ROWS]],
        "personal": [
            ListedPersonal(row=row, step=_step(templates.get(row.sop_version_id), row.rhythm, row.step))
            for row in personal
        ],
        "by_person": await sop_reports.count_work(tx, wanted, until=until),
        "next_place": rows[PAGE_ROWS - 1].place if len(rows) > PAGE_ROWS else None,
    }


async def _groups(visit: Visit, tx: AsyncConnection, wanted: GroupFilter, shown: str) -> dict[str, object]:
    rows = await _LISTS[shown](tx, wanted, before=visit.place, limit=PAGE_ROWS + 1)
    return {
        "groups": await list_standing(visit, tx, rows[:PAGE_ROWS]),
        "next_place": rows[PAGE_ROWS - 1].place if len(rows) > PAGE_ROWS else None,
    }


async def list_standing(visit: Visit, tx: AsyncConnection, rows: Sequence[GroupRow]) -> list[ListedGroup]:
    """Return the groups of a page with where they stand; the same few queries whatever their number."""
    now = visit.ctx.clock.now()
    today = now.astimezone(visit.ctx.zone).date()
    groups = [row.id for row in rows]
    enrolled = [row.enrolment for row in rows if row.enrolment is not None]
    marks = await sop_reports.list_marks(tx, [one.id for one in enrolled])
    quits = await cohort_reports.list_quits(tx, groups, now)
    questions = await sop_reports.count_questions(tx, groups)
    templates = await templates_of(visit, [one.sop_version_id for one in enrolled])
    return [
        ListedGroup(
            row=row,
            standing=sop_standing.standing(
                row.enrolment,
                marks.get(row.enrolment.id, []),
                templates.get(row.enrolment.sop_version_id),
                now=now,
                today=today,
            )
            if row.enrolment
            else None,
            quits=quits[row.id],
            questions=questions.get(row.id, 0),
        )
        for row in rows
    ]


async def templates_of(visit: Visit, version_ids: Iterable[int]) -> dict[int, Template]:
    """Return the frozen templates by version; one that cannot be read is missing, and its steps show their keys."""
    found: dict[int, Template] = {}
    for version_id in set(version_ids):
        try:
            found[version_id] = await visit.ctx.sop_template(version_id)
        except (KeyError, ValueError):
            continue
    return found


def _listed_work(row: WorkRow, templates: Mapping[int, Template], wanted: GroupFilter) -> ListedWork:
    return ListedWork(
        row=row,
        step=_step(templates.get(row.sop_version_id), row.rhythm, row.step),
        is_late=row.is_open and row.window_end < wanted.now,
    )


def _step(template: Template | None, rhythm: str, key: str) -> Step | None:
    return sop_standing.steps_of(template, rhythm).get(key)

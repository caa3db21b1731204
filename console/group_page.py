"""One group: who must act now, the way through its template with state and proof, its members, its score, its history.

What people do with it (enrol, pause, move …) is console/group_acts.py.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, groups_page, people, sop_history, sop_timeline
from console.access import NotFound
from console.sop_timeline import StageLine, StepLine
from console.visit import Visit
from console.words import Words
from content import readiness
from content.readiness import Point
from domain import cohorts
from domain.cohorts import GATES, CurvePoint, QuitRate
from domain.enrolment import LIVE_STATES, Enrolment, EnrolmentState, Occurrence
from domain.first_week import WEIGHTS, Score
from domain.groups import Group, GroupMember
from domain.sop import LimitMode, StepPart, Template
from scheduler import figures, quota
from store import (
    cohort_reports,
    enrolments,
    group_reports,
    mass_tasks,
    occurrences,
    questions,
    staff,
)

_CURVE_POINTS = 400  # A picture is not finer than that; a group of 500 with many changes stays quick.
FACTS = ("event_title", "teacher", "teacher_title", "reader_questions")


@dataclass(frozen=True, kw_only=True)
class Way:
    """An enrolment with everything the page shows of it. `template` None: it cannot be read."""

    enrolment: Enrolment
    template: Template | None
    stages: Sequence[StageLine]
    found: Sequence[Occurrence]
    score: Score | None
    points: tuple[Point, ...]
    entries: Sequence[enrolments.Entry]

    @property
    def is_live(self) -> bool:
        return self.enrolment.state in LIVE_STATES

    @property
    def waiting(self) -> list[StepLine]:
        """What waits for a person now, the soonest to end first."""
        lines = [line for stage in self.stages for line in stage.lines if line.is_open and line.one]
        return sorted(lines, key=lambda line: line.one.window_end if line.one else self.enrolment.anchor_at)

    @property
    def titles(self) -> dict[str, str]:
        """Return the titles of steps, for the history."""
        steps = self.template.steps.get(self.enrolment.rhythm, ()) if self.template else ()
        return {step.key: f"{step.number} {step.title}" for step in steps}

    @property
    def has_opening(self) -> bool:
        steps = self.template.steps.get(self.enrolment.rhythm, ()) if self.template else ()
        return any(step.part is StepPart.OPENING for step in steps)


async def show(visit: Visit, refused: str = "") -> web.Response:
    """Show the group; `refused`: why an act was not done, in words for people."""
    group_id, now = visit.number(), visit.ctx.clock.now()
    async with visit.ctx.store.read() as tx:
        group = await access.access_group(visit.viewer, tx, group_id)
        rounds = await enrolments.list_of_group(tx, group_id)
        chosen = _chosen(visit, rounds)
        way = await _way(visit, tx, chosen, now) if chosen else None
        stays = (await cohort_reports.list_stays(tx, [group_id]))[group_id]
        owner = await staff.find(tx, group.owner_platform_id)
        values: dict[str, Any] = {
            "may_run": await access.leads_group(visit.viewer, tx, group),
            "people": await people.list_names(tx),
            "questions": await questions.list_open_of_group(tx, group_id),
            "left": await quota_left(visit, tx, group_id, way.template if way else None),
            "sources": await _sources(tx, group_id, stays, now),
        }
    rates = [cohorts.quit_rate(stays, hours, now, seen_at=group.seen_at) for hours in GATES]
    response = visit.page(
        "group.html",
        group=group,
        co_owner=owner.co_owner_platform_id if owner else "",
        rounds=rounds,
        way=way,
        present=sum(one.quit_at is None for one in stays),
        rates=rates,
        has_members=bool(stays),
        members_drawing=_members_drawing(stays, group, way, visit, now),
        gates_drawing=_gates_drawing(rates, visit.frame.words),
        weights={str(part): weight for part, weight in WEIGHTS.items()},
        templates=list(visit.ctx.shelf().sops.templates.values()),
        asked=wanted_facts(way.template) if way and way.template else [],
        template_titles={one.id: one.title for one in visit.ctx.shelf().sops.templates.values()},
        entry_said=functools.partial(sop_history.said, words=visit.frame.words),
        entry_noted=lambda entry, names, titles: sop_history.noted(entry, visit.frame.words, names, titles),
        refused=refused,
        **values,
    )
    if refused:
        response.set_status(409)
    return response


async def show_step(visit: Visit) -> web.Response:
    """Show what was said in a step, with its proof; as a part of the page where htmx asks."""
    group_id, occurrence_id = visit.number(), visit.number("occurrence")
    async with visit.ctx.store.read() as tx:
        group = await access.access_group(visit.viewer, tx, group_id)
        one = await group_reports.find_step(tx, group_id, occurrence_id)
        if one is None:
            raise NotFound()
        enrolment = await enrolments.find(tx, one.enrolment_id)
        task = (await mass_tasks.list_by_id(tx, [one.mass_task_id] if one.mass_task_id else [])).get(
            one.mass_task_id or 0
        )
        said = await group_reports.find_said(tx, one.content_version_id) if one.content_version_id else None
        names = await people.list_names(tx)
    assert enrolment is not None
    template = (await groups_page.templates_of(visit, [enrolment.sop_version_id])).get(
        enrolment.sop_version_id
    )
    block = template.blocks.get(one.block) if template else None
    values: dict[str, Any] = {
        "group": group,
        "one": one,
        "task": task,
        "result": task.results.get(group.chat_id) if task else None,
        "said": said,
        "block": block,
        "step": _steps(template, enrolment).get(one.step),
        "people": names,
    }
    if "HX-Request" in visit.request.headers:
        return visit.part("group_step_part.html", **values)
    return visit.page("group_step.html", **values)


async def quota_left(
    visit: Visit, tx: AsyncConnection, group_id: int, template: Template | None
) -> dict[LimitMode, int]:
    """Return how many mass sends the group may still get, by limit mode, as far as we sent them."""
    now = visit.ctx.clock.now()
    zone = template.zone if template else visit.ctx.zone
    today = now.astimezone(zone).date()
    sends = await occurrences.list_mass_sends(tx, [group_id], now - timedelta(days=32), now)
    used: dict[Any, int] = {}
    for each in sends:
        day = each.moments[-1].astimezone(zone).date()
        used[day] = used.get(day, 0) + 1
    return {mode: quota.left(mode, today, used) for mode in LimitMode}


def wanted_facts(template: Template) -> list[str]:
    """Return the facts of a week that the template's words ask for."""
    slots = frozenset[str]().union(*(block.slots for block in template.blocks.values()))
    return [name for name in FACTS if name in slots]


def _chosen(visit: Visit, rounds: Sequence[Enrolment]) -> Enrolment | None:
    """Return the enrolment the address names, else a live one, else the newest."""
    wanted = visit.query("round")
    named = next((one for one in rounds if str(one.id) == wanted), None)
    live = next((one for one in reversed(rounds) if one.state in LIVE_STATES), None)
    return named or live or (rounds[-1] if rounds else None)


async def _way(visit: Visit, tx: AsyncConnection, enrolment: Enrolment, now: datetime) -> Way:
    template = (await groups_page.templates_of(visit, [enrolment.sop_version_id])).get(
        enrolment.sop_version_id
    )
    found = await group_reports.list_group_steps(tx, enrolment.id)
    tasks = await mass_tasks.list_by_id(tx, [one.mass_task_id for one in found if one.mass_task_id])
    counts = await group_reports.count_member_steps(tx, enrolment.id)
    entries = await enrolments.list_entries(tx, enrolment.id)
    stages: list[StageLine] = []
    points: tuple[Point, ...] = ()
    score = None
    if template is not None:
        stages = sop_timeline.timeline(enrolment, template, found, tasks, counts, visit.frame.words, now)
        checklist = readiness.checklist_of(template)
        points = readiness.points_of(checklist) if checklist else ()
        if any(step.part is StepPart.SCORE for step in template.steps.get(enrolment.rhythm, ())):
            score = await figures.week_score(tx, enrolment, template, found, now)
    return Way(
        enrolment=enrolment,
        template=template,
        stages=stages,
        found=found,
        score=score,
        points=points,
        entries=entries,
    )


async def _sources(
    tx: AsyncConnection, group_id: int, stays: Sequence[GroupMember], now: datetime
) -> list[cohorts.SourceQuits]:
    first = min((one.joined_at for one in stays if one.joined_at is not None), default=None)
    if first is None:
        return []
    return await cohort_reports.report_sources(
        tx, now, since=first, until=now + timedelta(seconds=1), group_ids=[group_id]
    )


def _steps(template: Template | None, enrolment: Enrolment) -> Mapping[str, Any]:
    return {step.key: step for step in template.steps.get(enrolment.rhythm, ())} if template else {}


def _members_drawing(
    stays: Sequence[GroupMember], group: Group, way: Way | None, visit: Visit, now: datetime
) -> dict[str, Any]:
    """Return the curve of members with the opening and the hours after it."""
    zone, words = visit.ctx.zone, visit.frame.words
    points = _thinned(cohorts.curve(stays))

    def moment(at: datetime) -> str:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"

    rows = [[moment(one.at), one.present, one.joined, one.left] for one in points]
    if points and points[-1].at < now and group.dismissed_at is None:
        rows.append([moment(now), points[-1].present, points[-1].joined, points[-1].left])
    marks = []
    opened = way.enrolment.opened_at if way else None
    if opened is not None:
        marks.append([moment(opened), words.label("members_drawing", "opened")])
        marks += [
            [moment(opened + timedelta(hours=hours)), words.label("gate", hours)]
            for hours in GATES
            if opened + timedelta(hours=hours) <= now
        ]
    return {"points": rows, "marks": marks, "words": dict(words.section("members_drawing"))}


def _thinned(points: Sequence[CurvePoint]) -> Sequence[CurvePoint]:
    if len(points) <= _CURVE_POINTS:
        return points
    step = len(points) / _CURVE_POINTS
    return [points[int(number * step)] for number in range(_CURVE_POINTS)] + [points[-1]]


def _gates_drawing(rates: Sequence[QuitRate], words: Words) -> dict[str, Any]:
    """Return for each gate how many stayed, left, were removed, may have left, and are not old enough."""
    return {
        "gates": [words.label("gate", rate.hours) for rate in rates],
        "stayed": [stayed(rate) for rate in rates],
        "left": [len(rate.left) for rate in rates],
        "removed": [len(rate.removed) for rate in rates],
        "uncertain": [len(rate.uncertain) for rate in rates],
        "young": [rate.young for rate in rates],
        "words": dict(words.section("gates_drawing")),
    }


def stayed(rate: QuitRate) -> int:
    """Return how many were still in at the gate, for certain."""
    return rate.members - len(rate.left) - len(rate.removed) - len(rate.uncertain)


def is_before_opening(enrolment: Enrolment) -> bool:
    """Say whether the opening may still be moved and its points ticked."""
    return enrolment.state in (EnrolmentState.WAITING, EnrolmentState.PAUSED) and enrolment.opened_at is None

"""Today's list: what to do now, open questions, what comes later, what is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from console.sidebar import access, desk_access
from console.sidebar.visit import SidebarVisit
from domain.sop import DeliveryCode, SopRole, Step, Template
from store.staff_work import StaffStep

# What somebody has to do himself; the rest happens without him.
_BY_PEOPLE = frozenset(
    {
        DeliveryCode.MASS_SEND,
        DeliveryCode.SIDEBAR,
        DeliveryCode.PERSONAL,
        DeliveryCode.APP,
        DeliveryCode.WELCOME,
    }
)
_DAYPARTS = ((5, "night"), (11, "morning"), (13, "noon"), (18, "afternoon"), (22, "evening"), (24, "night"))


@dataclass(frozen=True, kw_only=True)
class Line:
    """One step in a list. `number` and `title` are the template's."""

    step: StaffStep
    number: str
    title: str


async def show(visit: SidebarVisit) -> web.Response:
    """Show the list, or its successor to the list's own question."""
    start = visit.frame.times.start_of_today()
    async with visit.ctx.console.store.read() as tx:
        day = await access.access_day(visit.viewer, tx, since=start, until=start + timedelta(days=1))
        questions = await access.access_questions(visit.viewer, tx, day.groups)
        waiting = await desk_access.access_all_waiting(visit.viewer, tx)
    templates = await _templates(visit, (*day.now, *day.coming, *day.done))
    coming = [one for one in lines(day.coming, templates) if _is_mine(one, templates, visit.me)]
    now = visit.ctx.console.clock.now()
    return visit.live_page(
        "today.html",
        "today_part.html",
        "/sidebar/",
        hello=_hello(now.astimezone(visit.ctx.console.zone)),
        today=now,
        now=lines(day.now, templates),
        coming=coming,
        finished=lines(day.done, templates),
        questions=questions,
        waiting=waiting,
        notices=day.notices,
        groups=day.groups,
    )


async def _templates(visit: SidebarVisit, steps: Sequence[StaffStep]) -> dict[int, Template]:
    return {
        number: await visit.ctx.console.sop_template(number)
        for number in {one.sop_version_id for one in steps}
    }


def lines(steps: Sequence[StaffStep], templates: Mapping[int, Template]) -> list[Line]:
    """Return steps with the titles their templates give them; `templates`: by id of their versions."""
    return [_line(one, step_of(one, templates[one.sop_version_id])) for one in steps]


def _line(one: StaffStep, step: Step | None) -> Line:
    title = step.title if step else one.occurrence.step
    return Line(step=one, number=step.number if step else "", title=title)


def _is_mine(line: Line, templates: Mapping[int, Template], me: str) -> bool:
    """Say whether a step that nobody has been given yet will be this person's, as far as can be told."""
    one = line.step
    if one.occurrence.delivery not in _BY_PEOPLE:
        return False
    if one.occurrence.executor:
        return one.occurrence.executor == me
    step = step_of(one, templates[one.sop_version_id])
    hands = {SopRole.OWNER: one.owner, SopRole.CO_OWNER: one.co_owner}
    return step is not None and hands.get(step.executor) == me


def step_of(one: StaffStep, template: Template) -> Step | None:
    """Return the step as the template of its enrolment has it."""
    return next((step for step in template.steps[one.rhythm] if step.key == one.occurrence.step), None)


def _hello(local: datetime) -> str:
    return next(word for until, word in _DAYPARTS if local.hour < until)

"""What people do with a group's SOP: enrol it, pause, resume, move, end early, tick its points, write its week's facts.

Every act asks for a reason and a confirmation, is refused with a sentence where it cannot be done (scheduler/acts.py),
and stands in the group's history with who did it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from console import access, group_page, sops_page
from console.access import NotFound
from console.visit import Handler, Visit
from content import readiness
from content.sop_shelf import Shelf
from domain.enrolment import Enrolment
from domain.errors import ActRefused
from domain.groups import Group
from domain.sop import SopKind, StepPart, Template
from scheduler import acts, calendars, enrolling, openings, quota
from scheduler.enrolling import Version
from scheduler.openings import OpeningWanted
from store import enrolments
from store.enrolments import Entry

_USUAL_WAIT = timedelta(days=3)
Act = Callable[[AsyncConnection, Enrolment, str, datetime], Awaitable[object]]


async def show_enrol(visit: Visit) -> web.Response:
    """Show what would happen if the group entered a template: the day it would open, the quota, what is missing."""
    group_id, shelf = visit.number(), visit.ctx.shelf()
    async with visit.ctx.store.read() as tx:
        group = await access.access_group_direction(visit.viewer, tx, group_id)
        template, rhythm = _template(visit.query("template"), visit.query("rhythm"), shelf)
        today = visit.ctx.clock.now().astimezone(template.zone).date()
        wanted = sops_page.parse_day(visit.query("on"))
        opening = await _opening(tx, group, template, rhythm, shelf, wanted, today)
        live = (await enrolments.list_live_templates(tx, [group_id])).get(group_id, set())
        left = await group_page.quota_left(visit, tx, group_id, template)
    return visit.page(
        "group_enrol.html",
        group=group,
        sop=template,
        rhythm=rhythm,
        rhythms=template.rhythms,
        wanted=wanted,
        is_bad_day=bool(visit.query("on")) and (wanted is None or wanted <= today),
        opening=opening,
        earliest=today + timedelta(days=1),
        sends=sum(step.is_mass_send for step in template.steps[rhythm]),
        left=left,
        month_length=quota.length_of_month(opening),
        barred=sorted(live & {template.id, *template.guard.exclusive_with}),
        titles={one.id: one.title for one in shelf.sops.templates.values()},
        unready=shelf.unready(template, shelf.today),
        is_frozen=template.id in shelf.frozen,
        facts=group_page.wanted_facts(template),
        has_opening=enrolling.opening_step(template, rhythm),
    )


async def enrol(visit: Visit) -> web.Response:
    """Put the group into a template."""
    group_id, shelf, now = visit.number(), visit.ctx.shelf(), visit.ctx.clock.now()
    opens_on = sops_page.parse_day(visit.said("opens_on", 10))
    facts = {name: visit.said(name, 200) for name in group_page.FACTS}

    async def job(tx: AsyncConnection) -> str:
        await access.access_group_direction(visit.viewer, tx, group_id)
        if not visit.said("sure"):
            return "no_reason"
        template, rhythm = _template(visit.said("template", 64), visit.said("rhythm", 32), shelf)
        if template.id not in shelf.frozen:
            return "sop_not_stored"
        made = await enrolling.enrol(
            tx,
            Version(id=shelf.frozen[template.id], template=template),
            rhythm,
            group_id,
            opens_on,
            calendars.known(shelf.calendar_years),
            facts={name: text for name, text in facts.items() if text},
            by=_actor(visit),
            now=now,
        )
        await _note(tx, made, visit, now)
        return ""

    return await _told(visit, job, "enrolled")


async def pause(visit: Visit) -> web.Response:
    """Stop the group's steps."""

    async def act(tx: AsyncConnection, one: Enrolment, note: str, now: datetime) -> None:
        await acts.pause(tx, one.id, by=_actor(visit), note=note, now=now)

    return await _with_reason(visit, act, "sop_paused")


async def resume(visit: Visit) -> web.Response:
    """Let the group go on."""

    async def act(tx: AsyncConnection, one: Enrolment, note: str, now: datetime) -> None:
        await acts.resume(tx, one.id, by=_actor(visit), note=note, now=now)

    return await _with_reason(visit, act, "sop_resumed")


async def end(visit: Visit) -> web.Response:
    """End the group's way through the template."""

    async def act(tx: AsyncConnection, one: Enrolment, note: str, now: datetime) -> None:
        await acts.end_early(tx, one.id, by=_actor(visit), note=note, now=now)

    return await _with_reason(visit, act, "sop_ended")


async def move(visit: Visit) -> web.Response:
    """Move the opening to another day."""
    opens_on = sops_page.parse_day(visit.said("opens_on", 10))

    async def act(tx: AsyncConnection, one: Enrolment, note: str, now: datetime) -> None:
        today = now.astimezone(visit.ctx.zone).date()
        if opens_on is None or opens_on <= today:
            raise ActRefused(visit.frame.words.label("wrong", "opens_too_soon"))
        await acts.move(tx, one.id, opens_on=opens_on, by=_actor(visit), now=now)
        await _note(tx, one, visit, now)

    return await _with_reason(visit, act, "sop_moved")


async def tick(visit: Visit) -> web.Response:
    """Tick the points of readiness that are ticked in the form, take back the others."""
    chosen = {str(one) for one in visit.form.getall("point", [])}
    group_id, enrolment_id, now = visit.number(), visit.number("enrolment"), visit.ctx.clock.now()
    async with visit.ctx.store.read() as tx:
        seen = await access.access_enrolment_direction(visit.viewer, tx, group_id, enrolment_id)
    checklist = readiness.checklist_of(await visit.ctx.sop_template(seen.sop_version_id))
    points = readiness.points_of(checklist) if checklist else ()

    async def job(tx: AsyncConnection) -> str:
        one = await access.access_enrolment_direction(visit.viewer, tx, group_id, enrolment_id)
        for point in points:
            is_on = str(point.number) in chosen
            if is_on != (str(point.number) in one.ticks):
                await acts.tick(tx, one.id, point=point.number, is_on=is_on, by=_actor(visit), now=now)
        return ""

    return await _told(visit, job, "ticked")


async def bind(visit: Visit) -> web.Response:
    """Take somebody's word that the group welcome is bound."""

    async def job(tx: AsyncConnection) -> str:
        one = await access.access_enrolment_direction(
            visit.viewer, tx, visit.number(), visit.number("enrolment")
        )
        if not visit.said("sure"):
            return "no_reason"
        await acts.bind_welcome(tx, one.id, by=_actor(visit), now=visit.ctx.clock.now())
        return ""

    return await _told(visit, job, "bound")


async def set_facts(visit: Visit) -> web.Response:
    """Write what is said of this group's week: the event, its teacher."""
    facts = {name: visit.said(name, 200) for name in group_page.FACTS}

    async def job(tx: AsyncConnection) -> str:
        one = await access.access_enrolment_direction(
            visit.viewer, tx, visit.number(), visit.number("enrolment")
        )
        if not any(facts.values()):
            return "empty"
        await acts.set_facts(tx, one.id, facts=facts, by=_actor(visit), now=visit.ctx.clock.now())
        return ""

    return await _told(visit, job, "facts_set")


async def _with_reason(visit: Visit, act: Act, done: str) -> web.Response:
    note = visit.said("note", 500)

    async def job(tx: AsyncConnection) -> str:
        one = await access.access_enrolment_direction(
            visit.viewer, tx, visit.number(), visit.number("enrolment")
        )
        if not note or not visit.said("sure"):
            return "no_reason"
        await act(tx, one, note, visit.ctx.clock.now())
        return ""

    return await _told(visit, job, done)


async def _told(visit: Visit, job: Callable[[AsyncConnection], Awaitable[str]], done: str) -> web.Response:
    """Run an act and lead back to the group; a refusal is told in its own words above the page."""
    path = f"/console/groups/{visit.number()}"
    try:
        wrong = await visit.write(job)
    except ActRefused as error:
        return await group_page.show(visit, refused=str(error))
    return visit.back(path, wrong=wrong) if wrong else visit.back(path, done=done)


async def _note(tx: AsyncConnection, one: Enrolment, visit: Visit, now: datetime) -> None:
    """Write the reason of an act that has no place for it into the history."""
    note = visit.said("note", 500)
    if note:
        entry = Entry(enrolment_id=one.id, at=now, actor=_actor(visit), act="note", note=note)
        await enrolments.record(tx, [entry])


def _actor(visit: Visit) -> str:
    """Return under which name an act is written down: the member's, so that the phone page knows it too."""
    return visit.viewer.login.staff_platform_id or visit.viewer.name


def _template(name: str, rhythm: str, shelf: Shelf) -> tuple[Template, str]:
    templates = {key: one for key, one in shelf.sops.templates.items() if one.kind is SopKind.GROUP}
    template = templates.get(name or next(iter(templates), ""))
    if template is None:
        raise NotFound()
    return template, rhythm if rhythm in template.rhythms else template.default_rhythm


async def _opening(
    tx: AsyncConnection,
    group: Group,
    template: Template,
    rhythm: str,
    shelf: Shelf,
    wanted: date | None,
    today: date,
) -> date:
    """Return the day the group would open, as scheduler/enrolling.py will decide it."""
    on = wanted if wanted is not None and wanted > today else today + _USUAL_WAIT
    step = next((one for one in template.steps[rhythm] if one.part is StepPart.OPENING), None)
    if step is None:
        return wanted if wanted is not None and wanted >= today else today + timedelta(days=1)
    taken = await enrolments.count_openings(tx, [group.owner_platform_id], today, opens_with=[template.id])
    (found,) = openings.staggered(
        [OpeningWanted(group_id=str(group.id), owner_id=group.owner_platform_id, on=on)],
        calendars.known(shelf.calendar_years),
        per_owner=template.guard.openings_per_owner,
        days=step.days,
        policy=step.calendar_policy,
        taken=taken,
    )
    return found.on


ACTS: Mapping[str, Handler] = {
    "pause": pause,
    "resume": resume,
    "move": move,
    "end": end,
    "tick": tick,
    "bind": bind,
    "facts": set_facts,
}

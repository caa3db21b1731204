"""Puts groups into templates: which day they open, and every step of the group's clock as a row.

Rows are made once, under unique keys; groups that open on one day share one plan. Who decides that a group enters
(a person, a rule of content/sop/enrol.toml, the score of a week) is the caller's matter.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from content import refusals
from domain.enrolment import Enrolment, EnrolmentState
from domain.sop import CalendarPolicy, Reentry, SopDays, StepPart, Template
from scheduler import openings, preparing, steps, timetable
from scheduler.calendars import Calendar
from scheduler.openings import OpeningWanted
from scheduler.timetable import Planned, Rules
from store import dialect, enrolments, groups, occurrences
from store.enrolments import Entry

_DAY = timedelta(days=1)
# The first day a group can open when somebody asks for "as soon as may be": the day after tomorrow's preparation.
_USUAL_WAIT = timedelta(days=3)


@dataclass(frozen=True, kw_only=True)
class EnrolmentWanted:
    """A group that is to enter. `opens_on`: the wanted day; None: as soon as the preparation allows."""

    group_id: int
    owner: str
    opens_on: date | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Version:
    """A frozen template: its id and the template itself."""

    id: int
    template: Template


def opening_step(template: Template, rhythm: str) -> bool:
    """Say whether the template opens groups."""
    return any(step.part is StepPart.OPENING for step in template.steps[rhythm])


async def enrol_many(
    tx: AsyncConnection,
    version: Version,
    rhythm: str,
    wanted: Sequence[EnrolmentWanted],
    calendar: Calendar,
    *,
    by: str,
    now: datetime,
) -> list[Enrolment]:
    """Enrol groups; those that may not enter (again), or are in a template that excludes it, are left out.

    One owner opens no more groups a day than the template allows; the rest is staggered.
    """
    template = version.template
    by_id = {one.group_id: one for one in wanted}
    # Nobody else enrols these groups, or opens groups of these owners, until this is written.
    await dialect.lock_subjects(tx, "group", list(by_id))
    await dialect.lock_subjects(tx, "owner", [one.owner for one in wanted])
    live = await enrolments.list_live_templates(tx, list(by_id))
    rounds = await enrolments.count_rounds(tx, template.id, list(by_id))
    barred = {template.id, *template.guard.exclusive_with}
    free = [
        one
        for one in by_id.values()
        if not live.get(one.group_id, set()) & barred
        and (template.reentry is Reentry.AFTER_END or not rounds.get(one.group_id))
    ]
    days = await _days(tx, template, rhythm, free, calendar, now)
    plans: dict[date, list[Planned]] = {}
    for opens_on in {days[one.group_id] for one in free}:
        plans[opens_on] = _plan(template, rhythm, opens_on, calendar)
    new = await enrolments.add(
        tx,
        [
            _row(version, rhythm, one, days[one.group_id], rounds.get(one.group_id, 0), by, now)
            for one in free
        ],
    )
    rules = Rules(guard=template.guard, calendar=calendar, zone=template.zone, used={})
    rows = []
    for enrolment in new:
        for planned in plans[enrolment.opens_on]:
            due_at, window_end = preparing.first_due(planned, now, rules)
            rows.append(steps.row(enrolment.id, planned, due_at, window_end))
    await occurrences.add(tx, rows)
    await enrolments.record(
        tx,
        [
            Entry(
                enrolment_id=enrolment.id,
                at=now,
                actor=by,
                act="enrolled",
                note=enrolment.opens_on.isoformat(),
            )
            for enrolment in new
        ],
    )
    return new


async def enrol(
    tx: AsyncConnection,
    version: Version,
    rhythm: str,
    group_id: int,
    opens_on: date | None,
    calendar: Calendar,
    *,
    facts: Mapping[str, str],
    by: str,
    now: datetime,
) -> Enrolment:
    """Enrol one group by hand. Raises ActRefused with the reason when it may not enter."""
    known = (await groups.list_by_id(tx, [group_id])).get(group_id)
    if known is None or known.dismissed_at is not None:
        raise refusals.refused("no_such_group")
    if not known.owner_platform_id:
        raise refusals.refused("owner_unknown")
    template = version.template
    if rhythm not in template.rhythms:
        raise refusals.refused("no_such_rhythm")
    today = now.astimezone(template.zone).date()
    if opens_on is not None and opens_on <= today and opening_step(template, rhythm):
        raise refusals.refused("opens_too_soon")
    live = (await enrolments.list_live_templates(tx, [group_id])).get(group_id, set())
    if live & {template.id, *template.guard.exclusive_with}:
        raise refusals.refused("in_another")
    wanted = EnrolmentWanted(group_id=group_id, owner=known.owner_platform_id, opens_on=opens_on, facts=facts)
    made = await enrol_many(tx, version, rhythm, [wanted], calendar, by=by, now=now)
    if not made:
        raise refusals.refused("was_here")
    return made[0]


async def _days(
    tx: AsyncConnection,
    template: Template,
    rhythm: str,
    wanted: Sequence[EnrolmentWanted],
    calendar: Calendar,
    now: datetime,
) -> dict[int, date]:
    """Return the opening day of each group; for a template without an opening the day it begins."""
    today = now.astimezone(template.zone).date()
    opening = next((step for step in template.steps[rhythm] if step.part is StepPart.OPENING), None)
    if opening is None:
        return {one.group_id: one.opens_on or today + _DAY for one in wanted}
    owners = sorted({one.owner for one in wanted})
    taken = await enrolments.count_openings(tx, owners, today, opens_with=[template.id])
    found = openings.staggered(
        [
            OpeningWanted(
                group_id=str(one.group_id), owner_id=one.owner, on=one.opens_on or today + _USUAL_WAIT
            )
            for one in wanted
        ],
        calendar,
        per_owner=template.guard.openings_per_owner,
        days=opening.days or SopDays.ANY,
        policy=opening.calendar_policy or CalendarPolicy.SEND,
        taken=taken,
    )
    return {int(one.wanted.group_id): one.on for one in found}


def _plan(template: Template, rhythm: str, opens_on: date, calendar: Calendar) -> list[Planned]:
    anchor_at = timetable.opening_anchor(opens_on, template.zone)
    rules = Rules(guard=template.guard, calendar=calendar, zone=template.zone, used={})
    until = preparing.end_of(template, anchor_at) or anchor_at + preparing.HORIZON
    return preparing.plan(template, rhythm, anchor_at, rules, until=until)


def _row(
    version: Version,
    rhythm: str,
    one: EnrolmentWanted,
    opens_on: date,
    rounds: int,
    by: str,
    now: datetime,
) -> dict[str, object]:
    template = version.template
    return {
        "sop_version_id": version.id,
        "template": template.id,
        "rhythm": rhythm,
        "group_id": one.group_id,
        "round": rounds,
        "owner_platform_id": one.owner,
        "opens_on": opens_on,
        "anchor_at": timetable.opening_anchor(opens_on, template.zone),
        "state": EnrolmentState.WAITING,
        "ticks": {},
        "facts": dict(one.facts),
        "page_code": secrets.token_urlsafe(12),
        "score_parts": {},
        "enrolled_by": by,
        "enrolled_at": now,
        "next_at": now,
    }

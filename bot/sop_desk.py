"""What an operator asks about groups in SOPs and does with them from the command line, whether the server runs or not.

The acts are those of the console and the phone page (scheduler/acts.py, scheduler/enrolling.py), refused with the same
sentences. A running server takes them up from the database.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import app, config
from console import sop_standing
from content import refusals
from content.sop_shelf import Shelf
from domain.enrolment import LIVE_STATES, Enrolment, EnrolmentState
from domain.groups import Group
from domain.sop import SopKind, Template
from scheduler import acts, calendars, enrolling
from scheduler.enrolling import Version
from store import enrolments, groups, sop_reports, staff
from store.sop_reports import GroupFilter, GroupRow

_MOST = 200
Act = Callable[[AsyncConnection, int, str, str, datetime], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class GroupLine:
    """A line of `sop status`. `who`: must act next; `step_at`: the last moment where it waits, else when it is due."""

    group: str
    chat_id: str
    template: str
    rhythm: str
    state: EnrolmentState
    reason: str
    opens_on: date
    day: int
    step: str
    step_at: datetime | None
    is_waiting: bool
    who: str
    late: int


@dataclass(frozen=True, kw_only=True)
class Status:
    """The groups under way, the latest opening first. `has_more`: there are more than are shown."""

    lines: list[GroupLine]
    has_more: bool


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """A group that has entered. `unready`: how many of the template's texts may not be said yet."""

    group: str
    template: str
    rhythm: str
    opens_on: date
    unready: int


async def list_status(settings: config.Settings, *, only_late: bool = False) -> Status:
    """Return where the groups under way stand, at most 200. `only_late`: those in which somebody is late."""
    async with app.opened(settings) as house:
        now = house.clock.now()
        today = now.astimezone(settings.service.zone).date()
        wanted = GroupFilter(scope=None, now=now)
        listing = sop_reports.list_late if only_late else sop_reports.list_running
        async with house.store.read() as tx:
            rows = await listing(tx, wanted, before=None, limit=_MOST + 1)
            ids = [row.enrolment.id for row in rows if row.enrolment is not None]
            marks = await sop_reports.list_marks(tx, ids)
            names = {one.platform_id: one.name for one in (await staff.list_all(tx)).values()}
        lines = []
        for row in rows[:_MOST]:
            assert row.enrolment is not None
            template = await house.library.sop_template(row.enrolment.sop_version_id)
            own = marks.get(row.enrolment.id, [])
            stands = sop_standing.standing(row.enrolment, own, template, now=now, today=today)
            lines.append(_line(row, stands, template, names))
    return Status(lines=lines, has_more=len(rows) > _MOST)


def _line(
    row: GroupRow, stands: sop_standing.Standing, template: Template, names: Mapping[str, str]
) -> GroupLine:
    one, coming = row.enrolment, stands.next
    assert one is not None
    who = (coming.executor or row.owner) if coming else ""
    title = stands.next_step.title if stands.next_step else (coming.step if coming else "")
    at = None if coming is None else coming.window_end if stands.is_open else coming.due_at
    return GroupLine(
        group=row.name,
        chat_id=row.chat_id,
        template=template.title,
        rhythm=template.rhythms.get(one.rhythm, one.rhythm),
        state=one.state,
        reason=one.reason,
        opens_on=one.opens_on,
        day=stands.day,
        step=title,
        step_at=at,
        is_waiting=stands.is_open,
        who=names.get(who) or who,
        late=stands.late,
    )


async def enrol(
    settings: config.Settings,
    group: str,
    template: str,
    *,
    rhythm: str,
    opens_on: date | None,
    facts: Mapping[str, str],
    by: str,
) -> Enrolled:
    """Put a group into a template. `rhythm` "": the template's own. Raises ActRefused with the reason."""
    async with app.opened(settings) as house:
        await house.library.load_sops()
        shelf = house.library.shelf()
        chosen = _template(shelf, template)
        now = house.clock.now()

        async def job(tx: AsyncConnection) -> tuple[Group, Enrolment]:
            found = await _group(tx, group)
            made = await enrolling.enrol(
                tx,
                Version(id=shelf.frozen[chosen.id], template=chosen),
                rhythm or chosen.default_rhythm,
                found.id,
                opens_on,
                calendars.known(shelf.calendar_years),
                facts=facts,
                by=by,
                now=now,
            )
            return found, made

        found, made = await house.store.write(job)
    return Enrolled(
        group=found.name or found.chat_id,
        template=chosen.title,
        rhythm=chosen.rhythms[made.rhythm],
        opens_on=made.opens_on,
        unready=len(shelf.unready(chosen, shelf.today)),
    )


async def pause(settings: config.Settings, group: str, *, template: str, by: str, reason: str) -> str:
    """Stop a group's steps until somebody resumes them; return the group's name. Raises ActRefused."""

    async def act(tx: AsyncConnection, number: int, by: str, note: str, now: datetime) -> None:
        await acts.pause(tx, number, by=by, note=note, now=now)

    return await _act(settings, group, template, act, by, reason)


async def resume(settings: config.Settings, group: str, *, template: str, by: str, reason: str) -> str:
    """Let a group go on; return the group's name. Raises ActRefused."""

    async def act(tx: AsyncConnection, number: int, by: str, note: str, now: datetime) -> None:
        await acts.resume(tx, number, by=by, note=note, now=now)

    return await _act(settings, group, template, act, by, reason)


async def end(settings: config.Settings, group: str, *, template: str, by: str, reason: str) -> str:
    """End a group's way through its template; return the group's name. Raises ActRefused."""

    async def act(tx: AsyncConnection, number: int, by: str, note: str, now: datetime) -> None:
        await acts.end_early(tx, number, by=by, note=note, now=now)

    return await _act(settings, group, template, act, by, reason)


async def _act(settings: config.Settings, group: str, template: str, act: Act, by: str, reason: str) -> str:
    async with app.opened(settings) as house:
        now = house.clock.now()

        async def job(tx: AsyncConnection) -> str:
            found = await _group(tx, group)
            live = [
                one
                for one in await enrolments.list_of_group(tx, found.id)
                if one.state in LIVE_STATES and template in ("", one.template)
            ]
            if not live:
                raise refusals.refused("no_such_enrolment")
            if len(live) > 1:
                named = "、".join(one.template for one in live)
                raise refusals.refused("several_templates", templates=named)
            await act(tx, live[0].id, by, reason, now)
            return found.name or found.chat_id

        return await house.store.write(job)


async def _group(tx: AsyncConnection, wanted: str) -> Group:
    """Return the group by its chat id, or by its whole name where only one has it."""
    found = await groups.find(tx, wanted)
    if found is not None:
        return found
    named = [one for one in await groups.list_all(tx) if one.name == wanted and one.dismissed_at is None]
    if not named:
        raise refusals.refused("no_such_group")
    if len(named) > 1:
        ids = "、".join(one.chat_id for one in named)
        raise refusals.refused("several_groups", name=wanted, ids=ids)
    return named[0]


def _template(shelf: Shelf, name: str) -> Template:
    known = {key: one for key, one in shelf.sops.templates.items() if one.kind is SopKind.GROUP}
    template = known.get(name)
    if template is None or name not in shelf.frozen:
        raise refusals.refused("no_such_template", name=name, known="、".join(known))
    return template

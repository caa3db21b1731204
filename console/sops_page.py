"""The SOP templates: which there are, whether their words are approved, and the calendar a group would get, drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from aiohttp import web

from console import access, sop_words
from console.access import NotFound
from console.visit import Visit
from console.words import Words
from content import sop_shelf
from content.sop_shelf import Shelf
from domain.sop import ContentBlock, DeliveryCode, LimitMode, Template
from scheduler import calendars, quota
from scheduler import preview as previews
from scheduler.calendars import Calendar
from scheduler.preview import Preview, Row
from store import sop_reports

_LONGEST_DRAWN = 62  # Days; two months on one picture can still be read.
_DAY = timedelta(days=1)
_HEAD_LENGTH = 40
_SATURDAY = 5


@dataclass(frozen=True, kw_only=True)
class TemplateRow:
    """A template of the files, how much of it may be said. `sends`: mass sends by rhythm; `running`: groups in it."""

    template: Template
    sends: dict[str, int]
    blocks: int
    approved: int
    samples: int
    running: int


async def show_list(visit: Visit) -> web.Response:
    """Show the templates and the versions groups are on."""
    access.require(visit.viewer, access.Right.SEE_CONTENT)
    shelf = visit.ctx.shelf()
    sops = shelf.sops
    async with visit.ctx.store.read() as tx:
        frozen = await sop_reports.list_versions(tx)
    running: dict[str, int] = {}
    for one in frozen:
        running[one.template] = running.get(one.template, 0) + one.running
    return visit.page(
        "sops.html",
        rows=[_template_row(one, shelf, running.get(one.id, 0)) for one in sops.templates.values()],
        frozen=frozen,
        digests={one.id: one.digest for one in sops.templates.values()},
        mistakes=sops.mistakes,
        warnings=sops.warnings,
        start=_first_day(visit),
    )


async def show_preview(visit: Visit) -> web.Response:
    """Draw what a group would get that opens on a day."""
    access.require(visit.viewer, access.Right.SEE_CONTENT)
    sops = visit.ctx.shelf().sops
    template = sops.templates.get(visit.request.match_info["template"])
    if template is None:
        raise NotFound()
    rhythm = visit.query("rhythm")
    rhythm = rhythm if rhythm in template.rhythms else template.default_rhythm
    start = parse_day(visit.query("from"))
    opens_on = start or _first_day(visit)
    calendar = calendars.known(sops.years)
    made = previews.preview(template, opens_on, calendar, rhythm=rhythm)
    words = visit.frame.words
    return visit.page(
        "sop_preview.html",
        sop=template,
        made=made,
        rhythm=rhythm,
        opens_on=opens_on,
        is_bad_day=bool(visit.query("from")) and start is None,
        rows=[_cells(row, template, words) for row in made.rows],
        member_rows=[_cells(row, template, words) for row in made.member_rows],
        sends=sum(row.planned.is_mass_send for row in made.rows),
        drawing=drawing(made, calendar, words),
    )


def parse_day(text: str) -> date | None:
    """Return the day a field of type date holds, None when it is malformed or nobody would plan for it."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2020 <= day.year <= 2099 else None


def _first_day(visit: Visit) -> date:
    """Return the Monday after today, a usual opening day."""
    today = visit.ctx.clock.now().astimezone(visit.ctx.zone).date()
    return today + timedelta(days=7 - today.weekday())


def _template_row(template: Template, shelf: Shelf, running: int) -> TemplateRow:
    blocks = template.blocks.values()
    return TemplateRow(
        template=template,
        sends={name: sum(step.is_mass_send for step in template.steps[name]) for name in template.rhythms},
        blocks=len(template.blocks),
        approved=sum(_is_approved(one, template, shelf) for one in blocks),
        samples=sum(one.reviewer == "sample" for one in blocks),
        running=running,
    )


def _is_approved(block: ContentBlock, template: Template, shelf: Shelf) -> bool:
    found = shelf.stored.get((sop_shelf.key_of(template.id, block), block.digest))
    return found is not None and bool(found.approved_by)


def _cells(row: Row, template: Template, words: Words) -> dict[str, Any]:
    """Return a row as the table shows it."""
    planned, step = row.planned, row.planned.step
    section = "sop_skip" if planned.skipped else "sop_shift"
    told = [planned.skipped] if planned.skipped else planned.shifts
    policy = template.policies.get(step.policy)
    return {
        "day": sop_words.day_name(row.day),
        "on": row.on,
        "weekday": sop_words.weekday(row.on, words),
        "off": row.holiday or (words.label("sop_day", "make_up") if row.is_make_up else ""),
        "at": f"{row.at:%H:%M}",
        "number": step.number,
        "title": step.title,
        "told": "、".join(words.label(section, one) for one in told),
        "role": words.label("sop_role", step.executor),
        "ways": [str(planned.delivery), *(str(code) for code in step.deliveries[1:])],
        "ladder": "" if planned.skipped else sop_words.ladder(policy, planned.delivery, words),
        "head": row.head[:_HEAD_LENGTH] + ("…" if len(row.head) > _HEAD_LENGTH else ""),
        "is_expired": row.is_expired,
        "is_skipped": planned.skipped is not None,
        "is_optional": step.is_optional,
        "to_member": row.to_member,
        "optional": row.optional,
        "quota": [row.quota[mode] for mode in LimitMode] if planned.is_mass_send else [],
    }


def drawing(made: Preview, calendar: Calendar, words: Words) -> dict[str, Any]:
    """Return what the picture is drawn from: days, marks on them, messages and quota left by day."""
    rows = (*made.rows, *made.member_rows)
    first = min((row.on for row in rows), default=made.opens_on)
    last = max((row.on for row in rows), default=made.opens_on)
    days = [first + _DAY * n for n in range(min((last - first).days + 1, _LONGEST_DRAWN))]
    guard, sent, left = made.template.guard, dict[date, int](), []
    for day in days:
        sent[day] = sum(row.planned.is_mass_send for row in made.rows if row.on == day)
        left.append([quota.left(mode, day, sent) for mode in LimitMode])
    return {
        "days": [_drawn_day(day, made, calendar, words) for day in days],
        "marks": [_mark(row, days, words) for row in rows if row.on in sent],
        "ways": {
            str(code): words.label("sop_way", code) for code in DeliveryCode if code.value in "WMSPAIKX"
        },
        "quiet": [_hours(guard.quiet_from), _hours(guard.quiet_until)],
        "left": [list(one) for one in zip(*left, strict=True)],
        "limits": [words.label("sop_limit", mode) for mode in LimitMode],
        "sure": [_messages(made, day, is_optional=False) for day in days],
        "optional": [_messages(made, day, is_optional=True) for day in days],
        "words": dict(words.section("sop_drawing")),
    }


def _drawn_day(day: date, made: Preview, calendar: Calendar, words: Words) -> dict[str, Any]:
    return {
        "name": sop_words.day_name((day - made.opens_on).days),
        "on": f"{day:%m-%d}",
        "weekday": sop_words.weekday(day, words),
        "off": calendar.holiday(day),
        "make_up": day in calendar.make_up,
        "weekend": day.weekday() >= _SATURDAY,
    }


def _mark(row: Row, days: list[date], words: Words) -> dict[str, Any]:
    planned = row.planned
    return {
        "day": days.index(row.on),
        "hour": _hours(row.at.time()),
        "at": f"{row.at:%H:%M}",
        "way": str(planned.delivery),
        "name": f"{planned.step.number} {planned.step.title}",
        "who": words.label("sop_role", planned.step.executor),
        "skipped": words.label("sop_skip", planned.skipped) if planned.skipped else "",
        "shifts": "、".join(words.label("sop_shift", one) for one in planned.shifts),
        "optional": planned.step.is_optional,
        "gate": planned.step.part == "gate",
    }


def _messages(made: Preview, day: date, *, is_optional: bool) -> int:
    return sum(
        previews.reaches_member(row.planned.step)
        for row in (*made.rows, *made.member_rows)
        if row.on == day and row.planned.skipped is None and row.planned.step.is_optional is is_optional
    )


def _hours(clock: time) -> float:
    return round(clock.hour + clock.minute / 60, 2)

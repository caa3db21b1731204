"""What a group would get from a template, day by day: the calendar an operator looks at before anybody is enrolled.

Pure. `guanjia sop preview` prints it, and a page may draw the same. Nobody has confirmed, joined or been late yet:
every step is done when due, and one member joins with the opening.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from domain.sop import (
    AnchorKind,
    DeliveryCode,
    LimitMode,
    SopClock,
    Step,
    StepPart,
    Template,
)
from scheduler import quota, timetable
from scheduler.calendars import Calendar
from scheduler.timetable import Planned, Rules

_MONTH = timedelta(days=28)  # How much of a template without an end is shown.
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One occurrence in the preview. `at`: local; `day`: counted from the opening day.

    `to_member`: messages the member has had by then, those the owner may leave out in `optional`. `quota`: mass-sends
    left on that day after this one, by limit mode. `is_expired`: its words end before its time.
    """

    planned: Planned
    at: datetime
    day: int
    holiday: str
    is_make_up: bool
    head: str
    to_member: int
    optional: int
    quota: Mapping[LimitMode, int]
    is_expired: bool

    @property
    def on(self) -> date:
        """The local day."""
        return self.at.date()


@dataclass(frozen=True, kw_only=True)
class Week:
    """What one member gets in one week of the template, the first week being 1."""

    number: int
    sure: int
    optional: int
    one_to_one: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A template laid over the calendar. `unknown_years`: years whose holidays are not known."""

    template: Template
    rhythm: str
    opens_on: date
    rows: tuple[Row, ...]
    member_rows: tuple[Row, ...]
    weeks: tuple[Week, ...]
    unknown_years: tuple[int, ...]


def preview(
    template: Template,
    opens_on: date,
    calendar: Calendar,
    *,
    rhythm: str = "",
    length: timedelta | None = None,
    used: Mapping[date, int] | None = None,
) -> Preview:
    """Return the preview of a group that opens on `opens_on`, in the template's default rhythm where none is said.

    `length`: how far to look; without it the template's own end, four weeks where it has none. `used`: mass-sends of
    others, by day. Raises KeyError for an unknown rhythm.
    """
    rhythm = rhythm or template.default_rhythm
    steps = template.steps[rhythm]
    rules = Rules(guard=template.guard, calendar=calendar, zone=template.zone, used=used or {})
    opened = timetable.opening_anchor(opens_on, template.zone)
    until = opened + (length or _length(template))
    group = timetable.plan(steps, _anchors(opened), rules, until=until)
    joined = _opening_time(group, opened)
    members = [
        one
        for step in steps
        if step.anchor.kind is AnchorKind.MEMBER_JOINED
        for one in timetable.due_times(step, joined, rules, until=max(until, joined + _MONTH))
    ]
    members.sort(key=lambda one: one.due_at)
    rows = _rows(template, group, opens_on, rules)
    member_rows = _rows(template, members, opens_on, rules)
    days = {row.on for row in (*rows, *member_rows)}
    return Preview(
        template=template,
        rhythm=rhythm,
        opens_on=opens_on,
        rows=rows,
        member_rows=member_rows,
        weeks=_weeks((*rows, *member_rows)),
        unknown_years=tuple(sorted({day.year for day in days if not calendar.covers(day)})),
    )


def _length(template: Template) -> timedelta:
    ends = [stage.ends for stage in template.stages if stage.clock is SopClock.GROUP]
    end = max(ends, default=_MONTH)
    return end + _DAY if end <= _MONTH * 3 else _MONTH


def _anchors(opened: datetime) -> dict[AnchorKind, datetime]:
    """Return the anchors of the group's clock, all of the same moment."""
    kinds = (
        AnchorKind.GROUP_OPENED,
        AnchorKind.GROUP_CREATED,
        AnchorKind.STAGE_ENTERED,
        AnchorKind.MANUAL,
    )
    return dict.fromkeys(kinds, opened)


def _opening_time(group: list[Planned], opened: datetime) -> datetime:
    return next((one.due_at for one in group if one.step.part is StepPart.OPENING), opened)


def _rows(template: Template, found: list[Planned], opens_on: date, rules: Rules) -> tuple[Row, ...]:
    rows: list[Row] = []
    sent = dict(rules.used)
    to_member = optional = 0
    for one in found:
        at = rules.local(one.due_at)
        on = at.date()
        if one.is_mass_send:
            sent[on] = sent.get(on, 0) + 1
        if one.skipped is None and reaches_member(one.step):
            optional += one.step.is_optional
            to_member += not one.step.is_optional
        rows.append(
            Row(
                planned=one,
                at=at,
                day=(on - opens_on).days,
                holiday=rules.calendar.holiday(on),
                is_make_up=on in rules.calendar.make_up,
                head=_head(template, one),
                to_member=to_member,
                optional=optional,
                quota={mode: quota.left(mode, on, sent) for mode in LimitMode},
                is_expired=any(template.blocks[name].valid_until < on for name in one.step.content),
            )
        )
    return tuple(rows)


def reaches_member(step: Step) -> bool:
    """Say whether a usual member reads the step: those for askers only do not count."""
    return step.speaks_in_group or step.deliveries[0] is DeliveryCode.WELCOME


def content_of(step: Step, n: int) -> str:
    """Return the block of the n-th occurrence, "" for a silent step; a repeating step takes its blocks in turn."""
    return step.content[n % len(step.content)] if step.content else ""


def _head(template: Template, one: Planned) -> str:
    """Return the first line of what is said, the title of a card."""
    name = content_of(one.step, one.n)
    if not name:
        return ""
    block = template.blocks[name]
    return block.title or block.body.partition("\n")[0]


def _weeks(rows: tuple[Row, ...]) -> tuple[Week, ...]:
    counts: dict[int, list[int]] = {}
    for row in rows:
        if row.planned.skipped is not None or row.day < 0:
            continue
        sure, optional, personal = counts.setdefault(row.day // 7 + 1, [0, 0, 0])
        step = row.planned.step
        if reaches_member(step):
            sure, optional = sure + (not step.is_optional), optional + step.is_optional
        personal += DeliveryCode.PERSONAL in step.deliveries
        counts[row.day // 7 + 1] = [sure, optional, personal]
    return tuple(
        Week(number=number, sure=sure, optional=optional, one_to_one=personal)
        for number, (sure, optional, personal) in sorted(counts.items())
    )

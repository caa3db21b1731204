"""One group's week as its pages know it: found by the page code, or shut with a reason."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from console.week import words, writing
from console.week.context import WeekContext
from domain.enrolment import LIVE_STATES, Enrolment, EnrolmentState
from domain.sop import BlockKind, ContentBlock, StepPart, Template
from domain.week_pages import BLOCK_PREFIX, WeekPage
from store import enrolments, week_pages

log = logging.getLogger(__name__)

# Feedback and a second reading come after the week's score, which ends the enrolment.
KEPT_AFTER_END = timedelta(days=30)
_NOT_YET = "not_yet"
_DATE = words.load()["date"]
# Said by people for each group; without them a page would promise something unknown (scheduler/rendering.py).
_EVENT = frozenset(["event_title", "teacher", "teacher_title"])


class Reason(StrEnum):
    """Why there is nothing to show; the words are in words.toml."""

    UNKNOWN = "unknown"
    ENDED = "ended"
    STOPPED = "stopped"  # A product line of the template is stopped.
    NOT_READY = (
        "not_ready"  # The words are not approved, have expired, or a fact made them break a wording rule.
    )
    BUSY = "busy"  # This visitor or address asked too often.
    FORM = "form"  # What was sent is none of our forms.
    FAULT = "fault"


STATUS: Mapping[Reason, int] = {
    Reason.UNKNOWN: 404,
    Reason.ENDED: 410,
    Reason.STOPPED: 503,
    Reason.NOT_READY: 503,
    Reason.BUSY: 429,
    Reason.FORM: 400,
    Reason.FAULT: 500,
}


class Shut(Exception):
    """There is nothing to show on this page now."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, kw_only=True)
class Week:
    """A group's week. `slots`: what fills the words of every page."""

    enrolment: Enrolment
    template: Template
    publication: week_pages.Publication
    slots: Mapping[str, str]


async def open_week(ctx: WeekContext, code: str) -> Week:
    """Return the week behind a page code. Raises Shut when it is not there, over, or its line is stopped."""
    async with ctx.store.read() as tx:
        enrolment = await enrolments.find_by_page(tx, code)
    if enrolment is None:
        raise Shut(Reason.UNKNOWN)
    if not _is_kept(enrolment, ctx.clock.now()):
        raise Shut(Reason.ENDED)
    template = await ctx.template_of(enrolment.sop_version_id)
    _check_stops(ctx, template)
    steps = template.steps.get(enrolment.rhythm, ())
    publishing = [step.key for step in steps if step.part is StepPart.PUBLICATION]
    async with ctx.store.read() as tx:
        publication = await week_pages.find_publication(tx, enrolment.id, publishing)
    said = {slot: " ".join(str(fact).split()) for slot, fact in enrolment.facts.items()}
    return Week(
        enrolment=enrolment,
        template=template,
        publication=publication,
        slots=_event_slots(publication.due_at, template.zone) | said | dict(ctx.facts),
    )


def has_page(week: Week, page: WeekPage) -> bool:
    """Say whether the template has words for a page."""
    if page is WeekPage.ARTICLE:
        return _article(week) is not None
    return _block(week, page) is not None and (page is not WeekPage.REPLAY or _article(week) is not None)


def can_be_read(week: Week, page: WeekPage) -> bool:
    """Say whether a page shows what it is for, and not that the publication is still to come."""
    is_publication = page in (WeekPage.ARTICLE, WeekPage.REPLAY)
    return has_page(week, page) and (week.publication.is_out or not is_publication)


def page_words(ctx: WeekContext, week: Week, name: str, **slots: str) -> writing.Words:
    """Return the words of block page_`name`. Raises Shut when there are none or they may not be said."""
    block = _block(week, name)
    if block is None:
        raise Shut(Reason.UNKNOWN)
    return _said(ctx, week.template, block, {**week.slots, **slots})


def find_words(ctx: WeekContext, week: Week, name: str) -> writing.Words | None:
    """Return the words of block page_`name`, None when there are none that may be said."""
    try:
        return page_words(ctx, week, name)
    except Shut:
        return None


def article_words(ctx: WeekContext, week: Week) -> writing.Words:
    """Return the publication. Raises Shut when it may not be said; whether it is out, the caller looks at before."""
    block = _article(week)
    if block is None or not week.publication.is_out:
        raise Shut(Reason.UNKNOWN)
    return _said(ctx, week.template, block, week.slots, needed=_EVENT)


def event_words(ctx: WeekContext, week: Week) -> writing.Words:
    """Return the notice of the event. Raises Shut also while nobody has said what it is and who holds it."""
    block = _block(week, WeekPage.EVENT)
    if block is None:
        raise Shut(Reason.UNKNOWN)
    return _said(ctx, week.template, block, week.slots, needed=_EVENT)


def company_guide(ctx: WeekContext, name: str) -> writing.Words:
    """Return the guide of a template as it is today, for every group alike. Raises Shut as the others do."""
    template = ctx.find_template(name)
    block = template.blocks.get(f"{BLOCK_PREFIX}{WeekPage.GUIDE}") if template else None
    if template is None or block is None:
        raise Shut(Reason.UNKNOWN)
    _check_stops(ctx, template)
    return _said(ctx, template, block, ctx.facts)


def not_yet_words(ctx: WeekContext, week: Week) -> writing.Words:
    """Return what stands in the publication's place until it is out."""
    return page_words(ctx, week, _NOT_YET)


def _check_stops(ctx: WeekContext, template: Template) -> None:
    if template.guard.kill_switch and not ctx.stopped().isdisjoint(template.lines):
        raise Shut(Reason.STOPPED)


def _said(
    ctx: WeekContext,
    template: Template,
    block: ContentBlock,
    slots: Mapping[str, str],
    *,
    needed: frozenset[str] = frozenset(),
) -> writing.Words:
    if not all(slots.get(slot) for slot in block.slots & needed):
        raise Shut(Reason.NOT_READY)
    said = writing.words_of(block, slots, ctx.risk_lines())
    is_sayable = ctx.may_say(template, block.id)
    if not is_sayable or not ctx.may_read(template, said.whole):
        log.warning(
            "week page not shown",
            extra={
                "action": "week_page_not_shown",
                "block": f"{template.id}/{block.id}",
                "reason": "wording" if is_sayable else "unapproved",
            },
        )
        raise Shut(Reason.NOT_READY)
    return said


def _block(week: Week, name: str) -> ContentBlock | None:
    return week.template.blocks.get(f"{BLOCK_PREFIX}{name}")


def _article(week: Week) -> ContentBlock | None:
    """Return the piece of education that the publication's step sends."""
    names = [
        name
        for step in week.template.steps.get(week.enrolment.rhythm, ())
        if step.part is StepPart.PUBLICATION
        for name in step.content
    ]
    blocks = (week.template.blocks.get(name) for name in names)
    return next((block for block in blocks if block is not None and block.kind is BlockKind.EDUCATION), None)


def _is_kept(enrolment: Enrolment, now: datetime) -> bool:
    if enrolment.state in LIVE_STATES:
        return True
    ended_at = enrolment.ended_at or now
    return enrolment.state is EnrolmentState.COMPLETED and now < ended_at + KEPT_AFTER_END


def _event_slots(due_at: datetime | None, zone: ZoneInfo) -> dict[str, str]:
    if due_at is None:
        return {}
    local = due_at.astimezone(zone)
    day = _DATE["day"].format(local.month, local.day, _DATE["weekdays"][local.weekday()])
    return {"event_date": day, "event_time": f"{local:%H:%M}"}

"""Where a group stands in its template: stage, day, what comes next, what went wrong. Pure; for the pages of groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from domain.enrolment import LIVE_STATES, OPEN_STATES, UNRELEASED_STATES, OccurrenceState
from domain.sop import SopClock, Stage, Step, Template
from store.sop_reports import EnrolmentRow, StepMark


@dataclass(frozen=True, kw_only=True)
class Standing:
    """`next`: what waits for a person, else what is planned next; `is_open`: it waits. `day`: since the opening day."""

    stage: str
    day: int
    next: StepMark | None
    next_step: Step | None
    is_open: bool
    late: int
    missed: int
    blocked: int
    done: int
    total: int


def steps_of(template: Template | None, rhythm: str) -> dict[str, Step]:
    """Return the steps of a rhythm by key; none of a template that is not there."""
    return {} if template is None else {step.key: step for step in template.steps.get(rhythm, ())}


def standing(
    enrolment: EnrolmentRow,
    marks: Sequence[StepMark],
    template: Template | None,
    *,
    now: datetime,
    today: date,
) -> Standing:
    """Return where the enrolment stands. `today`: the local day. A template that cannot be read leaves titles empty."""
    steps = steps_of(template, enrolment.rhythm)
    is_live = enrolment.state in LIVE_STATES
    waiting = [mark for mark in marks if is_live and mark.state in OPEN_STATES]
    planned = [mark for mark in marks if is_live and mark.state in UNRELEASED_STATES]
    coming = next(iter(waiting or planned), None)
    stage = current_stage(template, now, enrolment.anchor_at)
    return Standing(
        stage=stage.title if stage else "",
        day=(today - enrolment.opens_on).days,
        next=coming,
        next_step=steps.get(coming.step) if coming else None,
        is_open=bool(waiting),
        late=sum(mark.window_end < now for mark in waiting),
        missed=_count(marks, OccurrenceState.MISSED),
        blocked=_count(marks, OccurrenceState.BLOCKED),
        done=_count(marks, OccurrenceState.SENT, OccurrenceState.SENT_LATE, OccurrenceState.PARTLY_SENT),
        total=len(marks),
    )


def current_stage(template: Template | None, now: datetime, anchor_at: datetime) -> Stage | None:
    """Return the stage of the group's clock that `now` lies in; before the first the first, after the last the last."""
    stages = [] if template is None else [one for one in template.stages if one.clock is SopClock.GROUP]
    if not stages:
        return None
    passed = now - anchor_at
    return next((one for one in reversed(stages) if one.begins <= passed), stages[0])


def _count(marks: Iterable[StepMark], *states: OccurrenceState) -> int:
    return sum(mark.state in states for mark in marks)

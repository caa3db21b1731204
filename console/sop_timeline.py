"""The way of one group through a template, stage by stage: what a page shows of each step. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from console import sop_words
from console.words import Words
from domain.enrolment import (
    DONE_STATES,
    OPEN_STATES,
    Enrolment,
    EvidenceKind,
    MassTask,
    Occurrence,
    OccurrenceState,
)
from domain.sop import DeliveryPolicy, Offset, SopClock, Stage, Step, StepPart, Template


@dataclass(frozen=True, kw_only=True)
class RungLine:
    """One rung of a ladder with its moment. `is_taken`: it happened."""

    text: str
    at: datetime | None
    is_taken: bool


@dataclass(frozen=True, kw_only=True)
class StepLine:
    """One line of the timeline: an occurrence, or a step without one yet (`one` None).

    `counts`: of a member's step, how many members stand where. `gate_hours`: of a gate, its hour. `proof`: how it is
    known that it was done; `is_told`: only somebody's word. `is_late`: it waits, and its window ended. `more`:
    later times of the step, not shown.
    """

    key: str
    step: Step | None
    one: Occurrence | None = None
    counts: Mapping[OccurrenceState, int] | None = None
    gate_hours: int = 0
    task: MassTask | None = None
    rungs: tuple[RungLine, ...] = ()
    is_open: bool = False
    is_late: bool = False
    more: int = 0

    @property
    def proof(self) -> EvidenceKind | None:
        return self.one.evidence.kind if self.one and self.one.evidence else None

    @property
    def is_told(self) -> bool:
        return self.proof is EvidenceKind.TOLD

    @property
    def is_done(self) -> bool:
        return self.one is not None and self.one.state in DONE_STATES


@dataclass(frozen=True, kw_only=True)
class StageLine:
    """A stage with its steps. `begins_on`, `is_now`: of the group's clock only."""

    title: str
    mission: str
    is_member_clock: bool
    begins_at: datetime | None
    is_now: bool
    lines: tuple[StepLine, ...]

    @property
    def done(self) -> int:
        return sum(line.is_done for line in self.lines)

    @property
    def is_over(self) -> bool:
        """Say whether nothing of it is left to do."""
        left = {*OPEN_STATES, OccurrenceState.PLANNED, OccurrenceState.DUE, OccurrenceState.BLOCKED}
        return not any(line.one is None or line.one.state in left for line in self.lines)


def timeline(
    enrolment: Enrolment,
    template: Template,
    found: Sequence[Occurrence],
    tasks: Mapping[int, MassTask],
    counts: Mapping[str, Mapping[OccurrenceState, int]],
    words: Words,
    now: datetime,
) -> list[StageLine]:
    """Return the stages in the template's order, their steps by time; what is no longer in the template comes last."""
    steps = {step.key: step for step in template.steps.get(enrolment.rhythm, ())}
    current = _current(template, now - enrolment.anchor_at)
    stages = [
        _stage_line(stage, enrolment, steps, found, tasks, counts, template, words, now, stage is current)
        for stage in template.stages
    ]
    lost = tuple(
        StepLine(key=one.step, step=None, one=one, is_open=one.state in OPEN_STATES)
        for one in found
        if one.step not in steps
    )
    if lost:
        stages.append(
            StageLine(title="", mission="", is_member_clock=False, begins_at=None, is_now=False, lines=lost)
        )
    return [stage for stage in stages if stage.lines]


def rungs(
    one: Occurrence, policy: DeliveryPolicy | None, task: MassTask | None, words: Words
) -> tuple[RungLine, ...]:
    """Return the rungs of a released occurrence: those taken, and those to come while it waits."""
    if policy is None or one.released_at is None:
        return ()
    is_open = one.state in OPEN_STATES
    lines = []
    reminded = list(task.reminds) if task else []
    for place, rung in enumerate(policy.rungs):
        is_taken = place < one.rung
        if rung not in sop_words.rungs_of(policy, one.delivery) or not (is_taken or is_open):
            continue
        at = one.released_at + rung.after
        if is_taken and rung.act == "remind" and reminded:
            at = reminded.pop(0)
        lines.append(RungLine(text=sop_words.rung(rung, words), at=at, is_taken=is_taken))
    return tuple(lines)


def _stage_line(
    stage: Stage,
    enrolment: Enrolment,
    steps: Mapping[str, Step],
    found: Sequence[Occurrence],
    tasks: Mapping[int, MassTask],
    counts: Mapping[str, Mapping[OccurrenceState, int]],
    template: Template,
    words: Words,
    now: datetime,
    is_now: bool,
) -> StageLine:
    its = {key: step for key, step in steps.items() if step.stage == stage.key}
    is_member = stage.clock is SopClock.MEMBER
    shown, more = _folded([one for one in found if one.step in its])
    lines = [
        replace(_line(one, its[one.step], template, tasks, words, now), more=more.get(one.id, 0))
        for one in shown
    ]
    placed = {line.key for line in lines}
    lines += [_bare(step, counts.get(key)) for key, step in its.items() if key not in placed]
    return StageLine(
        title=stage.title,
        mission=stage.mission,
        is_member_clock=is_member,
        begins_at=None if is_member else enrolment.anchor_at + stage.begins,
        is_now=is_now,
        lines=tuple(lines),
    )


def _folded(found: Sequence[Occurrence]) -> tuple[list[Occurrence], dict[int, int]]:
    """Return what is shown, and behind how many planned times of the same step each stands for."""
    shown: list[Occurrence] = []
    first: dict[str, int] = {}
    more: dict[int, int] = {}
    for one in found:
        if one.state is OccurrenceState.PLANNED and one.step in first:
            more[first[one.step]] = more.get(first[one.step], 0) + 1
            continue
        if one.state is OccurrenceState.PLANNED:
            first[one.step] = one.id
        shown.append(one)
    return shown, more


def _line(
    one: Occurrence,
    step: Step,
    template: Template,
    tasks: Mapping[int, MassTask],
    words: Words,
    now: datetime,
) -> StepLine:
    task = tasks.get(one.mass_task_id) if one.mass_task_id else None
    is_open = one.state in OPEN_STATES
    return StepLine(
        key=one.step,
        step=step,
        one=one,
        task=task,
        rungs=rungs(one, template.policies.get(step.policy), task, words),
        is_open=is_open,
        is_late=is_open and one.window_end < now,
    )


def _bare(step: Step, counts: Mapping[OccurrenceState, int] | None) -> StepLine:
    hours = 0
    if step.part is StepPart.GATE and isinstance(step.schedule, Offset):
        hours = int(step.schedule.after / timedelta(hours=1))
    return StepLine(key=step.key, step=step, counts=counts, gate_hours=hours)


def _current(template: Template, passed: timedelta) -> Stage | None:
    stages = [one for one in template.stages if one.clock is SopClock.GROUP]
    return next((one for one in reversed(stages) if one.begins <= passed), stages[0] if stages else None)

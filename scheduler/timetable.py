"""Due times of SOP steps.

Pure: takes the steps, what they count from and the rules; returns times. What becomes of windows that passed is
scheduler/overdue.py. Local times are in the template's zone, results in UTC.

Steps are placed in the order of their times, each against those already placed: never in quiet hours, never on a day
off that its policy minds, never before what it depends on, never two mass-sends to a group on one day. A step that
cannot stand where it was written moves to its next slot: the same clock time on the next day that allows it.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.sop import (
    AnchorKind,
    BranchAct,
    BranchCase,
    CalendarPolicy,
    Day,
    DeliveryCode,
    Dependency,
    Every,
    LimitMode,
    Offset,
    QuietPolicy,
    SopGuard,
    Step,
)
from scheduler import quota, schedules
from scheduler.calendars import Calendar

_DAY = timedelta(days=1)
_FURTHEST = timedelta(days=90)  # A step that finds no slot so far ahead is left out.


class Shift(StrEnum):
    """Why a step does not stand where it was written."""

    HOLIDAY = "holiday"
    QUIET = "quiet"
    DEPENDENCY = "dependency"  # What it depends on comes later.
    GAP = "gap"  # Too close to the message before it.
    SECOND_MASS_SEND = "second_mass_send"
    LIMIT = "limit"  # The group's quota of mass-sends is used up.
    PAST = "past"  # Its time had passed when its anchor came.


class Skip(StrEnum):
    """Why a step is left out."""

    HOLIDAY = "holiday"
    DEPENDENCY = "dependency"  # What it depends on is left out.
    SECOND_MASS_SEND = "second_mass_send"
    LIMIT = "limit"
    NO_SLOT = "no_slot"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What every step of a group is held against. `used`: mass-sends of others to the group, by local day."""

    guard: SopGuard
    calendar: Calendar
    zone: ZoneInfo
    used: Mapping[date, int]

    def local(self, moment: datetime) -> datetime:
        """Return a moment by the template's clock."""
        return moment.astimezone(self.zone)

    def at(self, day: date, clock: time) -> datetime:
        """Return a local time in UTC."""
        return datetime.combine(day, clock, self.zone).astimezone(UTC)

    def is_quiet(self, moment: datetime) -> bool:
        """Say whether a moment lies in quiet hours."""
        return not self.guard.quiet_until <= self.local(moment).time() < self.guard.quiet_from

    def quiet_end(self, moment: datetime) -> datetime:
        """Return when quiet hours end, for a moment within them."""
        local = self.local(moment)
        day = local.date() + (_DAY if local.time() >= self.guard.quiet_from else timedelta(0))
        return self.at(day, self.guard.quiet_until)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One occurrence of a step. `n` counts from 0; `wanted_at`: as written, before anything moved it.

    `delivery`: the step's main way, or S where a mass-send had to give way. A skipped one keeps the time at which it
    was left out.
    """

    step: Step
    n: int
    wanted_at: datetime
    due_at: datetime
    delivery: DeliveryCode
    shifts: tuple[Shift, ...] = ()
    skipped: Skip | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Step and occurrence."""
        return self.step.key, self.n

    @property
    def window_end(self) -> datetime:
        """When the window closes."""
        return self.step.window.ends_at(self.due_at)

    @property
    def expires_at(self) -> datetime:
        """When the words stop being true."""
        return self.due_at + self.step.window.expire_after

    @property
    def is_mass_send(self) -> bool:
        """Say whether it costs one of the group's mass-sends."""
        return self.skipped is None and self.delivery is DeliveryCode.MASS_SEND


def opening_anchor(on: date, zone: ZoneInfo) -> datetime:
    """Return what `group_opened` stands for: the beginning of the opening day, in UTC."""
    return datetime.combine(on, time(0), zone).astimezone(UTC)


def plan(
    steps: Sequence[Step],
    anchors: Mapping[AnchorKind, datetime],
    rules: Rules,
    *,
    until: datetime,
    done: Mapping[str, datetime] | None = None,
    kept: Sequence[Planned] = (),
) -> list[Planned]:
    """Return every occurrence that begins before `until`, by time.

    `anchors`: moments (aware) by kind; a step whose anchor is not among them is left out. `done`: when steps were
    really done; what counts from such a step counts from there, and from its plan before that. `kept`: occurrences
    that stand as they are, because they were released or a person moved them; the rest is planned around them.
    """
    return _Planning(steps, anchors, rules, until, done or {}, kept).run()


def due_times(step: Step, anchor_at: datetime, rules: Rules, *, until: datetime) -> list[Planned]:
    """Return the occurrences of one step that depends on nobody: a member's gate, a member's day."""
    return plan([step], {step.anchor.kind: anchor_at}, rules, until=until)


class _Planning:
    """One plan while it is made: a queue by time, and what has been placed from it."""

    def __init__(
        self,
        steps: Sequence[Step],
        anchors: Mapping[AnchorKind, datetime],
        rules: Rules,
        until: datetime,
        done: Mapping[str, datetime],
        kept: Sequence[Planned],
    ) -> None:
        self._rules = rules
        self._until = until
        self._done = done
        self._order = {step.key: place for place, step in enumerate(steps)}
        self._steps = {step.key: step for step in steps}
        self._kept = {one.key: one for one in kept}
        self._queue: list[tuple[datetime, int, int, Planned]] = []
        self._placed: dict[str, Planned] = {}  # The first occurrence of each step.
        self._waiting: dict[str, list[Planned]] = {}
        self._spoken_at: datetime | None = None  # When the group last read something.
        self._counting: dict[str, list[Step]] = {}
        for step in steps:
            self._counting.setdefault(step.anchor.step, []).append(step)
        self._result: list[Planned] = []
        self._sent = dict(rules.used)
        for one in kept:
            if one.is_mass_send:
                self._count(one)
        self._expected = self._known(anchors)
        for step in steps:
            if step.anchor.kind in anchors:
                self._enter(step, anchors[step.anchor.kind])
            elif step.anchor.step in done:
                self._enter(step, done[step.anchor.step])

    def _known(self, anchors: Mapping[AnchorKind, datetime]) -> set[str]:
        """Return the steps that will find a place, those that count from such a step included."""
        known = {key for key, step in self._steps.items() if step.anchor.kind in anchors} | set(self._done)
        while True:
            more = {
                key for key, step in self._steps.items() if key not in known and step.anchor.step in known
            }
            if not more:
                return known & set(self._steps)
            known |= more

    def run(self) -> list[Planned]:
        while self._queue:
            moment, _, _, one = heapq.heappop(self._queue)
            kept = self._kept.get(one.key)
            if kept is not None:
                if kept.due_at > moment:
                    self._push(replace(one, due_at=kept.due_at))
                else:
                    self._place(kept)
                continue
            missing = next((key for key in self._before(one.step) if key not in self._placed), None)
            if missing is not None:
                self._waiting.setdefault(missing, []).append(one)
                continue
            settled = self._settled(one)
            if settled.skipped is not None or settled.due_at == moment:
                self._place(settled)
            else:
                self._push(settled)
        return sorted(self._result, key=lambda one: (one.due_at, self._order[one.step.key], one.n))

    def _before(self, step: Step) -> list[str]:
        return [needed.step for needed in step.depends_on if needed.step in self._expected]

    def _enter(self, step: Step, anchor_at: datetime) -> None:
        for n, moment in enumerate(schedules.nominal_times(step, anchor_at, self._rules.zone, self._until)):
            shifts = (Shift.PAST,) if self._is_past(step, moment, anchor_at) else ()
            one = Planned(
                step=step,
                n=n,
                wanted_at=moment,
                due_at=moment,
                delivery=step.deliveries[0],
                shifts=shifts,
            )
            self._push(self._by_calendar(one, is_first=True))

    def _is_past(self, step: Step, moment: datetime, anchor_at: datetime) -> bool:
        if not isinstance(step.schedule, Day) or step.schedule.day != 0:
            return False
        written = self._rules.at(self._rules.local(anchor_at).date(), step.schedule.at)
        return written != moment

    def _push(self, one: Planned) -> None:
        heapq.heappush(self._queue, (one.due_at, self._order[one.step.key], one.n, one))

    def _place(self, one: Planned) -> None:
        if one.is_mass_send and one.key not in self._kept:
            self._count(one)
        self._result.append(one)
        if one.skipped is None and one.step.speaks_in_group:
            self._spoken_at = max(one.due_at, self._spoken_at or one.due_at)
        if one.step.key in self._placed:
            return
        self._placed[one.step.key] = one
        for waiting in self._waiting.pop(one.step.key, []):
            self._push(self._by_dependencies(waiting))
        if one.step.key not in self._done and one.skipped is None:
            for step in self._counting.get(one.step.key, ()):
                self._enter(step, one.due_at)

    def _count(self, one: Planned) -> None:
        day = self._rules.local(one.due_at).date()
        self._sent[day] = self._sent.get(day, 0) + 1

    def _settled(self, one: Planned) -> Planned:
        """Return the occurrence unchanged when it may stand, else moved to where it may stand next, or skipped."""
        if one.skipped is not None:
            return one
        if one.due_at - one.wanted_at > _FURTHEST:
            return replace(one, skipped=Skip.NO_SLOT)
        for rule in (self._by_dependencies, self._by_quiet, self._by_calendar, self._by_gap, self._by_limits):
            moved = rule(one)
            if moved != one:
                return moved
        return one

    def _by_dependencies(self, one: Planned) -> Planned:
        step = one.step
        counted = (Dependency(step=step.anchor.step),) if step.anchor.step else ()
        for needed in (*step.depends_on, *counted):
            before = self._placed.get(needed.step)
            if before is None:
                continue
            if before.skipped is not None:
                return replace(one, skipped=Skip.DEPENDENCY)
            earliest = self._done.get(needed.step, before.due_at) + needed.gap
            if one.due_at < earliest:
                return self._moved(one, self._slot_from(one, earliest), Shift.DEPENDENCY)
        return one

    def _by_quiet(self, one: Planned) -> Planned:
        if one.step.quiet_policy is QuietPolicy.RUN or not self._rules.is_quiet(one.due_at):
            return one
        return self._moved(one, self._rules.quiet_end(one.due_at), Shift.QUIET)

    def _by_calendar(self, one: Planned, is_first: bool = False) -> Planned:
        """Return the occurrence on a day on. Only where it was written may it move to the day before."""
        step, local = one.step, self._rules.local(one.due_at)
        policy = step.calendar_policy
        if policy is CalendarPolicy.SHIFT_PREV and not is_first:
            policy = CalendarPolicy.SHIFT_NEXT
        day = self._rules.calendar.placed(local.date(), step.days, policy)
        if day is None:
            return replace(one, skipped=Skip.HOLIDAY)
        if day == local.date():
            return one
        return self._moved(one, self._rules.at(day, local.time()), Shift.HOLIDAY)

    def _by_gap(self, one: Planned) -> Planned:
        if self._spoken_at is None or not one.step.speaks_in_group:
            return one
        gap = one.step.min_gap
        if gap is None:
            gap = self._rules.guard.min_gap if one.delivery is DeliveryCode.MASS_SEND else timedelta(0)
        earliest = self._spoken_at + gap
        return one if one.due_at >= earliest else self._moved(one, earliest, Shift.GAP)

    def _by_limits(self, one: Planned) -> Planned:
        if one.delivery is not DeliveryCode.MASS_SEND:
            return one
        guard, day = self._rules.guard, self._rules.local(one.due_at).date()
        if self._sent.get(day, 0) > 0:
            return self._branched(one, BranchCase.SECOND_MASS_SEND, Shift.SECOND_MASS_SEND)
        left = quota.left(guard.limit_mode, day, self._sent)
        if guard.month_budget is not None:
            this_month = quota.length_of_month(day) - quota.left(LimitMode.MONTH, day, self._sent)
            left = min(left, guard.month_budget - this_month)
        return one if left > 0 else self._branched(one, BranchCase.LIMIT_REACHED, Shift.LIMIT)

    def _branched(self, one: Planned, case: BranchCase, shift: Shift) -> Planned:
        act = one.step.branch(case)
        if act is BranchAct.SKIP:
            return replace(one, skipped=Skip(shift))
        if act is BranchAct.SIDEBAR:
            return replace(one, delivery=DeliveryCode.SIDEBAR, shifts=_with(one.shifts, shift))
        local = self._rules.local(one.due_at)
        return self._moved(one, self._rules.at(local.date() + _DAY, self._clock(one)), shift)

    def _slot_from(self, one: Planned, earliest: datetime) -> datetime:
        """Return the step's own clock time on the first day that is not before `earliest`; that moment, without one."""
        if isinstance(one.step.schedule, (Offset, Every)):
            return earliest
        day = self._rules.local(earliest).date()
        slot = self._rules.at(day, self._clock(one))
        return slot if slot >= earliest else self._rules.at(day + _DAY, self._clock(one))

    def _clock(self, one: Planned) -> time:
        """Return the local time a step belongs to, wherever it was moved meanwhile."""
        return self._rules.local(one.wanted_at).time()

    def _moved(self, one: Planned, to: datetime, shift: Shift) -> Planned:
        return replace(one, due_at=to, shifts=_with(one.shifts, shift))


def _with(shifts: tuple[Shift, ...], shift: Shift) -> tuple[Shift, ...]:
    return shifts if shift in shifts else (*shifts, shift)

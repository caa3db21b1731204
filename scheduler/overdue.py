"""What becomes of steps whose time has come or passed: each is judged by its window, nothing is fired in a burst.

Pure. Asked at every tick, and after an outage, a clock jump or a restart with everything that waited meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from domain.sop import DeliveryCode, Dependency, OnMissed, QuietPolicy
from scheduler.timetable import Planned, Rules

_DAY = timedelta(days=1)
_FURTHEST_DAYS = 60
# What a person reads; the rest may go at once.
_READ = frozenset([DeliveryCode.MASS_SEND, DeliveryCode.SIDEBAR, DeliveryCode.PERSONAL])


class Act(StrEnum):
    """What to do with a step now."""

    WAIT = "wait"  # Look again at `at`.
    RELEASE = "release"
    HAND_OVER = "hand_over"  # Its window passed; the co-owner may still send it by hand.
    RESCHEDULE = "reschedule"  # Its window passed; it is due again at `at`.
    MISS = "miss"  # Over.


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What to do with one occurrence, and when."""

    planned: Planned
    act: Act
    at: datetime


def judge(
    waiting: Sequence[Planned], now: datetime, rules: Rules, done: Mapping[str, datetime]
) -> list[Judgement]:
    """Return what to do with each occurrence of one group that was not released yet, by time.

    `done`: when steps were really done; a step that depends on one not among them, or counts from it, is not released
    whatever its plan said, so no cue before the confirmed opening and no recap of what was not published.
    `rules.used`: mass-sends the group has already had, by local day. Two that waited keep the distance they had, and a
    group gets no second mass-send on a day: what does not fit into its window any more is treated as missed.
    """
    return _Judging(now, rules, done).run(waiting)


class _Judging:
    """One round over a group's overdue steps: what was given away already."""

    def __init__(self, now: datetime, rules: Rules, done: Mapping[str, datetime]) -> None:
        self._now = now
        self._rules = rules
        self._done = done
        self._taken: set[date] = {day for day, count in rules.used.items() if count > 0}
        self._last: Planned | None = None
        self._last_at = now

    def run(self, waiting: Sequence[Planned]) -> list[Judgement]:
        # What is still to come keeps its day; what was missed has to find another.
        self._taken |= {
            self._rules.local(one.due_at).date()
            for one in waiting
            if one.is_mass_send and one.due_at > self._now
        }
        return [self._judged(one) for one in sorted(waiting, key=lambda one: (one.due_at, one.key))]

    def _judged(self, one: Planned) -> Judgement:
        if one.skipped is not None:
            return self._over(one)
        if self._now < one.due_at:
            return Judgement(planned=one, act=Act.WAIT, at=one.due_at)
        ready_at = self._ready_at(one)
        if ready_at is None and self._now < one.window_end:
            return Judgement(planned=one, act=Act.WAIT, at=one.window_end)
        if ready_at is None:
            # A later slot may find it done; handing it over would not help.
            may_move = one.step.on_missed is OnMissed.RESCHEDULE
            return self._missed(one, self._now) if may_move else self._over(one)
        at = self._spaced(one, ready_at)
        if at < one.window_end and self._is_free(one, at):
            self._take(one, at)
            return Judgement(planned=one, act=Act.RELEASE if at == self._now else Act.WAIT, at=at)
        return self._missed(one, ready_at)

    def _ready_at(self, one: Planned) -> datetime | None:
        """Return from when on everything it depends on is done, long enough ago; None while something is not."""
        counted = (Dependency(step=one.step.anchor.step),) if one.step.anchor.step else ()
        needed = (*one.step.depends_on, *counted)
        if any(each.step not in self._done for each in needed):
            return None
        return max((self._done[each.step] + each.gap for each in needed), default=self._now)

    def _spaced(self, one: Planned, ready_at: datetime) -> datetime:
        """Return when it may leave: as far after the one before it as it was planned, and not in quiet hours."""
        at = max(self._now, ready_at)
        if self._last is not None and one.delivery in _READ:
            at = max(at, self._last_at + (one.due_at - self._last.due_at))
        return self._awake(one, at)

    def _awake(self, one: Planned, at: datetime) -> datetime:
        if one.step.quiet_policy is QuietPolicy.RUN or not self._rules.is_quiet(at):
            return at
        return self._rules.quiet_end(at)

    def _is_free(self, one: Planned, at: datetime) -> bool:
        return not one.is_mass_send or self._rules.local(at).date() not in self._taken

    def _take(self, one: Planned, at: datetime) -> None:
        if one.is_mass_send:
            self._taken.add(self._rules.local(at).date())
        if one.delivery in _READ and at >= self._last_at:
            self._last, self._last_at = one, at

    def _over(self, one: Planned) -> Judgement:
        return Judgement(planned=one, act=Act.MISS, at=self._now)

    def _missed(self, one: Planned, ready_at: datetime) -> Judgement:
        act = one.step.on_missed
        if act is OnMissed.FALLBACK_SIDEBAR and one.delivery in _READ:
            at = self._awake(one, max(self._now, ready_at))
            if at < one.expires_at:
                return Judgement(planned=one, act=Act.HAND_OVER if at == self._now else Act.WAIT, at=at)
        if act is OnMissed.RESCHEDULE:
            slot = self._next_slot(one, max(self._now, ready_at))
            if slot is not None:
                self._take(one, slot)
                return Judgement(planned=one, act=Act.RESCHEDULE, at=slot)
        return self._over(one)

    def _next_slot(self, one: Planned, earliest: datetime) -> datetime | None:
        """Return the step's clock time on the next day that allows it; None when its words will not be true then."""
        clock = self._rules.local(one.wanted_at).time()
        day = self._rules.local(earliest).date()
        for _ in range(_FURTHEST_DAYS):
            slot = self._awake(one, self._rules.at(day, clock))
            is_on = self._rules.calendar.is_on(self._rules.local(slot).date(), one.step.days)
            if slot > one.expires_at:
                return None
            if slot >= earliest and is_on and self._is_free(one, slot):
                return slot
            day += _DAY
        return None

"""What becomes of steps whose time has come or passed: each is judged by its window, nothing is fired in a burst.

Pure. Asked at every tick, and after an outage, a clock jump or a restart with everything that waited meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from domain.sop import DeliveryCode, OnMissed, QuietPolicy
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


def judge(waiting: Sequence[Planned], now: datetime, rules: Rules) -> list[Judgement]:
    """Return what to do with each occurrence of one group that was not released yet, by time.

    `rules.used`: mass-sends the group has already had, by local day. Two that waited keep the distance they had, and
    a group gets no second mass-send on a day: what does not fit into its window any more is treated as missed.
    """
    return _Judging(now, rules).run(waiting)


class _Judging:
    """One round over a group's overdue steps: what was given away already."""

    def __init__(self, now: datetime, rules: Rules) -> None:
        self._now = now
        self._rules = rules
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
            return Judgement(planned=one, act=Act.MISS, at=self._now)
        if self._now < one.due_at:
            return Judgement(planned=one, act=Act.WAIT, at=one.due_at)
        at = self._spaced(one)
        if at < one.window_end and self._is_free(one, at):
            self._take(one, at)
            return Judgement(planned=one, act=Act.RELEASE if at == self._now else Act.WAIT, at=at)
        return self._missed(one)

    def _spaced(self, one: Planned) -> datetime:
        """Return when it may leave: as far after the one before it as it was planned, and not in quiet hours."""
        at = self._now
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

    def _missed(self, one: Planned) -> Judgement:
        act = one.step.on_missed
        if act is OnMissed.FALLBACK_SIDEBAR and one.delivery in _READ:
            at = self._awake(one, self._now)
            if at < one.expires_at:
                return Judgement(planned=one, act=Act.HAND_OVER if at == self._now else Act.WAIT, at=at)
        if act is OnMissed.RESCHEDULE:
            slot = self._next_slot(one)
            if slot is not None:
                self._take(one, slot)
                return Judgement(planned=one, act=Act.RESCHEDULE, at=slot)
        return Judgement(planned=one, act=Act.MISS, at=self._now)

    def _next_slot(self, one: Planned) -> datetime | None:
        """Return the step's clock time on the next day that allows it; None when its words will not be true then."""
        clock = self._rules.local(one.wanted_at).time()
        day = self._rules.local(self._now).date()
        for _ in range(_FURTHEST_DAYS):
            slot = self._awake(one, self._rules.at(day, clock))
            is_on = self._rules.calendar.is_on(self._rules.local(slot).date(), one.step.days)
            if slot > one.expires_at:
                return None
            if slot >= self._now and is_on and self._is_free(one, slot):
                return slot
            day += _DAY
        return None

"""One group on its way through a template, in memory, with a pretend platform and pretend people.

For tests of scheduler/steps.py that need many weeks in a second. What tests/weeks does with the real house is done here
in few words: tasks wait for their senders, stops and polls take a moment, a tap in the sidebar ends a step. Every
decision is held against the laws of docs/sop.md while it is carried out.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.attention import NewNotice
from domain.enrolment import (
    DONE_STATES,
    OPEN_STATES,
    Enrolment,
    EnrolmentState,
    Evidence,
    EvidenceKind,
    MassTask,
    MassTaskState,
    Occurrence,
    OccurrenceState,
    TargetResult,
)
from domain.faq import Line
from domain.sop import DeliveryCode, StepPart, Template
from scheduler import calendars, preparing, steps, timetable
from scheduler.bundles import Alarm, Bundle, MassWanted, Outcome, People, Said, Unsaid
from scheduler.timetable import Rules
from tests.sop import factory

CHAT = "wrGroup"
OWNER, CO_OWNER, SUPERVISOR = "zhangsan", "lisi", "wangwu"
READY: Mapping[str, float | None] = {
    "points": 100.0,
    "mandatory_open": 0.0,
    "approved_rate": 1.0,
    "bound": 1.0,
    "open_questions": 0.0,
}
_SPEAKING = frozenset([DeliveryCode.MASS_SEND, DeliveryCode.SIDEBAR, DeliveryCode.PERSONAL])
# Rounds at one moment: what people and the platform do at once may poke an enrolment a few times.
_MOST_ROUNDS = 8
_BEGINS = factory.shanghai("2026-11-26 09:30")


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """Words that reached the group."""

    at: datetime
    step: str
    n: int
    way: DeliveryCode
    by: str


@dataclass
class Walk:
    """`confirms`: asked for each mass send, how long its sender takes; None: never. `taps`: the same for the sidebar.

    `result`: what comes of a confirmed one. `makes`: what becomes of the call that makes a task. `polled`: how long a
    look at the platform takes. `outages`: when the house is down.
    """

    template: Template = field(default_factory=factory.template)
    rhythm: str = "calm"
    people: People = field(
        default_factory=lambda: People(owner=OWNER, co_owner=CO_OWNER, supervisor=SUPERVISOR)
    )
    measures: dict[str, float | None] = field(default_factory=lambda: dict(READY))
    size: int = 12
    stopped: frozenset[Line] = frozenset()
    unsayable: dict[str, str] = field(default_factory=dict)
    score: float | None = 80.0
    used: dict[date, int] = field(default_factory=dict)
    openings: dict[date, int] = field(default_factory=dict)
    is_gone: bool = False
    confirms: Callable[[Occurrence], timedelta | None] = lambda one: timedelta(minutes=5)
    taps: Callable[[Occurrence], timedelta | None] = lambda one: timedelta(minutes=3)
    result: Callable[[Occurrence], TargetResult] = lambda one: TargetResult.SENT
    makes: Callable[[Occurrence], MassTaskState] = lambda one: MassTaskState.WAITING
    polled: timedelta = timedelta(seconds=60)
    outages: tuple[tuple[datetime, datetime], ...] = ()
    opens_on: date = date(2026, 11, 30)
    now: datetime = _BEGINS
    friends: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.occurrences: dict[int, Occurrence] = {}
        self.tasks: dict[int, MassTask] = {}
        self.spoken: list[Spoken] = []
        self.notices: dict[str, NewNotice] = {}
        self.told_at: list[tuple[datetime, NewNotice]] = []
        self.history: list[str] = []
        self.moved_to = ""
        self.cancels: list[int] = []
        self.alarms: tuple[Alarm, ...] = ()
        # Steps that somebody began to send by hand, and whose report never came.
        self.unreported: set[int] = set()
        self._ids = itertools.count(1)
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._rounds: Counter[datetime] = Counter()
        zone = self.template.zone
        self.enrolment = Enrolment(
            id=1,
            sop_version_id=1,
            template=self.template.id,
            rhythm=self.rhythm,
            group_id=1,
            round=0,
            owner_platform_id=self.people.owner,
            opens_on=self.opens_on,
            anchor_at=timetable.opening_anchor(self.opens_on, zone),
            state=EnrolmentState.WAITING,
            enrolled_at=self.now,
            next_at=self.now,
        )
        until = preparing.end_of(self.template, self.enrolment.anchor_at)
        planned = preparing.plan(
            self.template,
            self.rhythm,
            self.enrolment.anchor_at,
            self.rules(),
            until=until or self.enrolment.anchor_at + preparing.HORIZON,
        )
        for one in planned:
            due_at, window_end = preparing.first_due(one, self.now, self.rules())
            self._add(steps.row(1, one, due_at, window_end))

    # --- what stands ---------------------------------------------------------------------------------------

    def rules(self) -> Rules:
        return Rules(
            guard=self.template.guard,
            calendar=calendars.packaged(),
            zone=self.template.zone,
            used=self._used(),
        )

    def _used(self) -> dict[date, int]:
        """Count as store/occurrences.list_mass_sends does."""
        used = Counter(self.used)
        for one in self.occurrences.values():
            task = self.tasks.get(one.mass_task_id or 0)
            if one.delivery is not DeliveryCode.MASS_SEND or task is None or one.released_at is None:
                continue
            if one.state in OPEN_STATES | DONE_STATES or task.state is MassTaskState.UNKNOWN:
                moment = one.sent_at or task.confirmed_at or one.released_at
                used[moment.astimezone(self.template.zone).date()] += 1
        return dict(used)

    def step(self, key: str) -> Occurrence:
        """Return the last occurrence of a step."""
        return [one for one in self.occurrences.values() if one.step == key][-1]

    def said(self, key: str) -> list[Spoken]:
        """Return when a step's words reached the group."""
        return [one for one in self.spoken if one.step == key]

    def told(self, recipient: str, key: str) -> list[str]:
        """Return the kinds of what somebody was told of a step, in order."""
        ids = {one.id for one in self.occurrences.values() if one.step == key}
        return [
            str(one.kind)
            for _, one in self.told_at
            if one.recipient == recipient and one.occurrence_id in ids
        ]

    def tasks_of(self, key: str) -> list[MassTask]:
        """Return every task that was made for a step."""
        ids = {one.id for one in self.occurrences.values() if one.step == key}
        return [task for task in self.tasks.values() if int(task.delivery_key) in ids]

    # --- time ----------------------------------------------------------------------------------------------

    def at(self, moment: datetime, act: Callable[[], None]) -> None:
        """Let something happen at a moment."""
        heapq.heappush(self._events, (moment, next(self._ids), act))

    def run(self, until: datetime | None = None) -> Walk:
        """Let time pass until everything has ended, or up to `until`."""
        end = until or self.enrolment.anchor_at + timedelta(days=60)
        while True:
            self._walk()
            following = self._following()
            if following is None or following > end:
                break
            self.now = max(self.now, following)
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
        self.now = max(self.now, until or self.now)
        return self

    def _following(self) -> datetime | None:
        moments = [self._events[0][0]] if self._events else []
        if self.enrolment.next_at is not None:
            moments.append(self._up_at(self.enrolment.next_at))
        return min(moments, default=None)

    def _up_at(self, moment: datetime) -> datetime:
        """Return when the house looks at something that is due at `moment`."""
        for begins, ends in sorted(self.outages):
            if begins <= moment < ends:
                moment = ends
        return moment

    def poke(self) -> None:
        """Let the enrolment be looked at now."""
        if self.enrolment.ended_at is None:
            due = self.enrolment.next_at
            self.enrolment = replace(self.enrolment, next_at=min(due or self.now, self.now))

    # --- the engine ----------------------------------------------------------------------------------------

    def _walk(self) -> None:
        while True:
            due = self.enrolment.next_at
            if due is None or due > self.now or self._up_at(self.now) > self.now:
                return
            self._rounds[self.now] += 1
            assert self._rounds[self.now] <= _MOST_ROUNDS, f"never at rest at {factory.local(self.now)}"
            self.decide()

    def bundle(self) -> Bundle:
        scoring = any(
            self._parts(one) is StepPart.SCORE and one.due_at <= self.now and not one.sent_at
            for one in self.occurrences.values()
        )
        return Bundle(
            enrolment=self.enrolment,
            template=self.template,
            chat_id=CHAT,
            group_name="首周一群",
            is_gone=self.is_gone,
            size=self.size,
            occurrences=tuple(self.occurrences.values()),
            tasks=self.tasks,
            rules=self.rules(),
            people=self.people,
            stopped=self.stopped,
            openings=self.openings,
            say=self._say,
            measures=self.measures,
            score=(self.score, {}) if scoring else None,
            alarms=self.alarms,
            unreported=frozenset(self.unreported),
        )

    def _say(self, block: str, slots: Mapping[str, str]) -> Said | Unsaid:
        if block in self.unsayable:
            return Unsaid(reason=self.unsayable[block])
        return Said(title=block, text=block)

    def _parts(self, one: Occurrence) -> StepPart:
        known = {step.key: step for step in self.template.steps[self.rhythm]}
        return known[one.step].part

    def decide(self) -> Outcome:
        """Decide once and carry it out."""
        before = dict(self.occurrences)
        out = steps.advance(self.bundle(), self.now)
        self.alarms = ()
        self.enrolment = out.enrolment
        self.occurrences = dict(out.occurrences)
        for wanted in out.mass:
            self._task(wanted)
        for personal in out.personal:
            self._personal(self.occurrences[personal.occurrence_id], personal.until)
        for row in out.added:
            self._add(row)
        for task_id in sorted(out.cancels):
            self._cancel(task_id)
        for task_id in sorted(out.reminds):
            task = self.tasks[task_id]
            self.tasks[task_id] = replace(task, reminds=(*task.reminds, self.now))
        for notice in out.notices:
            if notice.key not in self.notices:
                self.notices[notice.key] = notice
                self.told_at.append((self.now, notice))
        self.history += [f"{one.act} {one.step} {one.note}".strip() for one in out.entries]
        self.moved_to = out.moves_to or self.moved_to
        for one in self.occurrences.values():
            earlier = before.get(one.id)
            if one.released_at is not None and (earlier is None or earlier.released_at != one.released_at):
                self._released(one)
            hands_on = earlier is not None and earlier.delivery is not one.delivery
            if one.state in OPEN_STATES and one.delivery is DeliveryCode.SIDEBAR and not one.member:
                is_new = earlier is None or earlier.released_at != one.released_at
                if is_new or hands_on or (earlier and earlier.executor != one.executor):
                    self._tap_later(one)
        self._hold_laws()
        return out

    def _add(self, row: Mapping[str, Any]) -> None:
        key = (row["step"], row["member"], row["n"])
        if key not in {(one.step, one.member, one.n) for one in self.occurrences.values()}:
            number = next(self._ids)
            values = {**row, "shifts": tuple(row["shifts"])}
            self.occurrences[number] = Occurrence(id=number, **values)

    # --- the platform and the people -----------------------------------------------------------------------

    def _task(self, wanted: MassWanted) -> None:
        number, one = next(self._ids), self.occurrences[wanted.occurrence_id]
        made = self.makes(one)
        self.tasks[number] = MassTask(
            id=number,
            delivery_key=str(one.id),
            chat_type="group",
            sender=wanted.sender,
            targets=(wanted.target,),
            state=MassTaskState.WANTED,
            created_at=self.now,
            until=wanted.until,
        )
        self.occurrences[one.id] = replace(one, mass_task_id=number)
        self.at(self._up_at(self.now + timedelta(seconds=2)), lambda: self._made(number, made))
        takes = self.confirms(one) if made is MassTaskState.WAITING else None
        if takes is not None:
            self.at(self.now + max(takes, timedelta(seconds=3)), lambda: self.confirm(number))

    def _personal(self, one: Occurrence, until: datetime) -> None:
        """Give the owner one task for all friends, as scheduler/writing.py does."""
        if not self.friends:
            self.occurrences[one.id] = replace(one, state=OccurrenceState.SKIPPED, reason="not_needed")
            return
        number, made = next(self._ids), self.makes(one)
        self.tasks[number] = MassTask(
            id=number,
            delivery_key=str(one.id),
            chat_type="single",
            sender=self.people.owner,
            targets=self.friends,
            state=MassTaskState.WANTED,
            created_at=self.now,
            until=until,
        )
        for friend in self.friends:
            row = next(self._ids)
            self.occurrences[row] = replace(
                one, id=row, member=friend, mass_task_id=number, state=OccurrenceState.RELEASED
            )
        self.at(self._up_at(self.now + timedelta(seconds=2)), lambda: self._made(number, made))
        takes = self.confirms(one) if made is MassTaskState.WAITING else None
        if takes is not None:
            self.at(self.now + max(takes, timedelta(seconds=3)), lambda: self.confirm(number))

    def _made(self, number: int, state: MassTaskState) -> None:
        task = self.tasks[number]
        if task.state is MassTaskState.WANTED:
            self.tasks[number] = replace(task, state=state, msgid=f"msg{number}")
            self.poke()

    def confirm(self, number: int) -> None:
        """The sender confirms in the client; the house sees it at its next look."""
        task = self.tasks[number]
        if task.cancelled_at is not None or task.confirmed_at is not None:
            return
        one = self.occurrences[int(task.delivery_key)]
        result = self.result(one)
        self.tasks[number] = replace(task, confirmed_at=self.now, results=dict.fromkeys(task.targets, result))
        if result is TargetResult.SENT and task.chat_type == "group":
            way = DeliveryCode.MASS_SEND
            self.spoken.append(Spoken(at=self.now, step=one.step, n=one.n, way=way, by=task.sender))
        self.at(self._up_at(self.now + self.polled), lambda: self._look(number))

    def _cancel(self, number: int) -> None:
        self.cancels.append(number)
        task = self.tasks[number]
        if task.state in (MassTaskState.WANTED, MassTaskState.WAITING):
            self.tasks[number] = replace(task, cancel_wanted_at=self.now)
            self.at(self._up_at(self.now + self.polled / 2), lambda: self._look(number))

    def _look(self, number: int) -> None:
        task = self.tasks[number]
        if task.state not in (MassTaskState.WANTED, MassTaskState.WAITING):
            return
        if task.confirmed_at is not None:
            self.tasks[number] = replace(task, state=MassTaskState.CONFIRMED)
        elif task.cancel_wanted_at is not None:
            self.tasks[number] = replace(task, state=MassTaskState.CANCELLED, cancelled_at=self.now)
        self.poke()

    def cancelled_by_somebody(self, number: int) -> None:
        """Another program stops the task; the house sees it at its next look."""
        task = self.tasks[number]
        if task.confirmed_at is None:
            self.tasks[number] = replace(task, state=MassTaskState.CANCELLED, cancelled_at=self.now)
            self.poke()

    def _tap_later(self, one: Occurrence) -> None:
        takes = self.taps(one)
        # Prepared answers for whoever asks are said to nobody unasked.
        is_said = {step.key: step for step in self.template.steps[self.rhythm]}[one.step].speaks_in_group
        if takes is not None and is_said:
            self.at(self.now + takes, lambda: self.tap(one.id, one.executor))

    def tap(self, number: int, by: str) -> None:
        """Somebody sends by the sidebar, as scheduler/acts.py allows."""
        one = self.occurrences[number]
        may = one.state in OPEN_STATES and one.delivery is DeliveryCode.SIDEBAR and one.executor == by
        if not may or self.enrolment.state is EnrolmentState.PAUSED or self._up_at(self.now) > self.now:
            return
        is_late = self.now > one.window_end
        self.occurrences[number] = replace(
            one,
            state=OccurrenceState.SENT_LATE if is_late else OccurrenceState.SENT,
            sent_at=self.now,
            is_late=is_late,
            evidence=Evidence(kind=EvidenceKind.SIDEBAR, by=by, at=self.now),
        )
        way = DeliveryCode.SIDEBAR
        self.spoken.append(Spoken(at=self.now, step=one.step, n=one.n, way=way, by=by))
        self.poke()

    # --- laws ----------------------------------------------------------------------------------------------

    def _released(self, one: Occurrence) -> None:
        if one.delivery not in _SPEAKING:
            return
        where = f"{one.step} at {factory.local(self.now)}"
        assert not self.rules().is_quiet(self.now), f"released in quiet hours: {where}"
        assert one.text, f"released without words: {where}"
        done = {
            each.step: each.sent_at
            for each in self.occurrences.values()
            if each.sent_at is not None and each.state in DONE_STATES
        }
        needs = {
            StepPart.PUBLICATION: (StepPart.NOTICE, timedelta(hours=24)),
            StepPart.CUE: (StepPart.OPENING, timedelta(0)),
            StepPart.RECAP: (StepPart.PUBLICATION, timedelta(0)),
        }
        needed = needs.get(self._parts(one))
        if needed is not None:
            keys = [step.key for step in self.template.steps[self.rhythm] if step.part is needed[0]]
            moments = [done[key] for key in keys if key in done]
            assert moments, f"released before {needed[0]}: {where}"
            assert self.now >= max(moments) + needed[1], f"too early: {where}"

    def _hold_laws(self) -> None:
        following = self.enrolment.next_at
        assert following is None or following >= self.now, "next_at went back"
        for task in self.tasks.values():
            for moment in task.reminds:
                recent = [m for m in task.reminds if timedelta(0) <= moment - m < timedelta(hours=24)]
                assert len(recent) <= 3, f"{len(recent)} reminders of one task in 24 hours"

    def check(self) -> None:
        """Hold everything that was said against the laws."""
        twice = [key for key, count in Counter((one.step, one.n) for one in self.spoken).items() if count > 1]
        assert not twice, f"said twice: {twice}"
        days = Counter(
            one.at.astimezone(self.template.zone).date()
            for one in self.spoken
            if one.way is DeliveryCode.MASS_SEND
        )
        assert max(days.values(), default=0) <= 1, f"two mass sends on a day: {days}"
        assert self.enrolment.ended_at is not None, f"never ended: next at {self.enrolment.next_at}"
        unfinished = [one.step for one in self.occurrences.values() if one.state in OPEN_STATES]
        assert not unfinished, f"left open: {unfinished}"


def utc(text: str) -> datetime:
    """Return the moment of "11-30 10:00" by the clock in Shanghai, in 2026."""
    return factory.shanghai(f"2026-{text}").astimezone(UTC)

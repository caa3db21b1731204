"""One enrolment while it is being decided: what is known, what was decided so far, and the small moves decisions are
made of. Pure; used by scheduler/{collecting,preparing,releasing,climbing,steps}.py only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from domain.attention import NewNotice, NoticeKind
from domain.enrolment import (
    DONE_STATES,
    OPEN_STATES,
    UNRELEASED_STATES,
    Enrolment,
    EnrolmentState,
    Evidence,
    EvidenceKind,
    MassTask,
    MassTaskState,
    Occurrence,
    OccurrenceState,
)
from domain.sop import DeliveryCode, DeliveryPolicy, Step, StepPart
from scheduler.bundles import Bundle, Outcome, Reason, Unsaid
from scheduler.keys import key_of
from scheduler.timetable import Planned, Shift
from store.enrolments import Entry

# Rungs of a step that was given to another's hand are behind it.
CLIMBED = 99
# Steps that somebody must do in time, whatever the budget of attention says (docs/sop.md).
CRITICAL = frozenset([StepPart.OPENING, StepPart.PUBLICATION])
_ACTOR = "sop"


@dataclass(frozen=True, kw_only=True)
class Standing(Planned):
    """A step as it stands: its ends are its own, whatever became of its time since it was planned."""

    ends_at: datetime
    true_until: datetime

    @property
    def window_end(self) -> datetime:
        return self.ends_at

    @property
    def expires_at(self) -> datetime:
        return self.true_until


class Work:
    """See the module's docstring."""

    def __init__(self, bundle: Bundle, now: datetime) -> None:
        self.bundle = bundle
        self.now = now
        self.steps = bundle.steps
        self.rules = bundle.rules
        self.out = Outcome(
            enrolment=bundle.enrolment, occurrences={one.id: one for one in bundle.occurrences}
        )

    # --- what stands ---------------------------------------------------------------------------------------

    @property
    def enrolment(self) -> Enrolment:
        return self.out.enrolment

    def change(self, **values: Any) -> None:
        """Change the enrolment."""
        self.out.enrolment = replace(self.out.enrolment, **values)

    def put(self, one: Occurrence, **values: Any) -> Occurrence:
        """Change an occurrence and return it as it stands now."""
        changed = replace(one, **values)
        self.out.occurrences[one.id] = changed
        return changed

    def all(self, states: Iterable[OccurrenceState] | None = None) -> list[Occurrence]:
        """Return occurrences in one of `states`, by time."""
        wanted = None if states is None else frozenset(states)
        found = [one for one in self.out.occurrences.values() if wanted is None or one.state in wanted]
        return sorted(found, key=lambda one: (one.due_at, one.id))

    def open(self) -> list[Occurrence]:
        """Return what somebody has in hand."""
        return self.all(OPEN_STATES)

    def waiting(self) -> list[Occurrence]:
        """Return what was not released yet."""
        return self.all(UNRELEASED_STATES)

    def of_step(self, key: str) -> Occurrence | None:
        """Return the first occurrence of a step for the whole group."""
        return next((one for one in self.all() if one.step == key and not one.member), None)

    def step(self, one: Occurrence) -> Step:
        """Return the step of an occurrence; of an unknown one, after a version lost it, KeyError."""
        return self.steps[one.step]

    def part(self, part: StepPart) -> list[Step]:
        """Return the steps of a part."""
        return [step for step in self.steps.values() if step.part is part]

    def task(self, one: Occurrence) -> MassTask | None:
        """Return the mass send an occurrence waits for."""
        return self.bundle.tasks.get(one.mass_task_id) if one.mass_task_id else None

    def policy(self, step: Step) -> DeliveryPolicy | None:
        """Return the ladder of a step."""
        return self.bundle.template.policies.get(step.policy)

    def done(self) -> dict[str, datetime]:
        """Return when steps were really done; of a repeating step, the last time."""
        found: dict[str, datetime] = {}
        for one in self.all(DONE_STATES):
            if one.sent_at is not None and not one.member:
                found[one.step] = max(one.sent_at, found.get(one.step, one.sent_at))
        return found

    def planned(self, one: Occurrence) -> Standing:
        """Return an occurrence as the timetable has it."""
        return Standing(
            step=self.step(one),
            n=one.n,
            wanted_at=one.wanted_at,
            due_at=one.due_at,
            delivery=one.delivery,
            shifts=tuple(Shift(name) for name in one.shifts if name in Shift.__members__.values()),
            ends_at=one.window_end,
            true_until=one.expires_at,
        )

    def until(self, one: Occurrence) -> datetime:
        """Return when a released step ends: with its window, what customers read also when quiet hours begin.

        Looking into the group whether it was sent by hand has its own time.
        """
        is_asked = one.delivery is DeliveryCode.SIDEBAR and one.reason == Reason.UNKNOWN
        if one.released_at is None or is_asked or not self.is_said(one):
            return one.window_end
        local = self.rules.local(one.released_at)
        return min(one.window_end, self.rules.at(local.date(), self.rules.guard.quiet_from))

    def is_line_stopped(self) -> bool:
        """Say whether one of the template's product lines is stopped: nothing may be said to customers then."""
        return bool(self.bundle.stopped & set(self.bundle.template.lines))

    def is_said(self, one: Occurrence) -> bool:
        """Say whether customers read it unasked: answers that wait for whoever asks are not."""
        if one.delivery is DeliveryCode.SIDEBAR:
            return self.step(one).audience.text == "everyone"
        return one.delivery in (DeliveryCode.MASS_SEND, DeliveryCode.PERSONAL)

    def is_quiet(self) -> bool:
        """Say whether these are quiet hours."""
        return self.rules.is_quiet(self.now)

    # --- moves ---------------------------------------------------------------------------------------------

    def close(
        self,
        one: Occurrence,
        state: OccurrenceState,
        *,
        reason: str = "",
        sent_at: datetime | None = None,
        evidence: Evidence | None = None,
    ) -> Occurrence:
        """End an occurrence; what waits to be told of it is told no more."""
        is_late = state is OccurrenceState.SENT_LATE
        self.out.withdrawn.add(one.id)
        closed = self.put(
            one,
            state=state,
            reason=reason or one.reason,
            sent_at=sent_at or one.sent_at,
            is_late=is_late,
            evidence=evidence or one.evidence,
        )
        if sent_at is not None and self.step(one).part is StepPart.OPENING:
            self.change(opened_at=sent_at)
        return closed

    def sent(self, one: Occurrence, at: datetime, kind: EvidenceKind, by: str = "") -> Occurrence:
        """End an occurrence well; late when it came after its window."""
        state = OccurrenceState.SENT_LATE if at > one.window_end else OccurrenceState.SENT
        return self.close(one, state, sent_at=at, evidence=Evidence(kind=kind, by=by, at=at))

    def back(self, one: Occurrence, **values: Any) -> Occurrence:
        """Let an occurrence be judged anew, as if it had not been released."""
        self.out.withdrawn.add(one.id)
        self.give_day_back(one)
        usual: dict[str, Any] = {
            "state": OccurrenceState.PLANNED,
            "mass_task_id": None,
            "released_at": None,
            "rung": 0,
            "executor": "",
        }
        return self.put(one, **{**usual, **values})

    def give_day_back(self, one: Occurrence) -> None:
        """Count the mass send of an occurrence no more: it was stopped, so the group had none of it that day."""
        task = self.task(one)
        if one.delivery is not DeliveryCode.MASS_SEND or task is None or one.released_at is None:
            return
        if task.state is MassTaskState.UNKNOWN:
            return
        used, day = dict(self.rules.used), self.rules.local(one.released_at).date()
        used[day] = max(used.get(day, 0) - 1, 0)
        self.rules = replace(self.rules, used=used)

    def miss(self, one: Occurrence, reason: str) -> Occurrence:
        """End an occurrence that was not done; one that may be left out is skipped."""
        step = self.step(one)
        state = OccurrenceState.SKIPPED if step.is_optional else OccurrenceState.MISSED
        closed = self.close(one, state, reason=reason)
        self.record("missed" if state is OccurrenceState.MISSED else "skipped", step=step.key, note=reason)
        if state is OccurrenceState.MISSED:
            self.tell_missed(closed, reason)
        return closed

    def cancel_task(self, one: Occurrence, why: Reason) -> None:
        """Ask that the mass send of an occurrence be stopped; what comes of it is collected later."""
        if one.mass_task_id is not None and one.reason != why:
            self.put(one, reason=why)
            self.out.cancels.add(one.mass_task_id)

    def record(self, act: str, *, step: str = "", note: str = "", actor: str = _ACTOR) -> None:
        """Write a line into the history."""
        entry = Entry(enrolment_id=self.enrolment.id, at=self.now, actor=actor, act=act, step=step, note=note)
        self.out.entries.append(entry)

    def end(self, state: EnrolmentState, reason: str) -> None:
        """End the enrolment: what is open is stopped, what was planned is cancelled."""
        for one in self.open():
            if one.delivery is DeliveryCode.MASS_SEND and one.mass_task_id is not None:
                self.out.cancels.add(one.mass_task_id)
            self.close(one, OccurrenceState.CANCELLED, reason=Reason.ENDED)
        for one in self.waiting():
            self.close(one, OccurrenceState.CANCELLED, reason=Reason.ENDED)
        self.change(state=state, reason=reason, ended_at=self.now, next_at=None)
        self.record(str(state), note=reason)

    # --- telling -------------------------------------------------------------------------------------------

    def slots_of(self, one: Occurrence, **more: str) -> dict[str, str]:
        """Return the slots of cards about an occurrence."""
        step = self.step(one)
        said = {
            "title": step.title,
            "due_at": self.clock_text(one.due_at),
            "late_by": self.clock_text(self.until(one)),
            "text": one.text,
            "step": "",
            "reason": "",
        }
        return said | more

    def clock_text(self, moment: datetime) -> str:
        """Return a local time as people say it: "10:00", another day "11-24 10:00"."""
        local = self.rules.local(moment)
        same_day = local.date() == self.rules.local(self.now).date()
        return f"{local:%H:%M}" if same_day else f"{local:%m-%d %H:%M}"

    def notify(
        self,
        recipient: str,
        kind: NoticeKind,
        block: str,
        one: Occurrence,
        *,
        key: str = "",
        extra: Mapping[str, str] | None = None,
        is_exempt: bool | None = None,
        latest_at: datetime | None = None,
        url: str | None = None,
        words: str = "",
    ) -> None:
        """Let somebody know of an occurrence in the words of a block; without the block in its title and `words`."""
        step = self.step(one)
        said = self.bundle.say(block, self.slots_of(one, **(extra or {}))) if block else Unsaid(reason="")
        title, text = (
            (step.title, words) if isinstance(said, Unsaid) else (said.title or step.title, said.text)
        )
        if not recipient:
            return
        self.out.notices.append(
            NewNotice(
                key=key_of("notice", one.id, kind, block, recipient, one.released_at, key),
                recipient=recipient,
                kind=kind,
                title=title,
                text=text,
                url=f"/sidebar/steps/{one.id}" if url is None else url,
                is_exempt=step.part in CRITICAL if is_exempt is None else is_exempt,
                occurrence_id=one.id,
                due_at=self.now,
                latest_at=latest_at or self.until(one),
                line=next((str(line) for line in self.bundle.template.lines), ""),
            )
        )

    def tell_missed(self, one: Occurrence, reason: str) -> None:
        """Tell whom the ladder escalates to that a step was missed."""
        policy = self.policy(self.step(one))
        block = policy.words.get("missed", "") if policy else ""
        if policy is None or not block:
            return
        latest = self.now + timedelta(days=1)
        self.notify(
            self.bundle.people.of(policy.escalate_to),
            NoticeKind.MISSED,
            block,
            one,
            # An opening may be missed on several days.
            key=str(self.enrolment.opens_on),
            extra={"reason": self.bundle_reason(reason), "step": self.what_next(one)},
            latest_at=latest,
            is_exempt=self.step(one).part in CRITICAL,
        )

    def bundle_reason(self, reason: str) -> str:
        """Return a reason in words for staff, the code itself where none are known."""
        return self.bundle.reasons.get(reason, reason)

    def what_next(self, one: Occurrence) -> str:
        """Return the title of the next step that was not released yet."""
        later = [other for other in self.waiting() if other.due_at > self.now and other.id != one.id]
        return self.step(later[0]).title if later else "—"

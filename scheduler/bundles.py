"""What the engine of group SOPs knows of one enrolment, and what it decides: plain values in, plain values out.

Loaded and written by scheduler/walking.py, decided by scheduler/steps.py. Times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from domain.attention import NewNotice
from domain.delivery import Attached, Purpose
from domain.enrolment import Enrolment, MassTask, Occurrence
from domain.faq import Line
from domain.sop import SopRole, Step, Template
from scheduler.timetable import Rules
from store.enrolments import Entry


class Reason(StrEnum):
    """Why an occurrence stands where it stands; kept with it and shown to people by console words."""

    HAND_OVER = "hand_over"  # Its owner did not confirm in time; somebody else sends by hand.
    WINDOW = "window"  # Its window ended.
    OWNER_CHANGED = "owner_changed"  # The group has another owner, who gets it anew.
    OWNER_LEFT = "owner_left"  # Its sender cannot send any more.
    STOPPED = "stopped"  # Its product line was stopped.
    PAUSED = "paused"
    ENDED = "ended"
    FALLBACK = "fallback"  # By hand after its window, as its policy says.
    LIMIT = "limit"  # The group had its share of mass sends.
    SECOND_MASS_SEND = "second_mass_send"
    NOT_DELIVERED = "not_delivered"  # Confirmed, but this group did not get it.
    REFUSED = "refused"  # The platform refused the task.
    TASK_CANCELLED = "task_cancelled"  # Somebody else stopped the task.
    UNKNOWN = "unknown"  # It may have been sent; never repeated.
    BLOCKED = "blocked"  # Its words may not be said.
    NOT_NEEDED = "not_needed"  # There was nothing to do.
    PERSON = "person"  # A person left it out.
    MOVED = "moved"  # A person moved the opening to another day while it was out.
    OPTED_OUT = "opted_out"  # The customer said meanwhile that they want nothing but service.


@dataclass(frozen=True, kw_only=True)
class People:
    """Who does what in one group today; "" where nobody is known. Deputies are found by who tells them."""

    owner: str
    co_owner: str = ""
    supervisor: str = ""
    compliance: str = ""
    can_owner_send: bool = True
    names: Mapping[str, str] = field(default_factory=dict)

    def of(self, role: SopRole) -> str:
        """Return who has a role; the owner where nobody else is known."""
        known = {
            SopRole.OWNER: self.owner,
            SopRole.CO_OWNER: self.co_owner,
            SopRole.SUPERVISOR: self.supervisor,
            SopRole.OPERATOR: self.supervisor,
            SopRole.TEACHER: self.co_owner,
            SopRole.COMPLIANCE: self.compliance or self.supervisor,
        }
        return known.get(role, self.owner) or self.owner

    def name(self, platform_id: str) -> str:
        """Return a name for people."""
        return self.names.get(platform_id) or platform_id


@dataclass(frozen=True, kw_only=True)
class Said:
    """Words that may be said now. `version_id`: the content version they are."""

    title: str
    text: str
    attachments: tuple[Attached, ...] = ()
    version_id: int | None = None
    purpose: Purpose = Purpose.CARE


@dataclass(frozen=True, kw_only=True)
class Unsaid:
    """Words that may not be said now. `reason`: "unapproved", "expired", "slot:event_title", "compliance:R3" …"""

    reason: str


Say = Callable[[str, Mapping[str, str]], Said | Unsaid]


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Something about the members that somebody must see. `pauses`: mass sends stop for a day. `text`: for staff."""

    key: str
    title: str
    text: str
    pauses: bool = False


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """One enrolment with everything a decision needs.

    `size`: customers in the group. `rules.used`: mass sends the group had or may get, its own counted, by local day.
    `openings`: how many groups the owner opens on each day, this one counted on its own. `unreported`: occurrences that
    somebody began to send by hand, and nobody told how it ended. `say`: block and extra slots to words. `measures`:
    figures of success by name, None where nothing measures them. `score`: the week's, where a step wants it now: total
    and parts. `reasons`: words for staff, by Reason.
    """

    enrolment: Enrolment
    template: Template
    chat_id: str
    group_name: str
    is_gone: bool
    size: int
    occurrences: tuple[Occurrence, ...]
    tasks: Mapping[int, MassTask]
    rules: Rules
    people: People
    stopped: frozenset[Line]
    openings: Mapping[date, int]
    say: Say
    unreported: frozenset[int] = frozenset()
    measures: Mapping[str, float | None] = field(default_factory=dict)
    score: tuple[float | None, Mapping[str, float | None]] | None = None
    alarms: tuple[Alarm, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps of this rhythm by key."""
        return {step.key: step for step in self.template.steps[self.enrolment.rhythm]}


@dataclass(frozen=True, kw_only=True)
class MassWanted:
    """A mass send to one group; those of one sender with the same words become one task."""

    occurrence_id: int
    sender: str
    target: str
    text: str
    attachments: tuple[Attached, ...]
    until: datetime
    purpose: Purpose
    lines: tuple[str, ...]
    content_version_id: int | None

    @property
    def joins(self) -> tuple[Any, ...]:
        """What must be equal in one task."""
        return (self.sender, self.text, self.attachments, self.until, self.purpose, self.lines)


@dataclass(frozen=True, kw_only=True)
class PersonalWanted:
    """One-to-one words to those of the group whom the step's audience means."""

    occurrence_id: int
    step: str
    text_block: str
    until: datetime


@dataclass(kw_only=True)
class Outcome:
    """What was decided for one enrolment. `occurrences`: all of them, changed or not; `added`: columns of new ones."""

    enrolment: Enrolment
    occurrences: dict[int, Occurrence]
    added: list[dict[str, Any]] = field(default_factory=list)
    mass: list[MassWanted] = field(default_factory=list)
    personal: list[PersonalWanted] = field(default_factory=list)
    cancels: set[int] = field(default_factory=set)
    reminds: set[int] = field(default_factory=set)
    notices: list[NewNotice] = field(default_factory=list)
    reports: list[tuple[int, str, str]] = field(default_factory=list)  # occurrence, title, text
    entries: list[Entry] = field(default_factory=list)
    withdrawn: set[int] = field(default_factory=set)  # occurrences whose waiting notices say nothing any more
    moves_to: str = ""  # template to enter next

"""A group on its way through a template: enrolments, occurrences of steps, mass-send tasks and the questions asked.

Pure data, the running side of domain/sop.py. When something is due is scheduler/timetable.py, what happens then
scheduler/steps.py. States are those of docs/sop.md. Times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from domain.sop import DeliveryCode


class EnrolmentState(StrEnum):
    """Where a group's way through a template stands."""

    WAITING = "waiting"  # Before its opening day; preparation runs.
    RUNNING = "running"  # The opening day has begun.
    PAUSED = "paused"  # Nothing is released; `reason` says why.
    COMPLETED = "completed"
    ENDED_EARLY = "ended_early"  # By a person, or because the group was dismissed.
    FAILED = "failed"  # Its opening was held on none of the days that were tried.
    CANCELLED = "cancelled"  # Before its opening: not prepared in time, or ended by a person.


LIVE_STATES = frozenset({EnrolmentState.WAITING, EnrolmentState.RUNNING, EnrolmentState.PAUSED})


class OccurrenceState(StrEnum):
    """Where one occurrence of a step stands."""

    PLANNED = "planned"
    BLOCKED = "blocked"  # Its words are not approved, have expired, or something it needs is missing.
    DUE = (
        "due"  # Its time has come; held back: too few members, too many left, another mass send not settled.
    )
    RELEASED = "released"  # Given to the outbox or to a person.
    WAITING_OWNER = "waiting_owner"  # A person has it and has not confirmed.
    REMINDED = "reminded"  # And was reminded.
    ESCALATED = "escalated"  # And somebody else was told, or got it.
    SENT = "sent"  # Done, proven or told; `evidence` says which.
    SENT_LATE = "sent_late"
    PARTLY_SENT = "partly_sent"
    MISSED = "missed"
    SKIPPED = "skipped"  # Left out; `reason` says why.
    CANCELLED = "cancelled"
    # Another row stands for it. The engine moves a row and writes why; kept for rows of a version that lost its step.
    SUPERSEDED = "superseded"


OPEN_STATES = frozenset(
    {
        OccurrenceState.RELEASED,
        OccurrenceState.WAITING_OWNER,
        OccurrenceState.REMINDED,
        OccurrenceState.ESCALATED,
    }
)
UNRELEASED_STATES = frozenset({OccurrenceState.PLANNED, OccurrenceState.BLOCKED, OccurrenceState.DUE})
DONE_STATES = frozenset({OccurrenceState.SENT, OccurrenceState.SENT_LATE, OccurrenceState.PARTLY_SENT})


class EvidenceKind(StrEnum):
    """How it is known that a step was done."""

    PLATFORM = "platform"  # The platform's own result of a mass send, or an accepted message.
    SIDEBAR = "sidebar"  # Sent by one tap; the client reported success.
    MEASURED = "measured"  # A figure of ours shows it: everything approved, every point ticked.
    TOLD = "told"  # A person ticked it off; nothing proves it.
    SYSTEM = "system"  # The program did it itself: a report, a score.


class MassTaskState(StrEnum):
    """Where a mass-send task stands."""

    WANTED = "wanted"  # Its delivery has not left yet.
    WAITING = "waiting"  # The platform has it, the sender has not confirmed.
    CONFIRMED = "confirmed"  # The sender confirmed; results say for each target what came of it.
    CANCELLED = "cancelled"  # Stopped before it was confirmed.
    FAILED = "failed"  # The platform refused it; nothing was sent.
    UNKNOWN = "unknown"  # It may exist; never repeated.


class TargetResult(StrEnum):
    """What came of a mass send for one target (get_groupmsg_send_result)."""

    UNSENT = "unsent"
    SENT = "sent"
    NO_FRIEND = "no_friend"
    LIMITED = "limited"  # The target already had its share of mass sends.
    OPTED_OUT = "opted_out"  # Left out by us: said after the release that they want nothing but service.


class QuestionSource(StrEnum):
    """How we know of a question."""

    ARCHIVE = "archive"
    MARK = "mark"  # An advisor marked it.
    KF = "kf"


class QuestionState(StrEnum):
    """Where a question stands."""

    OPEN = "open"
    ANSWERED = "answered"
    TICKETED = "ticketed"  # A case has it.
    DROPPED = "dropped"  # It was none.


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """That a step was done: how it is known, by whose hand (UserID, "" for the platform), when."""

    kind: EvidenceKind
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """One group in one template. `opens_on`: the local opening day; `anchor_at`: its beginning.

    `opened_at`: when the opening was really done. `ticks`: readiness points by number, with who and when. `facts`: what
    people say of this group's week, by slot (event_title, teacher …). `page_code`: of its pages for customers.
    `next_at`: when it has to be looked at again; None: never. `members_changed_at`: when somebody left whose going has
    not been looked at.
    """

    id: int
    sop_version_id: int
    template: str
    rhythm: str
    group_id: int
    round: int
    owner_platform_id: str
    opens_on: date
    anchor_at: datetime
    state: EnrolmentState
    reason: str = ""
    opened_at: datetime | None = None
    welcome_bound_at: datetime | None = None
    paused_until: datetime | None = None
    ticks: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    page_code: str = ""
    score: float | None = None
    score_parts: Mapping[str, float | None] = field(default_factory=dict)
    moved_to_id: int | None = None
    enrolled_by: str = ""
    enrolled_at: datetime
    ended_at: datetime | None = None
    next_at: datetime | None = None
    members_changed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """One occurrence of a step. `member`: of whom, "" for the whole group. `rung`: rungs of the ladder already taken.

    `delivery`: the way it really goes, S where a mass send gave way. `executor`: who has it, resolved at release.
    `text`: what was rendered and checked then. `later_at`: no rung is taken before it, since a person put the step off.
    """

    id: int
    enrolment_id: int
    step: str
    member: str
    n: int
    delivery: DeliveryCode
    state: OccurrenceState
    wanted_at: datetime
    due_at: datetime
    window_end: datetime
    expires_at: datetime
    shifts: tuple[str, ...] = ()
    executor: str = ""
    released_at: datetime | None = None
    rung: int = 0
    later_at: datetime | None = None
    mass_task_id: int | None = None
    block: str = ""
    text: str = ""
    content_version_id: int | None = None
    sent_at: datetime | None = None
    is_late: bool = False
    reason: str = ""
    evidence: Evidence | None = None


@dataclass(frozen=True, kw_only=True)
class MassTask:
    """A mass send that a person has to confirm. `targets`: chat ids, or external ids where `chat_type` is single.

    `results`: by target, what came of it. `reminds`: when the sender was officially reminded; at most 3 in 24 hours.
    """

    id: int
    delivery_key: str
    chat_type: str
    sender: str
    targets: tuple[str, ...]
    state: MassTaskState
    msgid: str = ""
    created_at: datetime
    until: datetime
    confirmed_at: datetime | None = None
    results: Mapping[str, TargetResult] = field(default_factory=dict)
    reminds: tuple[datetime, ...] = ()
    remind_wanted_at: datetime | None = None
    cancel_wanted_at: datetime | None = None
    cancelled_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question a customer asked in a group or chat. `duty`: who should answer; `rung`: how many know it is late.

    `next_at`: when the next one is told; None: never. `late_at`: an answer after that, or none, counts as overdue.
    `case_id`: the case that has it once it is ticketed.
    """

    id: int
    source: QuestionSource
    state: QuestionState
    text: str
    asked_at: datetime
    asker: str = ""
    group_id: int | None = None
    enrolment_id: int | None = None
    conversation_id: int | None = None
    message_id: int | None = None
    duty: str = ""
    faq_id: str = ""
    rung: int = 0
    next_at: datetime | None = None
    late_at: datetime | None = None
    case_id: int | None = None
    answered_at: datetime | None = None
    answered_by: str = ""
    marked_by: str = ""

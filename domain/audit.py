"""What the quality audit sees and says: messages, slices of talk, items, findings, evaluations (quality_audit.md).

Pure data. A *subject* is who is judged: a member's UserID or BOT. Times are aware UTC. Who cuts and judges is audit/;
rows are kept by store/audit_sessions.py, store/evaluations.py, store/findings.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.compliance import Severity
from domain.talk import Author

BOT = "bot"  # The subject of what our outbox said by itself.
ASSIGNED = "assigned"  # The decision of a platform message that gave the talk to a member of staff.


class TalkKind(StrEnum):
    """Where a talk takes place; the `channel` of its conversation."""

    KF = "kf"  # A customer with a service account (微信客服).
    CHAT = "chat"  # A customer with one member of staff; the account is the member's UserID.
    GROUP = "group"  # A customer group; the account is its chat id, no single customer.
    INTERNAL = "internal"  # Colleagues among themselves: kept, never cut or judged.


class SessionEnd(StrEnum):
    """What ended a session (quality_audit.md §3)."""

    OPEN = "open"  # Nothing yet.
    SILENCE = "silence"  # 30 working minutes of silence without an open question.
    WALL = "wall"  # Four hours of silence without one.
    QUESTION = "question"  # An open question held it for 24 working hours.


class Evidence(StrEnum):
    """What a verdict rests on."""

    AUTO = "auto"  # Clear to a machine, e.g. a time: counts by itself.
    ASSIST = "assist"  # A machine suspects it: counts once a person confirmed it.
    HUMAN = "human"  # Only a person can tell.


class FindingState(StrEnum):
    """Where a finding stands."""

    SUSPECTED = "suspected"  # Counts against nobody.
    COUNTED = "counted"  # Found automatically and clear; counts.
    CONFIRMED = "confirmed"  # A person confirmed it; counts.
    REJECTED = "rejected"  # A person said it is none.
    OVERTURNED = "overturned"  # An appeal ended it.
    GONE = "gone"  # A later cut, message or rule does not find it any more.


COUNTING = frozenset({FindingState.COUNTED, FindingState.CONFIRMED})


class Grade(StrEnum):
    """The grade of a score (quality_audit.md §2); a confirmed red line makes it FAIL whatever the score."""

    EXCELLENT = "excellent"  # 90 and more.
    GOOD = "good"  # 80 to 89.
    COACH = "coach"  # 60 to 79.
    FAIL = "fail"  # Below 60, or a confirmed red line.
    NONE = "none"  # No item applied.


@dataclass(frozen=True, kw_only=True)
class Said:
    """A message as the audit reads it. `text` is "" for a picture and for what was erased or withheld.

    `staff_id`: the UserID of the member who said it, "" otherwise. `sender_id`: which customer or robot, where the
    conversation alone does not tell. `is_scheduled`: a welcome, a mass send or another post nobody typed at that
    moment. `is_seen`: False where the words are not known (withheld, erased, unreadable). `source`: who told of it,
    e.g. "archive". `decision`: for an answer of the bot what it decided, e.g. "handover"; for a message of the platform
    ASSIGNED where it gave the talk to `staff_id`. `digest`: of what was said; stays when words are erased.
    """

    id: int
    conversation_id: int
    msgid: str
    author: Author
    kind: str
    sent_at: datetime
    text: str = ""
    staff_id: str = ""
    sender_id: str = ""
    is_recalled: bool = False
    is_scheduled: bool = False
    is_seen: bool = True
    source: str = ""
    decision: str = ""
    digest: str = ""

    @property
    def subject(self) -> str:
        """Who answers for it: a UserID, BOT, or "" for a customer and the platform."""
        if self.author is Author.BOT:
            return BOT
        return self.staff_id if self.author is Author.SERVICER else ""


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A session as cut: its messages in order of time, and what ended it.

    `staff_id`: who answers for what nobody took up: the member of a chat, "" elsewhere.
    """

    conversation_id: int
    kind: TalkKind
    messages: tuple[Said, ...]
    end: SessionEnd
    staff_id: str = ""

    @property
    def started_at(self) -> datetime:
        return self.messages[0].sent_at

    @property
    def ended_at(self) -> datetime:
        return self.messages[-1].sent_at


@dataclass(frozen=True, kw_only=True)
class Span:
    """A half-open range of characters in the raw text of a message; (0, 0) is the message as a whole."""

    message_id: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True, kw_only=True)
class NewFinding:
    """Something found in a session. `item`: the item of the rubric it costs `points` in, "" for a red line beside
    the score. `note`: Chinese, for people: what is wrong and why. Under one `key` there is one row."""

    key: str
    session_id: int
    conversation_id: int
    subject: str
    item: str
    label: str
    severity: Severity
    is_red: bool
    evidence: Evidence
    rule_id: str
    rule_version: str
    points: float
    note: str
    occurred_at: datetime
    spans: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True)
class Finding(NewFinding):
    """A finding as it stands."""

    id: int
    state: FindingState
    found_at: datetime
    shown_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""


@dataclass(frozen=True, kw_only=True)
class ItemResult:
    """One item of the rubric for one subject and session.

    `earned`: points of `weight`, None when the item does not apply (N/A) and leaves the denominator. `pending`: points
    that suspicions would cost once confirmed; they are not taken off. `reason`: why it is N/A. Findings tell the rest.
    """

    item: str
    weight: float
    earned: float | None
    evidence: Evidence
    pending: float = 0.0
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The times of one subject in one session; None is N/A (nothing to measure), never zero.

    Wall times are plain distances, working times count service hours only. Pairs: each customer turn that needed a
    reply with the answer to it. Moods: of the customers' words, -2 very unhappy to 2 very happy, at the start, at the
    end and at worst; the end less the start is our estimate of satisfaction where nobody rated. Of the bot: answers
    given, those the customer did not take for one (`bot_wrong`), turns it could not handle, and how long customers then
    waited for a person in service hours.
    """

    first_wall: timedelta | None = None
    first_working: timedelta | None = None
    bot_first_wall: timedelta | None = None
    waits_wall: tuple[timedelta, ...] = ()
    waits_working: tuple[timedelta, ...] = ()
    asked: int = 0
    answered: int = 0
    late: int = 0
    is_unanswered: bool = False
    rounds: int = 0
    customer_messages: int = 0
    staff_messages: int = 0
    mood_start: float | None = None
    mood_end: float | None = None
    mood_worst: float | None = None
    bot_answers: int = 0
    bot_wrong: int = 0
    bot_unhandled: int = 0
    takeovers: tuple[timedelta, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """How one subject did in one session. `score`: 0 to 100, None when nothing applied; a red line leaves it alone."""

    subject: str
    score: float | None
    grade: Grade
    weight: float
    items: tuple[ItemResult, ...]
    figures: Figures


@dataclass(frozen=True, kw_only=True)
class NewPromise:
    """A word given: `object` is what, `due_at` when at the latest. `kept_message_id`: the message that kept it."""

    message_id: int
    subject: str
    start: int
    end: int
    object: str
    made_at: datetime
    due_at: datetime
    kept_message_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """All that was made of one session: one evaluation a subject, the findings, the promises."""

    evaluated: tuple[Evaluated, ...]
    findings: tuple[NewFinding, ...]
    promises: tuple[NewPromise, ...] = ()
    line: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Something a customer asked that nobody answered yet. `message_id`: the turn's first message that stands.

    `asker`: the customer's platform id, "" where the conversation tells it.
    """

    message_id: int
    text: str
    asked_at: datetime
    asker: str = ""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What waits in one conversation now; nothing when `asked` is empty."""

    conversation_id: int
    kind: TalkKind
    asked: tuple[Asked, ...]

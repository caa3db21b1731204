"""What staff should be told, and the cards that tell it, within a budget of attention per person.

Pure data. Every feature adds notices (store/notices.py); only scheduler/attention.py turns them into cards. Times are
aware UTC. A notice ends carded, listed or withdrawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class NoticeKind(StrEnum):
    """What a notice is about."""

    STEP = "step"  # Somebody's turn in a step has come.
    PREPARATION = "preparation"  # Something before a group's opening: readiness, approval, binding.
    REMINDER = "reminder"  # The same step once more.
    HAND_OVER = "hand_over"  # The step of another person is now the recipient's.
    TELL = "tell"  # Somebody else has not done a step.
    MISSED = "missed"  # A step's window ended without it.
    REPORT = "report"  # A summary to read.
    QUESTION = "question"  # A customer's question waits.
    ALARM = "alarm"  # Something went wrong: a burst of quits, a red line, a complaint.
    DAY = "day"  # Today's work. `text`: a line each, local time first: "10:00 ...".


# Kinds that name work of the recipient: known a little ahead, they are told along with what is due already. The others
# tell what has happened, so never before it has.
WORK_KINDS = frozenset({NoticeKind.STEP, NoticeKind.PREPARATION})
# Kinds that wait for the least gap only: somebody else waits meanwhile, or their hour is the point of them.
PRESSING_KINDS = frozenset({NoticeKind.DAY, NoticeKind.QUESTION, NoticeKind.HAND_OVER, NoticeKind.ALARM})
# Kinds whose step the recipient can end by a button.
ANSWERABLE_KINDS = frozenset(
    {NoticeKind.STEP, NoticeKind.PREPARATION, NoticeKind.REMINDER, NoticeKind.HAND_OVER}
)


class NoticeState(StrEnum):
    """Where a notice stands."""

    WAITING = "waiting"  # For its time, or for room in the budget.
    CARDED = "carded"  # On a card.
    LISTED = "listed"  # Only on the person's page; the next day's card brings it if it is still open.
    WITHDRAWN = "withdrawn"  # Its step was done or given up before anybody had to be told.


class CardAnswer(StrEnum):
    """The buttons of a card."""

    DONE = "done"
    LATER = "later"
    PROBLEM = "problem"


@dataclass(frozen=True, kw_only=True)
class NewNotice:
    """Something `recipient` (a UserID) should know or do; who acts for that person is found when it is told.

    `key`: idempotency key, at most 64 characters: a second notice under it is dropped. `url`: "" or a path below the
    server's public address, e.g. "/sidebar/steps/12". `is_exempt`: red lines, complaints and time-critical steps are
    told at once, whatever the budget. `latest_at`: telling is useless from then on; None: it never is. `line`: the
    product line it belongs to, "" without one.
    """

    key: str
    recipient: str
    kind: NoticeKind
    title: str
    text: str = ""
    url: str = ""
    is_exempt: bool = False
    occurrence_id: int | None = None
    question_id: int | None = None
    line: str = ""
    due_at: datetime
    latest_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what the database would cut or the card would not show."""
        if not self.key or len(self.key) > 64:
            raise ValueError(f"a notice's key has 1 to 64 characters, not {self.key!r}")
        if not self.recipient or not self.title.strip():
            raise ValueError(f"notice {self.key!r} needs a recipient and a title")
        if self.url and not self.url.startswith("/"):
            raise ValueError(f"notice {self.key!r}: url is a path below the public address, not {self.url!r}")


@dataclass(frozen=True, kw_only=True)
class Notice(NewNotice):
    """A notice as it stands. `told`: who was told in the end, "" before; the deputy where the recipient is away."""

    id: int
    state: NoticeState
    created_at: datetime
    told: str = ""
    card_id: int | None = None

    def is_useless(self, at: datetime) -> bool:
        """Say whether telling it at `at` would be too late."""
        return self.latest_at is not None and at >= self.latest_at


@dataclass(frozen=True, kw_only=True)
class NewCard:
    """A card about to leave. `day`: the local day it counts for; `task_id`: comes back with a tap."""

    task_id: str
    recipient: str
    day: date
    sent_at: datetime
    is_exempt: bool
    delivery_key: str


@dataclass(frozen=True, kw_only=True)
class Card(NewCard):
    """A card that was given to the outbox. `answer`: the button that was tapped with effect, None before."""

    id: int
    answer: CardAnswer | None = None
    answered_at: datetime | None = None
    answered_by: str = ""

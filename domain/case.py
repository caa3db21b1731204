"""Cases: a customer's matter that a person has to finish, with an owner and a date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CaseKind(StrEnum):
    """What the matter is."""

    QUESTION = "question"  # The bot could not answer, or the customer asked for a person.
    COMPLAINT = "complaint"  # Decided within 15 days by default (faq_facts, source TS).
    CLAIM = "claim"
    SURRENDER = "surrender"
    PRIVACY = "privacy"  # A request under PIPL: see, correct, delete, stop.
    CALLBACK = "callback"  # Somebody promised to call back.


class CaseState(StrEnum):
    """Where the matter stands."""

    OPEN = "open"  # Nobody has begun.
    WORKING = "working"  # An owner works on it.
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class CaseWanted:
    """A case to open, unless one of this kind is open for the conversation; then the reason is added to it.

    `reason`: a hand-over code or a short word such as "late", shown to the owner. `is_urgent`: due at once (danger to
    life, fraud); an open case of the conversation is raised to it. `joins_any`: add to whatever case is open.
    """

    kind: CaseKind
    reason: str
    note: str = ""
    is_urgent: bool = False
    joins_any: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """A case as it stands."""

    id: int
    kind: CaseKind
    customer_id: int | None
    conversation_id: int | None
    reason: str
    owner: str
    state: CaseState
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class CaseEntry:
    """One line of a case's history; append-only."""

    at: datetime
    actor: str
    act: str
    note: str

"""Suggested replies: what is offered to an advisor, from where, and what the advisor did with it.

`content/suggesting` finds and ranks, `handlers/suggesting.py` reads the conversation for it, the sidebar shows it, and
store/suggestions.py keeps it. Words leave by the advisor's hand only, as deliveries of Act.BY_HAND.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.compliance import Problem
from domain.faq import Line


class SuggestionSource(StrEnum):
    """Where suggested words come from."""

    FAQ = "faq"  # An approved entry of the FAQ.
    QUICK = "quick"  # An approved quick phrase (快捷语).
    OWN = "own"  # The advisor's own words of before; nobody has approved them (未审).
    WHISPER = "whisper"  # What a supervisor whispered to the advisor (耳语).
    FIXED = "fixed"  # A fixed reply, e.g. that a qualified colleague takes over.


class SuggestionState(StrEnum):
    """What became of suggested words."""

    OFFERED = "offered"
    USED = "used"  # Sent as they stood.
    EDITED = "edited"  # Sent after the advisor changed them.
    REFUSED = "refused"  # Put away as not fitting.


class RoundHow(StrEnum):
    """Why a round was made."""

    PUSHED = "pushed"  # The customer wrote while the page was open, or a card was due.
    OPENED = "opened"  # Somebody opened the page.
    TYPED = "typed"  # The advisor typed or pasted the question.


@dataclass(frozen=True, kw_only=True)
class TalkLine:
    """One message before the question, oldest first in a talk. `is_customer`: the customer said it."""

    text: str
    at: datetime
    is_customer: bool
    message_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class NewSuggestion:
    """One suggested reply.

    `question`: the entry's or phrase's own title, for the advisor. `text`: as it may be sent now, facts filled in.
    `origin`: the source of the facts in it ("" for own words); `valid_until`: the last day it holds. `risk_line`: the
    line's disclosure the text carries, which may not be edited away ("" where none is due). `reasons`: why it fits, in
    Chinese, the strongest first. `score`: 0 to 1, for the order only. `problems`: what the check says of it now; words
    with a blocking problem are never offered. `is_approved`: False shows 未审.
    """

    source: SuggestionSource
    source_id: str
    question: str
    text: str
    line: Line | None
    score: float
    reasons: tuple[str, ...]
    content_version_id: int | None = None
    origin: str = ""
    valid_until: date | None = None
    risk_line: str = ""
    problems: tuple[Problem, ...] = ()
    is_approved: bool = True


@dataclass(frozen=True, kw_only=True)
class Suggestion(NewSuggestion):
    """A suggestion on record."""

    id: int
    round_id: int
    place: int
    state: SuggestionState
    decided_at: datetime | None = None
    delivery_key: str = ""


@dataclass(frozen=True, kw_only=True)
class NewRound:
    """At most three suggestions, the likeliest first.

    `asked`: the customer's words they answer. `question_key`: what they count as for learning; "" without a question.
    `needs_qualified`: the line this member of staff may not speak for today; then one FIXED suggestion says that a
    qualified colleague takes over, and nothing of that line is offered.
    """

    conversation_id: int | None
    staff_platform_id: str
    message_id: int | None
    question_id: int | None
    asked: str
    question_key: str
    line: Line | None
    how: RoundHow
    needs_qualified: Line | None
    suggestions: tuple[NewSuggestion, ...]


@dataclass(frozen=True, kw_only=True)
class Round:
    """A round on record with its suggestions, in order."""

    id: int
    conversation_id: int | None
    staff_platform_id: str
    message_id: int | None
    question_id: int | None
    asked: str
    question_key: str
    line: Line | None
    how: RoundHow
    needs_qualified: Line | None
    made_at: datetime
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, kw_only=True)
class Vote:
    """What one member of staff did with one version of a source's words after one kind of question, how often.

    `last_at`: when that was decided last. What follows from votes is content/suggesting/learning.py.
    """

    question_key: str
    source: SuggestionSource
    source_id: str
    staff_platform_id: str
    state: SuggestionState
    count: int
    last_at: datetime
    content_version_id: int | None = None


class OwnState(StrEnum):
    """Where an advisor's own wording stands."""

    OWN = "own"  # Offered to its advisor alone, marked 未审.
    SUBMITTED = "submitted"  # Given to the content editors; offered as before meanwhile.
    APPROVED = "approved"  # An entry or phrase was made of it, which is offered instead.
    WITHDRAWN = "withdrawn"  # Offered no more.


@dataclass(frozen=True, kw_only=True)
class OwnWording:
    """An advisor's own words that were sent and kept. `asked`: the question they answered, numbers hidden."""

    id: int
    staff_platform_id: str
    text: str
    asked: str
    question_key: str
    line: Line | None
    faq_id: str
    used_count: int
    first_used_at: datetime
    last_used_at: datetime
    state: OwnState
    conversation_id: int | None = None

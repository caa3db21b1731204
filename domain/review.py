"""A person's look at a session or a suspicion of it. Pure data; kept by store/reviews.py, led by audit/reviewing.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ReviewKind(StrEnum):
    """Why it is looked at."""

    RED = "red"  # A red line is suspected; every one of them is looked at.
    MUST = "must"  # A complaint, a dispute, a vulnerable customer.
    RISK = "risk"  # Drawn because it is likelier to be wrong.
    RANDOM = "random"  # Drawn by chance.
    UNFLAGGED = "unflagged"  # Drawn from those in which nothing was found.
    BLIND = "blind"  # Another person looks again without seeing the first verdict.
    THIRD = "third"  # The two disagreed; what this one says counts.
    CALIBRATION = "calibration"  # Everybody judges the same sessions alone.


class ReviewState(StrEnum):
    """Where a review stands."""

    WAITING = "waiting"  # For anybody who may.
    TAKEN = "taken"  # Somebody looks at it.
    DONE = "done"  # Decided; it does not change any more.


class Verdict(StrEnum):
    """What a reviewer says of a finding or an item."""

    YES = "yes"  # The finding is right; the item was kept.
    NO = "no"  # It is not.
    NA = "na"  # Does not apply, or cannot be told.


# A verdict's key beside those of findings and items: a red line nobody found is in the session.
MISSED = "missed"


def finding_key(finding_id: int) -> str:
    """Return under which key the verdict about a finding is kept."""
    return f"finding:{finding_id}"


class ReviewRefusal(StrEnum):
    """Why somebody may not do this now; the words are the console's."""

    OWN = "review_own"  # It is about oneself, or one took part in the session.
    NOT_SECOND = "review_not_second"  # One has judged it already; the second look is another person's.
    TAKEN = "review_taken"  # Somebody else has it.
    DONE = "review_done"  # It is decided.
    NO_VERDICT = "review_no_verdict"  # A finding or item has no verdict yet.
    NO_NOTE = "review_no_note"  # To reject a red line takes a reason, and so does one nobody had found.
    NO_PLACE = "review_no_place"  # Which red line was missed, and in which message, is not said.


@dataclass(frozen=True, kw_only=True)
class Review:
    """A review as it stands. `finding_id`: the one suspicion it is about, None for the session as a whole.

    `blind_of`: the first review that this one repeats. `verdicts`: by `finding_key`, item id, or MISSED.
    """

    id: int
    key: str
    kind: ReviewKind
    session_id: int
    finding_id: int | None
    plan_id: int | None
    blind_of: int | None
    subject: str
    weight: float
    state: ReviewState
    reviewer: str
    created_at: datetime
    due_at: datetime
    taken_at: datetime | None = None
    done_at: datetime | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    note: str = ""
    rubric_version: str = ""

    @property
    def is_blind(self) -> bool:
        """Say whether the reviewer sees no earlier verdict."""
        return self.kind in (ReviewKind.BLIND, ReviewKind.CALIBRATION)


@dataclass(frozen=True, kw_only=True)
class Missed:
    """A red line that a person found where no rule did: `label`, and the message it is in."""

    label: str
    message_id: int
    said_at: datetime


@dataclass(frozen=True, kw_only=True)
class CoachingNote:
    """A word of advice to a colleague, about a session or a finding, or about none."""

    id: int
    subject: str
    session_id: int | None
    finding_id: int | None
    text: str
    written_by: str
    written_at: datetime
    read_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CalibrationSet:
    """Sessions that every reviewer judges alone, and the answers agreed on afterwards.

    `guideline_version`: by which wording; `plan_id`: the drawn sessions. `agreed`: "SESSION KEY" to a verdict, empty
    until it is closed; `closed_at` None: still open.
    """

    id: int
    name: str
    guideline_version: str
    plan_id: int
    agreed: Mapping[str, Verdict]
    made_by: str
    made_at: datetime
    closed_at: datetime | None = None

"""Drafts: texts that are written in the console, on their way to be approved by somebody else (草稿).

store/content_drafts.py keeps them, content/draft_files.py checks them as it checks files, console/drafts_page.py shows
them. What is approved becomes a content version and is served at once (bot/library.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class DraftState(StrEnum):
    """Where a draft stands. That an approved text has expired is told by its dates, not here."""

    DRAFT = "draft"  # Being written, or proposed by somebody who may not write it himself.
    REVIEW = "review"  # Handed in; somebody else decides.
    RETURNED = "returned"  # Given back with a note; may be changed and handed in again.
    APPROVED = "approved"  # A content version now.
    WITHDRAWN = "withdrawn"  # Given up.


OPEN_STATES = frozenset({DraftState.DRAFT, DraftState.REVIEW, DraftState.RETURNED})
WRITABLE_STATES = frozenset({DraftState.DRAFT, DraftState.RETURNED})


class DraftKind(StrEnum):
    """What a draft may become; the same words as the kinds of content versions."""

    FAQ = "faq"
    REPLY = "reply"  # A fixed reply.
    QUICK = "quick"  # A quick phrase (快捷语).
    SOP = "sop"  # A post of an SOP, as an advisor would rather say it; taken over into the SOP's file by an editor.


class DraftHow(StrEnum):
    """What a draft was made from."""

    NEW = "new"  # Nothing.
    ENTRY = "entry"  # The text that is served.
    GAP = "gap"  # Questions that no entry answers well.
    OWN_WORDING = "own_wording"  # An advisor's own words (自用话术).
    SIDEBAR = "sidebar"  # An approved text that an advisor changed and may not send so.
    FILE = "file"  # A TOML file that was imported.


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The same text as somebody else would have it, while a draft of it is open."""

    author: str
    body: Mapping[str, Any]
    proposed_at: datetime


@dataclass(frozen=True, kw_only=True)
class DraftOrigin:
    """What a draft was made from.

    `asked`: how customers said it, numbers hidden. `answers`: what people answered them. `own_wording_id`: the row it
    came from. `note`: what the proposer says. `writers`: everybody who wrote in it; none of them may approve it.
    `proposals`: what others proposed for the same text since.
    """

    how: DraftHow = DraftHow.NEW
    asked: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    own_wording_id: int | None = None
    note: str = ""
    writers: tuple[str, ...] = ()
    proposals: tuple[Proposal, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A draft on record.

    `body`: the table as it would stand in a file, dates as ISO texts. `based_on_id`: the version it changes, None for a
    new text. `version_id`: what it became. `revision` grows with every change. `author`: who wrote in it last.
    """

    id: int
    kind: DraftKind
    key: str
    title: str
    body: Mapping[str, Any]
    based_on_id: int | None
    version_id: int | None
    state: DraftState
    revision: int
    origin: DraftOrigin
    author: str
    created_at: datetime
    changed_at: datetime
    submitted_at: datetime | None
    reviewer: str
    reviewed_at: datetime | None
    note: str

    @property
    def is_open(self) -> bool:
        """Say whether something may still become of it."""
        return self.state in OPEN_STATES

    @property
    def is_writable(self) -> bool:
        """Say whether it may be changed."""
        return self.state in WRITABLE_STATES

    @property
    def writers(self) -> frozenset[str]:
        """Everybody who wrote in it, by login name or UserID; none of them may approve it."""
        return frozenset({self.author, *self.origin.writers})

    @property
    def ends_on(self) -> date | None:
        """The last day the text holds, None for one without an end or one that cannot be read."""
        try:
            return date.fromisoformat(str(self.body.get("valid_until", "")))
        except ValueError:
            return None

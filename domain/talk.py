"""Who talks with whom: customers, conversations, what was said, and the turn that waits for an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.platform import MessageKind, SessionState


class Author(StrEnum):
    """Who wrote a message."""

    CUSTOMER = "customer"
    SERVICER = "servicer"  # A member of staff in the WeCom client.
    BOT = "bot"  # Left through our outbox.
    SYSTEM = "system"  # An event of the platform.


BOT_MAY_SPEAK = frozenset({SessionState.NEW, SessionState.ASSISTANT, SessionState.ENDED})


class TurnState(StrEnum):
    """Where a turn stands."""

    OPEN = "open"  # Waits for the next bubble, or for a worker.
    CLAIMED = "claimed"  # A worker is deciding.
    DONE = "done"  # Decided; what follows is in the outbox.


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A customer. `platform_id` is the external user id; `nickname` may be empty until it was fetched."""

    id: int
    platform_id: str
    nickname: str = ""


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What was answered last: the entry, and the numbers the customer gave for it.

    `slots`: JSON written and read by content/reckoning/slots.py.
    """

    faq_id: str
    slots: str = ""
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """A durable thread between one customer and one service account."""

    id: int
    channel: str
    account_id: str
    customer: Customer
    session_started_at: datetime
    last_customer_message_at: datetime | None
    misses: int
    state: SessionState
    state_changed_at: datetime | None = None
    servicer_id: str = ""
    topic: Topic | None = None


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """One message of a turn. `kind` is the message type, e.g. "text" or "image"."""

    message_id: int
    msgid: str
    kind: str
    text: str
    menu_id: str
    sent_at: datetime

    @property
    def is_typed(self) -> bool:
        return self.kind == MessageKind.TEXT


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What a customer said in one go, to be answered once.

    `blocked`: why an earlier decision of this turn could not leave (e.g. "stopped"), empty at first.
    `round`: how often the turn was decided before. `attempt`: the worker's fence.
    """

    id: int
    conversation: Conversation
    bubbles: tuple[Bubble, ...]
    opened_at: datetime
    blocked: str
    round: int
    attempt: int

    @property
    def text(self) -> str:
        """What the customer typed, a line per bubble; not the title of a link or the name of a place."""
        return "\n".join(bubble.text for bubble in self.bubbles if bubble.text and bubble.is_typed)

    @property
    def typed(self) -> str:
        """The same without the lines the customer only tapped: those are our own words."""
        return "\n".join(bubble.text for bubble in self.bubbles if bubble.is_typed and not bubble.menu_id)

    @property
    def unread(self) -> Bubble | None:
        """The last bubble that nobody typed: a picture, a voice, a place; None when all is text."""
        return next((bubble for bubble in reversed(self.bubbles) if not bubble.is_typed), None)

    @property
    def last_sent_at(self) -> datetime:
        return self.bubbles[-1].sent_at if self.bubbles else self.opened_at

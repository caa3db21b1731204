"""What handlers are called for: a customer spoke, came in, or a session with a person ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.talk import Conversation, Turn


@dataclass(frozen=True, kw_only=True)
class CustomerSpoke:
    """A turn waits for its answer."""

    turn: Turn


@dataclass(frozen=True, kw_only=True)
class SessionEntered:
    """A customer opened the chat. `welcome_code`: empty when the platform allows no welcome now."""

    conversation: Conversation
    welcome_code: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class SessionEnded:
    """A person ended a session. `code`: lets one message out within 20 s of `at`."""

    conversation: Conversation
    servicer_id: str
    code: str
    at: datetime


Happening = CustomerSpoke | SessionEntered | SessionEnded

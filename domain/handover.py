"""Giving a customer to a person and taking the customer back: the moves the platform allows, and the record of it.

Pure data. store/handovers.py keeps the records; handlers/handover.py begins them, scheduler/handing.py and
scheduler/handover_watch.py carry them on. Source of the moves: WeCom doc 94669.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.platform import SessionState

# The menu lines after a session that a person left idle (content/replies/handover.toml).
IDLE_BOT_MENU_ID = "act_idle_bot"
IDLE_PERSON_MENU_ID = "act_idle_person"
IDLE_CALL_BACK_MENU_ID = "act_idle_call_back"

_NEW, _ASSISTANT, _POOL, _SERVICER, _ENDED = SessionState
# Only what the platform's page says in words. Its diagram could not be read, so every other move is left alone; from 0
# to 1 the bot's answer leads by itself, and 4 is left by the customer's next message.
_MOVES: Mapping[SessionState, frozenset[SessionState]] = {
    _NEW: frozenset({_POOL, _SERVICER}),
    _ASSISTANT: frozenset({_POOL, _SERVICER}),
    _POOL: frozenset({_SERVICER}),
    _SERVICER: frozenset({_SERVICER, _ENDED}),
    _ENDED: frozenset(),
}


def may_move(now: SessionState | None, wanted: SessionState) -> bool:
    """Say whether a session may be moved by the API; from a state nobody knows it may not.

    From a person to a person it has to be another one.
    """
    return now is not None and wanted in _MOVES[now]


class HandoverState(StrEnum):
    """Where a hand-over stands."""

    WAITING = "waiting"  # Nobody serves yet: on the way to somebody, or in the pool.
    SERVING = "serving"  # A person serves.
    ENDED = "ended"


class HandoverEnd(StrEnum):
    """How a hand-over ended."""

    DONE = "done"  # The person ended the session.
    IDLE = "idle"  # Ended with a customer's message unanswered, by the person or after the longest wait.
    TAKEN_BACK = "taken_back"  # Given back to the bot.
    LAPSED = "lapsed"  # The platform's session ran out, or was ended where nobody told us.
    NOBODY = "nobody"  # Nobody was there to take the customer; a case is open.


class HandoverChoice(StrEnum):
    """What a customer chose after a session that was left idle."""

    BOT = "bot"
    PERSON = "person"  # Somebody else.
    CALL_BACK = "call_back"


CHOICES: Mapping[str, HandoverChoice] = {
    IDLE_BOT_MENU_ID: HandoverChoice.BOT,
    IDLE_PERSON_MENU_ID: HandoverChoice.PERSON,
    IDLE_CALL_BACK_MENU_ID: HandoverChoice.CALL_BACK,
}


@dataclass(frozen=True, kw_only=True)
class Promised:
    """Something the customer was promised: a case with its date, or a person's words.

    `case_id`: None for words. `what`: the case's kind, or what was promised.
    """

    what: str
    case_id: int | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class HandoverNote:
    """What a person should know who takes a customer: asked (the customer's words), answered (entries), promised."""

    asked: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    promised: tuple[Promised, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HandoverWanted:
    """A hand-over to record. `reason`: as of the case, e.g. "H1". `line`: a product line, "" for none in particular."""

    reason: str
    line: str = ""
    note: HandoverNote = HandoverNote()


@dataclass(frozen=True, kw_only=True)
class Handover:
    """A customer given to a person, from the wish to the end.

    `staff_platform_id`: who serves; while WAITING who is about to, "" for nobody in particular. `first_reply_at`,
    `last_reply_at`: when that person, or one before, wrote to the customer.
    """

    id: int
    conversation_id: int
    turn_id: int | None
    case_id: int | None
    reason: str
    line: str
    asked_at: datetime
    state: HandoverState
    staff_platform_id: str
    assigned_at: datetime | None
    first_reply_at: datetime | None
    last_reply_at: datetime | None
    ended_at: datetime | None
    end: HandoverEnd | None
    note: HandoverNote
    choice: HandoverChoice | None
    apologised_at: datetime | None

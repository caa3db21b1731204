"""What a handler decided: the words to say, whether a person takes over, what is written down beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.case import CaseWanted
from domain.delivery import MenuItem, Purpose
from domain.faq import Match
from domain.handover import HandoverChoice, HandoverEnd, HandoverWanted
from domain.people import OptOutWanted
from domain.replies import AnswerKind
from domain.talk import Topic


@dataclass(frozen=True, kw_only=True)
class Say:
    """One message to the customer. Nothing has been sent yet; the outbox checks it and sends it.

    `code` and `expires_at`: for answers to an event (welcome, end of session).
    """

    text: str
    menu: tuple[MenuItem, ...] = ()
    tail: str = ""
    reply_id: str = ""
    faq_id: str = ""
    line: str = ""
    content_version_id: int | None = None
    purpose: Purpose = Purpose.SERVICE
    code: str = ""
    expires_at: datetime | None = None
    asks_satisfaction: bool = False


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Give the session to a person: to the first of `servicers` who can take it, or to the pool when empty.

    `notice`: the words the customer gets when the platform has done it. `room`: how many customers each of `servicers`
    may have, in their order; who is full by the time the reply is written down is left out, and where nobody is left
    the customer waits in the pool with the words `waiting`.
    """

    servicers: tuple[str, ...]
    notice: str
    room: tuple[int, ...] = ()
    waiting: str = ""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The answer to one event or turn.

    `misses`: how many unsure questions in a row the conversation now has; None leaves the count alone.
    `topic`: what the conversation is about from now on; None leaves it as it was. `rating`: the customer's answer to
    the satisfaction menu, 1–4. `wait_until`: decide again at that time instead. `opt_out`: the customer wants nothing
    but service from now on, whatever the answer is. `handover`: the customer is, or was to be, given to a person.
    `handover_end`: how the session that ended counts. `choice`: what the customer chose after one that was left idle.
    """

    decision: AnswerKind
    says: tuple[Say, ...] = ()
    transfer: Transfer | None = None
    case: CaseWanted | None = None
    matches: tuple[Match, ...] = ()
    used_faq_ids: tuple[str, ...] = ()
    misses: int | None = None
    rating: int | None = None
    wait_until: datetime | None = None
    topic: Topic | None = None
    opt_out: OptOutWanted | None = None
    handover: HandoverWanted | None = None
    handover_end: HandoverEnd | None = None
    choice: HandoverChoice | None = None

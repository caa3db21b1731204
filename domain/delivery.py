"""A text (or a change of session) on its way out: what it is, how it may be repeated, where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum


class Act(StrEnum):
    """What the delivery does when it leaves."""

    TEXT = "text"  # A plain message.
    MENU = "menu"  # A message with clickable lines (msgmenu).
    TRANSFER = "transfer"  # The session is given to a person; carries no text itself.
    END = "end"  # The session with a person is ended; its words leave by the code of the end.
    MASS_SEND = (
        "mass_send"  # A task that its sender confirms in the client (企业群发); by itself it sends nothing.
    )
    CARD = "card"  # A template card to members of the company.
    CHAT = "chat"  # A text into an internal group chat (应用群聊).
    GROUP_WELCOME = "group_welcome"  # A group welcome template (入群欢迎语素材); the owner binds it.
    BY_HAND = "by_hand"  # A person sends it by one tap; the client reports the end.
    PASSIVE = "passive"  # An answer inside an HTTP response (被动回复); the platform fetches it.


class SendClass(IntEnum):
    """How safe a repeat is (design.md, "sends")."""

    CHECKED = 1  # message/send with the platform's own duplicate check.
    KEYED = 2  # kf messages under our own msgid.
    ONCE = 3  # Everything else: written down as attempting first, never repeated blindly.
    REPORTED = 4  # Leaves in an HTTP answer or by a person's hand; the client reports the end.


class Purpose(StrEnum):
    """Why the text is sent; caps and opt-outs differ by it."""

    SERVICE = "service"  # An answer or a notice the customer's own matter needs.
    EDUCATION = "education"  # Investor education.
    CARE = "care"  # Greetings, birthday, maturity.
    MARKETING = "marketing"  # Anything that wants to sell.


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    DUE = "due"  # Waits for its time or its turn.
    CLAIMED = "claimed"  # A worker has taken it and checks it.
    ATTEMPTING = "attempting"  # Written down before the call; after a crash this is what is uncertain.
    ACCEPTED = "accepted"  # The platform took it; for kf and app messages the good end.
    DELIVERED = "delivered"  # The platform says it arrived (mass-send results only).
    REFUSED = "refused"  # We or the platform said no; `outcome` says why.
    FAILED = "failed"  # The platform reported afterwards that it did not arrive, or retries ran out.
    UNKNOWN = "unknown"  # It may have been sent; a person or a read call decides, never a blind repeat.
    HELD = "held"  # Waits for the customer's next message (five-message budget) or for a person (pilot).
    CANCELLED = "cancelled"  # Taken back before it left.


FINAL_STATES = frozenset(
    {
        DeliveryState.ACCEPTED,
        DeliveryState.DELIVERED,
        DeliveryState.REFUSED,
        DeliveryState.FAILED,
        DeliveryState.CANCELLED,
    }
)


@dataclass(frozen=True, kw_only=True)
class MenuItem:
    """One clickable line. `id`: 1–128 bytes of [a-zA-Z0-9_]; `text`: 1–128 bytes (WeCom doc 94677)."""

    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A picture, link or file beside a mass send, a group welcome or a text sent by hand.

    `kind`: image, link, file, video or miniprogram. `digest`: SHA-256 hex of the file, kept in `sop_file`; "": a link.
    """

    kind: str
    name: str = ""
    title: str = ""
    desc: str = ""
    url: str = ""
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class CardButton:
    """A button of a card. `key`: what the tap says, e.g. "done"; `style`: 1 blue, 2 white, 3 red, 4 grey."""

    key: str
    text: str
    style: int = 2


@dataclass(frozen=True, kw_only=True)
class CardFace:
    """What a card to staff shows; the platform's sizes (WeCom doc 90236) are kept by who makes it.

    `task_id`: unique, it comes back with a tap. `title` ≤ 36 characters, `desc` ≤ 44, `text` ≤ 160; `rows` ≤ 6, names
    ≤ 5 and values ≤ 30 characters. `url`: where a tap on the card leads. Without buttons it is a notice.
    """

    task_id: str
    title: str
    desc: str = ""
    text: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    url: str = ""
    buttons: tuple[CardButton, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Body:
    """What leaves.

    `code`: an event code (welcome_code, msg_code); the text then answers that event instead of the conversation.
    `servicers`: for a transfer, who may take the session, best first; empty means the waiting pool.
    `notice`: for a transfer, the words the customer gets by the code that the transfer yields. `taken_from`: of a
    session that somebody serves, who has it until now; "" for one that nobody serves.
    `chat_type`: of a mass send, "group" or "single"; `targets`: its chat ids or external ids, or the one internal chat.
    `lines`: product lines of which none may be stopped when it leaves.
    """

    text: str = ""
    menu: tuple[MenuItem, ...] = ()
    tail: str = ""
    code: str = ""
    servicers: tuple[str, ...] = ()
    notice: str = ""
    taken_from: str = ""
    chat_type: str = ""
    targets: tuple[str, ...] = ()
    attachments: tuple[Attached, ...] = ()
    card: CardFace | None = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewDelivery:
    """A delivery to be added. `key` is the idempotency key: at most 32 characters of [0-9a-zA-Z_-]."""

    key: str
    act: Act
    send_class: SendClass
    purpose: Purpose
    channel: str
    conversation_id: int | None
    turn_id: int | None = None
    recipient: str = ""
    reply_id: str = ""
    faq_id: str = ""
    line: str = ""
    content_version_id: int | None = None
    body: Body
    due_at: datetime
    expires_at: datetime | None = None
    state: DeliveryState = DeliveryState.DUE
    outcome: str = ""


@dataclass(frozen=True, kw_only=True)
class Delivery(NewDelivery):
    """A delivery as it stands in the outbox. `attempt` is the fence: a worker with an older number has lost it."""

    id: int
    attempt: int
    created_at: datetime
    attempted_at: datetime | None = None
    finished_at: datetime | None = None
    receipt: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the platform answered. `msg_code`: given by a transfer; `servicer`: who took the session.

    `unreached`: of several recipients or targets those it does not go to, of servicers those who could not take it.
    """

    msgid: str = ""
    msg_code: str = ""
    servicer: str = ""
    was_repeat: bool = False
    unreached: tuple[str, ...] = ()

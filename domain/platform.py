"""Facts a messaging platform reports, in the house's own words.

Made by bot/channels/ (parse at the edge, once) and read by the inbox, the handlers and the outbox. A field
the platform left out or sent in another type is None or empty; the whole record always keeps `raw`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class PlatformEvent:
    """A verified callback.

    `kind`: stable name for lists and metrics, e.g. "kf_msg_or_event" or
    "change_external_contact/add_external_contact". `created_at`: aware UTC, None when the platform gave none.
    """

    receiver: str
    kind: str
    created_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class KfNotified(PlatformEvent):
    """Something waits in an account's log; fetch it. `account_id` None means every account."""

    account_id: str | None
    sync_token: str | None


@dataclass(frozen=True, kw_only=True)
class KfAccountsChanged(PlatformEvent):
    """The administrator gave or took away accounts this program may drive."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ArchiveNotified(PlatformEvent):
    """New messages wait in the archive; only a hint (WeCom doc 95039)."""


@dataclass(frozen=True, kw_only=True)
class ConsentGiven(PlatformEvent):
    """A customer agreed that the talk with a member is archived (WeCom doc 92005)."""

    staff_id: str
    customer_id: str


@dataclass(frozen=True, kw_only=True)
class ContactEvent(PlatformEvent):
    """Something changed in the address book, among customers or in groups (WeCom docs 90240, 92130)."""


@dataclass(frozen=True, kw_only=True)
class FriendAdded(ContactEvent):
    """A customer and an advisor became contacts. `is_half`: the advisor has not agreed yet.

    `welcome_code`: works once, within 20 s of the event; empty when the platform allows no welcome.
    """

    staff_id: str
    customer_id: str
    state: str
    welcome_code: str
    is_half: bool


@dataclass(frozen=True, kw_only=True)
class FriendEdited(ContactEvent):
    """Remark, description or tags were changed in the client; to which, has to be asked."""

    staff_id: str
    customer_id: str


@dataclass(frozen=True, kw_only=True)
class FriendRemoved(ContactEvent):
    """They parted. `reason`: a word of domain.people.RelationEnd."""

    staff_id: str
    customer_id: str
    reason: str


class GroupChange(StrEnum):
    """What happened to a customer group."""

    CREATED = "created"
    JOINED = "joined"  # members came
    QUIT = "quit"  # members went
    CHANGED = "changed"  # owner, name or notice, or something new; what it is now, has to be asked
    DISMISSED = "dismissed"


@dataclass(frozen=True, kw_only=True)
class GroupChanged(ContactEvent):
    """A customer group changed. `members`: who came or went, empty when the platform does not tell.

    `scene`: a word of domain.groups.JoinScene or QuitScene. The versions of the members before and after: empty when
    the platform gives none.
    """

    chat_id: str
    change: GroupChange
    members: tuple[str, ...]
    scene: str
    last_version: str
    version: str


@dataclass(frozen=True, kw_only=True)
class StaffChanged(ContactEvent):
    """A member of the company was added, changed or removed. `new_staff_id`: a changed UserID, else empty."""

    staff_id: str
    new_staff_id: str
    is_removed: bool


@dataclass(frozen=True, kw_only=True)
class DepartmentsChanged(ContactEvent):
    """Departments were added, changed or removed."""


@dataclass(frozen=True, kw_only=True)
class TagsChanged(ContactEvent):
    """The company's tags were added, changed or removed."""


@dataclass(frozen=True, kw_only=True)
class CardTapped(PlatformEvent):
    """A member tapped a button of a template card. `code`: lets the card be changed, once, within 72 h."""

    staff_id: str
    task_id: str
    key: str
    code: str


@dataclass(frozen=True, kw_only=True)
class UnknownEvent(PlatformEvent):
    """A genuine callback no handler knows yet; stored raw and shown as unhandled."""


class Origin(StrEnum):
    CUSTOMER = "customer"  # written by the customer
    SYSTEM = "system"  # an event of the platform
    SERVICER = "servicer"  # written by a member in the platform's own client
    UNKNOWN = "unknown"  # a number we do not know; never answered


class MessageKind(StrEnum):
    TEXT = "text"  # also the click on a menu, then with menu_id
    IMAGE = "image"  # media_id
    VOICE = "voice"  # media_id, AMR
    VIDEO = "video"  # media_id
    FILE = "file"  # media_id
    LOCATION = "location"  # text is name and address
    LINK = "link"  # text is title, description and address
    BUSINESS_CARD = "business_card"  # a member's card
    MINIPROGRAM = "miniprogram"  # text is the title
    MSGMENU = "msgmenu"  # a menu a servicer sent
    CHANNELS_SHOP_PRODUCT = "channels_shop_product"  # a product of a video shop
    CHANNELS_SHOP_ORDER = "channels_shop_order"  # an order of a video shop
    MERGED_MSG = "merged_msg"  # forwarded chat history
    CHANNELS = "channels"  # a video channel's post, live or card
    NOTE = "note"  # the platform tells no more than the kind
    MEETING = "meeting"  # the platform tells no more than the kind
    CALENDAR = "calendar"  # the platform tells no more than the kind
    EVENT = "event"  # see KfMessage.event
    UNKNOWN = "unknown"  # new or malformed; only raw is sure


class SessionState(IntEnum):
    NEW = 0  # 未处理: we may speak
    ASSISTANT = 1  # 智能助手接待: we may speak
    POOL = 2  # 待接入池: nobody speaks until a servicer takes it
    SERVICER = 3  # 人工接待: only that person speaks
    ENDED = 4  # 已结束: the customer's next message makes it NEW


class SessionChange(StrEnum):
    TAKEN = "taken"  # a servicer took it from the pool
    TRANSFERRED = "transferred"  # from one servicer to another
    ENDED = "ended"  # a servicer ended it
    REOPENED = "reopened"  # a servicer wrote into an ended session
    UNKNOWN = "unknown"  # a number we do not know


class FailReason(StrEnum):
    UNKNOWN = "unknown"  # the platform does not know, or a new number
    ACCOUNT_DELETED = "account_deleted"  # the account is gone
    APP_CLOSED = "app_closed"  # the app is switched off
    WINDOW_CLOSED = "window_closed"  # more than 48 hours
    SESSION_CLOSED = "session_closed"  # the session had ended
    BUDGET_SPENT = "budget_spent"  # more than five messages
    CORP_UNVERIFIED = "corp_unverified"  # 企业未认证
    REJECTED = "rejected"  # the customer refuses messages
    NOBODY_LOGGED_IN = "nobody_logged_in"  # no member has logged in
    FORBIDDEN_KIND = "forbidden_kind"  # a kind of message that may not be sent
    SECURITY = "security"  # stopped by the platform's security


@dataclass(frozen=True, kw_only=True)
class SessionEvent:
    """An event inside an account's log. `event_type` is kept so that new ones can be listed."""

    event_type: str


@dataclass(frozen=True, kw_only=True)
class EnterSession(SessionEvent):
    """The customer opened the chat. `welcome_code`: works once, within 20 s of the event; often absent."""

    scene: str
    scene_param: str
    welcome_code: str | None
    channels_name: str  # video channel or shop the customer came from


@dataclass(frozen=True, kw_only=True)
class SendFailed(SessionEvent):
    """A message the platform had accepted did not arrive. `fail_type`: its number, None when absent."""

    fail_msgid: str
    reason: FailReason
    fail_type: int | None


@dataclass(frozen=True, kw_only=True)
class ServicerStatusChanged(SessionEvent):
    """A member began or stopped receiving customers."""

    servicer_id: str
    is_receiving: bool


@dataclass(frozen=True, kw_only=True)
class SessionChanged(SessionEvent):
    """A session changed hands in the platform's own client (our own changes are not reported).

    `code`: lets one more message out (`taken`: 48 h, `ended`: 20 s).
    """

    change: SessionChange
    old_servicer_id: str | None
    new_servicer_id: str | None
    code: str | None


@dataclass(frozen=True, kw_only=True)
class MessageRecalled(SessionEvent):
    """A message was taken back. `servicer_id` None: by the customer."""

    recalled_msgid: str
    servicer_id: str | None


@dataclass(frozen=True, kw_only=True)
class RejectSwitchChanged(SessionEvent):
    """A servicer blocked or unblocked a customer."""

    servicer_id: str
    is_rejected: bool


@dataclass(frozen=True, kw_only=True)
class OtherSessionEvent(SessionEvent):
    """An event type we do not know, or one whose fields cannot be read."""


@dataclass(frozen=True, kw_only=True)
class KfMessage:
    """One entry of an account's log, whoever wrote it.

    `customer_id` is None only for events about a servicer. `sent_at`: aware UTC, the time of reading when the
    platform gave none. `text`: what a person would read, empty for media and events. `raw`: the entry, JSON.
    """

    msgid: str
    account_id: str
    customer_id: str | None
    sent_at: datetime
    origin: Origin
    servicer_id: str | None
    kind: MessageKind
    text: str
    menu_id: str | None
    media_id: str | None
    event: SessionEvent | None
    raw: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class KfPage:
    """One answer of the log. `has_more` may be true with no messages; `next_cursor` empty means unchanged."""

    messages: tuple[KfMessage, ...]
    next_cursor: str
    has_more: bool


@dataclass(frozen=True, kw_only=True)
class KfAccount:
    """A customer-service account. `is_managed`: this program may drive it."""

    account_id: str
    name: str
    avatar_url: str
    is_managed: bool


@dataclass(frozen=True, kw_only=True)
class CustomerProfile:
    """What the platform tells about a customer seen in the last 48 hours."""

    customer_id: str
    nickname: str
    avatar_url: str
    union_id: str
    scene: str
    scene_param: str


@dataclass(frozen=True, kw_only=True)
class SessionStatus:
    """Who may speak. `state` None: a number we do not know, so say nothing."""

    state: SessionState | None
    servicer_id: str | None


@dataclass(frozen=True, kw_only=True)
class MediaFile:
    """A file on our disk, named by its content. `digest`: SHA-256, lower-case hex. `size`: bytes."""

    digest: str
    size: int
    content_type: str
    file_name: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class MenuClick:
    """A line the customer taps; comes back as a text with `menu_id`."""

    menu_id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class MenuLink:
    """A line that opens a page."""

    url: str
    text: str


@dataclass(frozen=True, kw_only=True)
class MenuNote:
    """A line of plain text between the others."""

    text: str


MenuItem = MenuClick | MenuLink | MenuNote


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """A platform token as the database keeps it. `version` grows by one each time; times aware UTC."""

    value: str = field(repr=False)
    version: int
    obtained_at: datetime
    expires_at: datetime

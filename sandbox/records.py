"""What the pretend world is made of. Mutable, in memory, one event loop; times are virtual Unix seconds."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from sandbox.logbook import Logbook

Json = dict[str, Any]


class SessionState(IntEnum):
    """会话状态 (WeCom doc 94669)."""

    NEW = 0  # 未处理
    ASSISTANT = 1  # 由智能助手接待
    WAITING = 2  # 待接入池排队中
    SERVICER = 3  # 由人工接待
    ENDED = 4  # 已结束 / 未开始


class Scenario(StrEnum):
    """What an event code was given for (WeCom doc 95122)."""

    WELCOME = "welcome"  # enter_session: 20 s, text or msgmenu
    WAITING = "waiting"  # put into the pool: 48 h, text
    ASSIGNED = "assigned"  # taken or assigned: 48 h, text
    ENDED = "ended"  # session ended: 20 s, text or msgmenu


class Via(StrEnum):
    """How a line of the chat came about."""

    CUSTOMER = "customer"  # the customer's own message
    API = "api"  # kf/send_msg
    EVENT = "event"  # kf/send_msg_on_event
    SERVICER = "servicer"  # typed in the servicer's client
    NOTICE = "notice"  # a grey line the sandbox adds for the reader; no message of the platform


@dataclass(kw_only=True, slots=True)
class Bubble:
    """One line of a chat as the customer's phone shows it.

    `answers`: msgid of the customer's latest message when this was sent, so that a bench can count answers.
    `undelivered`: fail_type of msg_send_fail when the platform took the message and the customer never got it.
    """

    number: int
    at: float
    via: Via
    msgid: str
    msgtype: str
    body: Json
    answers: str = ""
    servicer_userid: str = ""
    menu_id: str = ""
    undelivered: int | None = None
    recalled: bool = False
    media: Json | None = None  # filename and bytes, for the page

    def as_json(self) -> Json:
        shown: Json = {
            "number": self.number,
            "at": self.at,
            "via": self.via.value,
            "msgid": self.msgid,
            "msgtype": self.msgtype,
            "body": self.body,
        }
        for name in ("answers", "servicer_userid", "menu_id", "media"):
            if value := getattr(self, name):
                shown[name] = value
        if self.undelivered is not None:
            shown["undelivered"] = self.undelivered
        if self.recalled:
            shown["recalled"] = True
        return shown


@dataclass(kw_only=True, slots=True)
class Account:
    """A kf account with its append-only log."""

    open_kfid: str
    name: str
    log: Logbook
    avatar: str = ""
    managed: bool = True
    used_msgids: set[str] = field(default_factory=set)


@dataclass(kw_only=True, slots=True)
class Customer:
    """A WeChat user. `rejects`: refuses the account's messages; `next_failures`: fail_types of the next sends.

    `simulated`: one of many who only live in a group; the page gives no phone to such a customer.
    """

    external_userid: str
    nickname: str
    avatar: str
    unionid: str
    seen_at: float = float("-inf")
    rejects: bool = False
    next_failures: list[int] = field(default_factory=list)
    context: Json | None = None
    simulated: bool = False


@dataclass(kw_only=True, slots=True)
class Servicer:
    """A person in the WeCom client. `open_kfids` empty means every account."""

    userid: str
    name: str
    open_kfids: set[str]
    receiving: bool = True
    stop_type: int = 0

    def serves(self, open_kfid: str) -> bool:
        return not self.open_kfids or open_kfid in self.open_kfids


@dataclass(kw_only=True, slots=True)
class Chat:
    """The session of one customer with one account."""

    open_kfid: str
    customer: Customer
    state: SessionState = SessionState.ENDED
    servicer_userid: str = ""
    last_customer_at: float = float("-inf")
    last_customer_msgid: str = ""
    sent_since_last: int = 0
    welcomed_at: float = float("-inf")
    coded_states: set[SessionState] = field(default_factory=set)
    waiting_since: float = 0.0
    bubbles: list[Bubble] = field(default_factory=list)
    received: list[Bubble] = field(default_factory=list)
    by_msgid: dict[str, Bubble] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class EventCode:
    """A single-use code for kf/send_msg_on_event. `state` None: any state will do (welcome)."""

    scenario: Scenario
    chat: Chat
    expires_at: float
    state: SessionState | None
    used: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """Somebody of the corp (成员). `follows`: may use 客户联系; `status`: 1 active, 4 never logged in."""

    userid: str
    name: str
    departments: tuple[int, ...] = (1,)
    leaders: tuple[str, ...] = ()  # direct_leader
    position: str = ""
    status: int = 1
    follows: bool = True


@dataclass(kw_only=True, slots=True)
class AppMessage:
    """A message of message/send as it reached members. `dropped`: over 30 a minute, lost without a word."""

    msgid: str
    at: float
    agent_id: int
    userids: tuple[str, ...]
    msgtype: str
    body: Json
    dropped: tuple[str, ...] = ()
    task_id: str = ""  # of a card, "" for other messages
    recalled: bool = False
    shown: dict[str, Json] = field(default_factory=dict)  # userid: what an update made of the card


@dataclass(kw_only=True, slots=True)
class ResponseCode:
    """Permission to change a card once (72 h). `userid` "": from message/send, any receiver; else who clicked."""

    msgid: str
    agent_id: int
    expires_at: float
    userid: str = ""
    used: bool = False


class AppOutbox:
    """What message/send must remember: recent messages for the duplicate check, and the members' budgets."""

    def __init__(self) -> None:
        self.recent: OrderedDict[str, tuple[float, Json]] = OrderedDict()
        self.minutes: dict[tuple[int, str], tuple[float, int]] = {}
        self.hours: dict[tuple[int, str], tuple[float, int]] = {}
        self.days: dict[int, tuple[int, int]] = {}  # agent_id: (day, person-times)
        self.by_msgid: dict[str, AppMessage] = {}
        self.codes: dict[str, ResponseCode] = {}
        self.task_ids: set[tuple[int, str]] = set()


@dataclass(kw_only=True, slots=True)
class LoginCode:
    userid: str
    agent_id: int
    expires_at: float
    used: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """`agent_id` 0: the corp's own."""

    value: str
    agent_id: int
    expires_at: float


class WebShelf:
    """Login codes, tickets by app (0: the corp's), and when tickets were asked for."""

    def __init__(self) -> None:
        self.codes: dict[str, LoginCode] = {}
        self.tickets: dict[int, list[Ticket]] = {}
        self.asked: dict[str, list[float]] = {}
        self.pictures: dict[str, tuple[str, bytes]] = {}  # of media/uploadimg: content type, content
        self.uploads: list[float] = []

"""What the corp has besides 客服: departments, customers' relations, tags, groups, mass sends, templates.

Records only, mutable, in memory; times are virtual Unix seconds. address_book.py, relations.py, groups.py,
mass_sending.py and their like act on them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from sandbox.records import Json

ROOT_DEPARTMENT = 1


class LineVia(StrEnum):
    """How a line came into a chat between members and customers."""

    TYPED = "typed"  # somebody wrote it in the client
    MASS = "mass"  # a confirmed mass send (企业群发)
    SIDEBAR = "sidebar"  # sendChatMessage of a page in the sidebar
    WELCOME = "welcome"  # send_welcome_msg, or a group's welcome template
    NOTICE = "notice"  # a grey line of the client


class OwnerStatus(IntEnum):
    """跟进人状态 of a customer group (WeCom doc 92120)."""

    NORMAL = 0
    LEFT = 1  # the owner has left the corp
    MOVING = 2  # being handed over
    MOVED = 3  # handed over


@dataclass(kw_only=True, slots=True)
class Department:
    department_id: int
    name: str
    parent_id: int
    order: int = 0
    leaders: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class Line:
    """One line of a chat. `by`: userid or external_userid, "" for a notice."""

    number: int
    at: float
    by: str
    via: LineVia
    msgtype: str
    body: Json
    msgid: str = ""  # of the mass send


@dataclass(kw_only=True, slots=True)
class Relation:
    """A member follows a customer. The two ways a relation can be broken are apart: each side may delete."""

    userid: str
    external_userid: str
    created_at: float
    add_way: int = 1
    state: str = ""
    remark: str = ""
    description: str = ""
    remark_company: str = ""
    remark_mobiles: list[str] = field(default_factory=list)
    tag_ids: list[str] = field(default_factory=list)
    half: bool = False  # added without verification, the member has not agreed
    customer_left: bool = False  # the customer deleted the member
    blocked: bool = False  # the customer blocked the member; nobody is told
    welcomed: bool = False
    lines: list[Line] = field(default_factory=list)

    @property
    def reaches(self) -> bool:
        """Whether a message of the member arrives."""
        return not (self.half or self.customer_left or self.blocked)


@dataclass(kw_only=True, slots=True)
class WelcomeCode:
    userid: str
    external_userid: str
    expires_at: float
    used: bool = False


@dataclass(kw_only=True, slots=True)
class Tag:
    tag_id: str
    name: str
    created_at: float
    order: int = 0
    agent_id: int = 0  # the app that made it; 0: a person


@dataclass(kw_only=True, slots=True)
class TagGroup:
    group_id: str
    name: str
    created_at: float
    order: int = 0
    agent_id: int = 0
    tags: dict[str, Tag] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class GroupMember:
    """Somebody in a customer group. `join_scene`: 1 direct, 2 by link, 3 by code (WeCom doc 92122)."""

    member_id: str
    is_staff: bool
    joined_at: float
    join_scene: int = 1
    invitor: str = ""
    nickname: str = ""
    state: str = ""


@dataclass(kw_only=True, slots=True)
class Passage:
    """Somebody came or went; kept for statistics, and for tests to compare with."""

    at: float
    member_id: str
    joined: bool
    is_staff: bool
    scene: int  # JoinScene or QuitScene of the event


@dataclass(kw_only=True, slots=True)
class Group:
    """A customer group (客户群)."""

    chat_id: str
    name: str
    owner: str
    created_at: float
    notice: str = ""
    admins: list[str] = field(default_factory=list)
    members: dict[str, GroupMember] = field(default_factory=dict)
    status: OwnerStatus = OwnerStatus.NORMAL
    dismissed: bool = False
    changes: int = 0
    template_id: str = ""  # the welcome template its owner has chosen
    passages: list[Passage] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    onjob_transfers: list[float] = field(default_factory=list)
    stale: tuple[float, dict[str, GroupMember], str] | None = (
        None  # changed at; members and version of before
    )

    @property
    def member_version(self) -> str:
        return hashlib.md5(f"{self.chat_id}/{self.changes}".encode(), usedforsecurity=False).hexdigest()


class TargetStatus(IntEnum):
    """发送状态 of get_groupmsg_send_result (WeCom doc 93338)."""

    WAITING = 0
    SENT = 1
    NO_FRIEND = 2
    LIMITED = 3  # the customer already got as many mass messages as may be


@dataclass(kw_only=True, slots=True)
class MassTarget:
    target_id: str  # external_userid or chat_id
    status: TargetStatus = TargetStatus.WAITING
    sent_at: float = 0.0


@dataclass(kw_only=True, slots=True)
class MassPart:
    """One sender's share of a mass send. `open_choice`: the sender chooses the groups when confirming."""

    userid: str
    targets: dict[str, MassTarget] = field(default_factory=dict)
    open_choice: bool = False
    confirmed_at: float | None = None


@dataclass(kw_only=True, slots=True)
class MassTask:
    """A mass send (企业群发). `personal`: a member made it in the client; `agent_id` 0 then."""

    msgid: str
    chat_type: str
    created_at: float
    real_at: float
    text: str
    attachments: list[Json]
    agent_id: int = 0
    creator: str = ""
    parts: dict[str, MassPart] = field(default_factory=dict)
    reminded: list[float] = field(default_factory=list)
    cancelled_at: float | None = None

    @property
    def personal(self) -> bool:
        return bool(self.creator)


@dataclass(kw_only=True, slots=True)
class WelcomeTemplate:
    template_id: str
    agent_id: int
    content: Json


@dataclass(kw_only=True, slots=True)
class JoinWay:
    """A way to a group (加入群聊) or to a member (联系我), as the app has described it."""

    config_id: str
    content: Json


@dataclass(kw_only=True, slots=True)
class AppChat:
    """An internal group chat that an app made."""

    chat_id: str
    agent_id: int
    name: str
    owner: str
    userids: list[str]


class Corp:
    """All of it. `mass_sends`: times a mass message reached a target, by target."""

    def __init__(self, name: str) -> None:
        self.departments = {
            ROOT_DEPARTMENT: Department(department_id=ROOT_DEPARTMENT, name=name, parent_id=0)
        }
        self.left: dict[str, float] = {}  # userid: when the member left the corp
        self.relations: dict[tuple[str, str], Relation] = {}  # (userid, external_userid)
        self.by_member: dict[str, dict[str, Relation]] = {}
        self.by_customer: dict[str, dict[str, Relation]] = {}
        self.welcome_codes: dict[str, WelcomeCode] = {}
        self.admin_welcomed: set[str] = set()  # members for whom the admin console holds a welcome text
        self.tag_groups: dict[str, TagGroup] = {}
        self.groups: dict[str, Group] = {}
        self.by_owner: dict[str, dict[str, Group]] = {}  # userid: chat_id: group, dismissed ones too
        self.join_ways: dict[str, JoinWay] = {}
        self.contact_ways: dict[str, JoinWay] = {}
        self.welcome_templates: dict[str, WelcomeTemplate] = {}
        self.mass_tasks: dict[str, MassTask] = {}
        self.app_chats: dict[str, AppChat] = {}
        self.mass_sends: dict[str, list[float]] = {}
        self.moods: dict[str, str] = {}  # userid: behaviour.Mood
        self.asked: Counter[str] = Counter()  # how often a member was asked to act, for the dice

    def owned(self, userid: str) -> list[Group]:
        """The groups this member owns, or owned when leaving the corp; not those that are dismissed."""
        return [one for one in self.by_owner.get(userid, {}).values() if not one.dismissed]

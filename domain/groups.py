"""Customer groups (客户群): what the platform tells about them, and who was in them when.

A person who comes back has two stays. How stays come out of evidence is domain/stays.py; the numbers of the platform
(join scenes, quit scenes) become these words in bot/channels/wecom/contacts.py only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.stays import EndKnown, Joined


class MemberKind(StrEnum):
    """Whose side a member of a group is on."""

    STAFF = "staff"  # A member of our company.
    CUSTOMER = "customer"  # An external contact on WeChat.
    OTHER = "other"  # An external contact of another company's WeCom.


class JoinScene(StrEnum):
    """How a member came in."""

    INVITED = "invited"  # By somebody, directly or by link; an event does not tell which.
    DIRECT = "direct"  # Invited directly.
    LINK = "link"  # By an invitation link.
    SCANNED = "scanned"  # By the group's QR code.


class QuitScene(StrEnum):
    """How a member went."""

    LEFT = "left"  # By himself.
    REMOVED = "removed"  # By the owner or an administrator.


class GroupStatus(StrEnum):
    """The owner's state, as groupchat/list tells it."""

    NORMAL = "normal"
    OWNER_LEFT = "owner_left"  # The owner has left the company; the group waits for another.
    TRANSFERRING = "transferring"
    TRANSFERRED = "transferred"


@dataclass(frozen=True, kw_only=True)
class Group:
    """A customer group. `seen_at`: when its whole list of members was last read; None: never yet."""

    id: int
    chat_id: str
    name: str
    notice: str
    owner_platform_id: str
    status: GroupStatus
    created_at: datetime | None
    dismissed_at: datetime | None
    member_version: str
    seen_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class GroupSight:
    """A whole group as the platform shows it. `members`: by platform id, with kind and coming."""

    chat_id: str
    name: str
    notice: str
    owner_platform_id: str
    created_at: datetime | None
    member_version: str
    members: Mapping[str, tuple[MemberKind, Joined]]
    at: datetime


@dataclass(frozen=True, kw_only=True)
class GroupMember:
    """One stay of one person in one group. `quit_at` None: in the group.

    With `quit_known` "between" or "return" the member went after `quit_after` and not later than `quit_at`.
    """

    id: int
    group_id: int
    member_platform_id: str
    kind: MemberKind
    customer_id: int | None
    joined_at: datetime | None
    is_join_exact: bool
    join_scene: str
    inviter_platform_id: str
    state: str
    quit_at: datetime | None
    quit_after: datetime | None
    quit_known: EndKnown | None
    quit_scene: str


@dataclass(frozen=True, kw_only=True)
class GroupDay:
    """The platform's own figures of one owner's groups on one day (WeCom doc 92133)."""

    owner_platform_id: str
    day: date
    new_chats: int
    chats: int
    chats_with_messages: int
    new_members: int
    members: int
    members_with_messages: int
    messages: int

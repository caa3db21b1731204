"""Staff, departments, relations, tags and opt-outs, as the company's address book and its people say.

`acting_for` decides whose work somebody does today. Where the records come from: bot/directory.py; the words of the
company's own file (team, co-owner, deputy, leave, registrations): content of `people.overrides`, read by
bot/overrides.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.compliance import Registration
from domain.stays import EndKnown, Joined


class StaffStatus(StrEnum):
    """Whether a member of staff can be given work."""

    ACTIVE = "active"
    DISABLED = "disabled"  # Switched off in the address book.
    INACTIVE = "inactive"  # Has not activated WeCom yet.
    LEFT = "left"  # Left the company, or the app's range.
    UNKNOWN = "unknown"  # Known by name only; the address book has not been read.


@dataclass(frozen=True, kw_only=True)
class Staff:
    """A member of the company. `leave_from`, `leave_until`: first and last day of leave, both included."""

    id: int
    platform_id: str
    name: str
    departments: tuple[int, ...]
    leader_platform_id: str
    status: StaffStatus
    team: str
    co_owner_platform_id: str
    deputy_platform_id: str
    leave_from: date | None
    leave_until: date | None

    @property
    def is_employed(self) -> bool:
        return self.status in (StaffStatus.ACTIVE, StaffStatus.UNKNOWN)

    def is_on_leave(self, day: date) -> bool:
        """Say whether `day` is a day of leave; a leave without a last day goes on."""
        if self.leave_from is None:
            return False
        return self.leave_from <= day and (self.leave_until is None or day <= self.leave_until)

    def is_at_work(self, day: date) -> bool:
        return self.is_employed and not self.is_on_leave(day)


@dataclass(frozen=True, kw_only=True)
class StaffSight:
    """A member as the address book shows them."""

    platform_id: str
    name: str
    departments: tuple[int, ...]
    leader_platform_id: str
    status: StaffStatus


@dataclass(frozen=True, kw_only=True)
class Department:
    """A department. `leaders`: UserIDs, first the main one."""

    platform_id: int
    name: str
    parent_id: int
    leaders: tuple[str, ...]
    place: int


@dataclass(frozen=True, kw_only=True)
class StaffOverride:
    """What the company's own file says of one member; it wins over the address book."""

    platform_id: str
    team: str = ""
    co_owner_platform_id: str = ""
    deputy_platform_id: str = ""
    leave_from: date | None = None
    leave_until: date | None = None
    registrations: tuple[Registration, ...] = ()


class RelationEnd(StrEnum):
    """Why an advisor and a customer parted."""

    ADVISOR_DELETED = "advisor_deleted"  # The advisor deleted the customer.
    CUSTOMER_DELETED = "customer_deleted"  # The customer deleted the advisor.
    TRANSFERRED = "transferred"  # The customer was handed over to somebody else.


@dataclass(frozen=True, kw_only=True)
class Relation:
    """One stay of a customer with an advisor. `to_at` None: they are in touch.

    With `end_known` other than EVENT it ended after `to_after` and not later than `to_at`. `tags`: ids of Tag.
    """

    id: int
    staff_id: int
    customer_id: int
    staff_platform_id: str
    customer_platform_id: str
    from_at: datetime | None
    to_at: datetime | None
    to_after: datetime | None
    end_known: EndKnown | None
    end_reason: str
    add_way: str
    state: str
    remark: str
    description: str
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RelationSight:
    """A relation as the platform shows it, with the customer's name."""

    staff_platform_id: str
    customer_platform_id: str
    nickname: str
    avatar_url: str
    joined: Joined
    add_way: str
    state: str
    remark: str
    description: str
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A tag of the company (企业客户标签). `deleted_at`: no longer in the platform's list since."""

    platform_id: str
    name: str
    group_platform_id: str
    group_name: str
    place: int
    deleted_at: datetime | None = None


class OptOutSource(StrEnum):
    """How a customer told us to stop everything but service."""

    WORDS = "words"  # Written in the chat.
    MENU = "menu"  # Tapped.
    ADVISOR = "advisor"  # Told to an advisor, who noted it.


@dataclass(frozen=True, kw_only=True)
class OptOutWanted:
    """A customer wants no more than service. `evidence`: signal or menu id, or an advisor's note; no message text."""

    source: OptOutSource
    evidence: str


@dataclass(frozen=True, kw_only=True)
class OptOut:
    """An opt-out on record. `withdrawn_at`: the customer agreed again; `withdrawn_evidence`: how that is known."""

    id: int
    customer_id: int
    source: OptOutSource
    evidence: str
    actor: str
    message_id: int | None
    at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str
    withdrawn_evidence: str = ""


def acting_for(people: Mapping[str, Staff], platform_id: str, day: date) -> str:
    """Return who does the work of `platform_id` on `day`: the person, else the deputy, the deputy's deputy, the leader.

    Somebody the records do not know stands for himself. When nobody of them is at work, the person keeps the work:
    an alarm with a name is better than one without.
    """
    seen: set[str] = set()
    line = [platform_id]
    while line:
        who = line.pop(0)
        person = people.get(who)
        if person is None:
            if who == platform_id:
                return who
            continue
        if person.is_at_work(day):
            return who
        if who in seen:
            continue
        seen.add(who)
        # A deputy's deputy comes before the leader of the one who is away.
        line = [name for name in (person.deputy_platform_id,) if name] + line + [person.leader_platform_id]
        line = [name for name in line if name and name not in seen]
    return platform_id


def team_of(
    people: Mapping[str, Staff], leaders: Mapping[int, Collection[str]], supervisor: str
) -> frozenset[str]:
    """Return whose work a supervisor sees: the own, that of everybody below, and of the own team.

    `leaders`: who leads which department, by its number, with those above it counted in where they should be.
    """
    own = people.get(supervisor)
    team = {supervisor}
    waiting = [supervisor]
    while waiting:
        leader = waiting.pop()
        below = {
            one.platform_id
            for one in people.values()
            if one.leader_platform_id == leader
            or any(leader in leaders.get(number, ()) for number in one.departments)
        }
        waiting += sorted(below - team)
        team |= below
    if own is not None and own.team:
        team |= {one.platform_id for one in people.values() if one.team == own.team}
    return frozenset(team)

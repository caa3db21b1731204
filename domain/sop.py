"""Records of a group SOP as it is written: templates, stages, steps, words and the rules around them.

Pure data. Files are read by content/sop_files.py; when a step is due is scheduler/timetable.py. Enrolments and
occurrences, the running side, have records of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from domain.faq import Line


class SopKind(StrEnum):
    """Whom a template accompanies."""

    GROUP = "group"  # A customer group, from its opening on.
    MEMBER = "member"  # One member of a group, from joining on.
    CUSTOMER = "customer"  # A customer of an advisor; not supported yet.
    CALENDAR = "calendar"  # Everybody, on fixed days; not supported yet.


class SopClock(StrEnum):
    """Whose time a stage counts."""

    GROUP = "group"  # Days since the group's opening day.
    MEMBER = "member"  # Hours since this member joined.
    CUSTOMER = "customer"  # Not supported yet.


class AnchorKind(StrEnum):
    """What a step's time is counted from."""

    GROUP_CREATED = "group_created"
    GROUP_OPENED = "group_opened"  # The opening day, D0; day(-3) lies before it.
    MEMBER_JOINED = "member_joined"
    STAGE_ENTERED = "stage_entered"
    PREVIOUS_STEP_DONE = "previous_step_done"  # The moment another step was really done, not its plan.
    MANUAL = "manual"  # A person says now.
    FRIEND_ADDED = "friend_added"  # This and all below: not supported yet.
    TAG_ADDED = "tag_added"
    FIELD_DATE = "field_date"
    SILENT_FOR = "silent_for"
    HOLIDAY = "holiday"
    BIRTHDAY = "birthday"
    POLICY_DUE = "policy_due"
    LOAN_DUE = "loan_due"
    MATURITY_DUE = "maturity_due"


class DeliveryCode(StrEnum):
    """How a step reaches people (sop.md §1)."""

    WELCOME = "W"  # Group welcome template; the owner binds it once, the platform sends it.
    MASS_SEND = "M"  # Mass-send task to the group; the owner confirms, costs one of the quota.
    SIDEBAR = "S"  # Prompted manual send: one tap in the sidebar.
    PERSONAL = "P"  # One-to-one by the advisor.
    APP = "A"  # App message to staff.
    INTERNAL = "I"  # The internal operations group.
    KF = "K"  # Automatic answer of the service account.
    SYSTEM = "X"  # The system acts; no message.
    MOMENTS = "moments"  # Not supported yet.
    CALL_TASK = "call_task"  # Not supported yet.


class SopRole(StrEnum):
    """Who does a step or is told of it; people are found when it is released."""

    OWNER = "owner"  # The group's owner on the platform.
    CO_OWNER = "co_owner"
    SUPERVISOR = "supervisor"
    ADVISOR = "advisor"
    TEACHER = "teacher"  # Holds the education event; a named person with a qualification.
    COMPLIANCE = "compliance"
    OPERATOR = "operator"
    SYSTEM = "system"


class StepPart(StrEnum):
    """What a step is in the first week, for rules about the order."""

    PREPARATION = "preparation"  # Before the opening; nothing reaches customers.
    OPENING = "opening"
    CUE = "cue"  # Part of the ceremony; never before the opening was confirmed.
    NOTICE = "notice"  # Announces the event, at least 24 hours before it.
    PUBLICATION = "publication"
    RECAP = "recap"  # Never before the publication.
    GATE = "gate"  # A member's 24, 48, 72 hours.
    SCORE = "score"  # Ends the time without sales content.
    OTHER = "other"


class CalendarPolicy(StrEnum):
    """What happens to a step that falls on a day off."""

    SEND = "send"
    SHIFT_NEXT = "shift_next"
    SHIFT_PREV = "shift_prev"
    SKIP = "skip"


class SopDays(StrEnum):
    """Which days count as days on."""

    ANY = "any"
    NOT_HOLIDAY = "not_holiday"  # Every day but legal holidays.
    WORKDAY = "workday"  # Without weekends and holidays, with make-up workdays.
    TRADING_DAY = "trading_day"  # Monday to Friday without legal holidays; make-up workdays do not trade.


class QuietPolicy(StrEnum):
    """What happens to a step that falls into quiet hours."""

    WAIT = "wait"  # Until they end.
    RUN = "run"  # Nobody is disturbed: system acts and answers to somebody who just did something.


class PastPolicy(StrEnum):
    """When `day(0, HH:MM)` lies before its anchor."""

    IMMEDIATELY = "immediately"
    NEXT_SLOT = "next_slot"  # The same time on the next day.


class OnMissed(StrEnum):
    """What follows when a step's window ended without it."""

    SKIP = "skip"
    RESCHEDULE = "reschedule"  # To the next allowed slot, while `expire_after` lasts.
    FALLBACK_SIDEBAR = "fallback_sidebar"  # The co-owner sends by hand.


class BranchCase(StrEnum):
    """A turn of events that a step may answer in its own way (sop.md §3)."""

    LIMIT_REACHED = "limit_reached"  # The group's quota of mass-sends is used up.
    SECOND_MASS_SEND = "second_mass_send"  # Shifting put two mass-sends on one day.


class BranchAct(StrEnum):
    """What a branch does."""

    MOVE = "move"  # To the next allowed day.
    SIDEBAR = "sidebar"  # Sent by hand instead.
    SKIP = "skip"


class LimitMode(StrEnum):
    """How many mass-sends a group may receive (WeCom doc 92135); the company chooses in the admin console."""

    MONTH = "month"  # As many as the month has days.
    WEEK7 = "week7"
    DAY1 = "day1"


class BlockKind(StrEnum):
    """What a block of words is."""

    TEXT = "text"  # Said to customers as it stands.
    EDUCATION = "education"  # A piece of investor education.
    PHRASE = "phrase"  # Prepared words that a person may say.
    CARD = "card"  # A card to staff.
    CHECKLIST = "checklist"  # Points to tick, one a line.
    REPORT = "report"  # A summary for staff, its slots filled with figures.


class AttachmentKind(StrEnum):
    """What may hang on a message (WeCom docs 92135, 92137)."""

    IMAGE = "image"
    LINK = "link"
    FILE = "file"
    VIDEO = "video"
    MINIPROGRAM = "miniprogram"


class RungAct(StrEnum):
    """What a rung of the ladder does."""

    CARD = "card"  # An app card with the exact text and a deep link.
    REMIND = "remind"  # The official reminder; at most three in 24 hours.
    TELL = "tell"  # Somebody else learns of it.
    HAND_OVER = "hand_over"  # Somebody else sends by hand.


class ExitAct(StrEnum):
    """What an exit rule does."""

    TAG = "tag"
    UNTAG = "untag"
    NOTIFY = "notify"
    MOVE_TO = "move_to"  # Into another template.
    END = "end"
    INVITE = "invite"  # Not supported yet.


class Reentry(StrEnum):
    """Whether a target may go through a template again."""

    ONCE = "once"
    AFTER_END = "after_end"  # Again, once the last round has ended.


class NoSale(StrEnum):
    """How long the words of a template may not sell (docs/sop.md)."""

    ALWAYS = "always"
    UNTIL_SCORE = "until_score"  # Until the step that scores the first week.
    OFF = "off"  # The wording rules alone decide.


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """What a step counts from. `step`: for previous_step_done, the step meant."""

    kind: AnchorKind
    step: str = ""


@dataclass(frozen=True, kw_only=True)
class At:
    """A fixed local time: `at(2026-12-31 10:00)`. `moment` is naive, in the template's zone."""

    moment: datetime


@dataclass(frozen=True, kw_only=True)
class Offset:
    """A time after the anchor: `offset(24h)`."""

    after: timedelta


@dataclass(frozen=True, kw_only=True)
class Day:
    """A time on the n-th day: `day(2, 10:00)`. Day 0 is the anchor's own local day."""

    day: int
    at: time


@dataclass(frozen=True, kw_only=True)
class Weekly:
    """`weekly(mon thu, 10:00)`, from the anchor on. Monday is 0."""

    weekdays: tuple[int, ...]
    at: time


@dataclass(frozen=True, kw_only=True)
class Monthly:
    """`monthly(15, 10:00)`; a month without the day has its last day instead."""

    day: int
    at: time


@dataclass(frozen=True, kw_only=True)
class Every:
    """`every(4h, 10:00-18:00)`: each `interval` after the anchor, where the local time lies within."""

    interval: timedelta
    opens: time
    closes: time


@dataclass(frozen=True, kw_only=True)
class Dates:
    """A list of fixed local times: `calendar(2026-12-31 10:00, 2027-01-20 10:00)`; naive, ascending."""

    moments: tuple[datetime, ...]


Schedule: TypeAlias = At | Offset | Day | Weekly | Monthly | Every | Dates


@dataclass(frozen=True, kw_only=True)
class Window:
    """How long after its due time a step may still be done, and how long its words stay true."""

    length: timedelta
    expire_after: timedelta

    def ends_at(self, due_at: datetime) -> datetime:
        """Return the moment the window closes."""
        return due_at + self.length


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """Another step that comes first. `gap`: the least distance to it."""

    step: str
    gap: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Term:
    """One claim about a member or a group: `friend`, `tag("x")`, `age >= 24h`, `size < 20`.

    `value`: text, number or duration as written; None for a bare word. `comparison`: "" without one.
    """

    name: str
    comparison: str = ""
    value: str | float | timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class AllOf:
    """Holds when every part holds."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, kw_only=True)
class AnyOf:
    """Holds when one part holds."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, kw_only=True)
class Negation:
    """Holds when the part does not."""

    part: Expression


Expression: TypeAlias = Term | AllOf | AnyOf | Negation


@dataclass(frozen=True, kw_only=True)
class AudienceRule:
    """Who a step is for. `is_frozen`: decided at enrolment instead of at release. `text`: as written."""

    expression: Expression
    text: str
    is_frozen: bool = False


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A figure a step is judged by: `speakers >= 5 within 2h`. Rates are 0..1, durations in seconds."""

    name: str
    comparison: str
    value: float
    within: timedelta | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A picture, link or file beside a text. `path`: of a file, relative to the template's folder.

    `digest`: SHA-256 hex over what is written and over the file itself.
    """

    id: str
    kind: AttachmentKind
    path: str = ""
    title: str = ""
    desc: str = ""
    url: str = ""
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class ContentBlock:
    """Words of a step, with source, reviewer and dates as for the FAQ.

    `digest`: SHA-256 hex over what a reviewer approves, attachments included. `slots`: names to be filled at release.
    """

    id: str
    kind: BlockKind
    title: str
    body: str
    attachments: tuple[Attachment, ...]
    risk_lines: tuple[str, ...]
    owner: SopRole
    source: str
    reviewer: str
    reviewed_on: date
    valid_from: date
    valid_until: date
    slots: frozenset[str]
    digest: str
    file: str
    lineno: int


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One rung of the ladder: `20m remind`, `30m hand_over co_owner`. `role`: None for the official reminder."""

    after: timedelta
    act: RungAct
    role: SopRole | None


@dataclass(frozen=True, kw_only=True)
class DeliveryPolicy:
    """What happens until somebody has confirmed, from the release on.

    `words`: the blocks of its cards, by occasion: prompt (at the release), card, tell, hand_over, missed.
    """

    id: str
    words: Mapping[str, str]
    senders: tuple[SopRole, ...]
    rungs: tuple[Rung, ...]
    max_official_reminds: int
    escalate_to: SopRole

    @property
    def length(self) -> timedelta:
        """The distance of the last rung."""
        return max((rung.after for rung in self.rungs), default=timedelta(0))


@dataclass(frozen=True, kw_only=True)
class SopGuard:
    """Limits around all steps of a template. Quiet hours are local, `quiet_from` inclusive, `quiet_until` exclusive."""

    quiet_from: time
    quiet_until: time
    min_gap: timedelta  # Between a mass-send and what the group read before it.
    limit_mode: LimitMode
    month_budget: int | None  # Own limit below the platform's; None without one.
    daily_cap_per_member: int  # One-to-one messages of all SOPs to one person a day.
    staff_min_interval: timedelta  # Between two cards to the same member of staff.
    openings_per_owner: int  # Openings of one owner on one day; the rest is staggered.
    min_members: int  # The opening waits for so many,
    min_members_until: time  # until this time of D0; then it moves to the next day.
    exclusive_with: tuple[str, ...]  # Templates that may not run for the same target.
    kill_switch: bool  # Stopping one of the template's lines stops it.
    no_sale: NoSale


@dataclass(frozen=True, kw_only=True)
class Branch:
    """How a step answers a turn of events: `limit_reached: sidebar`."""

    case: BranchCase
    act: BranchAct


@dataclass(frozen=True, kw_only=True)
class ExitRule:
    """When a target leaves, and what happens then. `requires_all`: all conditions, else any of them."""

    id: str
    requires_all: bool
    conditions: tuple[Measure, ...]
    act: ExitAct
    target: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of a template. `begins` and `ends`: distances from the clock's zero."""

    key: str
    title: str
    mission: str
    clock: SopClock
    begins: timedelta
    ends: timedelta


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to do. `number` is for people: "1.2".

    `deliveries`: the first is the main one. `content`: ids of blocks; a repeating step takes them in turn.
    `repeats_for`: how long after the anchor a repeating schedule goes on; None: as long as the enrolment.
    """

    key: str
    number: str
    stage: str
    title: str
    part: StepPart
    anchor: Anchor
    schedule: Schedule
    schedule_text: str
    repeats_for: timedelta | None
    window: Window
    days: SopDays
    calendar_policy: CalendarPolicy
    quiet_policy: QuietPolicy
    past_policy: PastPolicy
    depends_on: tuple[Dependency, ...]
    min_gap: timedelta | None  # None: the guard's for mass-sends, none for others.
    audience: AudienceRule
    executor: SopRole
    deliveries: tuple[DeliveryCode, ...]
    quota_cost: int
    content: tuple[str, ...]
    success: tuple[Measure, ...]
    policy: str  # Id of the delivery policy, "" without one.
    on_missed: OnMissed
    branches: tuple[Branch, ...]
    is_optional: bool  # Leaving it out costs nothing in the score.
    file: str
    lineno: int

    @property
    def is_mass_send(self) -> bool:
        """Say whether the step costs one of the group's mass-sends."""
        return self.deliveries[0] is DeliveryCode.MASS_SEND

    @property
    def speaks_in_group(self) -> bool:
        """Say whether the whole group reads it."""
        by_group = self.deliveries[0] in (DeliveryCode.MASS_SEND, DeliveryCode.SIDEBAR)
        return by_group and self.audience.text == "everyone"

    def branch(self, case: BranchCase) -> BranchAct:
        """Return what the step does in a case; moving on where it does not say."""
        return next((branch.act for branch in self.branches if branch.case is case), BranchAct.MOVE)


@dataclass(frozen=True, kw_only=True)
class Template:
    """A whole SOP as read from its folder.

    `steps`: by rhythm, each in the order of the files. `blocks` hold every word. `digest`: SHA-256 hex over all files
    of the folder, so that a changed template is a new version.
    """

    id: str
    version: int
    kind: SopKind
    scene: str
    title: str
    lines: tuple[Line, ...]  # Stopping one of them stops the SOP.
    zone: ZoneInfo
    lock_before: timedelta  # No edits of a step so shortly before it is due.
    rhythms: Mapping[str, str]  # Name to Chinese title; the first is the default.
    reentry: Reentry
    stages: tuple[Stage, ...]
    steps: Mapping[str, tuple[Step, ...]]
    blocks: Mapping[str, ContentBlock]
    policies: Mapping[str, DeliveryPolicy]
    guard: SopGuard
    exits: tuple[ExitRule, ...]
    digest: str
    folder: str

    @property
    def default_rhythm(self) -> str:
        """The rhythm of a group for which nobody chose one."""
        return next(iter(self.rhythms))

    def stage(self, key: str) -> Stage:
        """Return a stage; raises KeyError for one that is not there."""
        found = next((stage for stage in self.stages if stage.key == key), None)
        if found is None:
            raise KeyError(key)
        return found

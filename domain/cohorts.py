"""Cohorts: who of those who joined a group had gone 24, 48, 72 hours and 7 days after they came, and what it says.

Pure. Figures come from stays (domain/stays.py) and keep what they were counted from: numerator, denominator and who was
left out. Definitions are those of the operations metrics ("退群率 24 h / 48 h / 72 h / 7 d"); ours besides:

* A person counts once a group, by the first stay; who left and came back has left. Later stays are counted apart.
* Only customers count: staff, and members of other companies, are left out, and so is whoever came before anybody told.
* Who was removed by the owner or an administrator stays in the denominator and is shown apart from those who left.
* Who went between two looks, on both sides of the hour, is counted as uncertain: the rate has bounds then. A look
  within LOOK_SLACK of the hour tells enough. Alarms act on what is certain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.groups import GroupMember, MemberKind, QuitScene
from domain.stays import EndKnown

GATES = (24, 48, 72, 168)
# A list read so shortly after a member's hour stands for that hour (scheduler/gate_watch.py reads it then).
LOOK_SLACK = timedelta(minutes=15)

BURST_QUITS = 3
BURST_WITHIN = timedelta(minutes=10)
# Rates act only from so many (the paragraph "Quits" of the operations manual).
LEAST_QUITTERS = 5
LEAST_MEMBERS = 20
PAUSE_ABOVE = 0.15  # Of those who stayed a day: gone before 72 hours.
WARN_ABOVE = 0.15  # Gone within 7 days; crypoe.com/archives/1262, a start value.


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """How many stays a figure does not count, and why. `returned`: later stays of persons who count already."""

    staff: int = 0
    others: int = 0
    unknown_join: int = 0
    returned: int = 0


@dataclass(frozen=True, kw_only=True)
class QuitRate:
    """Who had left `hours` after joining. `members`: joined and old enough, the denominator; `young`: not old enough.

    `left`: gone by then for certain. `uncertain`: gone, but perhaps only later. `removed`: taken out by then, not in
    `left`. `unseen`: still in as far as we know, but no whole list was read since their hour.
    """

    hours: int
    members: int
    left: tuple[str, ...]
    uncertain: tuple[str, ...]
    removed: tuple[str, ...]
    young: int
    unseen: int
    left_out: LeftOut

    @property
    def rate(self) -> float | None:
        """The share that left for certain; None without anybody old enough. With `highest` these are the bounds."""
        return len(self.left) / self.members if self.members else None

    @property
    def highest(self) -> float | None:
        """The share if every uncertain one left in time."""
        return (len(self.left) + len(self.uncertain)) / self.members if self.members else None

    @property
    def retained(self) -> int:
        """How many had not left: the numerator of retention, which is 1 - rate."""
        return self.members - len(self.left)

    @property
    def is_enough(self) -> bool:
        """Say whether the counts are large enough for a rate to mean something."""
        return len(self.left) >= LEAST_QUITTERS and self.members >= LEAST_MEMBERS


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """The customers of a group after `at`: how many are in, joined and left since the beginning; stays, not persons."""

    at: datetime
    present: int
    joined: int
    left: int


class GateClass(StrEnum):
    """What a member has done by a gate; the last that holds, in this order."""

    UNKNOWN = "unknown"  # Still in; nothing could be measured.
    SILENT = "silent"  # Still in; measured, and nothing was seen.
    INTERACTED = "interacted"  # Read or tapped something.
    SPOKE = "spoke"
    ASKED = "asked"
    LEFT = "left"  # By himself, or nobody told how.
    REMOVED = "removed"  # By the owner or an administrator.
    UNCERTAIN = "uncertain"  # Gone, perhaps only after the gate.


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What was seen of a member until a gate; None: it cannot be measured."""

    asked: bool | None = None
    spoke: bool | None = None
    interacted: bool | None = None


class AlarmKind(StrEnum):
    """What the quits of a group say."""

    BURST = "burst"  # Three within ten minutes: look at the tags and the last message. Never pauses.
    RATE_24_72 = "rate_24_72"  # Too many of those who stayed a day are gone before 72 hours: pause.
    RATE_7D = "rate_7d"  # Too many gone within a week: a warning.


@dataclass(frozen=True, kw_only=True)
class QuitAlarm:
    """Something a person has to look at. `key`: the same for the same thing. `quits` of `members` (0 for a burst)."""

    kind: AlarmKind
    key: str
    at: datetime
    quits: int
    members: int = 0

    @property
    def pauses(self) -> bool:
        return self.kind is AlarmKind.RATE_24_72


class SourceKind(StrEnum):
    """By what a member's source is told."""

    WAY = "way"  # The state of the join way (进群方式) that was scanned.
    INVITER = "inviter"  # Who invited, a UserID.
    SCENE = "scene"  # Invited, by link, scanned.
    RELATION = "relation"  # The state of the contact way of an advisor.
    TAG = "tag"  # A company tag an advisor gave.


@dataclass(frozen=True, kw_only=True, order=True)
class Source:
    """Where a member came from; `name` as the platform tells it, "" where it does not tell."""

    kind: SourceKind
    name: str


@dataclass(frozen=True, kw_only=True)
class SourceQuits:
    """A source: how many joined, `members` of them old enough, and of these how many left by then, or perhaps did."""

    source: Source
    joined: int
    members: int
    left: int
    uncertain: int

    @property
    def rate(self) -> float | None:
        return self.left / self.members if self.members else None


def counted(stays: Iterable[GroupMember], since: datetime | None = None) -> tuple[list[GroupMember], LeftOut]:
    """Return the stays that count, the first of each customer by the hour of joining, and what was left out.

    `since`: who joined before is another cohort and not counted at all, nor is a return of such a person.
    """
    chosen: dict[str, GroupMember] = {}
    staff = others = unknown = returned = 0
    for one in sorted(stays, key=_by_joining):
        if one.kind is MemberKind.STAFF:
            staff += 1
        elif one.kind is MemberKind.OTHER:
            others += 1
        elif one.joined_at is None:
            unknown += 1
        elif one.member_platform_id in chosen:
            returned += 1
        else:
            chosen[one.member_platform_id] = one
    kept = [one for one in chosen.values() if since is None or _joined(one) >= since]
    return kept, LeftOut(staff=staff, others=others, unknown_join=unknown, returned=returned)


def quit_rate(
    stays: Sequence[GroupMember],
    hours: int,
    now: datetime,
    *,
    since: datetime | None = None,
    seen_at: datetime | None = None,
) -> QuitRate:
    """Return the quit rate of one group's stays at `hours` after each member's joining.

    `since`: only of those who joined then or later. `seen_at`: when the group's whole list was last read.
    """
    members, left_out = counted(stays, since)
    old = [one for one in members if gate_at(one, hours) <= now]
    found: dict[GateClass | None, list[str]] = defaultdict(list)
    for one in old:
        found[_gone_by(one, hours)].append(one.member_platform_id)
    unseen = sum(1 for one in old if one.quit_at is None and not _was_seen(one, hours, seen_at))
    return QuitRate(
        hours=hours,
        members=len(old),
        left=tuple(sorted(found[GateClass.LEFT])),
        uncertain=tuple(sorted(found[GateClass.UNCERTAIN])),
        removed=tuple(sorted(found[GateClass.REMOVED])),
        young=len(members) - len(old),
        unseen=unseen,
        left_out=left_out,
    )


def curve(stays: Iterable[GroupMember]) -> tuple[CurvePoint, ...]:
    """Return how many customers were in, at each moment at which that changed.

    Every stay counts here, returns too; not those whose beginning nobody told. Whose end lies between two looks is in
    until the second.
    """
    steps: dict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    for one in stays:
        if one.kind is MemberKind.CUSTOMER and one.joined_at is not None:
            steps[one.joined_at][0] += 1
            if one.quit_at is not None:
                steps[one.quit_at][1] += 1
    points: list[CurvePoint] = []
    joined = left = 0
    for at in sorted(steps):
        joined, left = joined + steps[at][0], left + steps[at][1]
        points.append(CurvePoint(at=at, present=joined - left, joined=joined, left=left))
    return tuple(points)


def gate_at(stay: GroupMember, hours: int) -> datetime:
    """Return when a member whose coming is known is so old."""
    return _joined(stay) + timedelta(hours=hours)


def classify(stay: GroupMember, hours: int, activity: Activity) -> GateClass:
    """Return what a member has done by the gate at `hours`; the stay is one that counts (`counted`)."""
    gone = _gone_by(stay, hours)
    if gone is not None:
        return gone
    if activity.asked:
        return GateClass.ASKED
    if activity.spoke:
        return GateClass.SPOKE
    if activity.interacted:
        return GateClass.INTERACTED
    is_measured = activity.spoke is False or activity.interacted is False
    return GateClass.SILENT if is_measured else GateClass.UNKNOWN


def find_alarms(
    stays: Sequence[GroupMember], now: datetime, *, since: datetime | None = None
) -> list[QuitAlarm]:
    """Return what the quits of one group say now, by time. The quit rate of the first 24 hours is no alarm."""
    members, _ = counted(stays, since)
    alarms = bursts(stays, since)
    stayed = [one for one in members if gate_at(one, 24) <= now and not _gone_by(one, 24)]
    gone = [one for one in stayed if _gone_by(one, 72) is GateClass.LEFT]
    enough = len(gone) >= LEAST_QUITTERS and len(stayed) >= LEAST_MEMBERS
    if enough and len(gone) / len(stayed) > PAUSE_ABOVE:
        alarms.append(_rate_alarm(AlarmKind.RATE_24_72, gone, len(stayed)))
    week = quit_rate(stays, 168, now, since=since)
    if week.is_enough and week.rate is not None and week.rate > WARN_ABOVE:
        names = set(week.left)
        quitters = [one for one in members if one.member_platform_id in names]
        alarms.append(_rate_alarm(AlarmKind.RATE_7D, quitters, week.members))
    return sorted(alarms, key=lambda alarm: (alarm.at, alarm.kind))


def bursts(stays: Iterable[GroupMember], since: datetime | None = None) -> list[QuitAlarm]:
    """Return the times when three or more customers left within ten minutes; one alarm for an unbroken run.

    Only quits told at their time count: those found by a look all bear the time of the look. The key names the hour, so
    that an event which comes late makes no second alarm of one burst.
    """
    quits = sorted(
        one.quit_at
        for one in stays
        if one.kind is MemberKind.CUSTOMER
        and one.quit_at is not None
        and one.quit_known is EndKnown.EVENT
        and one.quit_scene != QuitScene.REMOVED
        and (since is None or one.quit_at >= since)
    )
    runs: list[list[datetime]] = []
    for first in range(len(quits) - BURST_QUITS + 1):
        window = quits[first : first + BURST_QUITS]
        if window[-1] - window[0] > BURST_WITHIN:
            continue
        if runs and window[0] <= runs[-1][-1]:
            runs[-1].append(window[-1])
        else:
            runs.append(list(window))
    return [
        QuitAlarm(kind=AlarmKind.BURST, key=f"burst {run[0]:%Y%m%dT%H}", at=run[-1], quits=len(run))
        for run in runs
    ]


def by_source(
    stays: Sequence[GroupMember],
    now: datetime,
    sources: Mapping[int, Collection[Source]],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    hours: int | None = 24,
) -> list[SourceQuits]:
    """Return for each source how its members fared in their first day: the tag-quality report.

    `stays`: of one group. `sources`: by the id of a stay, all it came from; it counts in each. `since` and `until`
    (exclusive): when they joined. `hours`: another gate; None: whoever left so far, however old. The worst come first.
    Reports of several groups add up with `added_up`.
    """
    members, _ = counted(stays, since)
    rows: dict[Source, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in members:
        if until is not None and _joined(one) >= until:
            continue
        is_old = hours is None or gate_at(one, hours) <= now
        gone = _gone_by(one, hours) if is_old else None
        for source in sources.get(one.id, ()):
            row = rows[source]
            row[0] += 1
            row[1] += is_old
            row[2] += gone is GateClass.LEFT
            row[3] += gone is GateClass.UNCERTAIN
    return _sorted(rows)


def added_up(reports: Iterable[Sequence[SourceQuits]]) -> list[SourceQuits]:
    """Return the reports of several groups as one."""
    rows: dict[Source, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in (line for report in reports for line in report):
        for place, figure in enumerate((one.joined, one.members, one.left, one.uncertain)):
            rows[one.source][place] += figure
    return _sorted(rows)


def _sorted(rows: Mapping[Source, Sequence[int]]) -> list[SourceQuits]:
    found = [
        SourceQuits(source=source, joined=row[0], members=row[1], left=row[2], uncertain=row[3])
        for source, row in rows.items()
    ]
    return sorted(found, key=lambda one: (one.source.kind, -(one.rate or 0.0), -one.joined, one.source.name))


def _rate_alarm(kind: AlarmKind, quitters: Sequence[GroupMember], members: int) -> QuitAlarm:
    at = max(one.quit_at for one in quitters if one.quit_at is not None)
    return QuitAlarm(kind=kind, key=str(kind), at=at, quits=len(quitters), members=members)


def _gone_by(stay: GroupMember, hours: int | None) -> GateClass | None:
    """Return how the stay had ended `hours` after it began: LEFT, REMOVED or UNCERTAIN; None when it had not.

    `hours` None: by now.
    """
    if stay.quit_at is None:
        return None
    gate = stay.quit_at if hours is None else gate_at(stay, hours)
    if stay.quit_known in (None, EndKnown.EVENT):
        by_whom = GateClass.REMOVED if stay.quit_scene == QuitScene.REMOVED else GateClass.LEFT
        return by_whom if stay.quit_at <= gate else None
    if stay.quit_at <= gate + LOOK_SLACK:
        return GateClass.LEFT
    earliest = stay.quit_after or _joined(stay)
    return None if earliest >= gate - LOOK_SLACK else GateClass.UNCERTAIN


def _was_seen(stay: GroupMember, hours: int, seen_at: datetime | None) -> bool:
    return seen_at is not None and seen_at >= gate_at(stay, hours)


def _joined(stay: GroupMember) -> datetime:
    assert stay.joined_at is not None
    return stay.joined_at


def _by_joining(stay: GroupMember) -> tuple[bool, datetime, int]:
    moment = stay.joined_at or stay.quit_at
    assert moment is not None
    return stay.joined_at is None, moment, stay.id

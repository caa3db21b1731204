"""Small values of SOP files as people write them: distances, times, schedules, measures, rungs.

Pure. Each `parse_` function raises ValueError with the right way of writing; the loaders turn that into a mistake with
file and line. The notation is that of docs/sop.md.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from domain.sop import (
    At,
    Branch,
    BranchAct,
    BranchCase,
    Dates,
    Day,
    Dependency,
    Every,
    Measure,
    Monthly,
    Offset,
    Rung,
    RungAct,
    Schedule,
    SopRole,
    Weekly,
)

# What a step may be judged by; where it is measured stands in docs/sop.md.
MEASURES = frozenset(
    [
        "points",
        "mandatory_open",
        "approved_rate",
        "duplicates",
        "mismatched_rate",
        "bound",
        "seen_time",
        "confirm_time",
        "speakers",
        "cues_done",
        "open_questions",
        "read",
        "quits_recorded",
        "quit_rate_24h",
        "retention_72h",
        "questions",
        "first_response",
        "overdue_rate",
        "reply_rate",
        "topic_known_rate",
        "interest_rate",
        "opened_rate",
        "complaints",
        "answered_rate",
        "satisfaction",
        "feedback_rate",
        "muted",
        "score",
        "dismissed",
        "members",
    ]
)
_DURATION = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_CALL = re.compile(r"([a-z]+)\((.*)\)")
_MEASURE = re.compile(
    r"([a-z0-9_]+)\s*(>=|<=|==|<|>)\s*(\d+(?:\.\d+)?)(%|[wdhm](?:[\dwdhm]*))?(?:\s+within\s+(\w+))?"
)
_WEEKDAYS = {name: place for place, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
_LAST_DAY = 31
_MOST_DAYS = 3660  # Ten years; more is a slip of the keyboard.


def parse_duration(text: str) -> timedelta:
    """Return the duration of "30m", "24h", "1h30m", "2d", "1w" or "0"."""
    if text == "0":
        return timedelta(0)
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError('"30m", "24h", "1h30m", "2d", "1w"')
    weeks, days, hours, minutes = (int(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)


def parse_time(text: str) -> time:
    """Return the local time of "10:00"."""
    found = _TIME.fullmatch(text.strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError('"10:00"')
    return time(int(found[1]), int(found[2]))


def parse_schedule(text: str) -> Schedule:
    """Return the schedule of "day(2, 10:00)", "offset(24h)", "weekly(mon thu, 10:00)" and so on."""
    found = _CALL.fullmatch(text.strip())
    reader = _SCHEDULES.get(found[1]) if found else None
    if found is None or reader is None:
        raise ValueError(_SCHEDULE_FORMS)
    try:
        return reader([part.strip() for part in found[2].split(",")])
    except (ValueError, IndexError, KeyError):
        raise ValueError(_SCHEDULE_FORMS) from None


def parse_dependency(text: str) -> Dependency:
    """Return the dependency of "opening" or "notice + 24h"."""
    step, plus, gap = (part.strip() for part in text.partition("+"))
    if not re.fullmatch(r"[a-z0-9_]+", step) or (plus and not gap):
        raise ValueError('"notice", "notice + 24h"')
    return Dependency(step=step, gap=parse_duration(gap) if plus else timedelta(0))


def parse_measure(text: str) -> Measure:
    """Return the measure of "confirm_time <= 30m", "opened_rate >= 30%" or "speakers >= 5 within 2h"."""
    found = _MEASURE.fullmatch(text.strip())
    if found is None:
        raise ValueError('"confirm_time <= 30m", "opened_rate >= 30%", "speakers >= 5 within 2h"')
    name, comparison, number, unit, within = found.groups()
    if name not in MEASURES:
        raise ValueError(", ".join(sorted(MEASURES)))
    value = float(number)
    if unit == "%":
        value /= 100
    elif unit:
        value = parse_duration(number + unit).total_seconds()
    return Measure(
        name=name,
        comparison=comparison,
        value=value,
        within=parse_duration(within) if within else None,
        text=text.strip(),
    )


def parse_rung(text: str) -> Rung:
    """Return the rung of "10m card owner", "20m remind", "30m hand_over co_owner"."""
    forms = '"10m card owner", "20m remind", "30m tell supervisor", "40m hand_over co_owner"'
    after, act, *role = text.split() or [""]
    if not act or act not in list(RungAct) or len(role) != (0 if act == RungAct.REMIND else 1):
        raise ValueError(forms)
    if role and role[0] not in list(SopRole):
        raise ValueError(", ".join(SopRole))
    return Rung(after=parse_duration(after), act=RungAct(act), role=SopRole(role[0]) if role else None)


def parse_branch(text: str) -> Branch:
    """Return the branch of "limit_reached: sidebar"."""
    case, _, act = (part.strip() for part in text.partition(":"))
    if case not in list(BranchCase) or act not in list(BranchAct):
        raise ValueError(f"CASE: ACT; CASE = {', '.join(BranchCase)}; ACT = {', '.join(BranchAct)}")
    return Branch(case=BranchCase(case), act=BranchAct(act))


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007  Local in the template's zone.


def _at(parts: list[str]) -> Schedule:
    (moment,) = parts
    return At(moment=_moment(moment))


def _offset(parts: list[str]) -> Schedule:
    (after,) = parts
    return Offset(after=parse_duration(after))


def _day(parts: list[str]) -> Schedule:
    day, at = parts
    if abs(int(day)) > _MOST_DAYS:
        raise ValueError
    return Day(day=int(day), at=parse_time(at))


def _weekly(parts: list[str]) -> Schedule:
    days, at = parts
    return Weekly(weekdays=tuple(sorted({_WEEKDAYS[day] for day in days.split()})), at=parse_time(at))


def _monthly(parts: list[str]) -> Schedule:
    day, at = parts
    if not 1 <= int(day) <= _LAST_DAY:
        raise ValueError
    return Monthly(day=int(day), at=parse_time(at))


def _every(parts: list[str]) -> Schedule:
    interval, between = parts
    opens, _, closes = between.partition("-")
    made = Every(interval=parse_duration(interval), opens=parse_time(opens), closes=parse_time(closes))
    if made.interval < timedelta(minutes=1) or made.opens >= made.closes:
        raise ValueError
    return made


def _dates(parts: list[str]) -> Schedule:
    return Dates(moments=tuple(sorted({_moment(part) for part in parts})))


_SCHEDULES = {
    "at": _at,
    "offset": _offset,
    "day": _day,
    "weekly": _weekly,
    "monthly": _monthly,
    "every": _every,
    "calendar": _dates,
}
_SCHEDULE_FORMS = (
    '"day(2, 10:00)", "offset(24h)", "weekly(mon thu, 10:00)", "monthly(15, 10:00)", "every(4h, 10:00-18:00)", '
    '"at(2026-12-31 10:00)", "calendar(2026-12-31 10:00, 2027-01-20 10:00)"'
)

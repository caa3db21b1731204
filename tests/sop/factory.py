"""Steps, rules and templates for tests; what a test does not care about is filled in."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from content import sop_files, sop_values
from domain.sop import (
    Anchor,
    AnchorKind,
    AudienceRule,
    CalendarPolicy,
    DeliveryCode,
    Dependency,
    LimitMode,
    NoSale,
    OnMissed,
    PastPolicy,
    QuietPolicy,
    SopDays,
    SopGuard,
    SopRole,
    Step,
    StepPart,
    Template,
    Term,
    Window,
)
from scheduler import calendars
from scheduler.timetable import Rules
from tests.content import shipped

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVERYONE = AudienceRule(expression=Term(name="everyone"), text="everyone")
_RUNS = {DeliveryCode.SYSTEM, DeliveryCode.WELCOME, DeliveryCode.KF}


@functools.cache
def template(name: str = "finance_week1") -> Template:
    """Return a shipped template."""
    rules = sop_files.load_rules(shipped.FOLDER)
    return sop_files.load(shipped.FOLDER, rules, shipped.TODAY).templates[name]


def guard(**changes: Any) -> SopGuard:
    """Return the usual guard with changes."""
    usual: dict[str, Any] = {
        "quiet_from": time(21),
        "quiet_until": time(9),
        "min_gap": timedelta(hours=2),
        "limit_mode": LimitMode.MONTH,
        "month_budget": None,
        "daily_cap_per_member": 1,
        "staff_min_interval": timedelta(minutes=10),
        "openings_per_owner": 2,
        "min_members": 0,
        "min_members_until": time(15),
        "exclusive_with": (),
        "kill_switch": True,
        "no_sale": NoSale.ALWAYS,
    }
    return SopGuard(**{**usual, **changes})


def rules(used: Mapping[date, int] | None = None, **changes: Any) -> Rules:
    """Return the usual rules; `changes` go to the guard."""
    return Rules(guard=guard(**changes), calendar=calendars.packaged(), zone=SHANGHAI, used=used or {})


def step(key: str = "step", schedule: str = "day(0, 10:00)", **changes: Any) -> Step:
    """Return a mass-send counted from the opening, with changes; `after` names steps it depends on."""
    after = [sop_values.parse_dependency(text) for text in changes.pop("after", [])]
    window = changes.pop("window", timedelta(hours=2))
    code = changes.pop("code", DeliveryCode.MASS_SEND)
    usual: dict[str, Any] = {
        "number": "",
        "stage": "week",
        "title": key,
        "part": StepPart.OTHER,
        "anchor": Anchor(kind=AnchorKind.GROUP_OPENED),
        "repeats_for": None,
        "days": SopDays.ANY,
        "calendar_policy": CalendarPolicy.SEND,
        "quiet_policy": QuietPolicy.RUN if code in _RUNS else QuietPolicy.WAIT,
        "past_policy": PastPolicy.NEXT_SLOT,
        "min_gap": None,
        "audience": EVERYONE,
        "executor": SopRole.OWNER,
        "quota_cost": 0,
        "content": (),
        "success": (),
        "policy": "",
        "on_missed": OnMissed.SKIP,
        "branches": (),
        "is_optional": False,
        "file": "steps.toml",
        "lineno": 1,
    }
    depends: tuple[Dependency, ...] = tuple(after)
    return Step(
        **{
            **usual,
            "key": key,
            "schedule": sop_values.parse_schedule(schedule),
            "schedule_text": schedule,
            "window": Window(length=window, expire_after=changes.pop("expire_after", window)),
            "depends_on": depends,
            "deliveries": (code,),
            **changes,
        }
    )


def local(moment: datetime) -> str:
    """Return a moment by the clock in Shanghai: "2026-11-23 10:00"."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def shanghai(text: str) -> datetime:
    """Return the moment of "2026-11-23 10:00" by the clock in Shanghai, in UTC."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI).astimezone(UTC)

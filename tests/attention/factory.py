"""Notices for tests; what a test does not care about is filled in."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.attention import NewNotice, Notice, NoticeKind, NoticeState

SHANGHAI = ZoneInfo("Asia/Shanghai")
_numbers = itertools.count(1)


def at(text: str, day: str = "2026-11-23") -> datetime:
    """Return the moment of "10:00" by the clock in Shanghai, in UTC; 2026-11-23 is a Monday."""
    return datetime.strptime(f"{day} {text}", "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI).astimezone(UTC)


def new(due_at: datetime, **changes: Any) -> NewNotice:
    """Return a notice of a step to the advisor Wang."""
    usual: dict[str, Any] = {
        "key": f"notice-{next(_numbers)}",
        "recipient": "wang",
        "kind": NoticeKind.STEP,
        "title": "Greet the newcomers",
    }
    return NewNotice(**{**usual, "due_at": due_at, **changes})


def notice(due_at: datetime, **changes: Any) -> Notice:
    """Return the same as it waits in the store."""
    number = next(_numbers)
    usual: dict[str, Any] = {
        "id": number,
        "key": f"notice-{number}",
        "recipient": "wang",
        "kind": NoticeKind.STEP,
        "title": "Greet the newcomers",
        "state": NoticeState.WAITING,
        "created_at": due_at,
    }
    return Notice(**{**usual, "due_at": due_at, **changes})

"""Talks written as lines of text, as tests/audit/sessions.toml has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.config.table import parse_hours
from domain.audit import ASSIGNED, Said
from domain.hours import ServiceHours
from domain.talk import Author
from domain.working_time import WorkingCalendar

ZONE = ZoneInfo("Asia/Shanghai")
_AUTHORS = {
    "C": Author.CUSTOMER,
    "A": Author.SERVICER,
    "P": Author.SERVICER,
    "B": Author.BOT,
    "W": Author.BOT,
    "S": Author.SYSTEM,
}


def calendar(
    hours: Sequence[str] = ("mon-sun 09:00-21:00",), closed_on: Sequence[str] = ()
) -> WorkingCalendar:
    """Return the calendar of these opening hours in China."""
    days = frozenset(datetime.fromisoformat(str(day)).date() for day in closed_on)
    return WorkingCalendar(ServiceHours(zone=ZONE, periods=parse_hours(list(hours)), closed_on=days))


def moment(day: str, time: str) -> datetime:
    """Return a moment of November 2026 in China."""
    return datetime.fromisoformat(f"2026-11-{day} {time}").replace(tzinfo=ZONE).astimezone(UTC)


def said(lines: str) -> list[Said]:
    """Return what the lines say, numbered in their order."""
    return [_said(number, line) for number, line in enumerate(lines.strip().splitlines(), 1)]


def _said(number: int, line: str) -> Said:
    day, time, who, *rest = line.split(" ", 3)
    text = rest[0] if rest else ""
    letter, name = who[0], who[1:].strip("~!").lstrip(":>")
    author = _AUTHORS[letter]
    kind = text[1:-1] if text.startswith("[") and text.endswith("]") and text.isascii() else "text"
    decision = {"S": ASSIGNED, "B": "handover" if "!" in who else "answer"}.get(letter, "")
    return Said(
        id=number,
        conversation_id=1,
        msgid=f"m{number}",
        author=author,
        kind="event" if author is Author.SYSTEM else kind,
        sent_at=moment(day, time),
        text=text if kind == "text" else "",
        staff_id=name if author in (Author.SERVICER, Author.SYSTEM) else "",
        sender_id=name if author is Author.CUSTOMER else "",
        is_recalled="~" in who,
        is_scheduled=letter in "WP",
        decision=decision,
    )


def later(messages: Sequence[Said], days: int = 9) -> datetime:
    """Return a moment when every session of these is over."""
    return max(one.sent_at for one in messages) + timedelta(days=days)

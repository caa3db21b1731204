"""Reading JSON answers of the platform: what is left out or of another type is empty, never an error."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def text(entry: dict[str, Any], name: str) -> str:
    """Return a text or a number as text, else ""."""
    value = entry.get(name)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def number(entry: dict[str, Any], name: str, default: int = 0) -> int:
    """Return a whole number, also one written as text, else `default`."""
    try:
        return int(entry.get(name, default))
    except (TypeError, ValueError):
        return default


def texts(entry: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return the texts of a list."""
    values = entry.get(name)
    return tuple(one for one in values if isinstance(one, str) and one) if isinstance(values, list) else ()


def objects(entry: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects of a list."""
    values = entry.get(name)
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def inner(entry: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object under `name`, else an empty one."""
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def moment(entry: dict[str, Any], name: str) -> datetime | None:
    """Return a time given in Unix seconds, None when there is none."""
    seconds = number(entry, name)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None

"""Days as people say them."""

from __future__ import annotations

from datetime import date


def spoken(day: date) -> str:
    """Return a day without its year: 12月4日."""
    return f"{day.month}月{day.day}日"

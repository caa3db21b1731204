"""How many mass-sends the platform still allows a group. Pure."""

from __future__ import annotations

import calendar as months
from collections.abc import Mapping
from datetime import date, timedelta

from domain.sop import LimitMode


def left(mode: LimitMode, on: date, sent: Mapping[date, int]) -> int:
    """Return how many mass-sends a group may still receive on a day.

    `sent`: how many it received or will, by local day, that day's included. A week is taken from Monday on (the
    platform does not say, WeCom doc 92135).
    """
    if mode is LimitMode.DAY1:
        return 1 - sent.get(on, 0)
    if mode is LimitMode.WEEK7:
        monday = on - timedelta(days=on.weekday())
        return 7 - sum(sent.get(monday + timedelta(days=number), 0) for number in range(7))
    length = length_of_month(on)
    return length - sum(count for day, count in sent.items() if (day.year, day.month) == (on.year, on.month))


def length_of_month(day: date) -> int:
    """Return how many days the month of `day` has."""
    return months.monthrange(day.year, day.month)[1]

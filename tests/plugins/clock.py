"""Time that a test moves by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot import clock

# A Monday, 10:00 in China: inside service hours, no holiday.
MONDAY_MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.fixture
def frozen_clock() -> clock.FrozenClock:
    """A clock that stands at Monday 2026-11-23 10:00 in China until `advance` is called."""
    return clock.FrozenClock(MONDAY_MORNING)

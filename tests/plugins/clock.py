"""Time that a test moves by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import clock, loops
from scheduler import ticker
from tests import bells

# A Monday, 10:00 in China: inside service hours, no holiday.
MONDAY_MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.fixture
def frozen_clock() -> clock.FrozenClock:
    """A clock that stands at Monday 2026-11-23 10:00 in China until `advance` is called."""
    return clock.FrozenClock(MONDAY_MORNING)


@pytest.fixture(scope="session", autouse=True)
def bells_are_known() -> Iterator[None]:
    """Let tests/bells.py know of every loop's bell."""
    run = loops.run_loop

    async def note_and_run(
        name: str, step: ticker.Step, bell: ticker.Wakeup, *more: Any, **given: Any
    ) -> None:
        bells.note(bell, name)
        await run(name, step, bell, *more, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "run_loop", note_and_run)
        yield

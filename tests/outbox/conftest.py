"""The office, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.clock import FrozenClock, write_clock_file
from sandbox import server
from store.database import Store
from tests.outbox import office as offices
from tests.wecom import edge as wire


@pytest.fixture
async def box(tmp_path: Path, frozen_clock: FrozenClock) -> AsyncIterator[server.Box]:
    """A sandbox whose time stands where ours stands, with one group."""
    clock_file = tmp_path / "clock.json"
    write_clock_file(clock_file, virtual_at=frozen_clock.now(), rate=0.0)
    async with server.running(replace(offices.SETTINGS, clock_file=str(clock_file))) as running:
        offices.found(running)
        yield running


@pytest.fixture
async def office(box: server.Box, store: Store, frozen_clock: FrozenClock) -> AsyncIterator[offices.Office]:
    async with wire.caller(box.url, store, frozen_clock) as client:
        yield offices.Office(box=box, store=store, clock=frozen_clock, client=client)

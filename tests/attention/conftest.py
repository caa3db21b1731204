"""The office, on both engines, at Monday 08:30."""

from __future__ import annotations

import pytest

from bot.clock import FrozenClock
from store.database import Store
from tests.attention.factory import at
from tests.attention.office import Office


@pytest.fixture
def office(store: Store) -> Office:
    """An empty office on Monday 2026-11-23, 08:30 in China."""
    return Office(store=store, clock=FrozenClock(at("08:30")))

"""The pages with an audited company behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.clock import FrozenClock
from store.database import Store
from tests.boards import scene as scenes
from tests.console.conftest import Pages, Serve, pages, serve

__all__ = ["pages", "serve"]


@pytest.fixture
async def audited(store: Store, frozen_clock: FrozenClock, tmp_path: Path) -> scenes.Scene:
    """Some weeks of a small company's audit."""
    return await scenes.make(store, frozen_clock, tmp_path)


assert Pages
assert Serve

"""The office, and the house it is a part of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.database import Store
from tests.aibot import office as offices
from tests.aibot.office import Office


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """One engine is enough where no test says otherwise: what differs between them is tried in test_both_engines.py."""
    return str(request.param)


@pytest.fixture
async def office(tmp_path: Path, store: Store) -> AsyncIterator[Office]:
    """An open office whose clock stands still."""
    async with offices.office(tmp_path, store) as opened:
        yield opened

"""The village, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.people import village as villages


@pytest.fixture
async def village(tmp_path: Path, database_url: str) -> AsyncIterator[villages.Village]:
    """A village with three members, six customers and the first walk done."""
    async with villages.village(tmp_path, database_url) as made:
        yield made

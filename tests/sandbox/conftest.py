"""Fixtures of the sandbox's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.sandbox import caller


@pytest.fixture
async def app() -> AsyncIterator[caller.Caller]:
    """A caller with a token, before a sandbox with the usual settings."""
    async with caller.calling() as one:
        yield one

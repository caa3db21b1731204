"""Commands as an operator types them."""

from __future__ import annotations

import asyncio

from bot import cli


async def type_in(*words: str) -> int:
    """Run a command in a thread, as it brings a loop of its own, and return its exit code."""
    return await asyncio.to_thread(cli.main, [str(word) for word in words])

"""Ticks, and what becomes of one that is still at work when the program stops."""

from __future__ import annotations

import asyncio
import logging

import pytest

from scheduler.ticker import Ticker


async def test_a_tick_that_a_stop_cuts_short_is_no_error_4(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ticker, begun, forever = Ticker(), asyncio.Event(), asyncio.Event()

    async def act() -> None:
        begun.set()
        await forever.wait()

    ticker.every(0.01, "reap", act)
    ticker.start()
    await begun.wait()
    await ticker.stop(0.0)

    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert "tick_cut_short" in {getattr(record, "action", "") for record in caplog.records}

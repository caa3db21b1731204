"""Mark sessions of a time so that the audit judges them anew, e.g. after the scorecard changed (audit rescore).

A session whose scorecard, rules and messages are as they were stays as it is; old evaluations stay beside new ones.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import app, config
from store import audit_marks, evaluations

_AT_ONCE = 500


async def mark(settings: config.Settings, since: datetime, until: datetime) -> int:
    """Mark the conversations with sessions begun in [since, until); return how many."""
    async with app.opened(settings) as house:
        async with house.store.read() as tx:
            starts = await evaluations.list_starts(tx, since.astimezone(UTC), until.astimezone(UTC))
        found = sorted(starts.items())
        for at in range(0, len(found), _AT_ONCE):
            chunk = dict(found[at : at + _AT_ONCE])
            await house.store.write(
                functools.partial(_mark, chunk=chunk, now=house.clock.now())  # One transaction a chunk.
            )
    return len(found)


async def _mark(tx: AsyncConnection, *, chunk: dict[int, datetime], now: datetime) -> None:
    await audit_marks.mark(tx, chunk, now)

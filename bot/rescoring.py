"""Mark sessions of a time so that the audit judges them anew, e.g. after the scorecard changed (audit rescore).

A session whose scorecard, rules and messages are as they were stays as it is; old evaluations stay beside new ones.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bot import app, config
from store import audit_marks


async def mark(settings: config.Settings, since: datetime, until: datetime) -> int:
    """Mark the conversations in which something was said in [since, until); return how many."""
    async with app.opened(settings) as house:
        now = house.clock.now()
        return await house.store.write(
            lambda tx: audit_marks.mark_period(tx, since.astimezone(UTC), until.astimezone(UTC), now)
        )

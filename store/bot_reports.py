"""How the bot did in a period: wrong answers, what it could not handle, how long people took to take over.

Read only, over sessions begun in [since, until), from the figures of the bot's current evaluations.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import BOT
from store import evaluations
from store.tables import evaluation


@dataclass(frozen=True, kw_only=True)
class BotTally:
    """Counts; a rate without anything to count is None. `takeovers`: waits for a person in service hours."""

    sessions: int
    answers: int
    wrong: int
    unhandled: int
    takeovers: tuple[timedelta, ...]

    @property
    def wrong_rate(self) -> float | None:
        """Wrong ÷ answers."""
        return self.wrong / self.answers if self.answers else None

    @property
    def unhandled_rate(self) -> float | None:
        """What it could not handle ÷ all it decided."""
        decided = self.answers + self.unhandled
        return self.unhandled / decided if decided else None


async def read(tx: AsyncConnection, since: datetime, until: datetime) -> BotTally:
    """Return the bot's tally of a period."""
    wanted = sa.select(evaluation.c.figures).where(
        evaluation.c.subject == BOT,
        evaluation.c.is_current,
        evaluation.c.started_at >= since,
        evaluation.c.started_at < until,
    )
    rows = [evaluations.figures_of(body) for body in (await tx.execute(wanted)).scalars().all()]
    return BotTally(
        sessions=len(rows),
        answers=sum(one.bot_answers for one in rows),
        wrong=sum(one.bot_wrong for one in rows),
        unhandled=sum(one.bot_unhandled for one in rows),
        takeovers=tuple(wait for one in rows for wait in one.takeovers),
    )

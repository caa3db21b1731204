"""Who opened which customer's talk: written down at the first look, then at most every ten minutes while it stays open.

A page that renews itself asks every two seconds; a line for each would bury what the log is for.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console import access

if TYPE_CHECKING:
    from console.visit import Visit

_STEP = timedelta(minutes=10)
_KEPT = 5_000


class Openings:
    """What this process wrote down lately."""

    def __init__(self) -> None:
        self._recorded: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    async def record(self, visit: Visit, subject: str) -> None:
        """Write down that the visit's person opened `subject`, e.g. "conversation:12"; before the page is shown."""
        key, wall = (visit.viewer.token_digest, subject), visit.ctx.clock.wall()
        before = self._recorded.get(key)
        if before is not None and wall - before < _STEP:
            return
        now = visit.ctx.clock.now()
        await visit.write(lambda tx: access.record_opening(visit.viewer, tx, subject, now))
        self._recorded[key] = wall
        self._recorded.move_to_end(key)
        while len(self._recorded) > _KEPT:
            self._recorded.popitem(last=False)

"""The nightly worker: erases what is over its time, where a named person approved the periods, and deletes files.

Once a day after `proof.retention_at` by the company's clock; which day was done is kept in the database, so replicas
and restarts do it once.
"""

from __future__ import annotations

import logging
from datetime import time
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ports import Clock
from scheduler.erasing import Eraser
from store import dialect, instance
from store.database import Store

log = logging.getLogger(__name__)

_KEY = "retention_done_on"


class Retainer:
    """Erases by time. `approved_by`: who approved the periods, "" when erasing by time is off."""

    def __init__(
        self, store: Store, clock: Clock, eraser: Eraser, *, at: time, zone: ZoneInfo, approved_by: str
    ) -> None:
        self._store = store
        self._clock = clock
        self._eraser = eraser
        self._at = at
        self._zone = zone
        self._approved_by = approved_by

    async def look(self) -> None:
        """Do the night's work if nobody did it today."""
        moment = self._clock.now().astimezone(self._zone)
        if moment.time() < self._at:
            return
        today = moment.date().isoformat()
        if not await self._store.write(lambda tx: _take(tx, today)):
            return
        if self._approved_by:
            done = await self._eraser.erase_due(self._approved_by)
            log.info(
                "erased by time",
                extra={
                    "action": "retention_done",
                    "erased": done.erased,
                    "held": done.held,
                    "files": done.files,
                },
            )
        else:
            await self._eraser.delete_files()


async def _take(tx: AsyncConnection, today: str) -> bool:
    await dialect.lock_subjects(tx, "retention", ["night"])
    if await instance.find_value(tx, _KEY) == today:
        return False
    await instance.set_value(tx, _KEY, today)
    return True

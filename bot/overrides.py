"""Takes up the company's own file about its staff whenever it changes (people.overrides)."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from content import staff_files
from domain.ports import Clock
from store import registrations, staff
from store.database import Store

log = logging.getLogger(__name__)


class Overrides:
    """Keeps team, co-owner, deputy, leave and registrations as the file says."""

    def __init__(self, store: Store, clock: Clock, path: Path | None) -> None:
        # `mistakes`: of the file as it was last read, one sentence each.
        self._store = store
        self._clock = clock
        self._path = path
        self._seen: tuple[int, int] | None = None
        self.mistakes: tuple[str, ...] = ()

    async def look(self) -> None:
        """Read the file again when it has changed. What is wrong in it is left out; a broken file changes nothing."""
        if self._path is None:
            return
        try:
            stat = self._path.stat()
        except OSError as error:
            self._note((f"people.overrides: {self._path}: {error.strerror}",))
            return
        if self._seen == (stat.st_mtime_ns, stat.st_size):
            return
        read = await asyncio.to_thread(staff_files.load, self._path)
        self._note(read.mistakes)
        overrides = read.overrides
        if overrides is not None:
            now = self._clock.now()

            async def take_over(tx: AsyncConnection) -> None:
                await staff.set_overrides(tx, overrides, now)
                held = {one.platform_id: one.registrations for one in overrides}
                await registrations.set_all(tx, held)

            await self._store.write(take_over)
            log.info("staff file read", extra={"action": "overrides_read", "count": len(overrides)})
        self._seen = (stat.st_mtime_ns, stat.st_size)

    def _note(self, mistakes: tuple[str, ...]) -> None:
        if mistakes and mistakes != self.mistakes:
            for one in mistakes:
                log.warning("staff file: %s", one, extra={"action": "overrides_mistake"})
        self.mistakes = mistakes

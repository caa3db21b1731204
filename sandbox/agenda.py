"""What people of the pretend world will do later, in virtual time.

An act whose time has come runs at its own time: after a fast-forward of six hours an owner who meant to confirm after
ten minutes has confirmed after ten minutes, and `now` says so while the act runs.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable
from contextlib import suppress

from sandbox.clock import WorldClock
from sandbox.codes import WorldError

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.05


class Agenda:
    """Acts in the order of their times; those of one time in the order they were planned."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._acting_at: float | None = None

    def __len__(self) -> int:
        return len(self._heap)

    def now(self) -> float:
        """Virtual seconds: the time of the act that is running, or the clock's."""
        return self._clock.now() if self._acting_at is None else self._acting_at

    def at(self, moment: float, act: Callable[[], object]) -> None:
        """Plan `act` for `moment`. It may find the world changed and raise WorldError; then nothing happens."""
        heapq.heappush(self._heap, (moment, next(self._numbers), act))

    def next_at(self) -> float | None:
        """Virtual seconds of the next act; None when nothing is planned."""
        return self._heap[0][0] if self._heap else None

    def run_due(self) -> int:
        """Do everything that is due and return how much that was. Safe to call at any time, also from an act."""
        if self._acting_at is not None:
            return 0
        done = 0
        now = self._clock.now()
        try:
            while self._heap and self._heap[0][0] <= now:
                moment, _, act = heapq.heappop(self._heap)
                self._acting_at = moment
                with suppress(WorldError):
                    act()
                done += 1
        finally:
            self._acting_at = None
        return done

    async def keep_running(self) -> None:
        """Do what is due as time goes by; cancel it to stop. One act that fails does not stop the others."""
        while True:
            try:
                self.run_due()
            except Exception:
                log.exception("an act failed")
            await asyncio.sleep(LOOK_SECONDS)

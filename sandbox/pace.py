"""Fast-forward that looks where it goes: quick while nothing happens, slower when something reaches a member.

The sandbox does not know what the application has planned. It sees what arrives, a card, a mass send, a reminder, and
gives people time to act and the application time to follow; while callbacks wait it does not hurry either.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sandbox.clock import WorldClock

log = logging.getLogger(__name__)

# Virtual seconds in a real one.
DAY_RATE, NIGHT_RATE, BUSY_RATE = 3600.0, 14_400.0, 240.0
# How long, in real seconds, time goes slower after something has arrived.
BUSY_SECONDS = 0.8
LOOK_SECONDS = 0.04
# Nobody is written to at night (Beijing); it ends early enough for a look to come in between.
NIGHT_BEGINS, NIGHT_ENDS = timedelta(hours=21, minutes=30), timedelta(hours=8, minutes=15)
BEIJING = timedelta(hours=8)


class PaceMode(StrEnum):
    """What the clock's rate follows."""

    HAND = "hand"  # what somebody has set
    AUTO = "auto"  # fast, slower when something arrives
    NEXT = "next"  # fast until something arrives, then at the usual speed


class Pace:
    """Sets the clock's rate."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._arrived_at = 0.0  # time.monotonic()
        self.mode = PaceMode.HAND
        # Says that the application has not taken yet what was sent to it.
        self.is_behind: Callable[[], bool] = lambda: False
        self.on_change: Callable[[], None] | None = None

    def begin(self, mode: PaceMode) -> None:
        """From now on the rate follows `mode`; HAND leaves it at the usual speed."""
        was, self.mode = self.mode, mode
        self._arrived_at = 0.0
        if mode is PaceMode.HAND and was is not PaceMode.HAND:
            self._clock.set_rate(1)
        self.look()

    def take_hands_off(self) -> None:
        """Somebody sets the clock himself."""
        self.mode = PaceMode.HAND

    def arrived(self) -> None:
        """Something has reached a member."""
        self._arrived_at = time.monotonic()
        if self.mode is PaceMode.NEXT:
            self.begin(PaceMode.HAND)
        else:
            self.look()

    def look(self) -> None:
        """Set the rate that fits now."""
        if self.mode is PaceMode.HAND:
            return
        wanted = self._wanted()
        if wanted != self._clock.rate:
            self._clock.set_rate(wanted)
            if self.on_change:
                self.on_change()

    def _wanted(self) -> float:
        if time.monotonic() - self._arrived_at < BUSY_SECONDS or self.is_behind():
            return BUSY_RATE
        local = datetime.fromtimestamp(self._clock.now(), UTC) + BEIJING
        of_day = timedelta(hours=local.hour, minutes=local.minute)
        return NIGHT_RATE if of_day >= NIGHT_BEGINS or of_day < NIGHT_ENDS else DAY_RATE

    async def keep_looking(self) -> None:
        """Look again and again; cancel it to stop."""
        while True:
            try:
                self.look()
            except Exception:
                log.exception("the pace could not be set")
            await asyncio.sleep(LOOK_SECONDS)

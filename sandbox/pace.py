"""Fast-forward that looks where it goes: quick while nothing happens, slower when something reaches a member.

The sandbox does not know what the application has planned. It sees what arrives, a card, a mass send, a reminder, and
gives people time to act and the application time to follow; while callbacks wait it does not hurry either. It knows
when its own people will act, and whoever started both may tell it when the application will (`hint`).
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sandbox.clock import WorldClock

log = logging.getLogger(__name__)

# Virtual seconds in a real one. Few levels, because every change is written to the clock's file and told to the pages.
LEVELS = (360.0, 1200.0, 3600.0, 14_400.0)
BUSY_RATE = LEVELS[0]
# By day without a hint: an hour a second, so that the application is minutes late and not hours.
BLIND_RATE = 3600.0
# How long, in real seconds, time goes slowly after something arrived, and after something was to happen.
BUSY_SECONDS, DWELL_SECONDS = 0.55, 0.2
# A hint older than this, in real seconds, may have been overtaken by what happened since.
HINT_SECONDS = 0.2
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

    def __init__(self, clock: WorldClock, real: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._real = real
        self._arrived_at = self._passed_at = float("-inf")
        self._expected: list[float] = []
        self._hint: float | None = None
        self._hinted_at = 0.0
        self.mode = PaceMode.HAND
        # Says that the application has not taken yet what was sent to it.
        self.is_behind: Callable[[], bool] = lambda: False
        self.on_change: Callable[[], None] | None = None

    def begin(self, mode: PaceMode) -> None:
        """From now on the rate follows `mode`; HAND leaves it at the usual speed."""
        was, self.mode = self.mode, mode
        self._arrived_at = self._passed_at = float("-inf")
        if mode is PaceMode.HAND and was is not PaceMode.HAND:
            self._clock.set_rate(1)
        self.look()

    def take_hands_off(self) -> None:
        """Somebody sets the clock himself."""
        self.mode = PaceMode.HAND

    def arrived(self) -> None:
        """Something has reached a member."""
        self._arrived_at = self._real()
        if self.mode is PaceMode.NEXT:
            self.begin(PaceMode.HAND)
            if self.on_change:
                self.on_change()
        else:
            self.look()

    def expect(self, moment: float) -> None:
        """A member will act then (virtual seconds)."""
        heapq.heappush(self._expected, moment)

    def hint(self, moment: float | None) -> None:
        """The application has something to do then (virtual seconds); None: nothing, or not known."""
        self._hint, self._hinted_at = moment, self._real()
        self.look()

    def look(self) -> None:
        """Set the rate that fits now."""
        now = self._clock.now()
        while self._expected and self._expected[0] <= now:
            heapq.heappop(self._expected)
            self._passed_at = self._real()
        if self.mode is PaceMode.HAND:
            return
        wanted = self._wanted(now)
        if wanted != self._clock.rate:
            self._clock.set_rate(wanted)
            if self.on_change:
                self.on_change()

    def _wanted(self, now: float) -> float:
        real = self._real()
        knows = self._hint is not None and real - self._hinted_at < HINT_SECONDS
        if knows and self._hint is not None and self._hint <= now:
            self._passed_at = real  # The application is at it.
        is_busy = real - self._arrived_at < BUSY_SECONDS or real - self._passed_at < DWELL_SECONDS
        if is_busy or self.is_behind():
            return BUSY_RATE
        fastest = LEVELS[-1] if knows or _is_night(now) else BLIND_RATE
        moments = [
            *self._expected[:1],
            *([self._hint] if self._hint is not None and self._hint > now else []),
        ]
        if not moments:
            return fastest
        # So slow that the moment is not passed before the next look.
        nearest = min(fastest, (min(moments) - now) / (2 * LOOK_SECONDS))
        return max((level for level in LEVELS if level <= nearest), default=BUSY_RATE)

    async def keep_looking(self) -> None:
        """Look again and again; cancel it to stop."""
        while True:
            try:
                self.look()
            except Exception:
                log.exception("the pace could not be set")
            await asyncio.sleep(LOOK_SECONDS)


def _is_night(now: float) -> bool:
    local = datetime.fromtimestamp(now, UTC) + BEIJING
    of_day = timedelta(hours=local.hour, minutes=local.minute)
    return of_day >= NIGHT_BEGINS or of_day < NIGHT_ENDS

"""Frequency limits: a fixed window per key, then a block of the same length (WeCom doc 90312).

A window ends after its seconds of virtual or of real time, whichever comes first: with a stopped clock a limit must
not hold for ever, and a fast clock must not make it tighter than it is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sandbox.clock import WorldClock

MINUTE = 60.0


@dataclass(kw_only=True, slots=True)
class _Window:
    virtual_at: float
    real_at: float
    count: int = 0
    blocked: bool = False


class Limiter:
    """Counts by key."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def allows(self, key: str, per_minute: int) -> bool:
        """Count one use of `key`; False when it is over the limit or still blocked."""
        now, real = self._clock.now(), time.monotonic()
        window = self._windows.get(key)
        if window is None or now - window.virtual_at >= MINUTE or real - window.real_at >= MINUTE:
            window = self._windows[key] = _Window(virtual_at=now, real_at=real)
        window.count += 1
        if window.count > per_minute and not window.blocked:
            window.blocked = True
            window.virtual_at, window.real_at = now, real
        return not window.blocked

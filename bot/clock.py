"""The clocks: real time, time from the shared clock file, and a frozen one.

The clock file lets the sandbox, `./run` and tests move the business time of every process at once
(docs/architecture.md, "Time"). Its form: {"real_at": s, "virtual_at": s, "rate": x}, all Unix seconds;
now = virtual_at + (real now - real_at) * rate. Written by rename, so a reader never sees half a file.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

# How long a reading of the file is trusted; a stat costs about 1.5 microseconds, so this is for tidiness.
_TRUST_SECONDS = 0.02


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wall(self) -> datetime:
        return datetime.now(UTC)


class FileClock:
    """The clock that `[clock] file` names. A missing file means real time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._read_at = 0.0
        self._anchor = (0.0, 0.0, 1.0)
        self._last = 0.0

    def now(self) -> datetime:
        real = time.time()
        if real - self._read_at >= _TRUST_SECONDS or real < self._read_at:
            self._read_at = real
            self._refresh()
        real_at, virtual_at, rate = self._anchor
        self._last = max(self._last, virtual_at + (real - real_at) * rate)
        return datetime.fromtimestamp(self._last, UTC)

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def _refresh(self) -> None:
        try:
            stat = os.stat(self._path)
        except FileNotFoundError:
            return
        signature = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if signature == self._seen:
            return
        try:
            anchor = json.loads(self._path.read_text("utf-8"))
            self._anchor = (float(anchor["real_at"]), float(anchor["virtual_at"]), float(anchor["rate"]))
        except (OSError, ValueError, KeyError, TypeError):
            return  # A foreign or damaged file changes nothing; `guanjia check` names it.
        self._seen = signature


class FrozenClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("FrozenClock needs an aware datetime; add tzinfo=UTC")
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def wall(self) -> datetime:
        return self._at

    def advance(self, step: timedelta) -> None:
        """Move forward by `step`; a negative step raises ValueError."""
        if step < timedelta(0):
            raise ValueError("time does not go backwards")
        self._at += step


def write_clock_file(path: Path, *, virtual_at: datetime, rate: float) -> None:
    """Set the shared business time to `virtual_at`, running `rate` times as fast as real time."""
    anchor = {"real_at": time.time(), "virtual_at": virtual_at.timestamp(), "rate": rate}
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    beside.write_text(json.dumps(anchor), "utf-8")
    os.replace(beside, path)

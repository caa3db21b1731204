"""Virtual time, shared with every other process through one small file.

The file is JSON `{"real_at": …, "virtual_at": …, "rate": …}`: now = virtual_at + (real time - real_at) * rate.
A missing file means real time. The sandbox writes it (fast-forward buttons, control API); everybody reads it.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REREAD_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One content of the clock file. Times are Unix seconds; rate 0 is a stopped clock."""

    real_at: float
    virtual_at: float
    rate: float


class WorldClock:
    """Reads and sets virtual time. Without a path the clock lives in this process only."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._reading = Reading(real_at=0.0, virtual_at=0.0, rate=1.0)
        self._stamp: tuple[int, int, int] | None = None
        self._looked_at = -1.0
        self._latest = 0.0

    def now(self) -> float:
        """Virtual Unix seconds; never less than an earlier answer."""
        self._look()
        reading = self._reading
        moment = reading.virtual_at + (time.time() - reading.real_at) * reading.rate
        self._latest = max(self._latest, moment)
        return self._latest

    @property
    def rate(self) -> float:
        self._look()
        return self._reading.rate

    def jump(self, seconds: float) -> float:
        """Move time forward by `seconds` at the present rate and return the new time."""
        if seconds < 0:
            raise ValueError("time only goes forward")
        return self._set(self.now() + seconds, self.rate)

    def set_rate(self, rate: float) -> float:
        """Let virtual time run `rate` times as fast as real time (0 stops it) and return the present time."""
        if not 0 <= rate <= 100_000:
            raise ValueError("rate must be between 0 and 100000")
        return self._set(self.now(), rate)

    def _set(self, virtual_at: float, rate: float) -> float:
        self._reading = Reading(real_at=time.time(), virtual_at=virtual_at, rate=rate)
        if self._path is not None:
            self._write(self._path)
        return self.now()

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        reading = self._reading
        content = {"real_at": reading.real_at, "virtual_at": reading.virtual_at, "rate": reading.rate}
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
        with os.fdopen(handle, "w") as out:
            json.dump(content, out)
        os.chmod(name, 0o644)  # mkstemp makes it private, but other users' processes may read the time
        os.replace(name, path)
        self._look(force=True)

    def _look(self, *, force: bool = False) -> None:
        if self._path is None:
            return
        moment = time.monotonic()
        if not force and moment - self._looked_at < REREAD_SECONDS:
            return
        self._looked_at = moment
        try:
            stat = os.stat(self._path)
            stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if stamp != self._stamp:
                self._reading = _parse(self._path.read_text())
                self._stamp = stamp
        except FileNotFoundError:
            self._reading = Reading(real_at=0.0, virtual_at=0.0, rate=1.0)
            self._stamp = None


def _parse(content: str) -> Reading:
    parsed = json.loads(content)
    return Reading(
        real_at=float(parsed["real_at"]), virtual_at=float(parsed["virtual_at"]), rate=float(parsed["rate"])
    )

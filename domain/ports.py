"""The ports: what the inside asks of the outside. Only what has two real implementations stands here."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time (docs/architecture.md, "Time")."""

    def now(self) -> datetime:
        """Return the business time: aware, UTC. Everything a customer or operator would call a time."""
        ...

    def wall(self) -> datetime:
        """Return this machine's own time: aware, UTC. Only for leases, which must not shrink when the
        business time is moved forward."""
        ...

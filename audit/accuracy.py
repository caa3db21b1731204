"""Whether what was said agrees with the FAQ that held at that moment. Pure.

The facts and the reading of statements are content/facts.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Facts(Protocol):
    """The facts as they held at any moment."""

    def at(self, moment: datetime) -> object:
        """Return the facts that held at a moment."""

"""How customers felt in a session: at its start, at its end, at worst. Pure.

An estimate from their words (content/moods.py) where nobody rated; shown beside ratings, never instead of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from audit.turns import Turn
from content.moods import Moods
from domain.audit import Figures
from domain.talk import Author


@dataclass(frozen=True, kw_only=True)
class Feeling:
    """Moods of a session, -2 to 2."""

    start: float
    end: float
    worst: float

    @property
    def satisfaction(self) -> float:
        """Our estimate: where it ended, and half of how far it moved; -3 to 3."""
        return self.end + (self.end - self.start) / 2


def of(turns: Sequence[Turn], moods: Moods) -> Feeling | None:
    """Return how customers felt; None where none of them said a word."""
    found = [moods.of(turn.text) for turn in turns if turn.author is Author.CUSTOMER and turn.text]
    if not found:
        return None
    return Feeling(start=found[0], end=found[-1], worst=min(found))


def noted(figures: Figures | None, feeling: Feeling | None) -> Figures:
    """Return figures with the moods among them."""
    known = figures or Figures()
    if feeling is None:
        return known
    return replace(known, mood_start=feeling.start, mood_end=feeling.end, mood_worst=feeling.worst)

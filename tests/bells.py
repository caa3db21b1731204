"""Bells of the houses in this process, for tests that move the time.

A loop that waits for a time looks at the clock once a second (scheduler/ticker.py). A test that moves the clock file
rings, so that the story goes on at once. A bell rung for nothing is a step done once more; every loop allows for that.
"""

from __future__ import annotations

import weakref

from scheduler import ticker

_made: weakref.WeakSet[ticker.Wakeup] = weakref.WeakSet()


def note(bell: ticker.Wakeup) -> None:
    """Remember a bell as long as it lives."""
    _made.add(bell)


def ring() -> None:
    """Wake every loop."""
    for bell in list(_made):
        bell.ring()

"""Bells of the houses in this process, for tests that move the time.

A loop that waits for a time looks at the clock once a second (scheduler/ticker.py). A test that moves the clock file
rings, so that the story goes on at once. A bell rung for nothing is a step done once more; every loop allows for that.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection

from scheduler import ticker

_made: weakref.WeakKeyDictionary[ticker.Wakeup, str] = weakref.WeakKeyDictionary()


def note(bell: ticker.Wakeup, loop: str) -> None:
    """Remember a bell as long as it lives, and the name of its loop."""
    _made[bell] = loop


def ring(*, but: Collection[str] = ()) -> None:
    """Wake every loop but those named."""
    for bell, loop in list(_made.items()):
        if loop not in but:
            bell.ring()

"""Work of many milliseconds in a thread that gives way to the event loop.

Usually a thread that computes makes each step of the loop wait 5 ms; customers are answered meanwhile, so less here.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import TypeVar

# How long a working thread may hold the interpreter before the event loop gets it.
_BRIEF_SECONDS = 0.0002
_USUAL_SECONDS = sys.getswitchinterval()
_working = 0  # Threads at work in this process; changed on the event loop only.
_T = TypeVar("_T")


async def run(work: Callable[[], _T]) -> _T:
    """Run `work` in a thread and return what it returns."""
    global _working
    if not _working:
        sys.setswitchinterval(_BRIEF_SECONDS)
    _working += 1
    try:
        return await asyncio.to_thread(work)
    finally:
        _working -= 1
        if not _working:
            sys.setswitchinterval(_USUAL_SECONDS)

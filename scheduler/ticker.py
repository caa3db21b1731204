"""Ticks and waits: the only place besides the real clock that knows how to let time pass.

APScheduler ticks, nothing more: its job store is in memory and empty after a crash, because what is due is rows in the
database (design.md, "clock"). A loop does a step, then waits until somebody wakes it or its next time has come.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)

Step = Callable[[], Awaitable[float | None]]
Observe = Callable[[str, float], None]

# After an error a loop waits this long, so that a database that is down is not asked 1,000 times a second.
_AFTER_ERROR_SECONDS = 1.0


class Wakeup:
    """A bell: whoever has made work rings it, the loop that does the work hears it. Rings before a wait count."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the loop, now or as soon as it waits."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return when the bell rang or `seconds` have passed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), max(seconds, 0.0))
        self._rung.clear()


async def run_loop(
    name: str, step: Step, bell: Wakeup, stopping: asyncio.Event, *, longest_wait_seconds: float = 1.0
) -> None:
    """Do `step` again and again until `stopping` is set; a step that has begun is finished.

    A step returns how many seconds may pass before the next one, 0 for at once, None for the longest wait. An error of
    a step is logged and the loop goes on.
    """
    while not stopping.is_set():
        try:
            wait = await step()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("loop step failed", extra={"action": "loop_failed", "loop": name})
            wait = _AFTER_ERROR_SECONDS
        if wait == 0:
            # Give the doors a chance between two full batches.
            await asyncio.sleep(0)
            continue
        await bell.wait(longest_wait_seconds if wait is None else min(wait, longest_wait_seconds))


class Ticker:
    """Calls functions at regular intervals of real time; one at a time each, errors logged."""

    def __init__(self, observe: Observe | None = None) -> None:
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._observe = observe
        self._running: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    def every(self, seconds: float, name: str, act: Callable[[], Awaitable[None]]) -> None:
        """Call `act` every `seconds`, skipping a call while the last one still runs."""

        async def tick() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            begun = time.perf_counter()
            try:
                await act()
            except asyncio.CancelledError:
                if not self._is_stopping:
                    raise
                # A stop that could not wait longer is no error; whoever takes over does the work again.
                log.info("tick cut short by the stop", extra={"action": "tick_cut_short", "tick": name})
            except Exception:
                log.exception("tick failed", extra={"action": "tick_failed", "tick": name})
            if self._observe is not None:
                self._observe(name, time.perf_counter() - begun)

        self._scheduler.add_job(
            tick,
            "interval",
            seconds=seconds,
            id=name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.start()

    async def stop(self, seconds: float) -> None:
        """End; ticks that run get `seconds` to finish."""
        self._is_stopping = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        await end_tasks(self._running, seconds)


async def end_tasks(tasks: Iterable[asyncio.Task[None]], seconds: float) -> None:
    """Wait up to `seconds` for tasks to finish by themselves, then cancel what is left and wait for that."""
    left = {task for task in tasks if not task.done()}
    if left:
        _, left = await asyncio.wait(left, timeout=seconds)
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)

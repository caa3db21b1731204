"""The program with a bell outside: `python -m bench.woken serve …` is `python -m bot serve …` that SIGUSR1 wakes.

A bench that lets time jump cannot wait a second of real time for every loop to look at the clock. Nothing else differs,
but for what ticks every half minute of real time, in which days of the story may pass: it ticks every few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import weakref
from collections.abc import Awaitable, Callable

from scheduler import ticker

_TICK_SECONDS = 5.0
_bells: weakref.WeakSet[ticker.Wakeup] = weakref.WeakSet()


def _watch_bells() -> None:
    """Remember every bell that is made, and shorten the ticks. Before anything of the program is imported."""
    make, every = ticker.Wakeup.__init__, ticker.Ticker.every

    def made(self: ticker.Wakeup) -> None:
        make(self)
        _bells.add(self)

    def often(self: ticker.Ticker, seconds: float, name: str, act: Callable[[], Awaitable[None]]) -> None:
        every(self, min(seconds, _TICK_SECONDS), name, act)

    setattr(ticker.Wakeup, "__init__", made)  # noqa: B010  # mypy forbids to assign a method.
    setattr(ticker.Ticker, "every", often)  # noqa: B010


def _ring() -> None:
    for bell in list(_bells):
        bell.ring()


def _heard(*_: object) -> None:
    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop().call_soon_threadsafe(_ring)


def main() -> int:
    """Run the program."""
    signal.signal(signal.SIGUSR1, _heard)
    _watch_bells()
    from bot import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())

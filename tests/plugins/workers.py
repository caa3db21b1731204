"""How many processes share a whole run: `-n auto`, as ./test says when it is called without arguments.

One more than there are processors, because tests wait for servers, browsers and databases about a quarter of the time
(2 cores, 2026-11-22). Each process has its own PostgreSQL, Chromium and temporary folder, so a bigger machine stops at
eight. Without `-n` pytest runs in one process, where a debugger works.
"""

from __future__ import annotations

import os

import pytest

_MOST = 8


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the slow tests come first, so that no process still has one when the others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(optionalhook=True)  # Also without xdist: -p no:xdist.
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of processes for `-n auto`; xdist asks."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MOST, usable + 1)

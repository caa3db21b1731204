"""A test leaves nothing running.

All tests share one event loop (pyproject.toml says why), so a task that outlives its test would disturb
the next one. It fails the test that started it, and so does an exception that nobody retrieved.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator

import pytest

# What a cancelled or closing task may still take, in seconds.
_GRACE_SECONDS = 2.0


class _Complaints(logging.Handler):
    """Keeps what asyncio reports about exceptions that were never retrieved."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.fixturenames.insert(0, "nothing_left_running")


@pytest.fixture
async def nothing_left_running() -> AsyncIterator[None]:
    """Fail the test when it leaves a task or an unretrieved exception behind."""
    before = asyncio.all_tasks()
    complaints = _Complaints()
    logging.getLogger("asyncio").addHandler(complaints)
    try:
        yield
        left = {task for task in asyncio.all_tasks() - before if not _is_exempt(task)}
        if left:
            await asyncio.wait(left, timeout=_GRACE_SECONDS)
            left = {task for task in left if not task.done()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_GRACE_SECONDS)
    finally:
        logging.getLogger("asyncio").removeHandler(complaints)
    if left:
        pytest.fail(f"the test left tasks running: {sorted(_name(task) for task in left)}")
    if complaints.seen:
        pytest.fail(f"asyncio complained: {complaints.seen}")


def _is_exempt(task: asyncio.Task[object]) -> bool:
    """Say whether the task is this fixture's own or Playwright's, whose browser outlives the test."""
    code = getattr(task.get_coro(), "cr_code", None)
    return task is asyncio.current_task() or (code is not None and "playwright" in code.co_filename)


def _name(task: asyncio.Task[object]) -> str:
    return getattr(task.get_coro(), "__qualname__", None) or task.get_name()

"""SQLite without a thread per statement: the connection of the one writer, used by store/database.py.

aiosqlite hands every step of a statement to a thread and back, eight times for one statement with rows; that was half
of the program's time at 50 messages a second (measured 2026-11-21). Our writer is alone, its statements take tens of
microseconds, so they run where they stand. Only what waits for the disk, the commit, goes to a thread. A job of many
statements lets others run in between.

It has the face of an aiosqlite connection as far as SQLAlchemy's dialect asks for it (`async_creator_fn`).
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

# A job that has kept the event loop this long lets others go first.
_TURN_SECONDS = 0.005


class DirectConnection:
    """An open SQLite file. Not for two tasks at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-commit")
        self._since = time.perf_counter()

    @classmethod
    async def open(cls, path: str, **given: Any) -> DirectConnection:
        """Open the file at `path`; `given` as for sqlite3.connect."""
        return cls(sqlite3.connect(path, **{**given, "check_same_thread": False}))

    @property
    def isolation_level(self) -> str | None:
        return self._open.isolation_level

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("connection closed")
        return self._connection

    def cursor(self) -> DirectCursor:
        return DirectCursor(self._open.cursor(), self.give_way)

    async def commit(self) -> None:
        """Commit; waits for the disk in a thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open.commit)
        self._since = time.perf_counter()

    async def rollback(self) -> None:
        self._open.rollback()

    async def create_function(self, *arguments: Any, **given: Any) -> None:
        self._open.create_function(*arguments, **given)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._thread.shutdown(wait=False)

    def stop(self) -> None:
        """Close without ceremony, as the dialect asks when it gives a connection up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._thread.shutdown(wait=False)

    async def give_way(self) -> None:
        """Let others run when this job has had its time."""
        if time.perf_counter() - self._since > _TURN_SECONDS:
            await asyncio.sleep(0)
            self._since = time.perf_counter()


class DirectCursor:
    """A cursor of a DirectConnection."""

    def __init__(self, cursor: sqlite3.Cursor, give_way: Callable[[], Any]) -> None:
        self._cursor, self._give_way = cursor, give_way

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._cursor.lastrowid

    @property
    def arraysize(self) -> int:
        return self._cursor.arraysize

    @arraysize.setter
    def arraysize(self, size: int) -> None:
        self._cursor.arraysize = size

    async def execute(self, statement: str, values: Sequence[Any] | None = None) -> Self:
        await self._give_way()
        self._cursor.execute(statement, values or ())
        return self

    async def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> Self:
        await self._give_way()
        self._cursor.executemany(statement, rows)
        return self

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    async def close(self) -> None:
        self._cursor.close()

"""SQLite with as few threads as may be: the connections of the one writer and of the readers in store/database.py.

aiosqlite hands every step of a statement to a thread and back, eight times for one statement with rows; that was half
of the program's time at 50 messages a second (measured 2026-11-21). Our writer is alone, its statements take tens of
microseconds, so they run where they stand. Only what waits for the disk, the commit, goes to a thread. A job of many
statements lets others run in between. A reader's statement may take long, so it goes to a thread once, with its rows.

They have the face of an aiosqlite connection as far as SQLAlchemy's dialect asks for it (`async_creator_fn`).
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

T = TypeVar("T")

# How a reader's transaction begins.
BEGIN = "BEGIN"
# How often a statement that should stop is told so.
_AGAIN_SECONDS = 0.02
# A job that has kept the event loop this long lets others go first.
_TURN_SECONDS = 0.005


class _Connection:
    """An open SQLite file and its thread. Not for two tasks at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")

    @classmethod
    async def open(cls, path: str, **given: Any) -> Self:
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

    async def rollback(self) -> None:
        self._open.rollback()

    async def create_function(self, *arguments: Any, **given: Any) -> None:
        self._open.create_function(*arguments, **given)

    async def close(self) -> None:
        if self._connection is not None:
            # Closing waits for a statement that still runs in the thread.
            self._connection.interrupt()
            self._connection.close()
            self._connection = None
        self._thread.shutdown(wait=False)

    def stop(self) -> None:
        """Close without ceremony, as the dialect asks when it gives a connection up."""
        if self._connection is not None:
            # Closing waits for a statement that still runs in the thread.
            self._connection.interrupt()
            self._connection.close()
            self._connection = None
        self._thread.shutdown(wait=False)


class DirectConnection(_Connection):
    """The writer's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._since = time.perf_counter()

    def cursor(self) -> DirectCursor:
        return DirectCursor(self._open.cursor(), self.give_way)

    async def commit(self) -> None:
        """Commit; waits for the disk in a thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open.commit)
        self._since = time.perf_counter()

    async def give_way(self) -> None:
        """Let others run when this job has had its time."""
        if time.perf_counter() - self._since > _TURN_SECONDS:
            await asyncio.sleep(0)
            self._since = time.perf_counter()


class ReadingConnection(_Connection):
    """A reader's; it is to be opened with `PRAGMA query_only`, so ending a transaction never waits for the disk."""

    def cursor(self) -> ReadingCursor:
        return ReadingCursor(self._open.cursor(), self.in_thread)

    async def commit(self) -> None:
        self._open.commit()

    async def in_thread(self, act: Callable[[], T]) -> T:
        """Return what `act` returns. Whoever is cancelled stops the statement and leaves the connection to itself."""
        done = asyncio.get_running_loop().run_in_executor(self._thread, act)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            while not done.done():
                # A statement that has not begun yet does not hear it, so it is told again until it ends.
                self._open.interrupt()
                await asyncio.wait([done], timeout=_AGAIN_SECONDS)
            if not done.cancelled():
                done.exception()  # "interrupted" is nobody's concern.
            raise


class _Cursor:
    """What both kinds of cursor are asked for."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

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

    async def close(self) -> None:
        self._cursor.close()


class DirectCursor(_Cursor):
    """A cursor of a DirectConnection."""

    def __init__(self, cursor: sqlite3.Cursor, give_way: Callable[[], Awaitable[None]]) -> None:
        super().__init__(cursor)
        self._give_way = give_way

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


class ReadingCursor(_Cursor):
    """A cursor of a ReadingConnection; a statement and its rows are one errand."""

    def __init__(
        self, cursor: sqlite3.Cursor, in_thread: Callable[[Callable[[], list[Any]]], Awaitable[list[Any]]]
    ) -> None:
        super().__init__(cursor)
        self._in_thread = in_thread
        self._rows: list[Any] = []

    async def execute(self, statement: str, values: Sequence[Any] | None = None) -> Self:
        def rows() -> list[Any]:
            self._cursor.execute(statement, values or ())
            return self._cursor.fetchall()

        # A deferred transaction begins with its first statement, so this one has nothing to wait for.
        self._rows = rows() if statement == BEGIN else await self._in_thread(rows)
        return self

    async def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> Self:
        self._cursor.executemany(statement, rows)  # Refused: readers do not write.
        return self

    async def fetchall(self) -> list[Any]:
        return self._rows

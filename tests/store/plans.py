"""How the databases carry out what the store asks of them, for tests of indexes."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Store

_SCANS = re.compile(r"^SCAN \w+$", re.MULTILINE)


@contextlib.contextmanager
def _listening(tx: AsyncConnection) -> Iterator[list[tuple[str, Any]]]:
    """Give the statements, with their values, that are sent while the block runs."""
    heard: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        heard.append((statement, values))

    assert tx.sync_connection is not None
    sa.event.listen(tx.sync_connection, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        sa.event.remove(tx.sync_connection, "before_cursor_execute", hear)


async def _plan(tx: AsyncConnection, statement: str, values: Any) -> str:
    """Return how the database carries out a statement."""
    word = "EXPLAIN QUERY PLAN " if tx.dialect.name == "sqlite" else "EXPLAIN "
    rows = (await tx.exec_driver_sql(word + statement, values)).all()
    return "\n".join(str(row[-1]) for row in rows)


async def of(store: Store, act: Callable[[AsyncConnection], Awaitable[Any]]) -> list[str]:
    """Return how the database carries out everything that `act` asks; what it changes is undone."""

    async def look(tx: AsyncConnection) -> list[str]:
        with _listening(tx) as heard:
            await act(tx)
        return [await _plan(tx, statement, values) for statement, values in heard]

    return await store.write(look)


def is_sorted_or_scanned(plan: str) -> bool:
    """Say whether a plan sorts rows, or reads a whole table; SQLite says "SCAN … USING" of an index."""
    return any(word in plan for word in ("TEMP B-TREE", "Sort", "Seq Scan")) or bool(_SCANS.search(plan))

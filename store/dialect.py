"""What the two engines say differently."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


class Dialect:
    """The engine's own spelling of inserts that meet an existing key, and of taking rows."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def is_sqlite(self) -> bool:
        return self.name == "sqlite"

    def insert(self, table: sa.Table) -> Any:
        """Return an insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)


def insert(tx: Any, table: sa.Table) -> Any:
    """Return the insert of the engine that `tx` is connected to."""
    return Dialect(tx.dialect.name).insert(table)


def skip_locked(tx: Any, select: sa.Select[Any]) -> sa.Select[Any]:
    """Return `select` so that many workers each get other rows: PostgreSQL skips locked ones, SQLite has one writer."""
    return select if tx.dialect.name == "sqlite" else select.with_for_update(skip_locked=True)

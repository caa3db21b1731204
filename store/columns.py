"""Column types and columns that several tables share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC time; naive values are refused. Microseconds are kept on both engines."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone reached the database; make it aware UTC")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite grows only INTEGER PRIMARY KEY by itself; PostgreSQL wants 64 bits.
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def key() -> sa.Column[int]:
    """Return the surrogate key column of a table."""
    return sa.Column("id", BigId, primary_key=True, autoincrement=True)


def refers(name: str, target: str, *, nullable: bool = False) -> sa.Column[Any]:
    """Return a column that refers to `target`'s id."""
    return sa.Column(name, BigId, sa.ForeignKey(f"{target}.id"), nullable=nullable)


def at(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    """Return a time column."""
    return sa.Column(name, UtcTime, nullable=nullable)


def lease() -> list[sa.Column[Any]]:
    """Return the columns of a row that workers take: who holds it, until when (wall time), the fence."""
    return [
        sa.Column("lease_owner", sa.String(64)),
        sa.Column("lease_until", UtcTime),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    ]


def partial(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """Return an index over the rows that satisfy `where`; both engines know partial indexes."""
    condition = sa.text(where)
    return sa.Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)

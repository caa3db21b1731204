"""The rows the chain covers, as bytes that are the same on both engines (docs/proof.md, "How a row is written").

SQLite hands out every column as it lies in the file, undecoded: a byte that is no text any more must be reported, not
raise. PostgreSQL checks text itself; there the values are written in SQLite's form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.tables import (
    access_log,
    appeal_entry,
    approval,
    case_entry,
    consent,
    erasure,
    finding_entry,
    message,
    message_body,
    recall,
)

Row = tuple[bytes | None, ...]

# In the order they are sealed in. Every one is append-only and numbered by `id`.
COVERED: dict[str, sa.Table] = {
    table.name: table
    for table in (
        consent,
        message,
        recall,
        erasure,
        approval,
        case_entry,
        finding_entry,
        appeal_entry,
        access_log,
    )
}
_BODY = ("salt", "text", "menu_id", "raw")


@dataclass(frozen=True, kw_only=True)
class Body:
    """What a message says, as bytes. `erased_at` as the body has it, `erasure_at` as the erasure has it."""

    has_row: bool
    salt: bytes
    text: bytes
    menu_id: bytes
    raw: bytes
    erased_at: bytes | None
    erasure_at: bytes | None

    @property
    def is_empty(self) -> bool:
        return not (self.salt or self.text or self.menu_id or self.raw)


def columns_of(table: str) -> list[str]:
    """Return the names of the covered columns in the order they are written: all of the table."""
    return [column.name for column in COVERED[table].columns]


async def read_rows(
    tx: AsyncConnection, table: str, first: int, last: int, limit: int | None = None
) -> dict[int, Row]:
    """Return the rows with ids from `first` to `last` by id, ascending."""
    covered = COVERED[table]
    wanted = (
        sa.select(covered.c.id.label("row_id"), *_cells(tx, covered.columns))
        .where(covered.c.id.between(first, last))
        .order_by(covered.c.id)
        .limit(limit)
    )
    rows = (await tx.execute(wanted)).all()
    if tx.dialect.name == "sqlite":
        return {row[0]: tuple(row[1:]) for row in rows}
    return {row[0]: tuple([as_bytes(value) for value in row[1:]]) for row in rows}


async def read_bodies(tx: AsyncConnection, first: int, last: int) -> dict[int, Body]:
    """Return what the messages of these ids say; a message without a row of words has `has_row` False."""
    columns = [message_body.c.message_id, *(message_body.c[name] for name in (*_BODY, "erased_at"))]
    wanted = (
        sa.select(message.c.id.label("row_id"), *_cells(tx, [*columns, erasure.c.erased_at]))
        .outerjoin(message_body, message_body.c.message_id == message.c.id)
        .outerjoin(erasure, erasure.c.message_id == message.c.id)
        .where(message.c.id.between(first, last))
    )
    change: Callable[[Any], Any] = (lambda value: value) if tx.dialect.name == "sqlite" else as_bytes
    found: dict[int, Body] = {}
    for row in (await tx.execute(wanted)).all():
        its, salt, text, menu_id, raw, erased_at, erasure_at = [change(value) for value in row[1:]]
        found[row[0]] = Body(
            has_row=its is not None,
            salt=salt or b"",
            text=text or b"",
            menu_id=menu_id or b"",
            raw=raw or b"",
            erased_at=erased_at,
            erasure_at=erasure_at,
        )
    return found


async def list_ids(tx: AsyncConnection, table: str, first: int, last: int) -> list[int]:
    """Return the ids that are there from `first` to `last`."""
    covered = COVERED[table]
    wanted = sa.select(covered.c.id).where(covered.c.id.between(first, last)).order_by(covered.c.id)
    return list((await tx.execute(wanted)).scalars().all())


async def find_newest(tx: AsyncConnection, table: str) -> int:
    """Return the greatest id of the table, 0 when it is empty."""
    return (await tx.execute(sa.select(sa.func.max(COVERED[table].c.id)))).scalar_one() or 0


async def count_after(tx: AsyncConnection, table: str, last: int) -> int:
    """Return how many rows there are after the id `last`."""
    covered = COVERED[table]
    wanted = sa.select(sa.func.count()).select_from(covered).where(covered.c.id > last)
    return int((await tx.execute(wanted)).scalar_one())


def as_bytes(value: object) -> bytes | None:
    """Return a value as SQLite would keep it in the file."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, datetime):
        return time_text(value).encode()
    if isinstance(value, int):
        return b"%d" % value
    raise TypeError(f"no covered column holds a {type(value).__name__}")


def time_text(moment: datetime) -> str:
    """Return a time as the digest and SQLite write it: UTC, microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _cells(tx: AsyncConnection, columns: Sequence[sa.ColumnElement[Any]] | Any) -> list[Any]:
    if tx.dialect.name != "sqlite":
        return [column.label(f"cell_{place}") for place, column in enumerate(columns)]
    return [sa.cast(column, sa.LargeBinary).label(f"cell_{place}") for place, column in enumerate(columns)]

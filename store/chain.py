"""The chain's blocks: which rows wait to be sealed, and the one door through which a block is added.

Rows of PostgreSQL may become visible out of the order of their ids. A block therefore names exactly the ids it holds;
ids it passed over are looked for again for an hour and sealed in a later block (`list_late`). Up to the *floor* no row
may come any more: one that stands there in no block was put there by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import proof
from domain.proof import GENESIS, Block, Head
from store import chain_rows, dialect, instance
from store.tables import chain_block

# How long a row with a smaller id may come after its neighbours were sealed. Transactions here last milliseconds.
LATE = timedelta(hours=1)
_TEXTS = (
    "number",
    "table_name",
    "ids",
    "first_id",
    "last_id",
    "row_count",
    "rows_digest",
    "previous_digest",
    "sealed_at",
    "digest",
    "key_id",
    "signature",
)


async def find_head(tx: AsyncConnection) -> Head | None:
    """Return the newest block's number and digest, None before the first one."""
    newest = sa.select(chain_block).order_by(chain_block.c.number.desc()).limit(1)
    row = (await tx.execute(newest)).one_or_none()
    if row is None:
        return None
    return Head(
        number=row.number,
        digest=row.digest,
        sealed_at=chain_rows.time_text(row.sealed_at),
        key_id=row.key_id,
        signature=row.signature,
    )


async def find_frontier(tx: AsyncConnection, table: str) -> int:
    """Return the greatest sealed id of the table, 0 when none is."""
    wanted = sa.select(sa.func.max(chain_block.c.last_id)).where(chain_block.c.table_name == table)
    return (await tx.execute(wanted)).scalar_one() or 0


async def find_floor(tx: AsyncConnection, table: str) -> int:
    """Return up to which id no row may come late any more. On SQLite rows come in order."""
    if tx.dialect.name == "sqlite":
        return await find_frontier(tx, table)
    return int(await instance.find_value(tx, f"chain_floor:{table}") or 0)


async def raise_floor(tx: AsyncConnection, table: str, now: datetime) -> None:
    """Close the gaps of blocks older than an hour; to be called after `list_late` was sealed."""
    wanted = sa.select(sa.func.max(chain_block.c.last_id)).where(
        chain_block.c.table_name == table, chain_block.c.sealed_at < now - LATE
    )
    found = (await tx.execute(wanted)).scalar_one()
    if found and found > await find_floor(tx, table):
        await instance.set_value(tx, f"chain_floor:{table}", str(found))


async def list_late(tx: AsyncConnection, table: str) -> list[int]:
    """Return ids that became visible after a block had passed over them."""
    floor, frontier = await find_floor(tx, table), await find_frontier(tx, table)
    if floor >= frontier:
        return []
    wanted = sa.select(chain_block.c.ids).where(
        chain_block.c.table_name == table, chain_block.c.last_id > floor
    )
    sealed = [one for ids in (await tx.execute(wanted)).scalars() for one in proof.parse_ranges(ids)]
    return await ids_in_gaps(tx, table, gaps(sealed, floor + 1, frontier))


def gaps(sealed: Iterable[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    """Return what of `first` to `last` lies in none of the ranges."""
    found, place = [], first
    for begin, end in sorted(sealed):
        if begin > place:
            found.append((place, min(begin - 1, last)))
        place = max(place, end + 1)
        if place > last:
            return found
    return [*found, (place, last)]


async def ids_in_gaps(tx: AsyncConnection, table: str, empty: Iterable[tuple[int, int]]) -> list[int]:
    """Return the ids of rows that stand in these ranges."""
    id_ = chain_rows.COVERED[table].c.id
    found: list[int] = []
    ranges = list(empty)
    for start in range(0, len(ranges), 100):
        inside = sa.or_(*(id_.between(first, last) for first, last in ranges[start : start + 100]))
        found += (await tx.execute(sa.select(id_).where(inside).order_by(id_))).scalars().all()
    return found


async def add_block(tx: AsyncConnection, block: Block, sealed_at: datetime) -> bool:
    """Add the block if it still follows the newest one; False when another worker was quicker."""
    await dialect.lock_subjects(tx, "chain", ["head"])
    head = await find_head(tx)
    number, digest = (head.number, head.digest) if head else (0, GENESIS)
    if (number + 1, digest) != (block.number, block.previous_digest):
        return False
    row = {
        "number": block.number,
        "table_name": block.table,
        "ids": block.ids,
        "first_id": block.first_id,
        "last_id": block.last_id,
        "row_count": block.row_count,
        "rows_digest": block.rows_digest,
        "marks": block.marks,
        "previous_digest": block.previous_digest,
        "sealed_at": sealed_at,
        "digest": block.digest,
        "key_id": block.key_id,
        "signature": block.signature,
    }
    await tx.execute(sa.insert(chain_block).values(row))
    return True


async def list_blocks(tx: AsyncConnection, after: int, limit: int) -> list[Block]:
    """Return blocks with numbers above `after`, in order, as they lie in the database, damaged ones too."""
    columns: list[Any] = [chain_block.c[name] for name in _TEXTS]
    if tx.dialect.name == "sqlite":
        columns = [sa.cast(column, sa.LargeBinary).label(column.name) for column in columns]
    wanted = (
        sa.select(*columns, chain_block.c.marks)
        .where(chain_block.c.number > after)
        .order_by(chain_block.c.number)
        .limit(limit)
    )
    return [_block(row) for row in (await tx.execute(wanted)).all()]


async def count_rows(tx: AsyncConnection, from_block: int = 1) -> int:
    """Return how many rows the blocks from `from_block` on say they hold."""
    wanted = sa.select(sa.func.sum(chain_block.c.row_count)).where(chain_block.c.number >= from_block)
    return int((await tx.execute(wanted)).scalar_one() or 0)


async def list_ranges(tx: AsyncConnection, table: str) -> list[tuple[int, int]]:
    """Return every sealed range of the table; what is no range (a damaged block) is left out."""
    ids = sa.cast(chain_block.c.ids, sa.LargeBinary) if tx.dialect.name == "sqlite" else chain_block.c.ids
    found: list[tuple[int, int]] = []
    for text in (await tx.execute(sa.select(ids).where(chain_block.c.table_name == table))).scalars():
        try:
            found += proof.parse_ranges(_text(text))
        except ValueError:
            continue
    return found


async def find_block_of(tx: AsyncConnection, table: str, row_ids: list[int]) -> dict[int, int]:
    """Return the numbers of the blocks that hold these rows, by row id; what is not sealed yet is missing."""
    if not row_ids:
        return {}
    wanted = sa.select(chain_block.c.number, chain_block.c.ids).where(
        chain_block.c.table_name == table,
        chain_block.c.last_id >= min(row_ids),
        chain_block.c.first_id <= max(row_ids),
    )
    asked, found = set(row_ids), {}
    for row in (await tx.execute(wanted)).all():
        for first, last in proof.parse_ranges(row.ids):
            if last - first < len(asked):
                found.update({id_: row.number for id_ in range(first, last + 1) if id_ in asked})
            else:
                found.update({id_: row.number for id_ in asked if first <= id_ <= last})
    return found


def _block(row: tuple[object, ...] | sa.Row[tuple[object, ...]]) -> Block:
    said = dict(zip(_TEXTS, (_text(value) for value in row[: len(_TEXTS)]), strict=True))
    return Block(
        number=_number(said["number"]),
        table=said["table_name"],
        ids=said["ids"],
        first_id=_number(said["first_id"]),
        last_id=_number(said["last_id"]),
        row_count=_number(said["row_count"]),
        rows_digest=said["rows_digest"],
        marks=bytes(row[-1]) if isinstance(row[-1], bytes | memoryview) else str(row[-1]).encode(),
        previous_digest=said["previous_digest"],
        sealed_at=said["sealed_at"],
        digest=said["digest"],
        key_id=said["key_id"],
        signature=said["signature"],
    )


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return chain_rows.time_text(value) if isinstance(value, datetime) else str(value)


def _number(text: str) -> int:
    """Return a number of a block; -1 for what is none, which no digest is made of."""
    return int(text) if text.lstrip("-").isdecimal() else -1

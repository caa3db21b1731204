"""The chain of proof: blocks over append-only rows, how a row is written for a digest, and what may be wrong.

Pure. A row is a tuple of its columns as bytes, None for NULL; store/chain_rows.py makes the same bytes on both engines
(docs/proof.md, "How a row is written"). Who seals is bot/sealing.py, who checks bot/verifying.py.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

Cells = Sequence[bytes | None]

# What stands before the first block.
GENESIS = "0" * 64
# Bytes of `marks` for one column of one row.
_MARK = 2


@dataclass(frozen=True, kw_only=True)
class Block:
    """One sealed batch of rows of one table. `ids`: their ids as ranges, "1-1000,1002"; `marks`: two bytes a column.

    `sealed_at` is text, "2026-11-22 01:02:03.000004" UTC, as it goes into the digest.
    """

    number: int
    table: str
    ids: str
    first_id: int
    last_id: int
    row_count: int
    rows_digest: str
    marks: bytes
    previous_digest: str
    sealed_at: str
    digest: str = ""
    key_id: str = ""
    signature: str = ""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The newest block at a moment, to be kept elsewhere: whoever has it sees that the chain was cut off since."""

    number: int
    digest: str
    sealed_at: str
    key_id: str = ""
    signature: str = ""


class Fault(StrEnum):
    """What is wrong with a place of the record."""

    ROW_CHANGED = "row_changed"  # A column of a sealed row is not what it was.
    ROW_MISSING = "row_missing"  # A sealed row is gone.
    ROW_INSERTED = "row_inserted"  # A row stands among sealed ones and in no block.
    BODY_CHANGED = "body_changed"  # Words are not those the message's digest was made of.
    BODY_MISSING = "body_missing"  # The row of the words is gone.
    ERASED_WITHOUT_RECORD = "erased_without_record"  # Words are gone and no erasure tells who and why.
    ERASED_NOT_GONE = "erased_not_gone"  # An erasure is on record and words are still there.
    BLOCK_CHANGED = "block_changed"  # A block's own columns do not give its digest.
    BLOCK_UNLINKED = "block_unlinked"  # A block does not follow the one before it.
    BLOCK_MISSING = "block_missing"  # A number between two blocks is gone.
    SIGNATURE_WRONG = "signature_wrong"  # The signature is not that of the block.
    TAIL_CUT = "tail_cut"  # The head that was kept elsewhere is not in the chain.


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """One thing that is wrong, and where. `row_id` 0 and `column` "" where they cannot be told."""

    fault: Fault
    block: int
    table: str = ""
    row_id: int = 0
    column: str = ""
    detail: str = ""


def encode(cells: Cells) -> bytes:
    """Return a row for the digest: each column as its length, a colon and its bytes; NULL as a minus sign."""
    return b"".join([b"-" if cell is None else b"%d:%b" % (len(cell), cell) for cell in cells])


def rows_digest(table: str, rows: Iterable[Cells]) -> str:
    """Return the SHA-256 (hex) over the rows in the order of their ids."""
    digest = hashlib.sha256(table.encode())
    for row in rows:
        said = encode(row)
        digest.update(b"\n%d=" % len(said))
        digest.update(said)
    return digest.hexdigest()


def marks_of(row: Cells) -> bytes:
    """Return two bytes a column, to find the place of a change; they prove nothing by themselves."""
    return b"".join([_mark(cell) for cell in row])


def changed_columns(row: Cells, marks: bytes) -> list[int]:
    """Return the places of the columns that do not have their marks."""
    now = marks_of(row)
    return [
        place
        for place in range(len(row))
        if now[place * _MARK : (place + 1) * _MARK] != marks[place * _MARK : (place + 1) * _MARK]
    ]


def _mark(cell: bytes | None) -> bytes:
    return b"\xff\xff" if cell is None else (zlib.crc32(cell) & 0xFFFF).to_bytes(_MARK, "big")


def block_digest(block: Block) -> str:
    """Return the SHA-256 (hex) over everything of a block but the digest itself, the key's name and the signature."""
    said = [
        str(block.number),
        block.table,
        block.ids,
        str(block.first_id),
        str(block.last_id),
        str(block.row_count),
        block.rows_digest,
        hashlib.sha256(block.marks).hexdigest(),
        block.previous_digest,
        block.sealed_at,
    ]
    return hashlib.sha256(encode([part.encode() for part in said])).hexdigest()


def ranges_of(ids: Sequence[int]) -> str:
    """Return ascending ids as ranges: [1, 2, 3, 7] is "1-3,7"."""
    parts = []
    for _, run in groupby(enumerate(ids), key=lambda one: one[1] - one[0]):
        members = [id_ for _, id_ in run]
        parts.append(str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}")
    return ",".join(parts)


def parse_ranges(text: str) -> list[tuple[int, int]]:
    """Return the ranges, both ends included. Raises ValueError for what `ranges_of` never writes."""
    found: list[tuple[int, int]] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        one = (int(first), int(last) if dash else int(first))
        if one[0] > one[1] or (found and one[0] <= found[-1][1]):
            raise ValueError(f"not ascending: {text[:60]!r}")
        found.append(one)
    return found


def ids_in(ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Give every id of the ranges."""
    for first, last in ranges:
        yield from range(first, last + 1)

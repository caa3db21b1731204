"""Checking the chain: every block, every row it holds, and whether words are still those that were recorded.

Reads only, in short transactions, so it may run beside a serving program. An erased body is right when an erasure tells
of it and nothing is left; everything else that differs is a Flaw with its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

from bot.signing import Signer
from domain import proof
from domain.proof import GENESIS, Block, Fault, Flaw, Head
from store import chain, chain_rows
from store.chain_rows import COVERED, Body, Row
from store.database import Store

Progress = Callable[[int, int], None]

# Blocks read at a time.
_PAGE = 20
_WORDS = b"\x1f"


@dataclass(kw_only=True)
class Verified:
    """What was looked at. `pending`: rows that wait to be sealed; `signed`: blocks whose signature is right."""

    blocks: int = 0
    rows: int = 0
    bodies: int = 0
    erased: int = 0
    signed: int = 0
    pending: int = 0
    head: Head | None = None
    flaws: list[Flaw] = field(default_factory=list)


def _quiet(_done: int, _all: int) -> None:
    return None


async def verify(
    store: Store,
    *,
    from_block: int = 1,
    kept: Head | None = None,
    signer: Signer | None = None,
    progress: Progress = _quiet,
) -> Verified:
    """Check the chain from `from_block` on and return what was found.

    `kept`: a head that was exported earlier; without one nobody can see that the newest blocks were cut off.
    """
    found = Verified()
    async with store.read() as tx:
        total = await chain.count_rows(tx, from_block)
    before = await _block_before(store, from_block)
    is_kept_there = False
    async for block in _blocks(store, from_block - 1):
        found.flaws += _check_link(block, before, from_block)
        found.flaws += _check_block(block, signer)
        found.signed += signer is not None and signer.is_signed(block.number, block.digest, block.signature)
        is_kept_there |= kept is not None and (block.number, block.digest) == (kept.number, kept.digest)
        await _check_rows(store, block, found)
        found.blocks += 1
        found.head = Head(number=block.number, digest=block.digest, sealed_at=block.sealed_at)
        before = block
        progress(found.rows, total)
    if kept is not None and kept.number >= from_block and not is_kept_there:
        detail = f"{kept.number} {kept.digest[:16]}"
        found.flaws.append(Flaw(fault=Fault.TAIL_CUT, block=kept.number, detail=detail))
    if kept is not None and signer is not None and kept.signature:
        found.flaws += _check_kept(kept, signer)
    await _check_gaps(store, found)
    return found


async def _blocks(store: Store, after: int) -> AsyncIterator[Block]:
    while True:
        async with store.read() as tx:
            page = await chain.list_blocks(tx, after, _PAGE)
        if not page:
            return
        for block in page:
            yield block
        if page[-1].number <= after:
            return  # Its number is none any more; that was reported, and nothing can stand behind it.
        after = page[-1].number


async def _block_before(store: Store, from_block: int) -> Block | None:
    if from_block <= 1:
        return None
    async with store.read() as tx:
        found = await chain.list_blocks(tx, from_block - 2, 1)
    return found[0] if found and found[0].number == from_block - 1 else None


def _check_link(block: Block, before: Block | None, from_block: int) -> Iterator[Flaw]:
    expected = before.number + 1 if before else from_block
    if block.number != expected:
        detail = f"{expected}-{block.number - 1}"
        yield Flaw(fault=Fault.BLOCK_MISSING, block=expected, detail=detail)
    elif block.previous_digest != (before.digest if before else GENESIS) and (before or from_block <= 1):
        yield Flaw(fault=Fault.BLOCK_UNLINKED, block=block.number, column="previous_digest")


def _check_block(block: Block, signer: Signer | None) -> Iterator[Flaw]:
    if proof.block_digest(block) != block.digest:
        yield Flaw(fault=Fault.BLOCK_CHANGED, block=block.number, table=block.table)
    if signer is None or not (block.signature or block.key_id):
        return
    if block.key_id != signer.key_id or not signer.is_signed(block.number, block.digest, block.signature):
        yield Flaw(fault=Fault.SIGNATURE_WRONG, block=block.number, detail=block.key_id)


def _check_kept(kept: Head, signer: Signer) -> Iterator[Flaw]:
    if not signer.is_signed(kept.number, kept.digest, kept.signature):
        yield Flaw(fault=Fault.SIGNATURE_WRONG, block=kept.number, detail="head")


async def _check_rows(store: Store, block: Block, found: Verified) -> None:
    if block.table not in COVERED:
        return  # Only a changed block names another table; that is reported.
    try:
        ranges = proof.parse_ranges(block.ids)
    except ValueError:
        return
    bodies: dict[int, Body] = {}
    async with store.read() as tx:
        there = await chain_rows.read_rows(tx, block.table, ranges[0][0], ranges[-1][1])
        if block.table == "message":
            bodies = await chain_rows.read_bodies(tx, ranges[0][0], ranges[-1][1])
    wanted = list(proof.ids_in(ranges))
    rows = {id_: there[id_] for id_ in wanted if id_ in there}
    found.rows += len(rows)
    if len(rows) < len(wanted) or proof.rows_digest(block.table, rows.values()) != block.rows_digest:
        found.flaws += _place(block, wanted, rows)
    if block.table == "message":
        columns = chain_rows.columns_of("message")
        is_told = {one.row_id for one in found.flaws if one.table == "message"} if found.flaws else set()
        for id_ in rows.keys() - is_told:
            cells = dict(zip(columns, rows[id_], strict=True))
            found.flaws += _check_body(block, id_, cells, bodies.get(id_), found)


def _place(block: Block, wanted: list[int], rows: dict[int, Row]) -> Iterator[Flaw]:
    """Tell which rows of a block are not what they were."""
    columns = chain_rows.columns_of(block.table)
    size = len(block.marks) // max(len(wanted), 1)
    is_placed = False
    for place, id_ in enumerate(wanted):
        if id_ not in rows:
            is_placed = True
            yield Flaw(fault=Fault.ROW_MISSING, block=block.number, table=block.table, row_id=id_)
            continue
        for column in proof.changed_columns(rows[id_], block.marks[place * size : (place + 1) * size]):
            is_placed = True
            yield Flaw(
                fault=Fault.ROW_CHANGED,
                block=block.number,
                table=block.table,
                row_id=id_,
                column=columns[column],
            )
    if not is_placed:
        yield Flaw(fault=Fault.ROW_CHANGED, block=block.number, table=block.table, detail=block.ids[:60])


def _check_body(
    block: Block, id_: int, row: dict[str, bytes | None], body: Body | None, found: Verified
) -> Iterator[Flaw]:
    def flaw(fault: Fault, column: str) -> Flaw:
        return Flaw(fault=fault, block=block.number, table="message_body", row_id=id_, column=column)

    if body is None or not body.has_row:
        yield flaw(Fault.BODY_MISSING, "")
        return
    if body.erasure_at is not None:
        found.erased += 1
        if not body.is_empty:
            yield flaw(Fault.ERASED_NOT_GONE, "text/menu_id/raw/salt")
        elif body.erased_at != body.erasure_at:
            yield flaw(Fault.BODY_CHANGED, "erased_at")
        return
    found.bodies += 1
    said = [body.salt, *(row[name] or b"" for name in ("source", "msgid", "author", "kind"))]
    digest = hashlib.sha256(_WORDS.join([*said, body.text, body.menu_id, body.raw])).hexdigest()
    if digest.encode() == (row["digest"] or b""):
        if body.erased_at is not None:
            yield flaw(Fault.BODY_CHANGED, "erased_at")
    elif body.is_empty or body.erased_at is not None:
        yield flaw(Fault.ERASED_WITHOUT_RECORD, "text/menu_id/raw/salt")
    else:
        yield flaw(Fault.BODY_CHANGED, "text/menu_id/raw/salt")


async def _check_gaps(store: Store, found: Verified) -> None:
    """Look for rows that stand between sealed ones and are in no block, and count those that wait."""
    for table in COVERED:
        async with store.read() as tx:
            ranges = await chain.list_ranges(tx, table)
            frontier = max((last for _, last in ranges), default=0)
            floor = frontier if store.dialect.is_sqlite else await chain.find_floor(tx, table)
            strangers = await chain.ids_in_gaps(tx, table, chain.gaps(ranges, -(2**62), frontier))
            found.pending += await chain_rows.count_after(tx, table, frontier)
        for id_ in strangers:
            if id_ <= floor:
                found.flaws.append(Flaw(fault=Fault.ROW_INSERTED, block=0, table=table, row_id=id_))
            else:
                found.pending += 1

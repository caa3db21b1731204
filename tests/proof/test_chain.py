"""The chain: what a flipped byte, a lost or slipped-in row, a lost block and a cut-off tail look like to `verify`."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import sealing, signing, verifying
from bot.clock import FrozenClock
from bot.sealing import Sealer
from domain import proof
from domain.proof import Fault, Flaw
from store import chain, chain_rows, tables
from store.database import Store
from tests.proof import factory

WORDS = ["text", "menu_id", "raw", "salt"]


async def sealed(store: Store, clock: FrozenClock) -> factory.Record:
    made = await factory.fill(store, clock.now())

    async def erase(tx: AsyncConnection) -> None:
        await _forget(tx, made.messages[2], clock)

    await store.write(erase)
    await Sealer(store, clock, block_rows=2).seal(everything=True)
    return made


async def _forget(tx: AsyncConnection, message_id: int, clock: FrozenClock) -> None:
    row = {"message_id": message_id, "reason": "request", "law": "PIPL 47", "erased_by": "qian"}
    await tx.execute(sa.insert(tables.erasure).values(**row, erased_at=clock.now()))
    gone = dict.fromkeys(WORDS, "") | {"erased_at": clock.now()}
    body = tables.message_body
    await tx.execute(sa.update(body).where(body.c.message_id == message_id).values(gone))


async def run(store: Store, statement: Any, values: dict[str, object] | None = None) -> None:
    """Change the database behind the program's back: foreign keys off, as somebody with a shell would."""

    async def job(tx: AsyncConnection) -> None:
        if tx.dialect.name == "sqlite":
            await tx.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        else:
            await tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        await tx.execute(statement, values or {})

    await store.write(job)


def flipped(value: object) -> object:
    """Return the value with its last bit turned over."""
    if isinstance(value, str):
        return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "\x01"
    if isinstance(value, int):
        return value ^ 64
    if value is None:
        return None
    return value + timedelta(microseconds=1)  # type: ignore[operator]  # the only other kind is a time


@pytest.mark.parametrize("table", chain_rows.COVERED)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_flipped_byte_in_any_covered_column_is_found_with_its_place(
    store: Store, frozen_clock: FrozenClock, table: str
) -> None:
    await sealed(store, frozen_clock)
    rows = chain_rows.COVERED[table]
    async with store.read() as tx:
        newest = sa.select(rows).order_by(rows.c.id.desc()).limit(1)
        row = (await tx.execute(newest)).one()
    found = {}

    for column in chain_rows.columns_of(table):
        old = row._mapping[column]
        new = flipped(old) if old is not None else (1 if isinstance(rows.c[column].type, sa.Integer) else "x")
        await _without_keys(store, sa.update(rows).where(rows.c.id == row.id).values({column: new}))
        flaws = (await verifying.verify(store)).flaws
        moved = new if column == "id" else row.id
        await _without_keys(store, sa.update(rows).where(rows.c.id == moved).values({column: old}))
        found[column] = {(one.fault, one.table, one.row_id, one.column) for one in flaws}

    assert (await verifying.verify(store)).flaws == []
    assert (Fault.ROW_MISSING, table, row.id, "") in found.pop("id")
    for column, places in found.items():
        assert (Fault.ROW_CHANGED, table, row.id, column) in places, column


async def _without_keys(store: Store, change: Any) -> None:
    """SQLite holds foreign keys at the end of a transaction at the latest; a byte in a file is held by nothing."""
    connection = sa.create_engine(f"sqlite:///{store.url.database}")
    with connection.begin() as tx:
        tx.execute(change)
    connection.dispose()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_flipped_byte_in_words_is_found_and_told_apart_from_the_row(
    store: Store, frozen_clock: FrozenClock
) -> None:
    made = await sealed(store, frozen_clock)
    body = tables.message_body
    its = body.c.message_id == made.messages[0]
    async with store.read() as tx:
        row = (await tx.execute(sa.select(body).where(its))).one()
    found = {}

    for column in WORDS:
        old = row._mapping[column]
        await run(store, sa.update(body).where(its).values({column: flipped(old)}))
        flaws = (await verifying.verify(store)).flaws
        await run(store, sa.update(body).where(its).values({column: old}))
        found[column] = [(one.fault, one.table, one.row_id) for one in flaws]

    expected = [(Fault.BODY_CHANGED, "message_body", made.messages[0])]
    assert found == dict.fromkeys(WORDS, expected)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_byte_that_is_no_text_any_more_is_reported_and_does_not_stop_the_check(
    store: Store, frozen_clock: FrozenClock
) -> None:
    made = await sealed(store, frozen_clock)

    await run(store, sa.text("UPDATE message SET kind = CAST(X'74FF' AS TEXT) WHERE id = 1"))
    await run(store, sa.text("UPDATE message SET sent_at = 'yesterday' WHERE id = 2"))
    await run(store, sa.text("UPDATE message_body SET text = CAST(X'FF' AS TEXT) WHERE message_id = 2"))
    flaws = (await verifying.verify(store)).flaws

    places = {(one.row_id, one.column) for one in flaws if one.fault is Fault.ROW_CHANGED}
    assert places == {(made.messages[0], "kind"), (made.messages[1], "sent_at")}


async def test_an_untouched_record_is_whole_on_both_databases(
    store: Store, frozen_clock: FrozenClock
) -> None:
    await sealed(store, frozen_clock)

    found = await verifying.verify(store)

    assert found.flaws == []
    assert (found.rows, found.bodies, found.erased, found.pending) == (25, 2, 1, 0)
    assert await Sealer(store, frozen_clock).seal(everything=True) == 0


async def test_a_row_taken_out_and_one_slipped_in_are_found(store: Store, frozen_clock: FrozenClock) -> None:
    await sealed(store, frozen_clock)
    log = tables.access_log
    frozen_clock.advance(timedelta(hours=2))
    await Sealer(store, frozen_clock).seal(everything=True)

    async with store.read() as tx:
        last = (await tx.execute(sa.select(sa.func.max(log.c.id)))).scalar_one()
    await run(store, sa.delete(log).where(log.c.id == last - 1))
    slipped = {"id": 0, "at": frozen_clock.now(), "actor": "x", "act": "y", "subject": "z"}
    await run(store, sa.insert(log).values(slipped))
    flaws = (await verifying.verify(store)).flaws

    assert {(one.fault, one.table, one.row_id) for one in flaws} == {
        (Fault.ROW_MISSING, "access_log", last - 1),
        (Fault.ROW_INSERTED, "access_log", 0),
    }


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_words_that_are_gone_without_an_erasure_are_reported(
    store: Store, frozen_clock: FrozenClock
) -> None:
    made = await sealed(store, frozen_clock)
    body = tables.message_body

    gone = dict.fromkeys(WORDS, "") | {"erased_at": frozen_clock.now()}
    await run(store, sa.update(body).where(body.c.message_id == made.messages[0]).values(gone))
    await run(store, sa.update(body).where(body.c.message_id == made.messages[2]).values(text="还在"))
    await run(store, sa.delete(body).where(body.c.message_id == made.messages[1]))
    flaws = (await verifying.verify(store)).flaws

    assert {(one.fault, one.row_id) for one in flaws} == {
        (Fault.ERASED_WITHOUT_RECORD, made.messages[0]),
        (Fault.BODY_MISSING, made.messages[1]),
        (Fault.ERASED_NOT_GONE, made.messages[2]),
    }


BLOCK_COLUMNS = [
    one.name for one in tables.chain_block.columns if one.name not in ("id", "key_id", "signature")
]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_flipped_byte_of_a_block_is_found(
    store: Store, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    signer, _ = signing.make(tmp_path / "chain.key")
    await factory.fill(store, frozen_clock.now())
    await Sealer(store, frozen_clock, block_rows=2, signer=signer).seal(everything=True)
    block = tables.chain_block
    async with store.read() as tx:
        row = (await tx.execute(sa.select(block).where(block.c.number == 3))).one()
    found = {}

    for column in [*BLOCK_COLUMNS, "key_id", "signature"]:
        old = row._mapping[column]
        new = bytes([old[0] ^ 1]) + old[1:] if isinstance(old, bytes) else flipped(old)
        if column == "table_name":
            new = "recall"
        its = block.c.id == row.id
        await run(store, sa.update(block).where(its).values({column: new}))
        found[column] = {one.block for one in (await verifying.verify(store, signer=signer)).flaws}
        await run(store, sa.update(block).where(its).values({column: old}))

    assert (await verifying.verify(store, signer=signer)).flaws == []
    assert [column for column, blocks in found.items() if not blocks & {3, 4}] == []


async def test_lost_blocks_in_the_middle_and_at_the_end_are_found(
    store: Store, frozen_clock: FrozenClock
) -> None:
    await sealed(store, frozen_clock)
    async with store.read() as tx:
        kept = await chain.find_head(tx)
    assert kept is not None
    block = tables.chain_block

    await run(store, sa.delete(block).where(block.c.number == 3))
    middle = (await verifying.verify(store, kept=kept)).flaws
    await run(store, sa.delete(block).where(block.c.number >= 3))
    unseen = (await verifying.verify(store)).flaws
    tail = (await verifying.verify(store, kept=kept)).flaws

    assert Flaw(fault=Fault.BLOCK_MISSING, block=3, detail="3-3") in middle
    assert Fault.TAIL_CUT not in {one.fault for one in [*middle, *unseen]}
    assert [(one.fault, one.block) for one in tail] == [(Fault.TAIL_CUT, kept.number)]


async def test_the_check_may_begin_at_a_later_block(store: Store, frozen_clock: FrozenClock) -> None:
    await sealed(store, frozen_clock)
    whole = await verifying.verify(store)

    await run(store, sa.update(tables.consent).where(tables.consent.c.id == 1).values(status="disagree"))
    later = await verifying.verify(store, from_block=3)
    all_of_it = await verifying.verify(store)

    assert later.flaws == []
    assert later.blocks == whole.blocks - 2
    assert [(one.table, one.row_id, one.column) for one in all_of_it.flaws] == [("consent", 1, "status")]


@pytest.mark.parametrize("engine", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_rows_that_become_visible_late_go_into_a_later_block_and_never_after_an_hour(
    store: Store, frozen_clock: FrozenClock
) -> None:
    sealer = Sealer(store, frozen_clock)

    async def add(*ids: int) -> None:
        rows = [
            {"id": id_, "at": frozen_clock.now(), "actor": "a", "act": "b", "subject": "c"} for id_ in ids
        ]
        await run(store, sa.insert(tables.access_log).values(rows))

    await add(1, 2, 4, 6)
    assert await sealer.seal() == 0  # Nothing was there at the look before.
    assert await sealer.seal() == 1
    await add(3)
    assert await sealer.seal() == 1
    late = await verifying.verify(store)
    frozen_clock.advance(timedelta(hours=2))
    await sealer.seal()
    await add(5)
    await sealer.seal()
    stranger = await verifying.verify(store)

    async with store.read() as tx:
        blocks = await chain.list_blocks(tx, 0, 10)
    assert [one.ids for one in blocks] == ["1-2,4,6", "3"]
    assert late.flaws == []
    assert [(one.fault, one.row_id) for one in stranger.flaws] == [(Fault.ROW_INSERTED, 5)]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_two_workers_and_one_killed_between_blocks_make_one_chain(
    store: Store, frozen_clock: FrozenClock
) -> None:
    await factory.fill(store, frozen_clock.now())
    first, second = Sealer(store, frozen_clock, block_rows=1), Sealer(store, frozen_clock, block_rows=2)
    async with store.read() as tx:
        rows = await chain_rows.read_rows(tx, "message", 1, 2)

    await first._seal_table("consent", 3)  # Killed here: what follows was never begun.
    head = (await verifying.verify(store)).head
    assert head is not None
    now = frozen_clock.now()
    block = sealing.make_block("message", rows, head.number + 1, head.digest, now)
    twin = dataclasses.replace(block)

    added = [await store.write(lambda tx, one=one: chain.add_block(tx, one, now)) for one in (block, twin)]
    await second.seal(everything=True)

    assert added == [True, False]
    found = await verifying.verify(store)
    assert (found.flaws, found.pending) == ([], 0)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_chain_signed_by_another_key_is_refused(
    store: Store, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    signer, public = signing.make(tmp_path / "chain.key")
    other, _ = signing.make(tmp_path / "other.key")
    await factory.fill(store, frozen_clock.now())
    await Sealer(store, frozen_clock, signer=signer).seal(everything=True)

    right = await verifying.verify(store, signer=signing.load(public))
    wrong = await verifying.verify(store, signer=other)

    assert right.flaws == []
    assert right.signed == right.blocks > 0
    assert {one.fault for one in wrong.flaws} == {Fault.SIGNATURE_WRONG}
    with pytest.raises(FileExistsError):
        signing.make(tmp_path / "chain.key")


@pytest.mark.parametrize("ids", [[1], [1, 2, 3], [1, 3, 4, 9], list(range(5, 40, 3))])
def test_ranges_hold_exactly_their_ids(ids: list[int]) -> None:
    assert list(proof.ids_in(proof.parse_ranges(proof.ranges_of(ids)))) == ids


def test_null_and_empty_text_are_written_apart() -> None:
    assert len({proof.encode([None]), proof.encode([b""]), proof.encode([b"-"])}) == 3
    assert proof.encode([b"a", b"bc"]) != proof.encode([b"ab", b"c"])

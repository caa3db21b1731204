"""The writer: grouped, durable, fair to neighbours, alone on SQLite."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from domain.errors import ConfigError, StoreUnavailable
from store import events, instance, schema, tables
from store.database import Store

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


async def test_what_write_returns_is_there_for_every_reader(store: Store) -> None:
    await store.write(lambda tx: instance.set_value(tx, "colour", "green"))

    async with store.read() as tx:
        assert await instance.find_value(tx, "colour") == "green"


async def test_a_job_that_fails_leaves_its_neighbours_in_the_group_alone(store: Store) -> None:
    async def broken(tx: Any) -> None:
        await instance.set_value(tx, "half", "written")
        raise ValueError("broken")

    done = await asyncio.gather(
        store.write(lambda tx: instance.set_value(tx, "one", "1")),
        store.write(broken),
        store.write(lambda tx: instance.set_value(tx, "two", "2")),
        return_exceptions=True,
    )

    assert [type(one) for one in done] == [type(None), ValueError, type(None)]
    async with store.read() as tx:
        assert await instance.find_value(tx, "one") == "1"
        assert await instance.find_value(tx, "two") == "2"
        assert await instance.find_value(tx, "half") is None


async def test_rows_added_twice_are_stored_once(store: Store) -> None:
    row = events.new_row(key="k" * 64, receiver="kf", kind="kf_msg_or_event", body=b"<xml/>", at=NOON)

    await asyncio.gather(*(store.add(tables.event, row) for _ in range(20)))

    async with store.read() as tx:
        assert await events.counts(tx) == {"new": 1}


async def test_a_reader_cannot_write(store: Store) -> None:
    async with store.read() as tx:
        with pytest.raises(DBAPIError):
            await tx.execute(sa.insert(tables.instance).values(key="a", value="b"))


async def test_a_reader_who_gives_up_stops_the_statement_and_the_next_one_reads(store: Store) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"

    async def count() -> None:
        async with store.read() as tx:
            await tx.execute(sa.text(endless))

    # More of them than there may be readers: one that were still counting would keep its place.
    for _ in range(10):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(count(), 0.02)

    async with store.read() as tx:
        assert await instance.find_value(tx, "colour") is None


async def test_a_thousand_callers_are_all_answered(store: Store) -> None:
    async def add_one(tx: Any) -> None:
        current = int(await instance.find_value(tx, "count") or 0)
        await instance.set_value(tx, "count", str(current + 1))

    await asyncio.gather(*(store.write(add_one) for _ in range(1000)))

    async with store.read() as tx:
        assert await instance.find_value(tx, "count") == "1000"


async def test_a_naive_time_is_refused(store: Store) -> None:
    row = events.new_row(key="n" * 64, receiver="kf", kind="x", body=b"", at=NOON.replace(tzinfo=None))

    with pytest.raises((ValueError, sa.exc.StatementError)):
        await store.add(tables.event, row)


async def test_a_closed_store_says_so(database_url: str) -> None:
    opened = await Store.open(database_url)
    await opened.close()

    with pytest.raises(StoreUnavailable):
        await opened.write(lambda tx: instance.set_value(tx, "a", "b"))


async def test_two_processes_write_to_one_sqlite_file_in_turn(database_url: str, engine: str) -> None:
    """The command line acts while `serve` runs: both write, neither is refused, nothing is lost."""
    code = (
        "import asyncio, sys\n"
        "from store import instance\n"
        "from store.database import Store\n"
        "async def main():\n"
        "    store = await Store.open(sys.argv[1])\n"
        "    for number in range(50):\n"
        "        await store.write(lambda tx: instance.set_value(tx, f'{sys.argv[2]}{number}', 'x'))\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
    )
    writers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, database_url, name)
        for name in ("a", "b")
    ]

    codes = await asyncio.gather(*(writer.wait() for writer in writers))

    opened = await Store.open(database_url)
    async with opened.read() as tx:
        found = (await tx.execute(sa.select(sa.func.count()).select_from(tables.instance))).scalar_one()
    await opened.close()
    assert (codes, found) == ([0, 0], 100)


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite:///", "nonsense"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        schema.version_of(url)

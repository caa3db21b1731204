"""Leases: whose work is taken back, and how soon."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from bot import machine
from store import accounts, events, leases
from store.database import Store
from store.tables import event

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def test_a_living_process_is_not_gone() -> None:
    assert not machine.is_gone(machine.owner_name())


def test_a_process_that_ended_here_is_gone() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "from bot import machine; print(machine.owner_name())"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert machine.is_gone(said.stdout.strip())


def test_another_process_under_the_same_number_does_not_pass_for_the_dead_one() -> None:
    mark, number, began, token = machine.owner_name().split(":")

    assert int(number) == os.getpid()
    assert machine.is_gone(f"{mark}:{number}:{int(began) + 1}:{token}")


def test_a_process_of_another_machine_is_never_judged() -> None:
    assert not machine.is_gone("0123456789abcdef:1:1:00000000")
    assert not machine.is_gone("an old name")


async def test_what_the_dead_held_is_free_at_once_and_the_living_keep_theirs(store: Store) -> None:
    for key in ("a", "b"):
        await store.add(event, events.new_row(key=key, receiver="kf", kind="k", body=b"", at=NOW))
    await store.write(lambda tx: accounts.ensure(tx, "wkA", NOW))
    lease = timedelta(minutes=2)
    for owner in ("dead", "alive"):
        await store.write(
            lambda tx, owner=owner: events.claim_due(tx, now=NOW, wall=NOW, owner=owner, lease=lease, limit=1)
        )
    await store.write(lambda tx: accounts.claim_cursor(tx, "wkA", wall=NOW, owner="dead", lease=lease))
    async with store.read() as tx:
        assert await leases.list_owners(tx) == {"dead", "alive"}

    await store.write(lambda tx: leases.expire(tx, ["dead"]))

    assert await store.write(lambda tx: events.release(tx, wall=NOW)) == 1
    assert await store.write(
        lambda tx: accounts.claim_cursor(tx, "wkA", wall=NOW, owner="alive", lease=lease)
    )

"""A chain goes along with a backup, also from one database to the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import backup, verifying
from bot.clock import FrozenClock
from bot.sealing import Sealer
from store import chain
from store.database import Store
from tests.proof import factory


@pytest.mark.parametrize("engine", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_a_chain_sealed_on_postgresql_is_whole_on_sqlite_and_goes_on(
    store: Store, database_url: str, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    made = await factory.fill(store, frozen_clock.now())
    await Sealer(store, frozen_clock).seal(everything=True)
    async with store.read() as tx:
        kept = await chain.find_head(tx)
    archive, other = tmp_path / "backup.tar", f"sqlite:///{tmp_path}/other.db"

    backup.write_backup(database_url, tmp_path / "media", archive, now=frozen_clock.now())
    backup.restore(archive, other, tmp_path / "media2")
    moved = await Store.open(other)
    try:
        await moved.write(lambda tx: factory.talk(tx, frozen_clock.now(), ["后来"], first=50))
        await Sealer(moved, frozen_clock).seal(everything=True)
        found = await verifying.verify(moved, kept=kept)
    finally:
        await moved.close()

    assert found.flaws == []
    assert (found.bodies, found.pending) == (len(made.messages) + 1, 0)

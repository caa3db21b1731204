"""The commands of the chain, as an operator types them."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import signing
from bot.clock import FrozenClock
from store import tables
from store.database import Store
from tests.proof import factory
from tests.proof.typing_in import type_in

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_a_whole_record_passes_and_a_changed_one_is_named_with_exit_code_one(
    store: Store, frozen_clock: FrozenClock, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await factory.fill(store, frozen_clock.now())
    settings, kept = ("--config", str(config)), str(tmp_path / "head.json")

    assert await type_in("chain", "key", str(tmp_path / "chain.key")) == 0
    assert await type_in("chain", "seal", *settings) == 0
    assert await type_in("chain", "head", "--out", kept, *settings) == 0
    assert await type_in("verify", "--head", kept, *settings) == 0
    whole = capsys.readouterr().out
    change = sa.update(tables.recall).where(tables.recall.c.id == 2).values(msgid="other")
    await store.write(lambda tx: tx.execute(change))
    assert await type_in("verify", *settings) == 1
    told = capsys.readouterr().out

    assert "核对通过" in whole
    assert "8 个签名" in whole
    assert "recall id=2 列 msgid，区块 3" in told


async def test_a_file_that_holds_no_head_is_refused(config: Path, tmp_path: Path) -> None:
    signing.make(tmp_path / "chain.key")
    (tmp_path / "head.json").write_text("{}", "utf-8")

    assert await type_in("verify", "--config", str(config)) == 0
    assert await type_in("verify", "--head", str(tmp_path / "head.json"), "--config", str(config)) == 2

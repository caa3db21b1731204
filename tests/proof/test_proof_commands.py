"""The commands of the chain, as an operator types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import cli, signing
from bot.clock import FrozenClock
from store import tables
from store.database import Store
from tests.proof import factory

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

CONFIG = """
[store]
url = "{url}"
data_folder = "{folder}"
[wecom]
corp_id = "ww0000000000000001"
api_base = "http://127.0.0.1:9"
[wecom.receivers.kf]
agent_id = 1000002
secret = "secret"
token = "token"
aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
[clock]
file = "{folder}/clock.json"
[proof]
signing_key_file = "{folder}/chain.key"
"""


@pytest.fixture
def config(database_url: str, tmp_path: Path, frozen_clock: FrozenClock) -> Path:
    """Settings of an installation whose clock stands still."""
    stands = {"real_at": 0.0, "virtual_at": frozen_clock.now().timestamp(), "rate": 0.0}
    (tmp_path / "clock.json").write_text(json.dumps(stands), "utf-8")
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(url=database_url, folder=tmp_path), "utf-8")
    return path


async def type_in(*words: str) -> int:
    """Run a command in a thread, as it brings a loop of its own."""
    import asyncio

    return await asyncio.to_thread(cli.main, [str(word) for word in words])


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

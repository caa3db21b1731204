"""Settings of an installation whose clock stands still."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.clock import FrozenClock
from tests.console.conftest import pages, serve  # noqa: F401 - fixtures of the pages

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

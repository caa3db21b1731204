"""The bench of the audit, small: it measures what it says, and holds what it promises about records."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import audit
from sandbox import archive
from store import schema

COUNT = 400


@pytest.mark.slow
async def test_an_archive_is_read_cut_and_scored_and_nothing_changes_again(tmp_path: Path) -> None:
    try:
        audit.make(tmp_path, COUNT)
    except archive.NoCompiler as error:
        pytest.skip(str(error))
    url = f"sqlite:///{tmp_path}/guanjia.db"
    schema.upgrade(url)

    done = await audit.run(url, tmp_path, COUNT)

    assert done.messages == COUNT
    assert done.sessions > COUNT / 30
    assert done.evaluations == done.sessions
    assert done.red > 0
    assert done.is_same
    assert done.looked_at >= 2 * COUNT
    assert min(done.seconds, done.again_seconds, done.peer_seconds) > 0

"""kill -9 in the middle of reading: a process of its own, killed at moments that nobody chose."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from pathlib import Path

from sandbox import archive
from store.database import Store
from tests.archive import office
from tests.archive.library import compiled, message

COUNT, KILLS = 200, 2
ROOT = Path(__file__).parents[2]


async def test_a_killed_process_loses_and_doubles_nothing(records: Store, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    shutil.copy(compiled(), folder)
    held = archive.Archive(folder)
    held.own_key(1)
    held.add_many([message(number) for number in range(COUNT)])

    for kill in range(KILLS):
        await _run(folder, records, kill_at=30 + 60 * kill)
    assert await _run(folder, records) == 0

    found = await office.everything(records)
    assert [one[0] for one in found["messages"]] == sorted(f"m{n}_external" for n in range(COUNT))
    assert (found["seq"], found["holds"]) == (COUNT, [])


async def _run(folder: Path, records: Store, *, kill_at: int = COUNT + 1) -> int:
    """Let a process read; kill it as soon as so many messages are on record."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("pull.py")),
        str(folder),
        str(records.url),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    connection = sqlite3.connect(str(records.url.database))
    ended = asyncio.ensure_future(process.wait())
    while not ended.done():
        (count,) = connection.execute("SELECT count(*) FROM message").fetchone()
        if count >= kill_at:
            process.kill()
        await asyncio.wait([ended], timeout=0.01)
    connection.close()
    return ended.result()

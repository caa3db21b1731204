"""A process that reads the archive into a database: `python pull.py FOLDER DATABASE`. Killed by test_killed.py.

Imports only what it runs: it is started several times.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from bot.archive_puller import ArchivePuller
from bot.channels.archive.process import LibraryProcess, LibrarySettings
from bot.channels.archive.reader import SdkReader
from bot.clock import FrozenClock
from store import archives
from store.database import Store


async def main(folder: Path, url: str) -> None:
    """Read to the end, twenty entries at a time."""
    key = (folder / "keys" / "1.pem").read_text("ascii")
    library = str(folder / "libfinance_standin.so")
    process = LibraryProcess(
        LibrarySettings(library=library, corp_id="ww1234567890abcdef", secret="s", keys={1: key})
    )
    reader, store = SdkReader(process), await Store.open(url)
    await store.write(archives.release_all)
    one = ArchivePuller(
        store,
        reader,
        FrozenClock(datetime(2026, 11, 22, 2, tzinfo=UTC)),
        corp_id="ww1234567890abcdef",
        owner="killed",
        policy_version="",
        poll_seconds=30,
        limit=20,
    )
    while await one.pull_due() == 0:
        pass
    await reader.close()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))

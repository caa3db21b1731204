"""The stand-in for the archive's library: compiled once a run, copied beside what each test archives."""

from __future__ import annotations

import functools
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.channels.archive.process import LibraryProcess, LibrarySettings
from bot.channels.archive.reader import SdkReader
from sandbox import archive

CORP, SECRET = "ww1234567890abcdef", "archiveSecret"
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@functools.cache
def compiled() -> Path:
    """Return the library; skips the test where no C compiler is."""
    try:
        return archive.compile_library(Path(tempfile.mkdtemp(prefix="guanjia-standin-")))
    except archive.NoCompiler as error:
        pytest.skip(str(error))


@functools.cache
def key_pair(version: int) -> str:
    """Return a private key; making one takes a quarter of a second, so all tests share them."""
    return archive.Archive(Path(tempfile.mkdtemp(prefix="guanjia-keys-"))).new_key(version)


def message(number: int, content: str = "您好", **more: Any) -> dict[str, Any]:
    """Return a text of an advisor to a customer; `more` replaces its fields."""
    plain = {
        "msgid": f"m{number}_external",
        "action": "send",
        "from": "zhangsan",
        "tolist": ["wmCustomer1"],
        "roomid": "",
        "msgtime": milliseconds(NOW) - 3_600_000 + number * 1000,
        "msgtype": "text",
        "text": {"content": content},
    }
    return plain | more


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@dataclass
class Archive:
    """An archive with the library in it. `keys`: what the company has set up."""

    folder: Path
    keys: dict[int, str] = field(default_factory=lambda: {1: key_pair(1)})
    held: archive.Archive = field(init=False)

    def __post_init__(self) -> None:
        shutil.copy(compiled(), self.folder / archive.LIBRARY)
        self.held = archive.Archive(self.folder)
        self.held.use_key(1, key_pair(1))

    @property
    def library(self) -> Path:
        return self.folder / archive.LIBRARY

    def reader(self, **more: Any) -> SdkReader:
        """Return a reader with a process of its own; `more` goes to LibraryProcess."""
        settings = LibrarySettings(
            library=str(self.library), corp_id=CORP, secret=SECRET, keys=dict(self.keys), call_seconds=2
        )
        return SdkReader(LibraryProcess(settings, **more), call_seconds=2)

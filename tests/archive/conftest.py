"""An archive with its library, a reader of it, and a store on SQLite for what needs no other engine."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.channels.archive.reader import SdkReader
from store.database import Store
from tests.archive.library import Archive


@pytest.fixture
def archived(tmp_path: Path) -> Archive:
    folder = tmp_path / "archive"
    folder.mkdir()
    return Archive(folder)


@pytest.fixture
async def reader(archived: Archive) -> AsyncIterator[SdkReader]:
    opened = archived.reader()
    yield opened
    await opened.close()


@pytest.fixture
async def records(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    """An open store on SQLite."""
    shutil.copyfile(sqlite_template, tmp_path / "records.db")
    opened = await Store.open(f"sqlite:///{tmp_path}/records.db")
    yield opened
    await opened.close()

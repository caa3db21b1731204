"""Files of archived messages: in parts to the disk, whole or marked."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.archive_files import ArchiveFiles
from bot.channels.archive.errors import FileExpired
from bot.clock import FrozenClock
from domain.archive import Piece
from domain.errors import ChannelBusy
from store.database import Store
from store.tables import media
from tests.archive import office
from tests.archive.library import NOW, Archive, message
from tests.archive.office import Killed, MemoryReader

CONTENT = bytes(range(256)) * 20
LIMIT = 10**6


def pieces(content: bytes, size: int = 1000) -> list[Piece]:
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    return [
        Piece(content=part, next_index=str(n + 1), is_last=n == len(parts) - 1)
        for n, part in enumerate(parts)
    ]


def picture(number: int = 1, content: bytes = CONTENT, **more: Any) -> dict[str, Any]:
    told = {
        "md5sum": hashlib.md5(content).hexdigest(),
        "filesize": len(content),
        "sdkfileid": f"SDK-{number}",
    }
    return message(number, msgtype="image", image=told | more)


class Keeper:
    """A store with pictures to fetch, and who fetches them."""

    def __init__(self, store: Store, reader: Any, folder: Path, *, max_bytes: int = LIMIT) -> None:
        self.store, self.reader, self.folder = store, reader, folder
        self.clock = FrozenClock(NOW)
        self.files = ArchiveFiles(store, reader, self.clock, folder, owner="test", max_bytes=max_bytes)

    async def fetch(self) -> Any:
        """Fetch what is due and return its row."""
        await self.files.fetch_due()
        [row] = await office.rows(self.store, sa.select(media))
        return row

    async def later(self) -> Any:
        self.clock.advance(timedelta(minutes=20))
        return await self.fetch()

    def kept(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


async def keeper(store: Store, tmp_path: Path, parts: list[Piece] | None = None, **more: Any) -> Keeper:
    told = {name: more.pop(name) for name in list(more) if name != "max_bytes"}
    reader = MemoryReader([picture(**told)])
    reader.files["SDK-1"] = pieces(CONTENT) if parts is None else parts
    await office.pull_all(store, reader)
    return Keeper(store, reader, tmp_path / "media", **more)


async def test_a_file_is_named_by_its_content(records: Store, tmp_path: Path) -> None:
    at = await keeper(records, tmp_path)

    row = await at.fetch()

    digest = hashlib.sha256(CONTENT).hexdigest()
    assert (row.state, row.digest, row.size_bytes, row.content_type) == (
        "fetched",
        digest,
        len(CONTENT),
        "image/jpeg",
    )
    assert at.kept() == {digest: CONTENT}


async def test_a_stopped_process_goes_on_where_it_was(records: Store, tmp_path: Path) -> None:
    at = await keeper(records, tmp_path)
    asked: list[str] = []
    whole = at.reader.fetch

    async def dies(file_id: str, index: str) -> Piece:
        asked.append(index)
        if len(asked) == 4:
            raise Killed
        piece: Piece = await whole(file_id, index)
        return piece

    at.reader.fetch = dies
    with pytest.raises(Killed):
        await at.fetch()
    await records.write(lambda tx: tx.execute(sa.update(media).values(state="due", lease_until=None)))

    row = await at.later()

    assert row.state == "fetched"
    assert asked == ["", "1", "2", "3", "3", "4", "5"]
    assert list(at.kept().values()) == [CONTENT]


@pytest.mark.parametrize("told", [{"md5sum": "0" * 32}, {"filesize": 7}], ids=["md5", "size"])
async def test_a_damaged_file_is_fetched_again_then_kept_and_marked(
    records: Store, tmp_path: Path, told: dict[str, Any]
) -> None:
    at = await keeper(records, tmp_path, **told)

    first, second = await at.fetch(), await at.later()

    assert first.state == "due"
    assert second.state == "damaged"
    assert second.error
    assert at.kept() == {second.digest: CONTENT}


async def test_an_index_that_does_not_move_ends_nowhere(records: Store, tmp_path: Path) -> None:
    stuck = [
        Piece(content=b"a", next_index="1", is_last=False),
        Piece(content=b"b", next_index="1", is_last=False),
    ]
    at = await keeper(records, tmp_path, stuck)

    row = await at.fetch()

    assert row.state == "due"
    assert "again and again" in row.error
    assert at.kept() == {}


async def test_a_file_that_grows_without_end_is_given_up(records: Store, tmp_path: Path) -> None:
    endless = [Piece(content=b"x" * 4000, next_index=str(n + 1), is_last=False) for n in range(9)]
    at = await keeper(records, tmp_path, endless, max_bytes=20_000)

    row = await at.fetch()

    assert row.state == "failed"
    assert "media_max_bytes" in row.error
    assert at.kept() == {}


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (FileExpired("10010", errcode=10010), "expired"),
        (ChannelBusy("10001", retry_after=timedelta(seconds=2)), "due"),
    ],
)
async def test_a_file_that_cannot_be_had_is_marked_or_waits(
    records: Store, tmp_path: Path, error: Exception, state: str
) -> None:
    at = await keeper(records, tmp_path)

    async def fails(file_id: str, index: str) -> Piece:
        raise error

    at.reader.fetch = fails
    row = await at.fetch()

    assert row.state == state
    assert row.lease_owner is None


async def test_a_file_of_an_erased_message_goes_too(records: Store, tmp_path: Path) -> None:
    at = await keeper(records, tmp_path)
    whole = at.reader.fetch

    async def erases(file_id: str, index: str) -> Piece:
        if index == "4":
            await records.write(lambda tx: tx.execute(sa.update(media).values(state="erased")))
        piece: Piece = await whole(file_id, index)
        return piece

    at.reader.fetch = erases
    row = await at.fetch()
    left = at.kept()
    await at.files.sweep()

    assert row.state == "erased"
    assert left
    assert at.kept() == {}


async def test_the_library_gives_a_file_of_several_parts(
    records: Store, tmp_path: Path, archived: Archive
) -> None:
    content = bytes(range(256)) * 5000
    archived.held.put_file("SDK-1", content)
    archived.held.put_file("SDK-2", b"old")
    archived.held.refuse_file("SDK-2", 10010)
    archived.held.add_many([picture(1, content), picture(2, b"old")])
    reader = archived.reader()
    await office.pull_all(records, reader)
    at = Keeper(records, reader, tmp_path / "media", max_bytes=10**7)

    await at.files.fetch_due()
    await reader.close()

    rows = await office.rows(records, sa.select(media).order_by(media.c.id))
    assert [one.state for one in rows] == ["fetched", "expired"]
    assert at.kept() == {hashlib.sha256(content).hexdigest(): content}

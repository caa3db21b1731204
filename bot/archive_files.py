"""Fetching the files of archived messages: in parts to the disk, within the five days the archive keeps them.

A file in the making is `.archive-ID` in the media folder with its place beside it, so that a stopped process goes on
where it was. Whole, it is named by its SHA-256 like every other file (bot/files.py). One that is not what the platform
told (MD5, size) is fetched once more, then kept and marked.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from bot.channels.archive.errors import FileExpired
from domain import errors
from domain.archive import ArchiveReader
from domain.ports import Clock
from store import archive_media
from store.archive_media import ArchiveFile
from store.database import Store

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=120)
_BATCH = 4
# At 15 minutes between two tries this is five days, the life of a file.
_TRIES = 480
_LONGEST_WAIT = timedelta(minutes=15)
# A part is at most 512 KB; more parts than this for one file is an index that leads nowhere.
_PART_BYTES = 512 * 1024
_PARTS_BEYOND = 4
_TYPES = {"image": "image/jpeg", "voice": "audio/amr", "video": "video/mp4", "emotion": "image/gif"}


class NoProgress(errors.ChannelRefused):
    """The library gives the same part of the file again and again; the file is tried again later."""


class TooLarge(errors.ChannelRefused):
    """The file is larger than wecom.archive.media_max_bytes; it is noted and not kept."""


@dataclass(kw_only=True)
class _Making:
    """A file on its way to the disk. `index`: where the next part begins, "" at the start."""

    path: Path
    index: str = ""
    size: int = 0
    is_whole: bool = False

    @property
    def note(self) -> Path:
        return self.path.with_name(self.path.name + ".at")


class ArchiveFiles:
    """Fetches files into `folder`."""

    def __init__(
        self,
        store: Store,
        reader: ArchiveReader,
        clock: Clock,
        folder: Path,
        *,
        owner: str,
        max_bytes: int,
    ) -> None:
        self._store = store
        self._reader = reader
        self._clock = clock
        self._folder = folder
        self._owner = owner
        self._max_bytes = max_bytes

    async def fetch_due(self) -> float | None:
        """Fetch the files whose time has come; a step for ticker.run_loop."""
        now, wall = self._clock.now(), self._clock.wall()
        claim = partial(
            archive_media.claim_due, now=now, wall=wall, owner=self._owner, lease=_LEASE, limit=_BATCH
        )
        wanted = await self._store.write(claim)
        for one in wanted:
            await self._fetch(one)
        return 0 if wanted else None

    async def sweep(self) -> None:
        """Remove what was half fetched of files that are not to be fetched any more, e.g. of erased messages."""
        begun = await asyncio.to_thread(self._list_begun)
        if not begun:
            return
        async with self._store.read() as tx:
            wanted = await archive_media.list_wanted(tx, list(begun))
        for file_id, paths in begun.items():
            for path in paths if file_id not in wanted else ():
                path.unlink(missing_ok=True)

    async def _fetch(self, one: ArchiveFile) -> None:
        try:
            await self._take(one)
        except FileExpired as error:
            self._forget(one)
            note = str(error)
            await self._store.write(lambda tx: archive_media.record_expired(tx, one, note))
        except (errors.ChannelError, OSError) as error:
            await self._note_failure(one, error)

    async def _take(self, one: ArchiveFile) -> None:
        """Fetch the file to its end and record it. Raises ChannelError, OSError."""
        if one.size_bytes > self._max_bytes:
            raise TooLarge
        making = await asyncio.to_thread(self._open, one)
        while not making.is_whole:
            await self._take_part(one, making)
        md5, digest = await asyncio.to_thread(_sums, making.path)
        damage = _damage(one, md5, making.size)
        if damage and one.attempt == 1:
            raise errors.ChannelBusy(damage, retry_after=timedelta(seconds=5))
        await asyncio.to_thread(self._finish, making, digest)
        await self._store.write(
            lambda tx: archive_media.record_fetched(
                tx,
                one,
                digest=digest,
                size_bytes=making.size,
                content_type=_TYPES.get(one.kind, "application/octet-stream"),
                damage=damage,
            )
        )
        if damage:
            log.warning("archived file damaged", extra={"action": "archive_file_damaged", "file": one.id})

    async def _take_part(self, one: ArchiveFile, making: _Making) -> None:
        before = making.index
        piece = await self._reader.fetch(one.file_id, before)
        if not piece.is_last and (piece.next_index in ("", before) or not piece.content):
            raise NoProgress
        size = making.size + len(piece.content)
        if size > self._max_bytes:
            raise TooLarge
        if one.size_bytes and size > one.size_bytes + _PARTS_BEYOND * _PART_BYTES:
            raise NoProgress
        await asyncio.to_thread(_append, making, piece.content, piece.next_index, piece.is_last)
        wall = self._clock.wall()
        if not await self._store.write(lambda tx: archive_media.keep(tx, one, wall=wall, lease=_LEASE)):
            raise errors.ChannelBusy("another process fetches the file", retry_after=_LEASE)

    async def _note_failure(self, one: ArchiveFile, error: Exception) -> None:
        is_final = isinstance(error, TooLarge) or (
            isinstance(error, errors.ChannelRefused)
            and not isinstance(error, errors.ChannelUnauthorised | NoProgress)
        )
        gives_up = is_final or one.attempt >= _TRIES
        if gives_up or isinstance(error, NoProgress):
            self._forget(one)
        wait = min(timedelta(seconds=5 * 2 ** min(one.attempt, 8)), _LONGEST_WAIT)
        retry_at = None if gives_up else self._clock.now() + wait
        log.warning(
            "archived file not fetched",
            extra={
                "action": "archive_file_failed",
                "file": one.id,
                "error": type(error).__name__,
                "final": gives_up,
            },
        )
        note = str(error)
        await self._store.write(lambda tx: archive_media.record_failed(tx, one, note, retry_at))

    # --- the disk -------------------------------------------------------------------------------------------

    def _list_begun(self) -> dict[int, list[Path]]:
        begun: dict[int, list[Path]] = {}
        for path in self._folder.glob(".archive-*"):
            number = path.name.removeprefix(".archive-").partition(".")[0]
            if number.isdigit():
                begun.setdefault(int(number), []).append(path)
        return begun

    def _path(self, one: ArchiveFile) -> Path:
        return self._folder / f".archive-{one.id}"

    def _open(self, one: ArchiveFile) -> _Making:
        """Return the file as far as it is there; a fresh one when its place is not known, or it was damaged."""
        self._folder.mkdir(parents=True, exist_ok=True)
        making = _Making(path=self._path(one))
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads(making.note.read_text("utf-8"))
            size, index = int(told["size"]), str(told["index"])
            if making.path.stat().st_size >= size and not told["is_whole"]:
                os.truncate(making.path, size)
                making.size, making.index = size, index
                return making
        self._forget(one)
        making.path.touch()
        return making

    def _forget(self, one: ArchiveFile) -> None:
        making = _Making(path=self._path(one))
        making.path.unlink(missing_ok=True)
        making.note.unlink(missing_ok=True)

    def _finish(self, making: _Making, digest: str) -> None:
        with making.path.open("rb") as file:
            os.fsync(file.fileno())
        making.path.replace(self._folder / digest)
        making.note.unlink(missing_ok=True)


def _append(making: _Making, content: bytes, index: str, is_last: bool) -> None:
    """Write a part, then where the next one begins: cut between the two, the part is written again."""
    with making.path.open("ab") as file:
        file.write(content)
    making.size += len(content)
    making.index, making.is_whole = index, is_last
    fresh = making.note.with_name(making.note.name + ".new")
    fresh.write_text(json.dumps({"size": making.size, "index": index, "is_whole": is_last}), "utf-8")
    fresh.replace(making.note)


def _sums(path: Path) -> tuple[str, str]:
    """Return MD5 and SHA-256 of a file, in hex."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_PART_BYTES):
            md5.update(part)
            sha256.update(part)
    return md5.hexdigest(), sha256.hexdigest()


def _damage(one: ArchiveFile, md5: str, size: int) -> str:
    """Return how a file differs from what the platform told of it, "" when it does not."""
    if one.md5 and one.md5 != md5:
        return f"MD5 is {md5}, told was {one.md5}"
    if one.size_bytes and one.size_bytes != size:
        return f"{size} bytes, told were {one.size_bytes}"
    return ""

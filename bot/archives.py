"""The message archive in a serving process: its reader, its loops and rounds, its figures.

Without a library in the settings nothing of it is started; sends by hand and mass sends are recorded all the same.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot import config
from bot.archive_consents import ArchiveConsents
from bot.archive_files import ArchiveFiles
from bot.archive_puller import ArchivePuller
from bot.channels.archive.process import LibraryProcess, LibrarySettings
from bot.channels.archive.reader import SdkReader
from bot.told_sends import ToldSends
from domain.archive import ArchiveReader
from scheduler.ticker import Ticker, Wakeup
from store import archive_media, archives, files

if TYPE_CHECKING:
    from bot.app import House

log = logging.getLogger(__name__)

_CONSENTS_SECONDS = 300
_WITHDRAWN_SECONDS = 30
_SENDS_SECONDS = 30
_FIGURES_SECONDS = 15
_REAP_SECONDS = 30
_LONGEST_WAIT_SECONDS = 600.0
_FILES_WAIT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class ArchiveLoop:
    """A loop to run; `longest`: how long it may wait without its bell."""

    name: str
    step: Callable[[], Awaitable[float | None]]
    bell: Wakeup
    longest: float


class Archives:
    """The workers of the archive."""

    def __init__(self, house: House, reader: ArchiveReader | None = None) -> None:
        # `reader`: another way to the archive than the settings' library.
        self._house = house
        settings = house.settings.wecom.archive
        if reader is None and settings.is_on:
            reader = open_reader(house.settings, on_death=house.metrics.archive_restarts.inc)
        self._reader = reader
        self._puller = self._make_puller(reader) if reader is not None else None
        self._files = self._make_files(reader) if reader is not None else None
        self._file_bell = Wakeup()
        self.events = ArchiveConsents(
            house.store,
            house.msgaudit,
            house.clock,
            policy_version=settings.policy_version,
            bell=self._puller.bell if self._puller else Wakeup(),
        )
        self._sends = ToldSends(house.store, house.clock)

    async def take_over(self) -> None:
        """Before anything runs, where no other process can: give the archive back."""
        await self._house.store.write(archives.release_all)

    def loops(self) -> list[ArchiveLoop]:
        """Return the loops to run; none without an archive."""
        if self._puller is None or self._files is None:
            return []
        pull = ArchiveLoop(
            name="archive",
            step=self._puller.pull_due,
            bell=self._puller.bell,
            longest=_LONGEST_WAIT_SECONDS,
        )
        fetch = ArchiveLoop(
            name="archive-files",
            step=self._files.fetch_due,
            bell=self._file_bell,
            longest=_FILES_WAIT_SECONDS,
        )
        return [pull, fetch]

    def add_ticks(self, ticker: Ticker) -> None:
        """Begin the rounds."""
        ticker.every(_SENDS_SECONDS, "told_sends", self._sends.record_due)
        if self._puller is not None:
            ticker.every(_CONSENTS_SECONDS, "archive_consents", self.events.refresh)
            ticker.every(_WITHDRAWN_SECONDS, "archive_withdrawn", self.events.withdraw)
            ticker.every(_FIGURES_SECONDS, "archive_figures", self.measure)
            ticker.every(_REAP_SECONDS, "archive_reap", self._reap)

    async def close(self) -> None:
        """End the child."""
        if self._reader is not None:
            await self._reader.close()

    async def measure(self) -> None:
        """Bring the figures up to date."""
        house, metrics = self._house, self._house.metrics
        async with house.store.read() as tx:
            standing = await archives.find_standing(tx, house.settings.wecom.corp_id)
            held = await archives.count_holds(tx)
            waiting = await archive_media.count_waiting(tx)
        for reason, number in held.items():
            metrics.archive_holds.labels(reason.value).set(number)
        metrics.archive_files_waiting.set(waiting)
        since = (standing.caught_up_at if standing else None) or house.started_at
        metrics.archive_lag_seconds.set(max((house.clock.now() - since).total_seconds(), 0))

    async def _reap(self) -> None:
        wall = self._house.clock.wall()
        await self._house.store.write(lambda tx: files.release(tx, wall=wall))
        if self._files is not None:
            await self._files.sweep()

    def _make_puller(self, reader: ArchiveReader) -> ArchivePuller:
        house, settings = self._house, self._house.settings.wecom.archive
        return ArchivePuller(
            house.store,
            reader,
            house.clock,
            corp_id=house.settings.wecom.corp_id,
            owner=house.owner,
            policy_version=settings.policy_version,
            poll_seconds=settings.poll_seconds,
            limit=settings.page_size,
            tools=tools_of(settings),
        )

    def _make_files(self, reader: ArchiveReader) -> ArchiveFiles:
        house, settings = self._house, self._house.settings
        return ArchiveFiles(
            house.store,
            reader,
            house.clock,
            settings.media_folder,
            owner=house.owner,
            max_bytes=settings.wecom.archive.media_max_bytes,
        )


def open_reader(settings: config.Settings, *, on_death: Callable[[], None] = lambda: None) -> SdkReader:
    """Return the reader that the settings describe; its child starts with the first call. Raises OSError."""
    archive = settings.wecom.archive
    process = LibraryProcess(
        LibrarySettings(
            library=str(archive.library),
            corp_id=settings.wecom.corp_id,
            secret=settings.wecom.archive_secret,
            keys={version: path.read_text("ascii") for version, path in archive.key_files.items()},
            proxy=archive.proxy,
            password=archive.proxy_password.get_secret_value(),
            call_seconds=archive.timeout_seconds,
        ),
        on_death=on_death,
    )
    return SdkReader(process, call_seconds=archive.timeout_seconds)


def tools_of(settings: config.table.Archive) -> str:
    """Return what changes with a key or the library: then what was put aside is tried again."""
    parts = [
        f"{version}:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for version, path in sorted(settings.key_files.items())
    ]
    return "\n".join([*parts, _mark_of(settings.library)])


def _mark_of(path: Path | None) -> str:
    try:
        told = path.stat() if path else None
    except OSError:
        told = None
    return f"{told.st_size}:{told.st_mtime_ns}" if told else ""

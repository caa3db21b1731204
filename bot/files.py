"""Fetching the files customers sent, within the hour, kept by the digest of their content."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

from bot.channels.wecom.kf import Kf
from domain import errors
from domain.ports import Clock
from store import files
from store.database import Store
from store.files import FileWanted

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=120)
# With at most 15 minutes between two tries this is three days, the life of a media_id (WeCom doc 90253).
_TRIES = 290
_BATCH = 4


class FileKeeper:
    """Fetches files into `folder`/media, named by their SHA-256."""

    def __init__(self, store: Store, kf: Kf, clock: Clock, folder: Path, *, owner: str) -> None:
        self._store = store
        self._kf = kf
        self._clock = clock
        self._folder = folder / "media"
        self._owner = owner

    def sweep(self) -> None:
        """Remove what a killed process left half fetched."""
        for left in self._folder.glob(".download-*"):
            left.unlink(missing_ok=True)

    async def fetch_due(self) -> float | None:
        """Fetch the files whose time has come; a step for ticker.run_loop."""
        now, wall = self._clock.now(), self._clock.wall()
        wanted = await self._store.write(
            lambda tx: files.claim_due(tx, now=now, wall=wall, owner=self._owner, lease=_LEASE, limit=_BATCH)
        )
        for one in wanted:
            await self._fetch(one)
        return 0 if wanted else None

    async def reap(self, *, everything: bool = False) -> None:
        """Give back files whose worker is gone."""
        wall = self._clock.wall()
        await self._store.write(lambda tx: files.release(tx, wall=wall, everything=everything))

    async def _fetch(self, one: FileWanted) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            kept = await self._kf.download_media(one.platform_id, self._folder)
        except errors.ChannelError as error:
            is_final = isinstance(error, errors.ChannelRefused) and not isinstance(
                error, errors.ChannelUnauthorised
            )
            await self._note_failure(one, error, is_final=is_final)
        except OSError as error:  # A full disk: the file waits on the platform for three days.
            await self._note_failure(one, error, is_final=False)
        else:
            await self._store.write(
                lambda tx: files.record_fetched(
                    tx, one, digest=kept.digest, size_bytes=kept.size, content_type=kept.content_type
                )
            )

    async def _note_failure(self, one: FileWanted, error: Exception, *, is_final: bool) -> None:
        gives_up = is_final or one.attempt >= _TRIES
        retry_at = (
            None
            if gives_up
            else self._clock.now() + timedelta(seconds=min(5 * 2 ** min(one.attempt, 8), 900))
        )
        log.warning(
            "file not fetched",
            extra={"action": "file_failed", "file": one.id, "error": type(error).__name__, "final": gives_up},
        )
        await self._store.write(lambda tx: files.record_failed(tx, one, str(error), retry_at))

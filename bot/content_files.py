"""The content's files on disk: read whole or not at all, noticed when they change, the last good ones kept.

Everything here blocks and is called in a thread by bot/library.py. A change is noticed by the files' names, times and
sizes, so that a look costs about a millisecond; whether the words differ is said by their digest afterwards.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from pathlib import Path
from typing import TypeAlias

import content as checks
from content import loading, sop_files

log = logging.getLogger(__name__)

# Name, inode, time of change in nanoseconds and size of each file.
Mark: TypeAlias = frozenset[tuple[str, int, int, int]]


class ContentFiles:
    """The folder of the words, and beside the database the copy of those that were good last."""

    def __init__(self, folder: Path, data_folder: Path) -> None:
        self._folder = folder
        self._kept = data_folder / "content-last-good"

    def mark(self) -> Mark:
        """Return a value that changes when any file is written, added, renamed or removed, those of SOPs included."""
        found = set()
        for path in (*loading.files_of(self._folder), *sop_files.files_of(self._folder / sop_files.FOLDER)):
            try:
                stat = path.stat()
            except OSError:
                continue  # Gone since the folder was listed; the next look sees what came of it.
            name = path.relative_to(self._folder).as_posix()
            found.add((name, stat.st_ino, stat.st_mtime_ns, stat.st_size))
        return frozenset(found)

    def load(self) -> loading.Content:
        """Return the words of the files. Raises ContentError with every mistake.

        Words that this very program found good before are not checked for their wording again: that is two thirds of
        the time it takes (docs/testing.md, "Figures").
        """
        return loading.load(self._folder, checked=self._checked_digest())

    def load_last_good(self) -> loading.Content | None:
        """Return the words that were good last; None when none were kept."""
        if not self._kept.is_dir():
            return None
        return loading.load(self._kept, checked=self._checked_digest())

    def keep(self, content: loading.Content) -> None:
        """Keep a copy of the files, which are `content`; readers never see half of it.

        Replicas may share the data folder and start together: each copies into a folder of its own, and the last one
        stays. A copy that is not `content`, because the files changed meanwhile, is thrown away. On a full disk the
        words serve without a copy.
        """
        if self._checked_digest() == content.digest:
            return
        try:
            self._replace_kept(content)
        except OSError as refused:
            log.warning("content not kept", extra={"action": "content_not_kept", "reason": str(refused)})

    def _replace_kept(self, content: loading.Content) -> None:
        self._kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{self._kept.name}.", dir=self._kept.parent) as name:
            beside = Path(name) / "new"
            _copy(self._folder, beside)
            if loading.digest_of(beside) != content.digest:
                log.info("content changed while it was kept", extra={"action": "content_not_kept"})
                return
            (beside / "digest").write_text(content.digest, "utf-8")
            (beside / "checker").write_text(_checker(), "utf-8")
            try:
                if self._kept.exists():
                    self._kept.rename(Path(name) / "old")
                beside.rename(self._kept)
            except OSError:  # Another replica was quicker; its copy is as good.
                log.info("content kept by another process", extra={"action": "content_kept_elsewhere"})

    def _checked_digest(self) -> str:
        """Return the digest of the words that this program's own checks found good, "" when there are none."""
        try:
            if (self._kept / "checker").read_text("utf-8") != _checker():
                return ""
            return (self._kept / "digest").read_text("utf-8")
        except OSError:
            return ""


def _copy(folder: Path, target: Path) -> None:
    for path in loading.files_of(folder):
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _checker() -> str:
    """Return what tells one version of the checks from another: a digest of the code that reads and checks."""
    total = hashlib.sha256()
    for path in sorted(Path(checks.__path__[0]).rglob("*.py")):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()

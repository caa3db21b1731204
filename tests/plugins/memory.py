"""Temporary files in memory, where the machine has room for them.

Databases that are made, synced and dropped for each test on a disk took half of the tests' time: 48 s of CPU for
tests/outbox, 24 in memory; a copied PostgreSQL database 140 ms and 12 (2 cores, 2026-11-22). With TMPDIR set the files
go there and stay as pytest keeps them; these here are gone when the run ends.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest

_MEMORY = Path("/dev/shm")
_NAME = "guanjia-tests-{}-"
# A run of four processes uses less than one.
_NEEDED_BYTES = 3 * 2**30


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let this process and its children (TMPDIR) put their temporary files into memory."""
    if "TMPDIR" in os.environ or not _has_room():
        return
    _sweep()
    folder = tempfile.mkdtemp(prefix=_NAME.format(os.getpid()), dir=_MEMORY)
    os.chmod(folder, 0o711)  # PostgreSQL runs as another user (tests/plugins/postgres.py).
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def _has_room() -> bool:
    """Say whether there is such a file system, big enough, and memory behind it; programs must run on it."""
    try:
        there = os.statvfs(_MEMORY)
        memory = re.search(r"^MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return False
    room = min(there.f_bavail * there.f_frsize, int(memory[1]) * 1024 if memory else 0)
    return room > _NEEDED_BYTES and not there.f_flag & os.ST_NOEXEC and os.access(_MEMORY, os.W_OK)


def _sweep() -> None:
    """Remove what runs left that were killed."""
    for folder in _MEMORY.glob(_NAME.format("*") + "*"):
        number = folder.name.split("-")[2]
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.geteuid() and not Path(f"/proc/{number}").exists():
                shutil.rmtree(folder, ignore_errors=True)

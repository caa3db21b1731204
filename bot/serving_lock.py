"""One `serve` per SQLite file: two would both take everything that is due. PostgreSQL is what replicas share."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from domain.errors import ConfigError
from store import database


@contextlib.contextmanager
def held(url: str) -> Iterator[None]:
    """Hold the right to serve; raises ConfigError when another process has it. Nothing to hold on PostgreSQL."""
    parsed = database.parse_url(url)
    if parsed.get_backend_name() != "sqlite":
        yield
        return
    path = Path(f"{parsed.database}.serve")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise ConfigError(
            [
                f"store.url: another `guanjia serve` runs on {parsed.database}; stop it, or use PostgreSQL for replicas"
            ]
        ) from None
    try:
        yield
    finally:
        os.close(file)

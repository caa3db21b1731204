"""The schema's version: which one the database has, which one this program needs, and how to get there.

`serve` migrates an empty database by itself; an older one is left alone until somebody runs `guanjia migrate`, so that
an upgrade is a decision and a backup can stand before it (docs/go-live.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from domain.errors import SchemaOutdated, StoreUnavailable
from store import database

# The newest revision under migrations/versions; a test compares it with Alembic's own answer.
HEAD = "0006"

_FOLDER = Path(__file__).with_name("migrations")

# The driver is not among the usual packages: most companies stay with SQLite (scripts/setup.sh).
_NO_DRIVER = (
    "store.url: 没有安装 PostgreSQL 驱动，请在程序目录运行一次 GUANJIA_WITH=postgres ./guanjia --help。"
    " (The PostgreSQL driver is not installed; run that once in the program's folder.)"
)


def version_of(url: str) -> str | None:
    """Return the revision of the database at `url`; None when it is empty. Raises StoreUnavailable."""
    with _Connection(url) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return found


def ensure(url: str) -> None:
    """Bring an empty database to HEAD and accept one that is there.

    Raises SchemaOutdated for any other, naming the command to run.
    """
    found = version_of(url)
    if found is None:
        upgrade(url)
    elif found != HEAD:
        raise SchemaOutdated(
            f"the database is at version {found}, this program needs {HEAD}; run `guanjia migrate`"
        )


def upgrade(url: str, revision: str = "head") -> None:
    """Run the revisions up to `revision`. Safe to run twice and by two processes: the second finds nothing to do."""
    from alembic import command

    with _Connection(url) as connection:
        if connection.dialect.name == "postgresql":
            # Two replicas may start on one empty database; the second waits here. The number is arbitrary, ours.
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(710001)"))
        command.upgrade(configuration(connection), revision)
        connection.commit()


def downgrade(url: str, revision: str) -> None:
    """Go back to `revision`; see docs/go-live.md before doing this with real data."""
    from alembic import command

    with _Connection(url) as connection:
        command.downgrade(configuration(connection), revision)
        connection.commit()


def configuration(connection: sa.Connection | None = None) -> Any:
    """Return Alembic's configuration for our folder; imported late, because `serve` rarely needs it."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(_FOLDER))
    made.attributes["connection"] = connection
    return made


class _Connection:
    """A synchronous connection for the length of one command."""

    def __init__(self, url: str) -> None:
        parsed = database.parse_url(url)
        self._url = parsed.set(drivername=parsed.drivername.replace("+aiosqlite", ""))
        if parsed.get_backend_name() == "sqlite":
            try:
                Path(parsed.database or "").parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise database.unavailable(error, self._url) from error

    def __enter__(self) -> sa.Connection:
        try:
            self._engine = sa.create_engine(self._url, poolclass=sa.pool.NullPool)
        except ImportError as error:
            raise StoreUnavailable(_NO_DRIVER) from error
        try:
            self._open = self._engine.connect()
        except (DBAPIError, OSError) as error:
            raise database.unavailable(error, self._url) from error
        return self._open

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._engine.dispose()

"""The migrations: equal to the tables, forth and back, and never behind a running program's back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from domain.errors import SchemaOutdated
from store import database, schema, tables


def connect(url: str) -> sa.Connection:
    parsed = database.parse_url(url)
    return sa.create_engine(
        parsed.set(drivername=parsed.drivername.replace("+aiosqlite", "")), poolclass=sa.pool.NullPool
    ).connect()


def test_the_migrations_build_exactly_the_tables(empty_database_url: str) -> None:
    schema.upgrade(empty_database_url)

    with connect(empty_database_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
        connection.engine.dispose()


def test_the_newest_revision_is_the_one_the_program_needs() -> None:
    assert ScriptDirectory.from_config(schema.configuration()).get_current_head() == schema.HEAD


def test_an_empty_database_is_migrated_and_one_that_is_there_is_kept(empty_database_url: str) -> None:
    schema.ensure(empty_database_url)
    schema.ensure(empty_database_url)

    assert schema.version_of(empty_database_url) == schema.HEAD


def test_another_version_stops_the_start_and_names_the_command(empty_database_url: str) -> None:
    schema.upgrade(empty_database_url)
    with connect(empty_database_url) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
        connection.commit()
        connection.engine.dispose()

    with pytest.raises(SchemaOutdated, match="guanjia migrate"):
        schema.ensure(empty_database_url)


def test_the_way_back_is_clean(empty_database_url: str) -> None:
    schema.upgrade(empty_database_url)
    schema.downgrade(empty_database_url, "base")

    assert schema.version_of(empty_database_url) is None

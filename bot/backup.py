"""Backup and restore: the database and the media folder in one tar file, consistent while the bot runs.

The database is read in one snapshot (a read transaction on SQLite, repeatable read on PostgreSQL) and written
as one JSON line per row, the same for both engines: a backup of one restores into the other, so this is also
the way from SQLite to PostgreSQL, and nothing like pg_dump has to be installed. Media files are named by their
digest and never change, so copying them after the snapshot catches all it refers to. Settings and secrets are
not in it.

    manifest.json           schema revision, rows per table, size and SHA-256 of all other members; comes last
    tables/<table>.jsonl    one row a line: columns as JSON, times as ISO 8601 UTC, bytes as base64
    media/<path>            the files as they stand in the media folder
"""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy as sa

from domain.errors import BotError
from store import database, schema

_FORMAT = 1
_VERSION_TABLE = "alembic_version"
_ROWS = 1000
_BLOCK = 1024 * 1024

# What is going on, how much is done, how much there is (0: not known).
Progress = Callable[[str, int, int], None]


class BackupError(BotError):
    """The backup could not be written or is not whole; make a new one or take an older one."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a backup holds. `revision`: of the schema; `members`: name → (bytes, SHA-256 hex)."""

    made_at: str
    engine: str
    revision: str
    rows: dict[str, int]
    members: dict[str, tuple[int, str]]

    @property
    def row_count(self) -> int:
        return sum(self.rows.values())

    @property
    def media_count(self) -> int:
        return sum(name.startswith("media/") for name in self.members)


def _quiet(_what: str, _done: int, _all: int) -> None:
    return None


# Backing up


def write_backup(
    url: str, media: Path, target: Path, *, now: datetime, progress: Progress = _quiet
) -> Manifest:
    """Write the database at `url` and the files below `media` to `target`, readable by the owner only.

    The file appears under its name only when it is whole; a name ending in .gz or .tgz is compressed. Blocks
    for as long as it takes: call it in a thread where a loop runs. Raises BackupError and StoreUnavailable.
    """
    partial = target.with_name(target.name + ".part")
    mode = "w:gz" if target.name.endswith((".gz", ".tgz")) else "w"
    members: dict[str, tuple[int, str]] = {}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]  # the mode is one of two literals
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as work:
                revision, rows = _dump_tables(url, Path(work), progress)
                for name in rows:
                    _add_file(archive, Path(work) / f"{name}.jsonl", f"tables/{name}.jsonl", members)
            _add_media(archive, media, members, progress)
            manifest = Manifest(
                made_at=now.astimezone(UTC).isoformat(timespec="seconds"),
                engine=sa.make_url(url).get_backend_name(),
                revision=revision,
                rows=rows,
                members=members,
            )
            _add_bytes(archive, "manifest.json", _manifest_json(manifest))
            archive.close()
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise BackupError(
            f"{target}: 写入失败（{error.strerror}），请检查空间和权限。 (Cannot be written.)"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def _dump_tables(url: str, folder: Path, progress: Progress) -> tuple[str, dict[str, int]]:
    """Write every table of one snapshot; return the schema revision and the rows per table."""
    file = _sqlite_file(url)
    if file is not None and not file.exists():
        raise BackupError(f"{file}: 没有这个数据库文件，请检查 store.url。 (No such database file.)")
    with _connected(url, isolation="REPEATABLE READ") as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        laid = _reflect(connection)
        if _VERSION_TABLE not in laid.tables:
            raise BackupError("数据库里还没有表，没有可备份的内容。 (The database holds no tables yet.)")
        revision = str(connection.scalar(sa.select(laid.tables[_VERSION_TABLE].c.version_num)))
        rows: dict[str, int] = {}
        tables = [table for table in laid.sorted_tables if table.name != _VERSION_TABLE]
        for place, table in enumerate(tables, 1):
            progress("tables", place, len(tables))
            rows[table.name] = _dump_table(connection, table, folder / f"{table.name}.jsonl")
    return revision, rows


def _dump_table(connection: sa.Connection, table: sa.Table, path: Path) -> int:
    query = sa.select(table).order_by(*table.primary_key.columns)
    count = 0
    with path.open("w", encoding="utf-8") as file:
        result = connection.execution_options(yield_per=_ROWS).execute(query)
        for row in result.mappings():
            plain = {name: _encode(value) for name, value in row.items()}
            file.write(json.dumps(plain, ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    return count


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        # SQLite keeps UTC without saying so.
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii")
    return value


def _add_media(
    archive: tarfile.TarFile, media: Path, members: dict[str, tuple[int, str]], progress: Progress
) -> None:
    paths = sorted(path for path in media.rglob("*") if path.is_file() and not path.name.endswith(".part"))
    for place, path in enumerate(paths, 1):
        progress("media", place, len(paths))
        try:
            _add_file(archive, path, f"media/{path.relative_to(media).as_posix()}", members)
        except FileNotFoundError:
            continue  # Erased since it was listed; the erasure holds for the backup too.


def _add_file(archive: tarfile.TarFile, path: Path, name: str, members: dict[str, tuple[int, str]]) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        info = archive.gettarinfo(arcname=name, fileobj=file)
        info.mode, info.uid, info.gid, info.uname, info.gname = 0o600, 0, 0, "", ""
        archive.addfile(info, file)
    members[name] = (info.size, digest)


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    archive.addfile(info, io.BytesIO(content))


def _manifest_json(manifest: Manifest) -> bytes:
    plain = {"format": _FORMAT, **vars(manifest)}
    return json.dumps(plain, ensure_ascii=False, indent=1).encode()


# Restoring


def verify(source: Path, progress: Progress = _quiet) -> Manifest:
    """Compare every member of a backup with its manifest and return that. Raises BackupError when not whole."""
    seen: dict[str, tuple[int, str]] = {}
    manifest: Manifest | None = None
    for place, (name, file) in enumerate(_members(source), 1):
        progress("verify", place, 0)
        if name == "manifest.json":
            manifest = _read_manifest(source, file.read())
        else:
            size = 0
            digest = hashlib.sha256()
            while block := file.read(_BLOCK):
                digest.update(block)
                size += len(block)
            seen[name] = (size, digest.hexdigest())
    if manifest is None:
        raise BackupError(
            f"{source}: 没有 manifest.json，备份不完整。 (No manifest; the backup is not whole.)"
        )
    if damaged := sorted(
        name for name in seen.keys() | manifest.members if seen.get(name) != manifest.members.get(name)
    ):
        raise BackupError(
            f"{source}: {damaged[0]} 等 {len(damaged)} 个文件与清单不符，备份已损坏。 (Differs from its manifest.)"
        )
    return manifest


def restore(
    source: Path, url: str, media: Path, *, force: bool = False, progress: Progress = _quiet
) -> Manifest:
    """Load a backup into the database at `url` and the folder `media`.

    Verifies the whole file first. Refuses a database or folder that holds anything, unless `force`: then what
    is there is removed. The schema is laid at the backup's revision; `guanjia migrate` brings it up to date.
    All rows are loaded in one transaction. No `serve` may run on the target. Raises BackupError and
    StoreUnavailable.
    """
    manifest = verify(source, progress)
    if not _is_known(manifest.revision):
        raise BackupError(
            f"{source}: 备份来自更新的程序（{manifest.revision}），请先升级。 (Made by a newer program; upgrade first.)"
        )
    _make_room(url, media, force)
    schema.upgrade(url, manifest.revision)
    with _connected(url) as connection, connection.begin():
        laid = _reflect(connection)
        _clear_seeded(connection, laid)
        _load_tables(connection, laid, source, progress)
        if connection.dialect.name == "postgresql":
            _set_sequences(connection, laid)
    _restore_media(source, media, progress)
    return manifest


def _make_room(url: str, media: Path, force: bool) -> None:
    occupied = media.is_dir() and any(media.iterdir())
    if (file := _sqlite_file(url)) is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    with _connected(url) as connection, connection.begin():
        laid = _reflect(connection)
        filled = any(
            connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
            for table in laid.sorted_tables
            if table.name != _VERSION_TABLE
        )
        if (filled or occupied) and not force:
            place = "数据库 (database)" if filled else f"{media}"
            raise BackupError(
                f"目标不是空的：{place}。请换一个空的目标，或用 --force 覆盖。 (Not empty; use another or --force.)"
            )
        laid.drop_all(connection)
    if occupied:
        for path in sorted(media.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


def _clear_seeded(connection: sa.Connection, laid: sa.MetaData) -> None:
    """Empty what the migrations may have put in; the backup holds those rows itself."""
    for table in reversed(laid.sorted_tables):
        if table.name != _VERSION_TABLE:
            connection.execute(table.delete())


def _load_tables(connection: sa.Connection, laid: sa.MetaData, source: Path, progress: Progress) -> None:
    """Insert every row; the members stand in an order in which foreign keys find what they refer to."""
    for place, (name, file) in enumerate(_members(source), 1):
        table = laid.tables.get(PurePosixPath(name).stem)
        if not name.startswith("tables/") or table is None:
            continue
        progress("tables", place, 0)
        lines = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
        while chunk := list(itertools.islice(lines, _ROWS)):
            rows = [_decode_row(table, json.loads(line), connection.dialect.name) for line in chunk]
            connection.execute(table.insert(), rows)


def _decode_row(table: sa.Table, row: dict[str, Any], engine: str) -> dict[str, Any]:
    return {name: _decode(table.c[name].type, value, engine) for name, value in row.items()}


def _decode(kind: sa.types.TypeEngine[Any], value: Any, engine: str) -> Any:
    if isinstance(kind, sa.JSON):
        return sa.null() if value is None else value
    if value is None:
        return None
    if isinstance(kind, sa.DateTime):
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=None) if engine == "sqlite" else moment
    if isinstance(kind, sa.Date):
        return date.fromisoformat(value)
    if isinstance(kind, sa.LargeBinary):
        return base64.b64decode(value)
    if isinstance(kind, sa.Boolean):
        return bool(value)
    if isinstance(value, str) and engine == "postgresql":
        return value.replace("\x00", "\ufffd")  # PostgreSQL's text cannot hold it.
    return value


def _set_sequences(connection: sa.Connection, laid: sa.MetaData) -> None:
    """Let the next row of each table get a key above the restored ones."""
    for table in laid.sorted_tables:
        for column in table.primary_key.columns:
            quoted = connection.dialect.identifier_preparer.quote(table.name)
            sequence = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(quoted, column.name)))
            if sequence:
                highest = connection.scalar(sa.select(sa.func.max(column)))
                connection.execute(sa.select(sa.func.setval(sequence, highest or 1, highest is not None)))


def _restore_media(source: Path, media: Path, progress: Progress) -> None:
    media.mkdir(parents=True, exist_ok=True)
    for place, (name, file) in enumerate(_members(source), 1):
        if not name.startswith("media/"):
            continue
        progress("media", place, 0)
        path = media / name.removeprefix("media/")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as target:
            while block := file.read(_BLOCK):
                target.write(block)


# The pieces both share


def _reflect(connection: sa.Connection) -> sa.MetaData:
    """Return the tables as they are in the database, of whatever revision."""
    laid = sa.MetaData()
    laid.reflect(connection)
    return laid


def _sqlite_file(url: str) -> Path | None:
    parsed = sa.make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _is_known(revision: str) -> bool:
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    try:
        return ScriptDirectory.from_config(schema.configuration()).get_revision(revision) is not None
    except CommandError:
        return False


def _members(source: Path) -> Iterator[tuple[str, Any]]:
    """Yield the files of a backup; refuses names that lead out of it and anything that is no plain file."""
    try:
        with tarfile.open(source) as archive:
            for info in archive:
                path = PurePosixPath(info.name)
                if not info.isfile() or path.is_absolute() or ".." in path.parts:
                    raise BackupError(
                        f"{source}: {info.name} 不该出现在备份里，拒绝恢复。 (Does not belong in a backup.)"
                    )
                file = archive.extractfile(info)
                assert file is not None
                yield info.name, file
    except FileNotFoundError:
        raise BackupError(f"{source}: 没有这个文件。 (No such file.)") from None
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BackupError(f"{source}: 不是完整的备份文件（{error}）。 (Not a whole backup.)") from error


def _read_manifest(source: Path, content: bytes) -> Manifest:
    try:
        plain = json.loads(content)
        if plain.pop("format") != _FORMAT:
            raise BackupError(f"{source}: 备份格式较新，请先升级程序。 (A newer format; upgrade first.)")
        plain["members"] = {name: (size, digest) for name, (size, digest) in plain["members"].items()}
        return Manifest(**plain)
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(
            f"{source}: manifest.json 无法读取，备份已损坏。 (The manifest is damaged.)"
        ) from error


@contextmanager
def _connected(url: str, isolation: str | None = None) -> Iterator[sa.Connection]:
    parsed = sa.make_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    engine = sa.create_engine(
        parsed.set(drivername="sqlite" if is_sqlite else "postgresql+psycopg"), poolclass=sa.NullPool
    )
    if is_sqlite:
        # The driver's own BEGIN would come only before a write: the reads would not share a snapshot.
        sa.event.listen(engine, "connect", _take_over_transactions)
        sa.event.listen(engine, "begin", _begin)
    elif isolation:
        engine = engine.execution_options(isolation_level=isolation)
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.OperationalError as error:
        raise database.unavailable(error, parsed) from error
    finally:
        engine.dispose()


def _take_over_transactions(connection: Any, _record: Any) -> None:
    connection.isolation_level = None


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")

"""Backup and restore, on both engines and from one to the other."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import backup
from store import database, schema, tables

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


async def fill(store: database.Store) -> None:
    """Put a row with every kind of column into the database."""

    async def job(tx: AsyncConnection) -> None:
        await tx.execute(
            tables.event.insert(),
            [
                {
                    "key": f"k{number}",
                    "receiver": "kf",
                    "kind": "kf_msg_or_event",
                    "body": b"\x00\xff<xml>",
                    "state": "new",
                    "received_at": NOW,
                    "due_at": NOW,
                    "attempt": 0,
                }
                for number in range(2_500)
            ],
        )
        await tx.execute(
            tables.content_version.insert().values(
                kind="faq", key="loan.prepay", digest="d", body={"问": ["提前还款"]}, loaded_at=NOW
            )
        )
        await tx.execute(
            tables.approval.insert().values(
                content_version_id=1, approved_by="王芳", approved_at=NOW, note=""
            )
        )

    await store.write(job)


def rows_of(url: str) -> dict[str, list[tuple[object, ...]]]:
    parsed = sa.make_url(url)
    driver = "sqlite" if parsed.get_backend_name() == "sqlite" else "postgresql+psycopg"
    engine = sa.create_engine(parsed.set(drivername=driver))
    with engine.connect() as connection:
        found = {
            table.name: [
                tuple(row)
                for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))
            ]
            for table in tables.metadata.sorted_tables
        }
    engine.dispose()
    return found


@pytest.fixture
def laid_url(empty_database_url: str) -> str:
    """A database laid by the migrations, as `serve` does it."""
    schema.upgrade(empty_database_url)
    return empty_database_url


@pytest.fixture
async def opened(laid_url: str) -> AsyncIterator[database.Store]:
    store = await database.Store.open(laid_url)
    yield store
    await store.close()


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    (folder / "ab").mkdir(parents=True)
    (folder / "ab" / "abcdef").write_bytes(b"picture")
    (folder / "half.part").write_bytes(b"not whole")
    return folder


async def test_restored_database_and_media_equal_the_original(
    opened: database.Store, laid_url: str, media: Path, tmp_path: Path
) -> None:
    await fill(opened)

    written = backup.write_backup(laid_url, media, tmp_path / "b.tar", now=NOW)
    target = f"sqlite:///{tmp_path}/other/guanjia.db"
    restored = backup.restore(tmp_path / "b.tar", target, tmp_path / "restored")

    assert restored == written
    assert written.rows["event"] == 2_500
    assert rows_of(target) == rows_of(laid_url)
    assert (tmp_path / "restored/ab/abcdef").read_bytes() == b"picture"
    assert not (tmp_path / "restored/half.part").exists()
    assert schema.version_of(target) == schema.HEAD


async def test_backup_restores_into_either_engine_and_new_rows_get_new_keys(
    empty_database_url: str, media: Path, tmp_path: Path
) -> None:
    source = f"sqlite:///{tmp_path}/source.db"
    schema.upgrade(source)
    store = await database.Store.open(source)
    await fill(store)
    await store.close()

    backup.write_backup(source, media, tmp_path / "b.tar.gz", now=NOW)
    target = empty_database_url
    backup.restore(tmp_path / "b.tar.gz", target, tmp_path / "restored")

    assert rows_of(target) == rows_of(source)
    store = await database.Store.open(target)
    await fill_one_more(store)
    await store.close()
    assert rows_of(target)["content_version"][-1][0] == 2


async def fill_one_more(store: database.Store) -> None:
    async def job(tx: AsyncConnection) -> None:
        row = {"kind": "faq", "key": "x.y", "digest": "e", "body": {}, "loaded_at": NOW}
        await tx.execute(tables.content_version.insert().values(row))

    await store.write(job)


async def test_backup_sees_one_moment_although_rows_keep_coming(
    opened: database.Store, laid_url: str, media: Path, tmp_path: Path
) -> None:
    await fill(opened)

    async def keep_writing() -> int:
        count = 0
        while not done.is_set():
            await add_case_with_entry(opened, count)
            count += 1
        return count

    done = asyncio.Event()
    writing = asyncio.create_task(keep_writing())
    for number in range(3):
        await asyncio.to_thread(backup.write_backup, laid_url, media, tmp_path / f"{number}.tar", now=NOW)
    done.set()
    assert await writing > 0

    for number in range(3):
        manifest = backup.verify(tmp_path / f"{number}.tar")
        assert manifest.rows["case"] == manifest.rows["case_entry"]


async def add_case_with_entry(store: database.Store, number: int) -> None:
    async def job(tx: AsyncConnection) -> None:
        row = {"kind": "question", "reason": f"r{number}", "state": "open", "opened_at": NOW, "due_at": NOW}
        key = (await tx.execute(tables.case.insert().values(row).returning(tables.case.c.id))).scalar_one()
        await tx.execute(
            tables.case_entry.insert().values({"case_id": key, "at": NOW, "actor": "bot", "act": "opened"})
        )

    await store.write(job)


async def test_restore_refuses_a_target_that_holds_rows_until_forced(
    opened: database.Store, laid_url: str, media: Path, tmp_path: Path
) -> None:
    await fill(opened)
    backup.write_backup(laid_url, media, tmp_path / "b.tar", now=NOW)
    before = rows_of(laid_url)

    with pytest.raises(backup.BackupError, match="--force"):
        backup.restore(tmp_path / "b.tar", laid_url, tmp_path / "new")
    assert rows_of(laid_url) == before

    backup.restore(tmp_path / "b.tar", laid_url, media, force=True)
    assert rows_of(laid_url) == before
    assert not (media / "half.part").exists()


@pytest.mark.parametrize("harm", ["change a byte", "cut the end", "add a file", "lead out"])
def test_a_harmed_backup_is_refused_and_nothing_is_loaded(harm: str, media: Path, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path}/source.db"
    schema.upgrade(source)
    good = tmp_path / "good.tar"
    backup.write_backup(source, media, good, now=NOW)
    assert backup.verify(good).media_count == 1

    harmed = harm_backup(good, harm)
    with pytest.raises(backup.BackupError):
        backup.restore(harmed, f"sqlite:///{tmp_path}/target.db", tmp_path / "new")

    assert not (tmp_path / "target.db").exists()
    assert not (tmp_path / "new").exists()


def harm_backup(good: Path, harm: str) -> Path:
    harmed = good.with_name("harmed.tar")
    if harm == "cut the end":
        harmed.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
        return harmed
    if harm == "change a byte":
        harmed.write_bytes(good.read_bytes().replace(b"picture", b"pictura"))
        return harmed
    harmed.write_bytes(good.read_bytes())
    with tarfile.open(harmed, "a") as archive:
        info = tarfile.TarInfo("media/extra" if harm == "add a file" else "../outside")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    return harmed


def test_backup_of_a_newer_program_names_the_way_out(media: Path, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path}/source.db"
    schema.upgrade(source)
    backup.write_backup(source, media, tmp_path / "b.tar", now=NOW)
    newer = tmp_path / "newer.tar"
    with tarfile.open(tmp_path / "b.tar") as old, tarfile.open(newer, "w") as new:
        for info in old:
            file = old.extractfile(info)
            assert file is not None
            content = file.read()
            if info.name == "manifest.json":
                content = json.dumps(json.loads(content) | {"revision": "9999"}).encode()
                info.size = len(content)
            new.addfile(info, io.BytesIO(content))

    with pytest.raises(backup.BackupError, match="9999"):
        backup.restore(newer, f"sqlite:///{tmp_path}/target.db", tmp_path / "new")


def test_the_file_is_for_its_owner_only(media: Path, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path}/source.db"
    schema.upgrade(source)

    backup.write_backup(source, media, tmp_path / "b.tar", now=NOW)

    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.glob("*.part")) == []

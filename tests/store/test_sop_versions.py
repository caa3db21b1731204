"""Frozen templates: one row a version, one copy a file, and the one the files said last is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from content import sop_freezing
from store import sop_versions, tables
from store.database import Store
from tests.sop import factory

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
PICTURE = ("d1", "opening.png", b"picture")


async def frozen(store: Store, digest: str, now: datetime, files: Any = ()) -> int:
    body = {"form": 1, "said": digest}
    return await store.write(lambda tx: sop_versions.ensure(tx, "week", 3, digest, body, files, now))


async def test_version_is_frozen_once_and_comes_back_whole(database_url: str) -> None:
    store = await Store.open(database_url)
    template = factory.template()
    body = sop_freezing.dump(template)

    async def job(tx: Any) -> int:
        return await sop_versions.ensure(tx, template.id, template.version, template.digest, body, [], NOON)

    ids = {await store.write(job), await store.write(job)}
    async with store.read() as tx:
        (kept,) = await sop_versions.list_of(tx, template.id)
        same = await sop_versions.get(tx, kept.id)
        with pytest.raises(KeyError):
            await sop_versions.get(tx, kept.id + 1)
    await store.close()

    assert ids == {kept.id}
    assert sop_freezing.load(same.body) == template
    assert (same.number, same.digest, same.frozen_at) == (template.version, template.digest, NOON)


async def test_files_are_kept_once_under_their_digest(database_url: str) -> None:
    store = await Store.open(database_url)

    await frozen(store, "a", NOON, [PICTURE])
    await frozen(store, "b", NOON, [PICTURE, ("d2", "课" * 200 + ".pdf", b"paper")])
    async with store.read() as tx:
        known = await sop_versions.list_known_files(tx, ["d1", "d2", "d3"])
        kept = {row.digest: row for row in (await tx.execute(sa.select(tables.sop_file))).all()}
    await store.close()

    assert known == {"d1", "d2"}
    assert (kept["d1"].name, bytes(kept["d1"].content)) == ("opening.png", b"picture")
    assert kept["d2"].name.endswith(".pdf")
    assert set(kept) == known


async def test_latest_version_is_the_one_the_files_said_last(database_url: str) -> None:
    store = await Store.open(database_url)

    first = await frozen(store, "a", NOON)
    second = await frozen(store, "b", NOON + timedelta(hours=1))
    again = await frozen(store, "a", NOON + timedelta(hours=2))
    async with store.read() as tx:
        (latest,) = await sop_versions.list_of(tx, "week", limit=1)
        none = await sop_versions.list_of(tx, "other")
        ids = await sop_versions.list_ids(tx)
    await store.close()

    assert again == first
    assert (latest.id, latest.frozen_at) == (first, NOON)
    assert none == []
    assert ids == {("week", "a"): first, ("week", "b"): second}

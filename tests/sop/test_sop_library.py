"""SOPs in a running house: stored, frozen and approved as they change; one that breaks stays as it was."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot.clock import FrozenClock
from bot.library import Library, LibraryRules, Reload
from content.sop_shelf import BlockRefusal
from domain.faq import EntityMode, Line, Thresholds
from domain.hours import ServiceHours
from store import contents, tables
from store.database import Store
from tests.content import shipped

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
WEEK1 = "finance_week1"
ALL = {WEEK1, "finance_weekly", "group_repair"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped words that a test may spoil."""
    copy = tmp_path / "content"
    shutil.copytree(shipped.FOLDER, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return copy


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOON)


Opened = Callable[..., Awaitable[Library]]
# What the engines could differ in, the first tests show.
on_one_engine = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def opened(store: Store, clock: FrozenClock, folder: Path) -> Opened:
    async def open_library(*, serves_samples: bool = True) -> Library:
        rules = LibraryRules(
            folder=folder,
            data_folder=folder.parent / "data",
            serves_samples=serves_samples,
            by_meaning=False,
            entity_modes=dict.fromkeys(Line, EntityMode.LICENSED),
            thresholds=Thresholds(),
            hours=ServiceHours(zone=ZoneInfo("Asia/Shanghai"), periods=(), closed_on=frozenset()),
        )
        library = Library(store, clock, rules)
        await library.load()
        await library.load_sops()
        return library

    return open_library


def change(folder: Path, old: str, new: str, file: str = f"{WEEK1}/words_group.toml") -> None:
    path = folder / "sop" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


async def looked(library: Library) -> Reload | None:
    """Look until the change is at rest and taken up."""
    return await library.look() or await library.look()


async def rows(store: Store, table: sa.Table) -> list[Any]:
    async with store.read() as tx:
        return list((await tx.execute(sa.select(table))).all())


async def approve(store: Store, library: Library, *keys: str) -> None:
    async def job(tx: Any) -> None:
        chosen = [one.id for one in await contents.list_versions(tx) if one.key in keys or not keys]
        await contents.approve(tx, chosen, by="王合规", now=NOON)

    await store.write(job)
    await library.refresh()


@on_one_engine
async def test_shelf_is_empty_until_the_sops_are_read(store: Store, opened: Opened) -> None:
    library = await opened()

    assert set(library.shelf().sops.templates) == ALL
    assert library.shelf().is_loaded
    assert library.shelf_ready.is_set()
    assert library.mistakes == ()
    fresh = Library(store, FrozenClock(NOON), library._rules)
    assert not fresh.shelf().is_loaded
    assert not fresh.shelf().sops.templates


async def test_templates_are_frozen_with_their_words_and_pictures(store: Store, opened: Opened) -> None:
    library = await opened()
    again = await opened()

    versions = await rows(store, tables.sop_version)
    assert {row.template for row in versions} == ALL
    assert len(versions) == len(ALL)
    week = library.shelf().sops.templates[WEEK1]
    assert await again.sop_template(again.shelf().frozen[WEEK1]) == week
    with pytest.raises(KeyError):
        await again.sop_template(10_000)
    kept = {row.digest: row for row in await rows(store, tables.sop_file)}
    picture = week.blocks["opening"].attachments[0]
    assert bytes(kept[picture.digest].content) == (shipped.FOLDER / "sop" / WEEK1 / picture.path).read_bytes()
    keys = {row.key for row in await rows(store, tables.content_version) if row.kind == "sop"}
    assert keys == {
        f"{name}/{key}" for name, one in library.shelf().sops.templates.items() for key in one.blocks
    }


async def test_words_wait_for_approval_in_a_real_company_and_older_ones_stay_approved(
    store: Store, opened: Opened, folder: Path, clock: FrozenClock
) -> None:
    library = await opened(serves_samples=False)
    old, today = library.shelf().sops.templates[WEEK1], shipped.TODAY

    assert library.shelf().refusal(old, "light", today) is BlockRefusal.UNAPPROVED
    await approve(store, library)
    approved = library.shelf().version_of(old, "light", today)
    change(folder, "今天不谈钱", "今天只聊天气")
    assert await looked(library) is Reload.LOADED
    new = library.shelf().sops.templates[WEEK1]

    assert approved is not None
    assert library.shelf().version_of(old, "light", today) == approved
    assert library.shelf().unready(new, today) == {"light": BlockRefusal.UNAPPROVED}
    await approve(store, library, f"{WEEK1}/light")
    assert library.shelf().unready(new, today) == {}
    assert library.shelf().version_of(new, "light", today) != approved


@on_one_engine
@pytest.mark.parametrize("restarts", [False, True])
async def test_template_that_breaks_stays_as_it_was_while_the_others_go_on(
    store: Store, opened: Opened, folder: Path, caplog: pytest.LogCaptureFixture, restarts: bool
) -> None:
    library = await opened()
    before = library.shelf()
    change(folder, "[[block]]", "[[block]\n")
    change(folder, "一周一课", "一周只一课", "finance_weekly/template.toml")
    if restarts:
        library = await opened()
    else:
        assert await looked(library) is Reload.REFUSED

    now = library.shelf()
    assert now.sops.templates[WEEK1] == before.sops.templates[WEEK1]
    assert now.frozen[WEEK1] == before.frozen[WEEK1]
    assert now.frozen["finance_weekly"] != before.frozen["finance_weekly"]
    assert library.mistakes[0].startswith(f"content/sop/{WEEK1}/words_group.toml:")
    assert "content_broken" in [getattr(record, "action", "") for record in caplog.records]
    change(folder, "[[block]\n", "[[block]]")
    assert await looked(library) is Reload.LOADED
    assert library.mistakes == ()


@on_one_engine
async def test_going_back_to_older_words_is_what_comes_back_after_a_breakage(
    opened: Opened, folder: Path, clock: FrozenClock
) -> None:
    library = await opened()
    first = library.shelf().frozen[WEEK1]
    for old, new in (
        ("今天不谈钱", "今天只聊天气"),
        ("今天只聊天气", "今天不谈钱"),
        ("[[block]]", "[[block]\n"),
    ):
        clock.advance(timedelta(minutes=1))
        change(folder, old, new)
        await looked(library)

    assert (await opened()).shelf().frozen[WEEK1] == first


@on_one_engine
async def test_picture_that_changes_makes_a_new_version(
    store: Store, opened: Opened, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library = await opened()
    before = library.shelf()
    picture = folder / "sop" / WEEK1 / "opening.png"
    picture.write_bytes(picture.read_bytes() + b"more")
    (folder / "sop" / WEEK1 / ".words.toml.swp").write_bytes(b"an editor's own")

    assert await looked(library) is Reload.LOADED
    now = library.shelf()
    changed = [
        key
        for key, block in now.sops.templates[WEEK1].blocks.items()
        if block.digest != before.sops.templates[WEEK1].blocks[key].digest
    ]
    assert changed == ["opening"]
    assert now.frozen[WEEK1] != before.frozen[WEEK1]
    assert len(await rows(store, tables.sop_file)) == 2
    old = await library.sop_template(before.frozen[WEEK1])
    assert now.version_of(old, "opening", shipped.TODAY) is not None
    (folder / "sop" / WEEK1 / ".words.toml.swp").unlink()
    assert await looked(library) is None


@on_one_engine
async def test_template_ends_with_its_last_day_without_a_file_changing(
    opened: Opened, clock: FrozenClock
) -> None:
    library = await opened()
    week = library.shelf().sops.templates[WEEK1]
    last = week.blocks["opening"].valid_until
    clock.advance(datetime(last.year, last.month, last.day, 4, 0, tzinfo=UTC) - NOON)
    await library.refresh()
    assert set(library.shelf().sops.templates) == ALL

    clock.advance(timedelta(days=1))
    await library.refresh()

    assert library.shelf().sops.templates == {}
    assert library.shelf().refusal(week, "opening", library.shelf().today) is BlockRefusal.EXPIRED
    assert any("expired on" in text for text in library.mistakes)


@on_one_engine
async def test_words_that_are_not_valid_yet_leave_the_version_before_them_in_use(
    opened: Opened, folder: Path, clock: FrozenClock
) -> None:
    library = await opened()
    before = library.shelf().frozen[WEEK1]
    change(folder, "valid_from = 2026-11-22", "valid_from = 2026-11-30")
    change(folder, "今天不谈钱", "今天只聊天气")

    assert await looked(library) is Reload.REFUSED
    assert library.shelf().frozen[WEEK1] == before
    clock.advance(timedelta(days=8))
    await library.refresh()
    assert library.shelf().frozen[WEEK1] != before
    assert library.mistakes == ()


@on_one_engine
async def test_template_that_expired_is_not_brought_back_by_a_breakage(
    opened: Opened, folder: Path, clock: FrozenClock
) -> None:
    library = await opened()
    clock.advance(timedelta(minutes=1))
    change(folder, "valid_until = 2027-05-20", "valid_until = 2026-11-22")
    await looked(library)
    assert WEEK1 not in library.shelf().sops.templates
    change(folder, "[[block]]", "[[block]\n")

    await looked(library)

    assert set(library.shelf().sops.templates) == ALL - {WEEK1}


@on_one_engine
async def test_template_that_is_taken_away_can_be_begun_no_more_but_its_words_stay(
    opened: Opened, folder: Path
) -> None:
    library = await opened()
    old = library.shelf().sops.templates["group_repair"]
    version = library.shelf().frozen["group_repair"]
    shutil.rmtree(folder / "sop" / "group_repair")
    for file in ("finance_week1/template.toml", "finance_weekly/template.toml"):
        path = folder / "sop" / file
        path.write_text(path.read_text("utf-8").replace(', "group_repair"', ""), "utf-8")

    await looked(library)

    assert "group_repair" not in library.shelf().sops.templates
    assert await library.sop_template(version) == old
    assert not library.shelf().unready(old, shipped.TODAY)


@on_one_engine
async def test_rules_of_enrolment_stay_while_their_file_is_broken(opened: Opened, folder: Path) -> None:
    library = await opened()
    rule = f'[[rule]]\nid = "new"\ntemplate = "{WEEK1}"\ntag = "新客户"\n'
    (folder / "sop" / "enrol.toml").write_text(rule, "utf-8")
    assert await looked(library) is Reload.LOADED
    (folder / "sop" / "enrol.toml").write_text(rule.replace("tag", "tga"), "utf-8")

    assert await looked(library) is Reload.REFUSED

    assert [one.id for one in library.shelf().rules] == ["new"]
    assert set(library.shelf().sops.templates) == ALL
    assert library.mistakes[0].startswith("content/sop/enrol.toml:")


@on_one_engine
async def test_rules_against_sales_that_cannot_be_read_leave_every_template_as_it_was(
    opened: Opened, folder: Path
) -> None:
    library = await opened()
    before = library.shelf().frozen
    change(folder, "[[rule]]", "[[rule]\n", "no_sale.toml")
    change(folder, "今天不谈钱", "点击下方立即申购")

    assert await looked(library) is Reload.REFUSED

    assert library.shelf().frozen == before


@on_one_engine
async def test_broken_answers_leave_the_sops_free_to_change(opened: Opened, folder: Path) -> None:
    library = await opened()
    before = library.shelf().frozen
    change(folder, "[[faq]]", "[[faq]\n", "../faq/loan.toml")
    change(folder, "今天不谈钱", "今天只聊天气")

    assert await looked(library) is Reload.REFUSED

    assert library.shelf().frozen[WEEK1] != before[WEEK1]
    assert all("/faq/" in text for text in library.mistakes)


@on_one_engine
async def test_reading_sops_is_told_in_the_log(opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await opened()

    assert "sops_read" in [getattr(record, "action", "") for record in caplog.records]

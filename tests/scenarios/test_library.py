"""The last good words are kept beside the database, also by replicas that start at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bot import library
from content import loading

FOLDER = Path(__file__).resolve().parents[2] / "content"


def test_replicas_that_start_together_keep_the_last_good_words_once(tmp_path: Path) -> None:
    kept = tmp_path / "content-last-good"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: library._keep(FOLDER, kept, f"digest {number}"), range(8)))

    assert loading.load(kept).digest == loading.load(FOLDER).digest
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]

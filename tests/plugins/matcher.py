"""The entries are read once for all houses of a process.

A house that starts reads every phrase of the shipped entries: 0.35 s of CPU, and some two hundred tests start one. What
was read never changes (content/matching/ranking.py, Corpus), so houses with the same entries, reader and trade words
share it. Entries or a dictionary that differ are read anew, so a test that changes the words sees the change. Files are
still loaded, checked, stored and watched by each house on its own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence

import pytest

from content.matching import engine, ranking
from content.matching.text import Reader

_KEPT = 4  # The shipped entries and what a test makes of them; 16 MB each.


@pytest.fixture(scope="session", autouse=True)
def entries_read_once() -> Iterator[None]:
    """Let every matcher of this process share what it reads of the same entries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "Corpus", _corpus)
        yield


def _corpus(subjects: Sequence[ranking.Subject], reader: Reader, trade: Iterable[str] = ()) -> ranking.Corpus:
    return _read(tuple(subjects), reader, tuple(trade))


@functools.lru_cache(maxsize=_KEPT)
def _read(subjects: tuple[ranking.Subject, ...], reader: Reader, trade: tuple[str, ...]) -> ranking.Corpus:
    return ranking.Corpus(subjects, reader, trade)

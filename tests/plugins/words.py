"""The words are read once for all houses of a process.

A house that starts reads the files of the words, 0.15 s of CPU, and every phrase of the entries, 0.35 s; some three
hundred tests start one. What was read never changes (content/loading.py, Content; content/matching/ranking.py, Corpus),
so houses with the same words share it. Words or a dictionary that differ are read anew, so a test that changes the
words sees the change. Each house still stores and watches its files, and mistakes are found by each reading.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from content import loading
from content.matching import engine, ranking
from content.matching.text import Reader

_KEPT = 4  # The shipped words and what a test makes of them; 16 MB each.
_load = loading.load
_loaded: OrderedDict[tuple[str, str], loading.Content] = OrderedDict()


@pytest.fixture(scope="session", autouse=True)
def words_read_once() -> Iterator[None]:
    """Let every house of this process share what it reads of the same words."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "load", _load_once)
        patch.setattr(engine, "Corpus", _corpus)
        yield


def _load_once(folder: Path, *, checked: str = "") -> loading.Content:
    # The folder's name is in the places that the words tell.
    key = folder.name, loading.digest_of(folder)
    found = _loaded.get(key)
    if found is None:
        found = _load(folder, checked=checked)
        if found.digest == key[1]:  # Else the files changed meanwhile.
            _loaded[key] = found
            while len(_loaded) > _KEPT:
                _loaded.popitem(last=False)
    return dataclasses.replace(found, folder=folder)


def _corpus(subjects: Sequence[ranking.Subject], reader: Reader, trade: Iterable[str] = ()) -> ranking.Corpus:
    return _read(tuple(subjects), reader, tuple(trade))


@functools.lru_cache(maxsize=_KEPT)
def _read(subjects: tuple[ranking.Subject, ...], reader: Reader, trade: tuple[str, ...]) -> ranking.Corpus:
    return ranking.Corpus(subjects, reader, trade)

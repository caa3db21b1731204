"""Entries, and the candidates of a question with their features.

The first pass adds the layers up for every phrase at once; the best entries go to the re-ranker (engine.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from content.matching import features, index, language, spelling
from content.matching.index import Floats
from content.matching.text import Reader, View
from domain.faq import Faq

CANDIDATES = 24
MANY_PHRASES = 8
_FIRST_PASS = np.array(
    [1.0, 1.0, 0.8, 1.0, 0.4, 0.6]
)  # Weights of index.LAYERS; only who gets in depends on them.


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What the matcher knows of an entry: how it is asked for."""

    id: str
    question: str
    asks: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    line: str = ""

    @classmethod
    def of(cls, faq: Faq) -> Subject:
        """Return the subject of an entry."""
        return cls(
            id=faq.id, question=faq.question, asks=faq.asks, keywords=faq.keywords, line=faq.line.value
        )

    @property
    def phrases(self) -> tuple[str, ...]:
        """The question and its other wordings."""
        return tuple(dict.fromkeys((self.question, *self.asks)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """The entries that may be meant: their places, the place of the closest phrase of each, a row of features each."""

    entries: list[int]
    phrases: list[int]
    rows: Floats
    shared: index.Shared


class Corpus:
    """The entries as read by one segmenter, with their index. Immutable once built."""

    def __init__(self, subjects: Sequence[Subject], reader: Reader, trade: Iterable[str] = ()) -> None:
        """`trade`: words of our trade, which are no slips of others."""
        self.subjects = tuple(subjects)
        self.texts: list[str] = []
        self.views: list[View] = []
        self.bags: list[frozenset[str]] = []
        self.keywords: list[tuple[str, ...]] = []
        owners: list[int] = []
        for at, subject in enumerate(self.subjects):
            keywords = [reader.read(word) for word in subject.keywords]
            bag = {token for view in keywords for token in view.meanings}
            for text in subject.phrases:
                view = reader.read(text)
                if view.units:
                    self.texts.append(text)
                    self.views.append(view)
                    owners.append(at)
                    bag.update(view.meanings)
            self.bags.append(frozenset(bag))
            self.keywords.append(tuple(dict.fromkeys(view.plain for view in keywords)))
        self.index = index.Index(self.views, owners, len(self.subjects))
        # Half of the entries have at least so many phrases: weights.SURE_MANY was fitted on such.
        self.has_many_phrases = len(self.subjects) > 0 and 2 * sum(
            len(subject.phrases) >= MANY_PHRASES for subject in self.subjects
        ) > len(self.subjects)
        self.owners = owners
        self.speller = spelling.Speller(self.views, [*language.CLASSES, *language.FUNCTION_WORDS, *trade])

    def candidates(self, asked: View) -> Candidates:
        """Return the best entries of the first pass with their features."""
        shared = self.index.share(asked)
        layers = features.alike(shared, self.index.sizes)
        return self._told(asked, shared, self._best(np.einsum("i,ij->j", _FIRST_PASS, layers)))

    def widened(self, found: Candidates, asked: View, more: list[int]) -> Candidates:
        """Return the candidates with those of further phrases behind them."""
        if not more:
            return found
        added = self._told(asked, found.shared, more)
        return Candidates(
            entries=found.entries + added.entries,
            phrases=found.phrases + added.phrases,
            rows=np.vstack([found.rows, added.rows]),
            shared=found.shared,
        )

    def _told(self, asked: View, shared: index.Shared, phrases: list[int]) -> Candidates:
        rows = features.table(
            asked,
            shared,
            self.index,
            phrases,
            [self.views[at] for at in phrases],
            [self.bags[self.owners[at]] for at in phrases],
        )
        return Candidates(
            entries=[self.owners[at] for at in phrases], phrases=phrases, rows=rows, shared=shared
        )

    def _best(self, values: Floats) -> list[int]:
        """Return the best phrase of each of the best entries."""
        if not len(values):
            return []
        starts = self.index.starts
        tops = np.maximum.reduceat(values, starts) if len(starts) < len(values) else values
        count = min(CANDIDATES, len(tops))
        chosen = np.argpartition(-tops, count - 1)[:count]
        chosen = chosen[tops[chosen] > 0]
        if len(starts) == len(values):
            return [int(at) for at in chosen]
        ends = np.append(starts[1:], len(values))
        return [int(starts[at] + np.argmax(values[starts[at] : ends[at]])) for at in chosen]

"""The matcher: cheap layers, the re-ranker, and the semantic channel where those are unsure.

What the matcher knows at one moment is a `Core`, never changed once made; building a new one and putting it in place is
one assignment, so any number of threads may ask meanwhile.
"""

from __future__ import annotations

import functools
import itertools
import logging
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from content import normalising, segmentation
from content.matching import explaining, features, judging, language, splitting, text
from content.matching.judging import Judged
from content.matching.ranking import Corpus, Subject
from content.matching.text import Asked, Reader
from domain.faq import Match

log = logging.getLogger(__name__)

LIST_SIZE = 10
_REFUSED = 0.2  # What is left of the confidence in an entry the customer says they do not want.
_MORE_BY_MEANING = 12  # Entries that only the meaning brings before the re-ranker.
_LEAST_UNITS = 2  # One character says nothing.


class Meaning(Protocol):
    """What the engine needs of content.meaning."""

    def vectors(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Return a row of unit length per text."""

    def vector(self, text: str) -> npt.NDArray[np.float32]:
        """Return the vector of one question."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Semantic:
    """The vectors of a corpus' phrases, with what all have in common taken out."""

    meaning: Meaning
    centre: npt.NDArray[np.float32]
    vectors: npt.NDArray[np.float32]

    @classmethod
    def of(cls, meaning: Meaning, corpus: Corpus) -> Semantic | None:
        """Return the channel for a corpus; None for an empty one."""
        if not corpus.views:
            return None
        vectors = meaning.vectors([text.sentence(text.unwrapped(text.clean(said))) for said in corpus.texts])
        centre = vectors.mean(axis=0)
        return cls(meaning=meaning, centre=centre, vectors=_unit(vectors - centre))

    def nearness(self, sentence: str) -> npt.NDArray[np.float32]:
        """Return the cosine of a question with every phrase."""
        vector = _unit((self.meaning.vector(sentence) - self.centre)[None, :])[0]
        # Not `@`: BLAS shares so little work among threads, and waits for the slowest (10 ms on a busy machine).
        return np.asarray(np.einsum("ij,j->i", self.vectors, vector))


def _unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9), dtype=np.float32)


class Core:
    """One state of the knowledge: entries read by one segmenter, with or without the semantic channel."""

    def __init__(
        self, segmenter: segmentation.Segmenter, reader: Reader, corpus: Corpus, semantic: Semantic | None
    ) -> None:
        self.segmenter = segmenter
        self.reader = reader
        self.corpus = corpus
        self.semantic = semantic
        self._exact: dict[str, int] = {}
        for at, view in enumerate(corpus.views):
            self._exact.setdefault(view.plain, at)

    def read(self, asking: str) -> Asked:
        """Return a question as the layers see it."""
        plain = text.unwrapped(text.clean(asking[: text.LIMIT_CHARACTERS]))
        units = text.units(plain)
        corrected = self.corpus.speller.correct(units, self.reader.words(units))
        if corrected is None:
            return Asked(view=self.reader.view(units), sentence=text.sentence(plain), changed=())
        view = self.reader.view(corrected.units)
        return Asked(view=view, sentence=text.sentence(view.plain), changed=corrected.changed)

    def judge(self, asked: Asked, *, may_use_meaning: bool = True, doubt: float = 0.0) -> Judged | None:
        """Return the entries in order with what speaks for them; None when there is nothing to compare.

        `doubt`: log-odds taken off the confidence (judging.doubt).
        """
        view = asked.view
        if len(view.units) < _LEAST_UNITS or not self.corpus.views or view.plain.isdigit():
            return None
        found = self.corpus.candidates(view)
        exact = self._exact.get(view.plain)
        judged = judging.by_words(found, view, doubt, exact)
        if self.semantic is None or not may_use_meaning or not judging.is_unsure(judged):
            return judged
        nearness = self.semantic.nearness(asked.sentence)
        more = self.nearest(nearness, {self.corpus.owners[at] for at in found.phrases})
        found = self.corpus.widened(found, view, more)
        by = judging.by_many if self.corpus.has_many_phrases else judging.by_meaning
        return by(found, view, doubt, exact, nearness, self.corpus)

    def nearest(self, nearness: npt.NDArray[np.float32], known: set[int]) -> list[int]:
        """Return phrases of entries that mean something near but share too few words."""
        count = min(len(nearness), 3 * _MORE_BY_MEANING)
        nearest = np.argpartition(-nearness, count - 1)[:count]
        found: dict[int, int] = {}
        for at in nearest[np.argsort(-nearness[nearest])]:
            owner = self.corpus.owners[at]
            if owner not in known:
                found.setdefault(owner, int(at))
        return list(found.values())[:_MORE_BY_MEANING]


class Matcher:
    """Finds entries by a customer's words. Safe to ask from several threads."""

    def __init__(
        self,
        subjects: Iterable[Subject],
        synonyms: Mapping[str, str] | None = None,
        lexicon: Iterable[str] = (),
        *,
        meaning: Meaning | None = None,
    ) -> None:
        self._subjects = tuple(subjects)
        self._synonyms = dict(synonyms or {})
        self._lexicon = tuple(dict.fromkeys(map(normalising.normalise, lexicon)))
        self._changing = threading.Lock()
        self._core = self._built(segmentation.current(), None, meaning)

    def match(self, asking: str, topic: str = "", *, doubt: float = 0.0) -> list[Match]:
        """Return the entries that fit one question, the best first, at most ten; empty when nothing is shared.

        `topic`: words that name the subject of the talk, put before a question that leaves it unsaid.
        """
        core = self.core()
        asked = core.read(f"{topic}{asking}" if topic else asking)
        judged = core.judge(asked, doubt=doubt)
        return [] if judged is None else _matches(core, asked, judged)

    def confidence(self, asking: str) -> float:
        """Return the confidence of the cheap layers in their first entry; quick, to choose among parts of a message."""
        core = self.core()
        judged = core.judge(core.read(asking), may_use_meaning=False)
        return 0.0 if judged is None or not judged.entries else judged.confidences[0]

    def promise(self, part: str) -> float:
        """Return the share of a text's pairs of characters that some phrase has: quick, to leave other talk unread."""
        units = text.units(part)
        if any(unit.isascii() and unit.isalpha() for unit in units):
            return 1.0  # Letters may be pinyin.
        knows = self.core().corpus.index.knows
        pairs = [f"{left} {right}" for left, right in itertools.pairwise(units)]
        return sum(knows(features.PAIRS, pair) for pair in pairs) / max(1, len(pairs))

    def read(self, message: str) -> splitting.Reading:
        """Split a message into its askings and match each."""
        return splitting.read(message, self)

    def attach(self, meaning: Meaning | None) -> None:
        """Use the semantic channel from now on, or no longer. Computes the vectors first: call it in a thread."""
        with self._changing:
            core = self._core
            semantic = Semantic.of(meaning, core.corpus) if meaning is not None else None
            self._core = Core(core.segmenter, core.reader, core.corpus, semantic)

    def refresh(self) -> None:
        """Read everything anew when a better segmenter is ready; for callers who can wait."""
        with self._changing:
            segmenter = segmentation.current()
            if segmenter is not self._core.segmenter:
                self._core = self._built(segmenter, self._core.semantic, None)

    def core(self) -> Core:
        """Return what is known now. When a better segmenter is ready, a thread reads everything anew meanwhile."""
        core = self._core
        if core.segmenter is not segmentation.current() and not self._changing.locked():
            threading.Thread(target=self.refresh, name="matcher-refresh", daemon=True).start()
        return core

    def _built(
        self, segmenter: segmentation.Segmenter, semantic: Semantic | None, meaning: Meaning | None
    ) -> Core:
        reader = _reader(segmenter, tuple(sorted(self._synonyms.items())))
        corpus = Corpus(self._subjects, reader, self._lexicon)
        if semantic is None and meaning is not None:
            semantic = Semantic.of(meaning, corpus)
        return Core(segmenter, reader, corpus, semantic)


@functools.lru_cache(maxsize=2)
def _reader(segmenter: segmentation.Segmenter, synonyms: tuple[tuple[str, str], ...]) -> Reader:
    """Return the reader of these words; one for all matchers, because it remembers the phrases it has read."""
    return Reader(segmenter.cut, dict(synonyms))


def _matches(core: Core, asked: Asked, judged: Judged) -> list[Match]:
    """Return the matches of a judgement, with reasons for the first few."""
    unwanted = language.unwanted(asked.view.plain)
    found = []
    for place in range(min(LIST_SIZE, len(judged.entries))):
        refused = unwanted is not None and _is_refused(core, judged, place, unwanted)
        factor = _REFUSED if refused else 1.0
        found.append(
            Match(
                faq_id=core.corpus.subjects[judged.entries[place]].id,
                score=judged.scores[place] * factor,
                confidence=judged.confidences[place] * factor,
                reasons=explaining.reasons(core.corpus, asked, judged, place, refused),
                layers=explaining.layers(core.corpus, asked, judged, place),
            )
        )
    return sorted(found, key=lambda match: -match.score)


def _is_refused(core: Core, judged: Judged, place: int, unwanted: re.Match[str]) -> bool:
    """Say whether the customer does not want what the entry is about: "我不想退保"."""
    phrase = core.corpus.views[judged.phrases[place]]
    if unwanted[0] in phrase.plain or phrase.negations:
        return False
    return any(unwanted[1].startswith(word) for word in core.corpus.keywords[judged.entries[place]])

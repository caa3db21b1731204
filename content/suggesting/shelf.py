"""The quick phrases of today, ready to be matched and searched.

Built from a Knowledge's phrases once and kept until they change; matching by words alone, which takes 0.05 s to build
for a hundred phrases and needs no model.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from content import matching, segmentation
from content.knowledge import Knowledge
from content.suggesting import searching
from domain.faq import Line, Match
from domain.quick import QuickPhrase
from domain.replies import SignalHit, SignalKind


class PhraseShelf:
    """One state of the phrases. Whether one may be said today is the Knowledge's business."""

    def __init__(
        self, phrases: Mapping[str, QuickPhrase], synonyms: Mapping[str, str], lexicon: tuple[str, ...]
    ) -> None:
        self.phrases = phrases
        self.segmenter = segmentation.current()
        # What serves every line comes first where nothing else says the order.
        ordered = sorted(phrases.values(), key=lambda one: one.line is not Line.SERVICE)
        self.index = searching.Index(ordered)
        asked = [one for one in phrases.values() if one.asks]
        self._matcher = matching.Matcher(
            [
                matching.Subject(id=one.id, question=one.asks[0], asks=one.asks[1:], keywords=one.keywords)
                for one in asked
            ],
            synonyms,
            lexicon,
        )

    def match(self, text: str) -> list[Match]:
        """Return the phrases that answer a customer's words, the best first."""
        return list(self._matcher.read(text).matches) if self.phrases and text else []

    def for_signal(self, hit: SignalHit) -> list[QuickPhrase]:
        """Return the phrases that answer a sign in the customer's words, in their order."""
        return [one for one in self.phrases.values() if SignalKind(hit.kind) in one.signals]


_lock = threading.Lock()
_kept: list[PhraseShelf] = []


def of(knowledge: Knowledge) -> PhraseShelf:
    """Return the shelf of a Knowledge, the one of before where its phrases are the same."""
    with _lock:
        for shelf in _kept:
            if shelf.phrases is knowledge.quick and shelf.segmenter is segmentation.current():
                return shelf
        shelf = PhraseShelf(knowledge.quick, knowledge.content.synonyms, knowledge.content.lexicon)
        _kept.insert(0, shelf)
        del _kept[2:]
        return shelf

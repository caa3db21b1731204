"""Answers of the FAQ that may fit a question somebody asked in a group, as they would be said today.

A person chooses and sends, so more is offered than the bot would say by itself; what may not be said today is left out.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from console.context import Suggested
from content.knowledge import Knowledge

_SHOWN = 3
# Below this a match says nothing (it runs from 0 to 1).
_LEAST = 0.03
_KEPT = 500


class Suggesting:
    """Finds suggestions, and keeps them while the words stay the same. `facts`: the company's own words, by slot."""

    def __init__(self, knowledge: Callable[[], Knowledge], facts: Mapping[str, str]) -> None:
        self._knowledge = knowledge
        self._facts = facts
        self._kept: OrderedDict[str, Sequence[Suggested]] = OrderedDict()
        self._of: Knowledge | None = None

    async def suggest(self, text: str) -> Sequence[Suggested]:
        """Return at most three answers, the likeliest first."""
        knowledge = self._knowledge()
        if knowledge is not self._of:
            self._of = knowledge
            self._kept.clear()
        found = self._kept.get(text)
        if found is None:
            found = self._kept[text] = await asyncio.to_thread(self._find, knowledge, text)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _find(self, knowledge: Knowledge, text: str) -> Sequence[Suggested]:
        decision = knowledge.decide(text)
        sure = {one.faq_id: 1.0 + one.confidence for one in decision.matches}
        weighed = {one.faq_id: one.confidence for one in decision.considered if one.confidence >= _LEAST}
        scores = weighed | sure
        ids = sorted(scores, key=lambda faq_id: (-scores[faq_id], faq_id))
        said = [knowledge.faqs[faq_id] for faq_id in ids if knowledge.refusal(faq_id) is None]
        return [
            Suggested(
                faq_id=faq.id,
                question=faq.question,
                text=knowledge.content.answer_text(faq, self._facts, today=knowledge.today),
            )
            for faq in said[:_SHOWN]
        ]

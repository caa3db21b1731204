"""Suggested replies for an advisor: reads the talk, its customer's known facts and what colleagues took before.

Called by the sidebar, by the group page and by whoever pushes. Chooses words only; who may see the conversation was
asked before, and nothing leaves from here. What is chosen, and in which order, is content/suggesting (pure).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from content.knowledge import Knowledge
from domain.faq import Line
from domain.ports import Clock
from domain.quick import QuickPhrase
from domain.suggestion import NewRound, NewSuggestion, RoundHow, SuggestionSource
from handlers.context import Rules

# Whether a member of staff may speak for a line on a day (handlers/qualification.py).
MaySpeak: TypeAlias = Callable[[AsyncConnection, str, Line, date], Awaitable[bool]]

SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class SuggestionWanted:
    """Who asks for suggestions to what.

    `asked`: what the advisor typed or pasted, or what was asked in a group; "" to answer the customer's last turn.
    `message_id`: the customer's last message, None for the newest. `is_group`: the words go to a group, so nothing of
    a single customer is filled in.
    """

    conversation_id: int | None
    staff_platform_id: str
    message_id: int | None = None
    question_id: int | None = None
    asked: str = ""
    how: RoundHow = RoundHow.OPENED
    is_group: bool = False


async def _anybody(tx: AsyncConnection, staff_platform_id: str, line: Line, today: date) -> bool:
    return True


class Suggester:
    """Finds suggestions. One for the whole process; safe to ask from many pages at once."""

    def __init__(
        self, knowledge: Callable[[], Knowledge], rules: Rules, clock: Clock, may_speak: MaySpeak = _anybody
    ) -> None:
        self._knowledge = knowledge
        self._rules = rules
        self._clock = clock
        self._may_speak = may_speak

    async def suggest(self, tx: AsyncConnection, wanted: SuggestionWanted) -> NewRound:
        """Return at most three suggestions, to be recorded by store.suggestions.record_round; `tx` is only read."""
        knowledge = self._knowledge()
        decision = await asyncio.to_thread(knowledge.decide, wanted.asked)
        ids = dict.fromkeys(match.faq_id for match in (*decision.matches, *decision.considered))
        faqs = [knowledge.faqs[one] for one in ids if knowledge.refusal(one) is None]
        return NewRound(
            conversation_id=wanted.conversation_id,
            staff_platform_id=wanted.staff_platform_id,
            message_id=wanted.message_id,
            question_id=wanted.question_id,
            asked=wanted.asked,
            question_key=f"faq:{faqs[0].id}" if faqs else "",
            line=faqs[0].line if faqs else None,
            how=wanted.how,
            needs_qualified=None,
            suggestions=tuple(
                NewSuggestion(
                    source=SuggestionSource.FAQ,
                    source_id=faq.id,
                    question=faq.question,
                    text=knowledge.content.answer_text(faq, self._rules.facts, today=knowledge.today),
                    line=faq.line,
                    score=0.5,
                    reasons=(),
                    content_version_id=knowledge.version_id("faq", faq.id),
                    origin=faq.source,
                    valid_until=faq.last_valid_on,
                )
                for faq in faqs[:SHOWN]
            ),
        )


def search_quick(knowledge: Knowledge, words: str, limit: int = 20) -> list[QuickPhrase]:
    """Return the quick phrases that may be said today and fit the words: characters, pinyin or its initials."""
    found = [one for one in knowledge.quick.values() if words in f"{one.title}{one.text}"]
    return [one for one in found if knowledge.quick_refusal(one.id) is None][:limit]

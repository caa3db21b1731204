"""Suggested replies for an advisor: reads the talk, its customer's known facts and what colleagues took before.

Called by the sidebar, by the group page and by whoever pushes. Chooses words only; who may see the conversation was
asked before, and nothing leaves from here. What is chosen, and in which order, is content/suggesting (pure).
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from content import pii
from content.knowledge import Knowledge
from content.suggesting import choosing, finding, learning, offers, own_words, reading, shelf
from content.suggesting.finding import Found
from content.suggesting.offers import Setting
from content.suggesting.reading import Asked
from domain.faq import Line
from domain.ports import Clock
from domain.quick import QuickPhrase
from domain.suggestion import NewRound, NewSuggestion, OwnWording, RoundHow, SuggestionSource, TalkLine
from domain.talk import Topic
from handlers import qualification
from handlers.context import Rules
from store import customer_names, own_wordings, registrations, staff, suggestions
from store.suggestions import Talk

_READ_LINES = 24
# What was answered longer ago is not what the talk is about (handlers/answering.py).
_TOPIC = timedelta(minutes=30)
_KEPT = 500
_ASKED_LIMIT = 2000
# A slot of an approved text, and what it may hold: a name, a day, opening hours.
_SLOT, _FILLED = re.compile(r"\{[^{}]*\}"), ".{1,60}?"


@dataclass(frozen=True, kw_only=True)
class SuggestionWanted:
    """Who asks for suggestions to what.

    `asked`: what the advisor typed or pasted, or what was asked in a group; "" to answer the customer's last turn.
    `message_id`: the customer's last message, None for the newest. `is_group`: the words go to a group, so nothing of
    a single customer is filled in, and `asked` is needed.
    """

    conversation_id: int | None
    staff_platform_id: str
    message_id: int | None = None
    question_id: int | None = None
    asked: str = ""
    how: RoundHow = RoundHow.OPENED
    is_group: bool = False


class Suggester:
    """Finds suggestions. One for the whole process; safe to ask from many pages at once."""

    def __init__(self, knowledge: Callable[[], Knowledge], rules: Rules, clock: Clock) -> None:
        self._knowledge = knowledge
        self._rules = rules
        self._clock = clock
        # What was found for a group's question, which its page asks for again and again.
        self._kept: OrderedDict[str, Found] = OrderedDict()
        self._kept_of: Knowledge | None = None

    async def suggest(self, tx: AsyncConnection, wanted: SuggestionWanted) -> NewRound:
        """Return at most three suggestions, to be recorded by store.suggestions.record_round; `tx` is only read.

        About 40 ms where meanings have to be compared, else 5 (2 cores, 2026-11-22).
        """
        knowledge, now = self._knowledge(), self._clock.now()
        talk = await self._talk(tx, wanted)
        lines = [] if talk is None else await self._lines(tx, talk, wanted)
        asked = reading.read(lines, knowledge.content.signals, wanted.asked[:_ASKED_LIMIT])
        topic = None if talk is None else await self._topic(tx, talk, knowledge, now)
        own = await own_wordings.list_of(tx, wanted.staff_platform_id)
        found = await asyncio.to_thread(
            finding.find, knowledge, asked, topic_id=topic.faq_id if topic else "", own=own
        )
        setting = await self._setting(tx, wanted, talk, topic, knowledge, asked)
        votes = await suggestions.votes(tx, [found.question_key], now - learning.SINCE)
        closed = await self.closed_lines(tx, wanted.staff_platform_id)
        chosen, needs = await asyncio.to_thread(
            choosing.choose,
            knowledge,
            found,
            setting,
            votes=votes,
            staff_platform_id=wanted.staff_platform_id,
            closed=closed,
        )
        return NewRound(
            conversation_id=wanted.conversation_id,
            staff_platform_id=wanted.staff_platform_id,
            message_id=wanted.message_id or (None if wanted.asked else _newest(lines)),
            question_id=wanted.question_id,
            asked=pii.mask(asked.text),
            question_key=found.question_key,
            line=found.nearest,
            how=wanted.how,
            needs_qualified=needs,
            suggestions=chosen,
        )

    async def find_answers(
        self, text: str, *, closed: frozenset[Line] = frozenset(), is_group: bool = True
    ) -> tuple[Sequence[NewSuggestion], Line | None]:
        """Return the entries that answer a question as they may be said today, without a talk around it.

        `closed`: lines that whoever asks may not speak for (`closed_lines`); their entries are left out, and the line
        comes back when the question is about one of them. What was found is kept while the words stay the same, for
        pages that ask for the same questions again.
        """
        knowledge = self._knowledge()
        if knowledge is not self._kept_of:
            self._kept_of = knowledge
            self._kept.clear()
        found = self._kept.get(text)
        if found is None:
            asked = Asked(text=text)
            found = self._kept[text] = await asyncio.to_thread(finding.find, knowledge, asked)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        setting = Setting(company=self._rules.facts, asked=text, is_group=is_group)
        answers = await asyncio.to_thread(_answers, knowledge, found, setting, closed)
        return answers, found.nearest if found.nearest in closed else None

    async def closed_lines(self, tx: AsyncConnection, staff_platform_id: str) -> frozenset[Line]:
        """Return the lines this person may not speak for today."""
        knowledge = self._knowledge()
        held = await registrations.list_of(tx, staff_platform_id)
        return frozenset(
            line
            for line in Line
            if not qualification.judged(knowledge, held, line, knowledge.today).is_qualified
        )

    async def phrase_text(
        self,
        tx: AsyncConnection,
        phrase_id: str,
        staff_platform_id: str,
        customer_id: int | None,
    ) -> str | None:
        """Return a quick phrase as this member may send it to this customer now, None when it may not be said.

        `customer_id`: None for groups; then, or while a fact is not known, a phrase that needs it gives None.
        """
        knowledge = self._knowledge()
        phrase = knowledge.quick.get(phrase_id)
        if phrase is None or knowledge.quick_refusal(phrase_id) is not None:
            return None
        facts = await self._facts(tx, customer_id, knowledge.today)
        company = await self._company(tx, staff_platform_id)
        return offers.phrase_text(knowledge, phrase, company, facts)

    async def keep_own(
        self,
        tx: AsyncConnection,
        *,
        staff_platform_id: str,
        text: str,
        asked: str,
        question_key: str,
        line: Line | None,
        faq_id: str,
        conversation_id: int | None,
    ) -> int | None:
        """Keep words the advisor sent as own wording where they are fit for it; return its id, None when they are not.

        Unfit: figures, names of products and people, what is private, personal numbers, words of an entry or phrase as
        they stand, and what the check says no to. Call it inside the transaction that records the sending.
        """
        knowledge = self._knowledge()
        called = [] if conversation_id is None else await customer_names.list_called(tx, conversation_id)
        if own_words.check_kept(text, called) or _is_ours(knowledge, text):
            return None
        mode = knowledge.entity_modes[line or Line.SERVICE]
        if own_words.check_said(text, knowledge.content.rules, line, mode, is_group=False):
            return None
        return await own_wordings.keep(
            tx,
            staff_platform_id,
            text,
            pii.mask(asked)[:_ASKED_LIMIT],
            question_key,
            line,
            faq_id,
            conversation_id,
            self._clock.now(),
        )

    # --- what is known ------------------------------------------------------------------------------------------

    async def _talk(self, tx: AsyncConnection, wanted: SuggestionWanted) -> Talk | None:
        if wanted.conversation_id is None or wanted.is_group:
            return None
        return await suggestions.find_talk(tx, wanted.conversation_id)

    async def _lines(self, tx: AsyncConnection, talk: Talk, wanted: SuggestionWanted) -> list[TalkLine]:
        return await suggestions.list_lines(
            tx, talk.conversation_id, limit=_READ_LINES, until_id=wanted.message_id
        )

    async def _topic(
        self, tx: AsyncConnection, talk: Talk, knowledge: Knowledge, now: datetime
    ) -> Topic | None:
        """Return what was answered last, by the bot or by an advisor with a suggestion, while that is fresh."""
        since = now - _TOPIC
        used = await suggestions.find_last_used(tx, talk.conversation_id, since)
        told = talk.topic if talk.topic is not None and talk.topic.at >= since else None
        newest = max((one for one in (used, told) if one is not None), key=lambda one: one.at, default=None)
        return newest if newest is not None and newest.faq_id in knowledge.faqs else None

    async def _setting(
        self,
        tx: AsyncConnection,
        wanted: SuggestionWanted,
        talk: Talk | None,
        topic: Topic | None,
        knowledge: Knowledge,
        asked: Asked,
    ) -> Setting:
        topic_faq = knowledge.faqs.get(topic.faq_id) if topic is not None else None
        return Setting(
            company=await self._company(tx, wanted.staff_platform_id),
            customer=await self._facts(tx, talk.customer_id if talk else None, knowledge.today),
            asked=asked.text,
            before=asked.before,
            topic_slots=topic.slots if topic is not None else "",
            topic_line=topic_faq.line if topic_faq is not None else None,
            institutions={
                line: f"{one.name} {one.url}".strip() for line, one in self._rules.institutions.items()
            },
            is_group=wanted.is_group,
        )

    async def _company(self, tx: AsyncConnection, staff_platform_id: str) -> Mapping[str, str]:
        names = await staff.list_names(tx, [staff_platform_id])
        return {**self._rules.facts, "advisor": names.get(staff_platform_id, "")}

    async def _facts(self, tx: AsyncConnection, customer_id: int | None, today: date) -> dict[str, str]:
        return {} if customer_id is None else await suggestions.list_facts(tx, customer_id, today)


def search_quick(knowledge: Knowledge, words: str, limit: int = 20) -> list[QuickPhrase]:
    """Return the quick phrases that may be said today and fit the words: characters, pinyin, initials, or a mix.

    All of them in their order for "". Under 5 ms for a hundred phrases, so it may run in the loop.
    """
    found = shelf.of(knowledge).index.search(words, len(knowledge.quick))
    allowed = (one.phrase for one in found if knowledge.quick_refusal(one.phrase.id) is None)
    return [phrase for phrase, _ in zip(allowed, range(limit), strict=False)]


def _answers(
    knowledge: Knowledge, found: Found, setting: Setting, closed: frozenset[Line]
) -> list[NewSuggestion]:
    """Return the entries of what was found as they may be said, at most three, none of a closed line."""
    entries = (
        one for one in found.candidates if one.source is SuggestionSource.FAQ and one.line not in closed
    )
    made = (offers.offer(knowledge, one, setting) for one in entries)
    return list(itertools.islice((one for one in made if one is not None), choosing.SHOWN))


def _newest(lines: Sequence[TalkLine]) -> int | None:
    """Return the customer's last message: a round holds until the customer says more, greetings included."""
    return next((line.message_id for line in reversed(lines) if line.is_customer), None)


def may_offer(knowledge: Knowledge, own: OwnWording) -> bool:
    """Say whether own words may still be offered to their advisor today."""
    candidate = finding.Candidate(
        source=SuggestionSource.OWN, source_id=str(own.id), line=own.line, score=1.0, reasons=(), own=own
    )
    return offers.offer(knowledge, candidate, Setting(company={})) is not None


def may_submit(own: OwnWording) -> bool:
    """Say whether an own wording may be given to the editors: without figures and names, however old it is."""
    return not own_words.check_kept(own.text)


def _is_ours(knowledge: Knowledge, text: str) -> bool:
    """Say whether words are an approved text as it stands, which needs no second keeping."""
    said = "".join(text.split())
    answers = (faq.answer for faq in knowledge.faqs.values())
    phrases = (one.text for one in knowledge.quick.values())
    return any(_holds(said, "".join(one.split())) for one in (*answers, *phrases))


def _holds(said: str, template: str) -> bool:
    """Say whether words hold a text whose slots somebody filled; both without spaces."""
    parts = _SLOT.split(template)
    if len(parts) == 1:
        return template in said
    return re.search(_FILLED.join(re.escape(part) for part in parts), said) is not None

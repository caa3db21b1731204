"""`guanjia ask` and `guanjia chat`: one customer at the terminal, answered by the very handlers the server uses.

The talk lives in a database in memory, so neither a database nor the platform is needed; one made-up servicer is
receiving, so that hand-overs can be seen. The texts are those of the files as they are now, approved or not: an editor
sees what an approval would let out.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot import assembling, config
from bot.library import new_matcher
from content import loading, meaning, normalising, segmentation
from content.knowledge import Knowledge, Served
from content.reckoning.reading import read_slots
from content.reckoning.slots import CHINESE_NAMES
from domain.faq import Choice, Faq, Match, Refusal, Thresholds
from domain.happenings import CustomerSpoke, SessionEntered
from domain.platform import MessageKind, SessionState
from domain.ports import Clock
from domain.reply import Reply, Say
from domain.talk import Bubble, Conversation, Customer, Topic, Turn
from handlers import routes
from handlers.context import Context
from store import accounts, tables

_ACCOUNT, _SERVICER = "terminal", "terminal"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An entry that was considered."""

    faq_id: str
    question: str
    score: float
    confidence: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the customer gets, and everything that led to it.

    `faq`: the entry that was used or came first; `refusal`: why it may not be served, if so. `reply` None: silence.
    """

    texts: tuple[str, ...]
    reply: Reply | None = None
    faq: Faq | None = None
    refusal: Refusal | None = None
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What the layers make of a question, before anybody's words are chosen.

    `considered`: the entries held against it, the best first; `answers` and `offered`: those of them that would be said
    or shown. `figures`: what was read from the words, by Chinese name. `questions`, `sources`, `refusals`: by entry.
    """

    normalised: str
    choice: Choice
    askings: tuple[str, ...]
    considered: tuple[Match, ...]
    answers: tuple[Match, ...]
    offered: tuple[Match, ...]
    figures: Mapping[str, str]
    signals: tuple[str, ...]
    questions: Mapping[str, str]
    sources: Mapping[str, str]
    refusals: Mapping[str, Refusal]
    thresholds: Thresholds
    compares_meaning: bool

    @property
    def menu_at(self) -> float:
        return self.thresholds.menu_at

    def answer_at(self, match: Match) -> float:
        """Return from which confidence this match would be answered."""
        return self.thresholds.answer_at_for(match)


class Desk:
    """One customer and what was said so far. Opened by `open_desk`."""

    def __init__(
        self, knowledge: Knowledge, settings: config.Settings, clock: Clock, tx: AsyncConnection
    ) -> None:
        self._knowledge, self._clock, self._router = knowledge, clock, routes.all_handlers()
        self._context = Context(
            tx=tx, knowledge=knowledge, clock=clock, rules=assembling.handler_rules(settings)
        )
        self._numbers = itertools.count(1)
        self._menu: dict[str, str] = {}
        self._conversation = Conversation(
            id=1,
            channel="terminal",
            account_id=_ACCOUNT,
            customer=Customer(id=1, platform_id="terminal"),
            session_started_at=clock.now(),
            last_customer_message_at=None,
            misses=0,
            state=SessionState.ASSISTANT,
        )
        # The pilot names real accounts; at the terminal everybody may be answered.
        self._context = replace(self._context, rules=replace(self._context.rules, pilot_accounts=frozenset()))

    async def welcome(self) -> Answer:
        """Return what a customer reads on opening the chat."""
        entered = SessionEntered(conversation=self._conversation, welcome_code="code", at=self._clock.now())
        return self._told(await self._router.handle(entered, self._context))

    async def ask(self, text: str, *, after: str = "") -> Answer:
        """Return the answer to a question, or to the number of a line of the last menu.

        `after`: the entry that was answered just before, to try a follow-up.
        """
        now = self._clock.now()
        self._take_topic(after, now)
        menu_id = self._menu.get(text.strip(), "")
        turn = self._turn(text, menu_id, now)
        reply = await self._router.handle(CustomerSpoke(turn=turn), self._context)
        if reply is not None and reply.misses is not None:
            self._conversation = replace(self._conversation, misses=reply.misses)
        if reply is not None and reply.topic is not None:
            self._conversation = replace(self._conversation, topic=reply.topic)
        return self._told(reply)

    async def explain(self, text: str, *, after: str = "") -> Explanation:
        """Return what each layer says of the entries that come near."""
        known = self._knowledge
        decision = await asyncio.to_thread(known.decide, text, after)
        reading = await asyncio.to_thread(known.matcher.read, text)
        considered = decision.considered or decision.matches
        faqs = {match.faq_id: known.faqs[match.faq_id] for match in (*considered, *decision.matches)}
        refusals = {key: known.refusal(key) for key in faqs}
        is_answer = decision.choice is Choice.ANSWER
        given = read_slots(text, known.today).given()
        return Explanation(
            normalised=normalising.normalise(text),
            choice=decision.choice,
            askings=tuple(one.text for one in reading.askings),
            considered=considered,
            answers=decision.matches if is_answer else (),
            offered=() if is_answer else decision.matches,
            figures={CHINESE_NAMES.get(name, name): str(value) for name, value in given.items()},
            signals=tuple(str(hit.kind) for hit in known.content.signals.find(text)),
            questions={key: faq.question for key, faq in faqs.items()},
            sources={key: faq.source for key, faq in faqs.items()},
            refusals={key: refusal for key, refusal in refusals.items() if refusal is not None},
            thresholds=known.thresholds,
            compares_meaning=any(layer.layer == "meaning" for match in considered for layer in match.layers),
        )

    def _take_topic(self, after: str, now: datetime) -> None:
        if after in self._knowledge.faqs:
            self._conversation = replace(self._conversation, topic=Topic(faq_id=after, at=now))

    def _turn(self, text: str, menu_id: str, now: datetime) -> Turn:
        number = next(self._numbers)
        bubble = Bubble(
            message_id=number,
            msgid=str(number),
            kind=MessageKind.TEXT,
            text=text,
            menu_id=menu_id,
            sent_at=now,
        )
        return Turn(
            id=number,
            conversation=self._conversation,
            bubbles=(bubble,),
            opened_at=now,
            blocked="",
            round=0,
            attempt=1,
        )

    def _told(self, reply: Reply | None) -> Answer:
        if reply is None:
            return Answer(texts=())
        self._menu = {}
        texts = tuple(self._text(say) for say in reply.says)
        if reply.transfer is not None:
            texts = (*texts, reply.transfer.notice)
        faqs = self._knowledge.faqs
        candidates = tuple(
            Candidate(
                faq_id=match.faq_id,
                question=faqs[match.faq_id].question,
                score=match.score,
                confidence=match.confidence,
                reasons=match.reasons,
            )
            for match in reply.matches
        )
        faq = faqs.get(next(iter(reply.used_faq_ids), reply.matches[0].faq_id if reply.matches else ""))
        return Answer(
            texts=tuple(filter(None, texts)),
            reply=reply,
            faq=faq,
            refusal=self._knowledge.refusal(faq.id) if faq else None,
            candidates=candidates,
        )

    def _text(self, say: Say) -> str:
        lines = [say.text.replace("{case_no}", "#1")]
        for item in say.menu:
            number = str(len(self._menu) + 1)
            self._menu[number] = item.id
            lines.append(f"  {number}. {item.text}")
        return "\n".join(filter(None, [*lines, say.tail]))


@asynccontextmanager
async def open_desk(
    settings: config.Settings, clock: Clock, cache_folder: Path, *, by_meaning: bool = False
) -> AsyncIterator[Desk]:
    """Load the content and set up a desk with a database in memory. Raises ContentError with every mistake.

    `by_meaning`: compare meanings as well; reading all phrases takes 15 s the first time.
    """
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=sa.StaticPool)
    try:
        async with engine.connect() as tx:
            await tx.run_sync(tables.metadata.create_all)
            await _staff(tx, settings, clock.now())
            knowledge = await asyncio.to_thread(_knowledge, settings, clock, cache_folder, by_meaning)
            yield Desk(knowledge, settings, clock, tx)
    finally:
        await engine.dispose()


async def _staff(tx: AsyncConnection, settings: config.Settings, now: datetime) -> None:
    await accounts.ensure(tx, _ACCOUNT, now)
    for servicer in settings.service.duty or (_SERVICER,):
        await accounts.set_servicer(tx, _ACCOUNT, servicer, is_receiving=True, now=now)


def _knowledge(settings: config.Settings, clock: Clock, cache_folder: Path, by_meaning: bool) -> Knowledge:
    rules = assembling.library_rules(settings)
    words = loading.load(rules.folder)
    segmentation.prepare(cache_folder, words.lexicon)
    served = Served(version_id=None, is_sample=True)
    keys = [f"faq:{key}" for key in words.faqs] + [f"reply:{key}" for key in words.replies]
    return Knowledge(
        content=words,
        faqs=words.faqs,
        replies=words.replies,
        versions=MappingProxyType(dict.fromkeys(keys, served)),
        matcher=new_matcher(words, words.faqs, meaning.load(cache_folder) if by_meaning else None),
        thresholds=rules.thresholds,
        entity_modes=rules.entity_modes,
        stopped=frozenset(),
        today=rules.hours.today(clock.now()),
    )


def sample_settings(folder: Path, company: str) -> config.Settings:
    """Return settings for asking without any: the content of `folder`, every line licensed."""
    placeholder = {"secret": "none", "token": "none", "aes_key": "A" * 43}
    values = {
        "wecom": {"corp_id": "none", "api_base": "http://127.0.0.1", "receivers": {"kf": placeholder}},
        "content": {"folder": str(folder), "serve_samples": True},
        "entity_mode": {"loan": "licensed", "insurance": "licensed", "wealth": "licensed"},
        "company": {"name": company},
    }
    return config.build(values, folder)

"""Answers to colleagues: the approved entry with its source and validity, or honestly that there is none.

Called by bot/staff_questions.py. Colleagues read more than customers do: where an answer comes from, until when it
holds, which entries come near. What nobody approved, what has expired and what is stopped is named and not said.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime

from content import normalising, pii
from content.colleague_words import ColleagueWords
from content.reckoning import reading
from content.reckoning.slots import Slots
from domain.colleague import ColleagueAnswer, ColleagueAsked
from domain.faq import Choice, Decision, Faq
from domain.platform import MessageKind, SessionState
from domain.replies import AnswerKind, SignalKind
from domain.talk import Bubble, Conversation, Customer, Topic, Turn
from handlers import answering, computing
from handlers.colleague_page import Asking, Page
from handlers.context import Context

_SHOWN = re.compile(r"^([1-9])\. (.+)$", re.MULTILINE)
_SMALL_TALK = {SignalKind.GREETING, SignalKind.THANKS, SignalKind.GOODBYE, SignalKind.FRAGMENT}


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What the question means. `by_quote`: its own words said nothing, so the quoted message was read."""

    decision: Decision
    turn: Turn
    topic: Topic | None
    by_quote: bool = False


async def answer(asking: Asking, ctx: Context, words: ColleagueWords) -> ColleagueAnswer:
    """Return what the colleague is told. Nothing has been sent; whoever sends it has it checked once more."""
    page = Page(asking, ctx, words)
    asked = asking.asked
    text = asked.text or asked.quoted
    if not text:
        return page.said(AnswerKind.KIND_REPLY, words.say["unread"])
    hits = ctx.knowledge.content.signals.find(text)
    if any(hit.kind is SignalKind.SELF_HARM for hit in hits):
        page.note(words.say["danger"])
    elif any(hit.whole and hit.kind in _SMALL_TALK for hit in hits):
        return page.said(AnswerKind.SMALLTALK, words.say["hello"])
    picked = _picked(asking, words)
    if picked is not None:
        faq = _entry_named(picked, ctx)
        if faq is None:
            return page.said(AnswerKind.CLARIFY, words.say["no_pick"])
        return await answer_entry(asking, faq, ctx, words)
    found = await _find(asking, ctx)
    if found.by_quote:
        page.note(words.say["quoted_only"])
    return await _decided(found, page, ctx, words)


async def answer_entry(asking: Asking, faq: Faq, ctx: Context, words: ColleagueWords) -> ColleagueAnswer:
    """Return one entry, or why it may not be said."""
    turn = _turn(faq.question, asking.asked, ctx.now, None)
    return await Page(asking, ctx, words).entry(faq, turn, None, ())


async def _decided(found: _Found, page: Page, ctx: Context, words: ColleagueWords) -> ColleagueAnswer:
    decision, turn, topic = found.decision, found.turn, found.topic
    considered = decision.considered or decision.matches
    continued = computing.named(turn, decision, ctx) or computing.continued(turn, decision, topic, ctx)
    if continued is not None:
        return await page.entry(continued, turn, topic, considered)
    if decision.choice is Choice.ANSWER:
        faqs = [ctx.knowledge.faqs[match.faq_id] for match in decision.matches]
        if len(faqs) > 1:
            return await page.entries(faqs, considered)
        return await page.entry(faqs[0], turn, topic, considered)
    if decision.choice is Choice.MENU and not decision.names_others:
        return page.near(AnswerKind.MENU, words.say["unsure"], decision.matches, considered)
    said = words.say["elsewhere"] if decision.names_others else words.say["unknown"]
    return page.near(AnswerKind.CLARIFY, f"{said}\n\n{words.say['near']}", considered, considered, alone=said)


async def _find(asking: Asking, ctx: Context) -> _Found:
    """Read the question by itself and with what was asked before; where that says nothing, what it quotes."""
    asked = asking.asked
    topic = _topic(asking, ctx)
    turn = _turn(_without_persons(asked.text or asked.quoted), asked, ctx.now, topic)
    topic = answering.current_topic(turn, ctx)
    decision = await ctx.decide(turn.text, topic.faq_id if topic else "")
    if decision.choice is Choice.ANSWER or not asked.text or not asked.quoted:
        return _Found(decision=decision, turn=turn, topic=topic, by_quote=not asked.text)
    other = _turn(_without_persons(asked.quoted), asked, ctx.now, None)
    quoted = await ctx.decide(other.text)
    if quoted.choice is Choice.UNKNOWN or (quoted.choice is Choice.MENU and decision.choice is Choice.MENU):
        return _Found(decision=decision, turn=turn, topic=topic)
    return _Found(decision=quoted, turn=other, topic=None, by_quote=True)


def _topic(asking: Asking, ctx: Context) -> Topic | None:
    """Return what the colleague was told last in this chat, with the figures named for it so far."""
    last = asking.earlier[0] if asking.earlier else None
    if last is None or last.faq_id not in ctx.knowledge.faqs:
        return None
    said = Slots()
    # The oldest first: what was said later counts.
    for one in reversed(asking.earlier):
        if one.faq_id == last.faq_id:
            said = Slots.merged(said, reading.read_slots(one.asked, ctx.knowledge.today))
    slots = json.dumps(said.to_json(), ensure_ascii=False)
    return Topic(faq_id=last.faq_id, slots=slots, at=last.asked_at)


def _turn(text: str, asked: ColleagueAsked, now: datetime, topic: Topic | None) -> Turn:
    """Return the question as the handlers of customers' questions read one; it belongs to no conversation."""
    began = min(topic.at, now) if topic else now
    conversation = Conversation(
        id=0,
        channel=asked.receiver,
        account_id="",
        customer=Customer(id=0, platform_id=asked.staff_id),
        session_started_at=began,
        last_customer_message_at=None,
        misses=0,
        state=SessionState.ASSISTANT,
        topic=topic,
    )
    bubble = Bubble(
        message_id=0, msgid=asked.msgid, kind=MessageKind.TEXT, text=text, menu_id="", sent_at=now
    )
    return Turn(
        id=0, conversation=conversation, bubbles=(bubble,), opened_at=now, blocked="", round=0, attempt=1
    )


def _picked(asking: Asking, words: ColleagueWords) -> str | None:
    """Return the title behind a number that was answered to a list, "" for one that is not on it; None otherwise."""
    last = asking.earlier[0] if asking.earlier else None
    shown = dict(_SHOWN.findall(last.answer)) if last is not None else {}
    number = words.read.get(normalising.normalise(asking.asked.text).strip(" .、。"), 0)
    return str(shown.get(str(number), "")) if shown and number else None


def _entry_named(question: str, ctx: Context) -> Faq | None:
    return next((faq for faq in ctx.knowledge.faqs.values() if faq.question == question), None)


def _without_persons(text: str) -> str:
    """Return a question without the numbers of persons, which say nothing about what is asked."""
    kept, at = [], 0
    for found in pii.find_pii(text):
        kept.append(text[at : found.span[0]])
        at = found.span[1]
    return "".join([*kept, text[at:]]).strip() or text

"""Try a question: what the customer would read, and what every layer of the matcher says for and against each entry.

The question goes through the very handlers that answer customers (ConsoleContext.try_question). Nothing is stored and
nothing is sent. A follow-up is tried by naming the entry that was answered before (`topic`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from console import access
from console.access import Right
from console.visit import Visit, cleaned
from content.knowledge import Knowledge, Served
from content.reckoning import reading
from content.reckoning import slots as reckoning_slots
from domain.compliance import Problem, Speaker
from domain.faq import Decision, EntityMode, Faq, Line, Match, Refusal
from domain.replies import AnswerKind, SignalHit
from domain.reply import Reply, Say
from domain.talk import Topic

# Longer words are cut: what a customer may type in one message is 2,048 bytes.
LIMIT_CHARACTERS = 600
_PATH = "/console/try"
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An entry the words were held against. `fate`: "used", "offered", or "" when the customer sees nothing of it.

    `refusal`: why it may not be said now. `served`: the version that would be said, None when there is none.
    """

    match: Match
    faq: Faq
    fate: str
    refusal: Refusal | None
    served: Served | None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A message with what the wording check says of it."""

    say: Say
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Everything about one question. `figures`: the numbers read from it, by their Chinese name."""

    text: str
    reply: Reply | None
    checked: tuple[Checked, ...]
    decision: Decision
    candidates: tuple[Candidate, ...]
    signals: tuple[SignalHit, ...]
    figures: Mapping[str, str]


async def show(visit: Visit) -> web.Response:
    """Show the form, and below it what became of the question in the address."""
    access.require(visit.viewer, Right.SEE_CONTENT)
    knowledge = visit.ctx.knowledge()
    text = cleaned(visit.request.query.get("q", ""), LIMIT_CHARACTERS)
    topic = _topic(visit, knowledge)
    trial = await _trial(visit, knowledge, text, topic) if text else None
    values = {
        "text": text,
        "topic": topic,
        "topic_title": knowledge.faqs[topic.faq_id].question if topic else "",
        "trial": trial,
        "thresholds": knowledge.thresholds,
        "company": visit.ctx.company,
    }
    if "HX-Request" in visit.request.headers:
        return visit.part("try_part.html", **values)
    return visit.page("try.html", **values)


def _topic(visit: Visit, knowledge: Knowledge) -> Topic | None:
    """Return what the question follows on, None when the address names no entry that is served."""
    faq_id = visit.query("topic")
    if faq_id not in knowledge.faqs:
        return None
    return Topic(faq_id=faq_id, slots=_slots(visit.query("slots")), at=visit.ctx.clock.now())


def _slots(text: str) -> str:
    """Return the numbers of the talk before as the handlers keep them; empty when the address holds something else."""
    try:
        values = json.loads(text)
        known = reckoning_slots.Slots.from_json(values if isinstance(values, dict) else {})
    except (ValueError, TypeError):
        return ""
    return json.dumps(known.to_json(), ensure_ascii=False)


async def _trial(visit: Visit, knowledge: Knowledge, text: str, topic: Topic | None) -> Trial:
    reply = await visit.ctx.try_question(text, topic)
    topic_id = topic.faq_id if topic else ""
    decision = await asyncio.to_thread(knowledge.decide, text, topic_id)
    return Trial(
        text=text,
        reply=reply,
        checked=tuple(_checked(say, knowledge) for say in (reply.says if reply else ())),
        decision=decision,
        candidates=_candidates(decision, reply, knowledge),
        signals=tuple(knowledge.content.signals.find(text)),
        figures=_figures(text, knowledge),
    )


def _checked(say: Say, knowledge: Knowledge) -> Checked:
    """Return what the outbox would say to these words (scheduler/guards.py)."""
    line = Line(say.line) if say.line else None
    mode = knowledge.entity_modes[line] if line else EntityMode.LICENSED
    said = [(say.text, line if say.faq_id else None)]
    said += [(words, None) for words in (say.tail, *(item.text for item in say.menu))]
    problems = [
        problem
        for words, about in said
        for problem in knowledge.content.rules.check_text(words, Speaker.BOT, about, mode)
    ]
    return Checked(say=say, problems=tuple(problems))


def _candidates(decision: Decision, reply: Reply | None, knowledge: Knowledge) -> tuple[Candidate, ...]:
    found = {match.faq_id: match for match in (*decision.matches, *decision.considered)}
    used = set(reply.used_faq_ids) if reply else set()
    is_menu = reply is not None and reply.decision is AnswerKind.MENU
    chosen = {match.faq_id for match in decision.matches} if is_menu else set()
    ordered = sorted(found.values(), key=lambda match: (-match.confidence, -match.score))
    return tuple(
        Candidate(
            match=match,
            faq=knowledge.faqs[match.faq_id],
            fate="used" if match.faq_id in used else "offered" if match.faq_id in chosen else "",
            refusal=knowledge.refusal(match.faq_id),
            served=knowledge.versions.get(f"faq:{match.faq_id}"),
        )
        for match in ordered[:_SHOWN]
        if match.faq_id in knowledge.faqs
    )


def _figures(text: str, knowledge: Knowledge) -> Mapping[str, str]:
    """Return the figures read from the words, by their Chinese name."""
    given = reading.read_slots(text, knowledge.today).given()
    names = reckoning_slots.CHINESE_NAMES
    return {names.get(name, name): str(value) for name, value in given.items()}

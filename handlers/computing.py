"""Answers with the customer's own numbers, where an entry can work them out.

The numbers come from the customer's words, this turn's before earlier ones; what is missing is asked for once, under
the general answer. Nothing is assumed: content/reckoning refuses to compute what was not said.
"""

from __future__ import annotations

import json
from datetime import date

from content import followups
from content.reckoning import calculations, reading
from content.reckoning.slots import Slots
from domain.faq import Choice, Decision, Faq
from domain.reply import Say
from domain.talk import Topic, Turn
from handlers import wording
from handlers.context import Context

# Confidence at which another line's entry makes figures among words not a continuation of the talk.
_NEAR = 0.1


def answer(turn: Turn, faq: Faq, topic: Topic | None, ctx: Context) -> tuple[Say, Topic]:
    """Return an entry's words for this customer, and the topic with the numbers known so far."""
    today = ctx.knowledge.today
    earlier = _earlier(topic, faq, ctx)
    said = _read(turn, faq, earlier, today)
    known = Slots.merged(earlier, said)
    now_about = Topic(faq_id=faq.id, slots=json.dumps(known.to_json(), ensure_ascii=False), at=ctx.now)
    if not faq.calculation or faq.has_lapsed(today):
        return wording.answer(ctx, faq), now_about
    result = calculations.calculate(faq.calculation, known, today)
    if isinstance(result, calculations.Computed):
        return wording.computed(ctx, faq, result.values), now_about
    if isinstance(result, calculations.Missing) and _is_begun(faq.calculation, said):
        missing = "、".join(result.chinese)
        is_same = topic is not None and topic.faq_id == faq.id
        asking = wording.asking(ctx, faq, missing) if is_same else None
        return asking or wording.answer(ctx, faq, asks_for=missing), now_about
    return wording.answer(ctx, faq), now_about


def continued(turn: Turn, decision: Decision, topic: Topic | None, ctx: Context) -> Faq | None:
    """Return the topic's entry when the turn only brings numbers for it: "24期呢", "年化6%"; else None."""
    faq = ctx.knowledge.faqs.get(topic.faq_id) if topic is not None else None
    if faq is None or not faq.calculation or ctx.knowledge.refusal(faq.id) is not None:
        return None
    is_figures = followups.is_only_figures(turn.typed)
    if not is_figures and (_is_of_another(decision, faq, ctx) or decision.names_others):
        return None
    today = ctx.knowledge.today
    earlier = _earlier(topic, faq, ctx)
    said = _read(turn, faq, earlier, today)
    if not _is_begun(faq.calculation, said):
        return None
    result = calculations.calculate(faq.calculation, Slots.merged(earlier, said), today)
    return faq if isinstance(result, calculations.Computed) or (is_figures and result is not None) else None


def _is_of_another(decision: Decision, faq: Faq, ctx: Context) -> bool:
    """Say whether the words answer to another entry, or come nearest to another line: "有50万想买基金"."""
    if decision.choice is Choice.ANSWER:
        return decision.matches[0].faq_id != faq.id
    nearest = decision.considered[0] if decision.considered else None
    return (
        nearest is not None
        and nearest.confidence >= _NEAR
        and ctx.knowledge.faqs[nearest.faq_id].line is not faq.line
    )


def named(turn: Turn, decision: Decision, ctx: Context) -> Faq | None:
    """Return the entry that reckons what the turn names with all figures: "12万，等额本息，7.2%，12期"; else None.

    Figures say nothing about the subject, so likeness alone wavers between the ways of repaying here.
    """
    today = ctx.knowledge.today
    said = reading.read_slots(turn.typed, today)
    if said.method is None or said.paid_periods is not None:
        return None
    near = [ctx.knowledge.faqs[match.faq_id] for match in decision.considered]
    for faq in near:
        if faq.calculation == said.method.value and ctx.knowledge.refusal(faq.id) is None:
            result = calculations.calculate(faq.calculation, said, today)
            return faq if isinstance(result, calculations.Computed) else None
    return None


def _earlier(topic: Topic | None, faq: Faq, ctx: Context) -> Slots:
    """Return the figures of the talk so far; those of another line mean something else there."""
    before = ctx.knowledge.faqs.get(topic.faq_id) if topic is not None else None
    if topic is None or not topic.slots or before is None or before.line is not faq.line:
        return Slots()
    return Slots.from_json(json.loads(topic.slots))


def _read(turn: Turn, faq: Faq, earlier: Slots, today: date) -> Slots:
    """Return the figures of the turn, read with what the entry was waiting for."""
    expecting = calculations.expected(faq.calculation, earlier, today) if faq.calculation else ()
    return reading.read_slots(turn.typed, today, expecting)


def _is_begun(calculation: str, said: Slots) -> bool:
    """Say whether the words bring at least one number that the calculation uses."""
    wanted = calculations.find(calculation)
    used = {slot for group in wanted.needs for slot in group} | set(wanted.may) if wanted else set()
    return not used.isdisjoint(said.given())

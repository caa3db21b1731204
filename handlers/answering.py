"""The question itself: which entry is meant, and the words that answer it.

Called by handlers/questions.py once nothing more urgent was found in the turn. Answers one question or two; reads a
follow-up with what was answered before; works out the customer's own numbers where the entry can; says where an answer
comes from when asked. What it is not sure of becomes a menu, one question back, then a person.
"""

from __future__ import annotations

from dataclasses import replace

from content import followups, normalising, turns
from domain.case import CaseKind
from domain.faq import Choice, Decision, Faq, HandoverCode, Match, Refusal
from domain.replies import AnswerKind, SignalKind
from domain.reply import Reply
from domain.talk import Topic, Turn
from handlers import computing, handover, wording
from handlers.context import Context

# A conversation's topic is forgotten after this long, or with the session.
_TOPIC_MINUTES = 30
# A menu is an honest offer: a second one in a row may still be shown, the third unsure question is a person's.
_MENUS_IN_A_ROW = 2
# Confidence at which the first line of a menu is likely what the talk is about from now on.
_LIKELY = 0.5
# Characters beside "依据是什么" that may name what the source is asked of.
_A_SUBJECT = 4
# Confidence from which a warning of fraud is said rather than offered: a wrong warning does less harm than none.
_WARN_AT = 0.3


async def answer_question(turn: Turn, ctx: Context) -> Reply:
    """Return the answer to what the turn asks, a menu, a question back, or a person."""
    topic = current_topic(turn, ctx)
    decision = await ctx.decide(turn.text, topic.faq_id if topic else "")
    continued = computing.named(turn, decision, ctx) or computing.continued(turn, decision, topic, ctx)
    if continued is not None:
        match = Match(faq_id=continued.id, score=1.0, confidence=1.0, reasons=("topic",))
        others = tuple(other for other in decision.considered if other.faq_id != continued.id)
        return await answer_entry(turn, continued, (match, *others), ctx)
    match decision.choice:
        case Choice.ANSWER if len(decision.matches) > 1:
            return await _answer_both(turn, decision, ctx)
        case Choice.ANSWER:
            faq = ctx.knowledge.faqs[decision.matches[0].faq_id]
            reply = await answer_entry(turn, faq, decision.considered or decision.matches, ctx)
            return _with_the_rest(reply, decision, ctx)
        case Choice.MENU:
            return await _offer(turn, decision, ctx)
        case Choice.UNKNOWN:
            return await _miss(turn, ctx, decision.considered, topic, names_others=decision.names_others)


def current_topic(turn: Turn, ctx: Context) -> Topic | None:
    """Return what the conversation is about, None when that was too long ago or in another session."""
    topic = turn.conversation.topic
    if topic is None or topic.faq_id not in ctx.knowledge.faqs:
        return None
    is_fresh = (ctx.now - topic.at).total_seconds() <= _TOPIC_MINUTES * 60
    return topic if is_fresh and topic.at >= turn.conversation.session_started_at else None


def sure_answer(decision: Decision, ctx: Context) -> Faq | None:
    """Return the one entry that is sure and may be served, else None."""
    if decision.choice is not Choice.ANSWER:
        return None
    faq = ctx.knowledge.faqs[decision.matches[0].faq_id]
    return faq if ctx.knowledge.refusal(faq.id) is None else None


async def answer_entry(turn: Turn, faq: Faq, matches: tuple[Match, ...], ctx: Context) -> Reply:
    """Answer with an entry, or with what stands in its place while it may not be served."""
    refusal = ctx.knowledge.refusal(faq.id)
    if refusal is not None:
        return replace(await _stand_in(turn, faq, refusal, ctx), matches=matches)
    say, topic = computing.answer(turn, faq, current_topic(turn, ctx), ctx)
    if faq.handover_at_once:
        code = faq.handover[0] if faq.handover else HandoverCode.H1
        reply = await handover.hand_over(
            ctx, turn.conversation, code=code, says=(replace(say, menu=()),), kind=_case_kind(faq)
        )
        return replace(reply, matches=matches, used_faq_ids=(faq.id,), topic=topic)
    return Reply(
        decision=AnswerKind.ANSWER,
        says=(say,),
        matches=matches,
        used_faq_ids=(faq.id,),
        misses=0,
        topic=topic,
    )


def _case_kind(faq: Faq) -> CaseKind:
    """Return the kind of case an at-once entry opens: a wrong done is a complaint with a deadline, distress is not."""
    is_complaint = HandoverCode.H2 in faq.handover and HandoverCode.H8 not in faq.handover
    return CaseKind.COMPLAINT if is_complaint else CaseKind.QUESTION


async def answer_source(turn: Turn, faq: Faq, ctx: Context) -> Reply:
    """Return where an entry's answer comes from and until when it holds, or what stands in its place."""
    refusal = ctx.knowledge.refusal(faq.id)
    if refusal is not None:
        return await _stand_in(turn, faq, refusal, ctx)
    say = wording.fixed(
        ctx, "source_of", question=faq.question, source=faq.source, until=f"{faq.last_valid_on:%Y-%m-%d}"
    )
    says = () if say is None else (replace(say, line=faq.line),)
    return Reply(decision=AnswerKind.ANSWER, says=says, misses=0, topic=_still_about(turn, faq, ctx))


async def answer_remark(turn: Turn, ctx: Context) -> Reply | None:
    """Answer what is said about us: "依据是什么", "答非所问", an insult; None when it is something else."""
    kinds = {hit.kind for hit in ctx.knowledge.content.signals.find(turn.typed)}
    topic = current_topic(turn, ctx)
    if SignalKind.SOURCE in kinds and topic is not None and not await _names_another(turn, topic, ctx):
        return await answer_source(turn, ctx.knowledge.faqs[topic.faq_id], ctx)
    if SignalKind.UNSATISFIED in kinds:
        if turn.conversation.misses >= 1:
            return await _give_up(turn, ctx, ())
        return _ask_again(ctx, "unsatisfied", topic)
    if SignalKind.ABUSE in kinds and not turns.asks(turn.typed):
        return (
            await _give_up(turn, ctx, ()) if turn.conversation.misses >= 1 else _ask_again(ctx, "abuse", None)
        )
    return None


async def _names_another(turn: Turn, topic: Topic, ctx: Context) -> bool:
    """Say whether the words ask for more than a source, about another entry: "犹豫期退保的依据是什么"."""
    words = normalising.normalise(turn.typed)
    hits = ctx.knowledge.content.signals.find(turn.typed)
    asked = sum(hit.span[1] - hit.span[0] for hit in hits if hit.kind is SignalKind.SOURCE)
    if len(words) - asked < _A_SUBJECT:
        return False
    decision = await ctx.decide(turn.text)
    return decision.choice is not Choice.UNKNOWN and decision.matches[0].faq_id != topic.faq_id


def _still_about(turn: Turn, faq: Faq, ctx: Context) -> Topic:
    """Return the entry as the topic, with the figures named so far while they are of its line."""
    topic = current_topic(turn, ctx)
    is_same_line = topic is not None and ctx.knowledge.faqs[topic.faq_id].line is faq.line
    return Topic(faq_id=faq.id, slots=topic.slots if topic is not None and is_same_line else "", at=ctx.now)


# --- one and two answers --------------------------------------------------------------------------------------


async def _answer_both(turn: Turn, decision: Decision, ctx: Context) -> Reply:
    """Answer two questions in one message, each in short; what needs a person or may not be served goes alone."""
    faqs = [ctx.knowledge.faqs[match.faq_id] for match in decision.matches]
    matches = decision.considered or decision.matches
    alone = [faq for faq in faqs if faq.handover_at_once or ctx.knowledge.refusal(faq.id) is not None]
    # Two lines go in two messages: the door out asks for each whether its line was stopped meanwhile.
    same_line = faqs[0].line is faqs[1].line
    say = wording.both(ctx, faqs[0], faqs[1]) if same_line and not alone else None
    if say is None:
        first = alone[0] if alone else faqs[0]
        reply = await answer_entry(turn, first, matches, ctx)
        others = [faq for faq in faqs if faq is not first and ctx.knowledge.refusal(faq.id) is None]
        says = (*reply.says, *(wording.answer(ctx, faq) for faq in others if reply.transfer is None))
        used = (*reply.used_faq_ids, *(faq.id for faq in others if reply.transfer is None))
        return replace(reply, says=says, used_faq_ids=used)
    return Reply(
        decision=AnswerKind.ANSWER,
        says=(say,),
        matches=matches,
        used_faq_ids=tuple(faq.id for faq in faqs),
        misses=0,
        topic=Topic(faq_id=faqs[1].id, at=ctx.now),
    )


def _with_the_rest(reply: Reply, decision: Decision, ctx: Context) -> Reply:
    """Add to an answer that a second question was heard and not understood."""
    if not decision.has_unclear or not reply.says or reply.transfer is not None:
        return reply
    unclear = wording.fixed(ctx, "second_unclear")
    last = reply.says[-1]
    if unclear is None or last.tail:
        return reply
    if last.menu:
        return replace(reply, says=(*reply.says[:-1], replace(last, tail=unclear.text)))
    return replace(reply, says=(*reply.says, unclear))


# --- not sure -------------------------------------------------------------------------------------------------


async def _offer(turn: Turn, decision: Decision, ctx: Context) -> Reply:
    """Show the entries that may be meant; on the third unsure question in a row, a person."""
    matches = decision.considered or decision.matches
    first = ctx.knowledge.faqs[decision.matches[0].faq_id]
    if _is_warning(first) and decision.matches[0].confidence >= _WARN_AT:
        return await answer_entry(turn, first, matches, ctx)
    # Steps nobody has written are a topic all the same: a tap on them brings a person.
    shown = tuple(
        match
        for match in decision.matches
        if ctx.knowledge.refusal(match.faq_id) in (None, Refusal.OWN_MISSING)
    )
    if not shown:
        faq = ctx.knowledge.faqs[decision.matches[0].faq_id]
        return await answer_entry(turn, faq, matches, ctx)
    say = wording.choices(ctx, shown)
    if turn.conversation.misses >= _MENUS_IN_A_ROW or say is None:
        return await _give_up(turn, ctx, matches)
    likely = shown[0].confidence >= _LIKELY and ctx.knowledge.faqs[shown[0].faq_id]
    return Reply(
        decision=AnswerKind.MENU,
        says=(say,),
        matches=matches,
        misses=turn.conversation.misses + 1,
        topic=_still_about(turn, likely, ctx) if likely else None,
    )


def _is_warning(faq: Faq) -> bool:
    return faq.handover_at_once and HandoverCode.H7 in faq.handover


async def _miss(
    turn: Turn, ctx: Context, matches: tuple[Match, ...], topic: Topic | None, *, names_others: bool
) -> Reply:
    """Ask to say it otherwise the first time; the second miss in a row is a person's.

    `names_others`: the question is about somebody else's business, and is told so.
    """
    if turn.conversation.misses >= 1:
        return await _give_up(turn, ctx, matches)
    if topic is not None and followups.is_follow_up(turn.text):
        return replace(_ask_again(ctx, "unknown_first", topic), matches=matches)
    say = wording.fixed(ctx, "elsewhere" if names_others else "unknown_first")
    if say is None:
        return await handover.hand_over(ctx, turn.conversation, code=HandoverCode.H9)
    return Reply(decision=AnswerKind.CLARIFY, says=(say,), matches=matches, misses=1)


async def _give_up(turn: Turn, ctx: Context, matches: tuple[Match, ...]) -> Reply:
    unknown = wording.fixed(ctx, "unknown_handover")
    reply = await handover.hand_over(
        ctx, turn.conversation, code=HandoverCode.H1, says=(unknown,), matches=matches
    )
    return replace(reply, matches=matches)


def _ask_again(ctx: Context, reply_id: str, topic: Topic | None) -> Reply:
    """Return a fixed reply that asks to say it otherwise, with what customers ask next about `topic` to tap."""
    say = wording.fixed(ctx, reply_id)
    if say is not None and topic is not None:
        say = replace(say, menu=(*wording.next_questions(ctx, ctx.knowledge.faqs[topic.faq_id]), *say.menu))
    return Reply(decision=AnswerKind.CLARIFY, says=() if say is None else (say,), misses=1)


async def _stand_in(turn: Turn, faq: Faq, refusal: Refusal, ctx: Context) -> Reply:
    match refusal:
        case Refusal.STOPPED:
            holding = wording.fixed(ctx, f"holding.{faq.line}") or wording.fixed(ctx, "holding")
            return await handover.hand_over(
                ctx,
                turn.conversation,
                code="stopped",
                says=(holding,),
                decision=AnswerKind.HOLDING,
                note=faq.id,
                matches=_sure_of(faq),
            )
        case Refusal.PLATFORM_SCOPE:
            institution = ctx.rules.institutions.get(faq.line)
            name = f"{institution.name} {institution.url}".strip() if institution else ""
            say = wording.fixed(ctx, "platform_refer", institution=name)
        case Refusal.LINE_OFF:
            say = wording.fixed(ctx, "line_off")
        case Refusal.OWN_MISSING:
            own = wording.without_own(ctx, faq)
            return await handover.hand_over(
                ctx, turn.conversation, code=HandoverCode.H6, says=(own,), note=faq.id, matches=_sure_of(faq)
            )
        case _:
            unknown = wording.fixed(ctx, "unknown_handover")
            return await handover.hand_over(
                ctx,
                turn.conversation,
                code=HandoverCode.H9,
                says=(unknown,),
                note=faq.id,
                matches=_sure_of(faq),
            )
    return Reply(decision=AnswerKind.ANSWER, says=() if say is None else (say,), misses=0)


def _sure_of(faq: Faq) -> tuple[Match, ...]:
    return (Match(faq_id=faq.id, score=1.0, confidence=1.0, reasons=("tap",)),)

"""What a customer chose whom a person had left without an answer: the bot, somebody else, or a call back.

The menu went out by the code of the ended session (handlers/farewell.py, scheduler/handover_watch.py). Whatever is
chosen, the question counts as unanswered by people.
"""

from __future__ import annotations

from dataclasses import replace

from domain.case import CaseKind, CaseWanted
from domain.handover import HandoverChoice
from domain.replies import AnswerKind, SignalKind
from domain.reply import Reply
from domain.talk import Turn
from handlers import answering, handover, wording
from handlers.context import Context
from store import handovers

_REASON = "idle"


async def answer_choice(turn: Turn, choice: HandoverChoice, ctx: Context) -> Reply:
    """Return the reply to the choice; a tap on an old menu is taken at its word as well."""
    match choice:
        case HandoverChoice.BOT:
            reply = await _answer_again(turn, ctx)
        case HandoverChoice.PERSON:
            left = await handovers.find_latest_idle(ctx.tx, turn.conversation.id)
            without = (left.staff_platform_id,) if left is not None and left.staff_platform_id else ()
            reply = await handover.hand_over(ctx, turn.conversation, code=_REASON, without=without)
            if reply.transfer is None and without and ctx.rules.hours.is_open(ctx.now):
                # Rather the same person than nobody.
                reply = await handover.hand_over(ctx, turn.conversation, code=_REASON)
        case HandoverChoice.CALL_BACK:
            say = wording.fixed(ctx, "idle_call_back", case_no="{case_no}", due_on="{due_on}")
            case = CaseWanted(kind=CaseKind.CALLBACK, reason=_REASON)
            reply = Reply(
                decision=AnswerKind.SMALLTALK, says=() if say is None else (say,), case=case, misses=0
            )
    return replace(reply, choice=choice)


async def _answer_again(turn: Turn, ctx: Context) -> Reply:
    """Answer what was left unanswered where the bot is sure of it, else ask to say it once more."""
    asked = wording.fixed(ctx, "idle_bot")
    plain = Reply(decision=AnswerKind.SMALLTALK, says=() if asked is None else (asked,), misses=0)
    left = await handovers.find_latest_idle(ctx.tx, turn.conversation.id)
    if left is None:
        return plain
    # What a tap of this turn said is among what no person has answered.
    own = {bubble.message_id for bubble in turn.bubbles}
    signals = ctx.knowledge.content.signals
    for one in reversed(await handovers.list_unanswered(ctx.tx, left)):
        wishes = any(hit.kind is SignalKind.HUMAN for hit in signals.find(one.text))
        if one.message_id in own or wishes or not one.text.strip():
            continue
        faq = answering.sure_answer(await ctx.decide(one.text), ctx)
        if faq is not None and not faq.handover_at_once:
            return await answering.answer_entry(turn, faq, (), ctx)
        break
    return plain

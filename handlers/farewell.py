"""The end of a session with a person: how it was, or an apology where the customer was left without an answer.

Ends that a person made in the client are heard of here; those the program makes itself, after too long a silence or to
take the customer back, have their words from scheduler/handing.py.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from content import turns
from domain.handover import HandoverEnd
from domain.happenings import SessionEnded
from domain.replies import AnswerKind
from domain.reply import Reply
from handlers import wording
from handlers.context import Context
from handlers.router import Router
from scheduler import handing
from store import handovers

router = Router()

# The platform's limit for the code of an ended session (WeCom doc 95122).
END_CODE_LIFE = timedelta(seconds=20)


@router.on(SessionEnded)
async def say_goodbye(event: SessionEnded, ctx: Context) -> Reply | None:
    """Ask how satisfied the customer is, by the code of the ended session; or apologise and offer what to do next."""
    if not ctx.rules.may_serve(event.conversation.account_id):
        return None
    was_idle = await _was_idle(event, ctx)
    end = HandoverEnd.IDLE if was_idle else HandoverEnd.DONE
    say = wording.fixed(ctx, handing.IDLE_REPLY if was_idle else "satisfaction_ask")
    if not event.code or say is None:
        return Reply(decision=AnswerKind.SMALLTALK, handover_end=end)
    say = replace(say, code=event.code, expires_at=event.at + END_CODE_LIFE, asks_satisfaction=not was_idle)
    return Reply(decision=AnswerKind.SMALLTALK, says=(say,), handover_end=end)


async def _was_idle(event: SessionEnded, ctx: Context) -> bool:
    """Say whether something the customer said waits for an answer: more than thanks and goodbye."""
    current = await handovers.find_open(ctx.tx, event.conversation.id)
    if current is None or handovers.is_after(current, event.at):
        return False
    said = await handovers.list_unanswered(ctx.tx, current, until=event.at)
    signals = ctx.knowledge.content.signals
    return any(turns.wants_answer(one.kind, one.text, signals) for one in said)

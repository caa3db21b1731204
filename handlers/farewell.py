"""The end of a session with a person: one question, how it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from domain.happenings import SessionEnded
from domain.replies import AnswerKind
from domain.reply import Reply
from handlers import wording
from handlers.context import Context
from handlers.router import Router

router = Router()

# The platform's limit for the code of an ended session (WeCom doc 95122).
END_CODE_LIFE = timedelta(seconds=20)


@router.on(SessionEnded)
async def ask_satisfaction(event: SessionEnded, ctx: Context) -> Reply | None:
    """Ask how satisfied the customer is, by the code of the ended session."""
    if not event.code or not ctx.rules.may_serve(event.conversation.account_id):
        return None
    say = wording.fixed(ctx, "satisfaction_ask")
    if say is None:
        return None
    say = replace(say, code=event.code, expires_at=event.at + END_CODE_LIFE, asks_satisfaction=True)
    return Reply(decision=AnswerKind.SMALLTALK, says=(say,))

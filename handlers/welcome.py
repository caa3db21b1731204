"""The welcome: who we are, that the talk is recorded, what we never ask for, how to reach a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from domain.happenings import SessionEntered
from domain.replies import AnswerKind
from domain.reply import Reply
from handlers import wording
from handlers.context import Context
from handlers.router import Router

router = Router()

# The platform's limit (WeCom doc 95122).
WELCOME_CODE_LIFE = timedelta(seconds=20)


@router.on(SessionEntered)
async def welcome_customer(event: SessionEntered, ctx: Context) -> Reply | None:
    """Greet a customer who opened the chat, when the platform allows it."""
    if not event.welcome_code or not ctx.rules.may_serve(event.conversation.account_id):
        return None
    say = wording.fixed(ctx, "welcome")
    if say is None:
        return None
    say = replace(say, code=event.welcome_code, expires_at=event.at + WELCOME_CODE_LIFE)
    return Reply(decision=AnswerKind.SMALLTALK, says=(say,))

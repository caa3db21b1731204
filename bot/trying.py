"""One question tried out: asked of the very handlers that answer customers; nothing is written or sent.

Called by the console's page for trying (console/try_page.py, through ConsoleContext). The talk is made up; who would
take a hand-over is looked up, and nobody is disturbed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from content.knowledge import Knowledge
from domain.happenings import CustomerSpoke
from domain.platform import MessageKind, SessionState
from domain.ports import Clock
from domain.reply import Reply
from domain.talk import Bubble, Conversation, Customer, Topic, Turn
from handlers import routes
from handlers.context import Context, Rules
from store import accounts

# A number that no conversation has: what handlers look up about it is empty.
_NOBODY = 0


async def reply_to(
    text: str, topic: Topic | None, *, tx: AsyncConnection, knowledge: Knowledge, clock: Clock, rules: Rules
) -> Reply | None:
    """Return what the bot would do with `text` now; `topic`: what was answered just before. None: it says nothing."""
    now = clock.now()
    bubble = Bubble(message_id=_NOBODY, msgid="", kind=MessageKind.TEXT, text=text, menu_id="", sent_at=now)
    talk = Conversation(
        id=_NOBODY,
        channel="try",
        account_id=await _account_id(tx),
        customer=Customer(id=_NOBODY, platform_id=""),
        session_started_at=now - timedelta(minutes=5),
        last_customer_message_at=now,
        misses=0,
        state=SessionState.ASSISTANT,
        topic=topic,
    )
    turn = Turn(
        id=_NOBODY, conversation=talk, bubbles=(bubble,), opened_at=now, blocked="", round=0, attempt=1
    )
    # The pilot limits who is answered; here the words are on trial, not the customer.
    everybody = replace(rules, pilot_accounts=frozenset())
    context = Context(tx=tx, knowledge=knowledge, clock=clock, rules=everybody)
    return await routes.all_handlers().handle(CustomerSpoke(turn=turn), context)


async def _account_id(tx: AsyncConnection) -> str:
    """Return the account whose servicers a hand-over would go to: the first one we manage."""
    return next((one.id for one in await accounts.list_all(tx) if one.is_managed), "")

"""Conversations with a customer in customer service, and what is said in them."""

from __future__ import annotations

import itertools

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.platform import SessionState
from domain.talk import Author
from store import conversations, customers, messages
from store.database import Store
from store.messages import NewMessage

ACCOUNT = "wkAccount1"
_numbers = itertools.count(1)


async def begin_talk(
    store: Store, clock: FrozenClock, customer: str, *, servicer: str = "", state: SessionState | None = None
) -> int:
    """Let a customer have a conversation that `servicer` serves, or that stands in `state`; return its id."""

    async def job(tx: AsyncConnection) -> int:
        ids = await customers.ensure(tx, [customer], clock.now())
        found = await conversations.ensure(tx, "kf", ACCOUNT, [ids[customer]], clock.now())
        number = found[ids[customer]].id
        is_served = SessionState.SERVICER if servicer else SessionState.ASSISTANT
        await conversations.set_state(tx, number, state or is_served, servicer_id=servicer, now=clock.now())
        return number

    return await store.write(job)


async def say(
    store: Store, clock: FrozenClock, conversation: int, text: str, author: Author = Author.CUSTOMER
) -> int:
    """Let somebody write; return the message's id."""
    new = NewMessage(
        conversation_id=conversation,
        source="kf",
        msgid=f"push-{next(_numbers)}",
        author=author,
        kind="text",
        sent_at=clock.now(),
        text=text,
    )
    (number,) = await store.write(lambda tx: messages.add(tx, [new], clock.now()))
    return number

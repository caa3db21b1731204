"""A customer who waits for an answer: by a session of customer service or in the own chat, and what was offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from aiohttp import ClientSession
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.faq import Line
from domain.platform import SessionState
from domain.ports import Clock
from domain.suggestion import NewRound, NewSuggestion, Round, RoundHow, SuggestionSource
from domain.talk import Author
from store import conversations, customers, messages, suggestions, tables
from store.database import Store
from store.messages import NewMessage
from tests.sidebar import doors, factory
from tests.sidebar.conftest import Phone

ACCOUNT = "wkDesk001"
QUESTION = "提前还款要违约金吗"
SAFE = "提前还款一般可以，是否收违约金看您的合同。"


async def serve(store: Store, clock: Clock, who: str, customer: str = factory.CUSTOMER) -> int:
    """Let a member serve the customer's session; return the conversation's id."""

    async def job(tx: AsyncConnection) -> int:
        ids = await customers.ensure(tx, [customer], clock.now())
        talks = await conversations.ensure(tx, "kf", ACCOUNT, [ids[customer]], clock.now())
        number = talks[ids[customer]].id
        await conversations.set_state(tx, number, SessionState.SERVICER, servicer_id=who, now=clock.now())
        return number

    return await store.write(job)


async def chat(store: Store, clock: Clock, who: str, customer: str = factory.CUSTOMER) -> int:
    """Return the id of a member's own chat with the customer."""

    async def job(tx: AsyncConnection) -> int:
        ids = await customers.ensure(tx, [customer], clock.now())
        found = await conversations.ensure_chats(tx, [(who, ids[customer])], clock.now())
        return found[who, ids[customer]]

    return await store.write(job)


async def say(
    store: Store,
    clock: Clock,
    conversation_id: int,
    *texts: str,
    author: Author = Author.CUSTOMER,
    by: str = "",
) -> list[int]:
    """Let somebody say texts, a second apart, the last of them now."""

    async def job(tx: AsyncConnection) -> list[int]:
        known = sa.select(sa.func.count()).select_from(tables.message)
        count = int((await tx.execute(known)).scalar_one())
        new = [
            NewMessage(
                conversation_id=conversation_id,
                source=f"kf:{ACCOUNT}",
                msgid=f"m{count + number}",
                author=author,
                servicer_id=by,
                kind="text",
                text=text,
                sent_at=clock.now() - timedelta(seconds=len(texts) - 1 - number),
            )
            for number, text in enumerate(texts)
        ]
        numbers = await messages.add(tx, new, clock.now())
        await conversations.set_heard(tx, {conversation_id: clock.now()}, clock.now())
        return numbers

    return await store.write(job)


async def offer(
    store: Store,
    clock: Clock,
    who: str,
    texts: Sequence[str] = (SAFE,),
    conversation_id: int | None = None,
    **changes: Any,
) -> Round:
    """Record suggestions for a member, as the engine would; without a conversation in the own chat."""
    if conversation_id is None:
        conversation_id = await chat(store, clock, who)
    new = NewRound(
        conversation_id=conversation_id,
        staff_platform_id=who,
        message_id=None,
        question_id=None,
        asked=QUESTION,
        question_key="faq:loan.prepay",
        line=Line.LOAN,
        how=RoundHow.TYPED,
        needs_qualified=None,
        suggestions=tuple(
            replace(
                NewSuggestion(
                    source=SuggestionSource.FAQ,
                    source_id="loan.prepay",
                    question=QUESTION,
                    text=text,
                    line=Line.LOAN,
                    score=0.9,
                    reasons=("问的就是这个",),
                ),
                **changes,
            )
            for text in texts
        ),
    )
    return await store.write(lambda tx: suggestions.record_round(tx, new, clock.now()))


async def begin(
    client: ClientSession, phone: Phone, store: Store, clock: Clock, who: str, text: str, **fields: str
) -> str:
    """Begin to send; return the key."""
    answer = await client.post(
        phone.at("/sidebar/customer/begin"),
        params={"external_userid": factory.CUSTOMER},
        data={"csrf": doors.CSRF, "text": text, "nonce": "nonce-0001", **fields},
        cookies=await doors.sign_in(store, clock, who),
    )
    said = await answer.json()
    assert answer.status == 200, said
    return str(said["key"])

"""Conversations and the platform's session state of each."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.platform import SessionState
from domain.talk import Conversation, Customer, Topic
from store import dialect
from store.columns import UtcTime
from store.tables import conversation, customer, kf_state


async def ensure(
    tx: AsyncConnection, channel: str, account_id: str, customer_ids: Sequence[int], now: datetime
) -> dict[int, Conversation]:
    """Return the conversations of the account with these customers by customer id, adding the new ones."""
    known = await _find_many(tx, channel, account_id, customer_ids)
    new = [who for who in dict.fromkeys(customer_ids) if who not in known]
    if new:
        rows = [
            {
                "channel": channel,
                "account_id": account_id,
                "customer_id": who,
                "opened_at": now,
                "session_started_at": now,
            }
            for who in new
        ]
        await tx.execute(dialect.insert_new(tx, conversation), rows)
        known.update(await _find_many(tx, channel, account_id, new))
    return known


async def get(tx: AsyncConnection, conversation_id: int) -> Conversation:
    """Return the conversation; raises LookupError when there is none."""
    row = (await tx.execute(_GET, {"conversation": conversation_id})).one_or_none()
    if row is None:
        raise LookupError(f"no conversation {conversation_id}")
    return _conversation(row)


async def set_times(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Move times forward; rows of conversation, latest, customer_latest, heard, session_started."""
    if rows:
        await tx.execute(_SET_TIMES, list(rows))


async def set_spoken(tx: AsyncConnection, conversation_id: int, at: datetime) -> None:
    """Record when we last spoke, so that the list shows the newest talk first."""
    await tx.execute(_SET_SPOKEN, {"conversation": conversation_id, "moment": at})


async def set_misses(tx: AsyncConnection, conversation_id: int, misses: int) -> None:
    """Record how many unsure questions in a row there were."""
    await tx.execute(
        sa.update(conversation).where(conversation.c.id == conversation_id).values(misses=misses)
    )


async def set_topic(tx: AsyncConnection, conversation_id: int, topic: Topic) -> None:
    """Record what the conversation is about now."""
    await tx.execute(
        sa.update(conversation)
        .where(conversation.c.id == conversation_id)
        .values(topic_faq_id=topic.faq_id, topic_slots=topic.slots, topic_at=topic.at)
    )


async def set_session_started(tx: AsyncConnection, conversation_id: int, at: datetime) -> None:
    """Record that a new session of the conversation began."""
    await tx.execute(
        sa.update(conversation).where(conversation.c.id == conversation_id).values(session_started_at=at)
    )


async def set_state(
    tx: AsyncConnection, conversation_id: int, state: SessionState, *, servicer_id: str = "", now: datetime
) -> None:
    """Record the platform's session state."""
    changes = {"state": int(state), "servicer_id": servicer_id, "changed_at": now}
    await tx.execute(_set_state(tx.dialect.name), {"conversation_id": conversation_id, **changes})


async def count_sessions(tx: AsyncConnection, servicers: Sequence[str]) -> dict[str, int]:
    """Return how many sessions each of `servicers` has now; those without one are missing."""
    rows = await tx.execute(
        sa.select(kf_state.c.servicer_id, sa.func.count())
        .where(kf_state.c.state == int(SessionState.SERVICER), kf_state.c.servicer_id.in_(servicers))
        .group_by(kf_state.c.servicer_id)
    )
    return {row[0]: row[1] for row in rows.all()}


_SELECT = (
    sa.select(
        conversation,
        customer.c.platform_id,
        customer.c.nickname,
        kf_state.c.state,
        kf_state.c.servicer_id,
        kf_state.c.changed_at,
    )
    .join(customer, customer.c.id == conversation.c.customer_id)
    .outerjoin(kf_state, kf_state.c.conversation_id == conversation.c.id)
)


_IS_ONE = conversation.c.id == sa.bindparam("conversation")
_GET = _SELECT.where(_IS_ONE)
_FIND_MANY = _SELECT.where(
    conversation.c.channel == sa.bindparam("channel"),
    conversation.c.account_id == sa.bindparam("account"),
    conversation.c.customer_id.in_(sa.bindparam("customers", expanding=True)),
)
_SET_SPOKEN = sa.update(conversation).where(_IS_ONE).values(last_message_at=sa.bindparam("moment"))
_SET_TIMES = (
    sa.update(conversation)
    .where(_IS_ONE)
    .values(
        last_message_at=sa.bindparam("latest"),
        last_customer_message_at=sa.bindparam("customer_latest"),
        heard_at=sa.func.coalesce(sa.bindparam("heard", type_=UtcTime()), conversation.c.heard_at),
        session_started_at=sa.bindparam("session_started"),
    )
)


@functools.cache
def _set_state(engine: str) -> Any:
    added = dialect.Dialect(engine).insert(kf_state)
    names = ("state", "servicer_id", "changed_at")
    return added.on_conflict_do_update(
        index_elements=["conversation_id"], set_={name: added.excluded[name] for name in names}
    )


async def _find_many(
    tx: AsyncConnection, channel: str, account_id: str, customer_ids: Sequence[int]
) -> dict[int, Conversation]:
    found: dict[int, Conversation] = {}
    ids = list(dict.fromkeys(customer_ids))
    for start in range(0, len(ids), 500):
        wanted = {"channel": channel, "account": account_id, "customers": ids[start : start + 500]}
        for row in (await tx.execute(_FIND_MANY, wanted)).all():
            found[row.customer_id] = _conversation(row)
    return found


def _conversation(row: Any) -> Conversation:
    return Conversation(
        id=row.id,
        channel=row.channel,
        account_id=row.account_id,
        customer=Customer(id=row.customer_id, platform_id=row.platform_id, nickname=row.nickname),
        session_started_at=row.session_started_at,
        last_customer_message_at=row.last_customer_message_at,
        misses=row.misses,
        state=SessionState(row.state or 0),
        state_changed_at=row.changed_at,
        servicer_id=row.servicer_id or "",
        topic=_topic(row),
    )


def _topic(row: Any) -> Topic | None:
    if not row.topic_faq_id or row.topic_at is None:
        return None
    return Topic(faq_id=row.topic_faq_id, slots=row.topic_slots, at=row.topic_at)

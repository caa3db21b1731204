"""Conversations and the platform's session state of each."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
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


async def ensure_chats(
    tx: AsyncConnection, pairs: Collection[tuple[str, int]], now: datetime
) -> dict[tuple[str, int], int]:
    """Return the ids of one-to-one talks by (member's UserID, customer id), adding the new ones."""
    known = await _find_chats(tx, pairs)
    new = sorted(set(pairs) - known.keys())
    if new:
        rows = [_new("chat", account_id, now) | {"customer_id": who} for account_id, who in new]
        await tx.execute(dialect.insert_new(tx, conversation), rows)
        known.update(await _find_chats(tx, new))
    return known


async def ensure_chat(
    tx: AsyncConnection, staff_id: str, customer_ids: Sequence[int], now: datetime
) -> dict[int, int]:
    """Return the ids of the member's one-to-one talks by customer id, adding the new ones."""
    found = await ensure_chats(tx, [(staff_id, who) for who in customer_ids], now)
    return {who: number for (_, who), number in found.items()}


async def ensure_group(tx: AsyncConnection, chat_ids: Collection[str], now: datetime) -> dict[str, int]:
    """Return the ids of the talks in customer groups by chat id, adding the new ones."""
    return await _ensure_rooms(tx, "group", chat_ids, now)


async def ensure_internal(tx: AsyncConnection, rooms: Collection[str], now: datetime) -> dict[str, int]:
    """Return the ids of talks among colleagues by room id, or by "a|b" of two UserIDs, adding the new ones."""
    return await _ensure_rooms(tx, "internal", rooms, now)


async def get(tx: AsyncConnection, conversation_id: int) -> Conversation:
    """Return the conversation; raises LookupError when there is none."""
    row = (await tx.execute(_GET, {"conversation": conversation_id})).one_or_none()
    if row is None:
        raise LookupError(f"no conversation {conversation_id}")
    return _conversation(row)


async def list_by_id(tx: AsyncConnection, ids: Collection[int]) -> dict[int, Conversation]:
    """Return these conversations with a customer by id; unknown ones are missing."""
    found: dict[int, Conversation] = {}
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), 500):
        asked = _SELECT.where(conversation.c.id.in_(wanted[start : start + 500]))
        found.update((row.id, _conversation(row)) for row in (await tx.execute(asked)).all())
    return found


async def set_times(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Move times forward; rows of conversation, latest, customer_latest, heard, session_started."""
    if rows:
        await tx.execute(_SET_TIMES, list(rows))


async def set_heard(tx: AsyncConnection, latest: Mapping[int, datetime], now: datetime) -> None:
    """Record when something was last said in each, as it became known just now; never back."""
    if latest:
        # In one order, so that two replicas never wait for each other.
        rows = [{"conversation": one, "latest": at, "now": now} for one, at in sorted(latest.items())]
        await tx.execute(_SET_HEARD, rows)


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
_SET_HEARD = (
    sa.update(conversation)
    .where(_IS_ONE)
    .values(
        last_message_at=sa.case(
            (
                conversation.c.last_message_at > sa.bindparam("latest", type_=UtcTime()),
                conversation.c.last_message_at,
            ),
            else_=sa.bindparam("latest", type_=UtcTime()),
        ),
        heard_at=sa.bindparam("now", type_=UtcTime()),
    )
)
_FIND_CHATS = sa.select(conversation.c.account_id, conversation.c.customer_id, conversation.c.id).where(
    conversation.c.channel == "chat",
    conversation.c.customer_id.in_(sa.bindparam("customers", expanding=True)),
)
_FIND_ROOMS = sa.select(conversation.c.account_id, conversation.c.id).where(
    conversation.c.channel == sa.bindparam("channel"),
    conversation.c.account_id.in_(sa.bindparam("rooms", expanding=True)),
    conversation.c.customer_id.is_(None),
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


async def _find_chats(tx: AsyncConnection, pairs: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    wanted, ids = set(pairs), sorted({who for _, who in pairs})
    for start in range(0, len(ids), 500):
        for row in (await tx.execute(_FIND_CHATS, {"customers": ids[start : start + 500]})).all():
            if (row.account_id, row.customer_id) in wanted:
                found[row.account_id, row.customer_id] = row.id
    return found


async def _ensure_rooms(
    tx: AsyncConnection, channel: str, rooms: Collection[str], now: datetime
) -> dict[str, int]:
    known = await _find_rooms(tx, channel, rooms)
    new = sorted(set(rooms) - known.keys())
    if new:
        rows = [_new(channel, room, now) | {"customer_id": None} for room in new]
        await tx.execute(dialect.insert_new(tx, conversation), rows)
        known.update(await _find_rooms(tx, channel, new))
    return known


async def _find_rooms(tx: AsyncConnection, channel: str, rooms: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    names = sorted(set(rooms))
    for start in range(0, len(names), 500):
        given = {"channel": channel, "rooms": names[start : start + 500]}
        found.update((row.account_id, row.id) for row in (await tx.execute(_FIND_ROOMS, given)).all())
    return found


def _new(channel: str, account_id: str, now: datetime) -> dict[str, Any]:
    return {"channel": channel, "account_id": account_id, "opened_at": now, "session_started_at": now}


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

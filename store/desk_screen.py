"""What the big screen of the desk shows: who waits, who is served, what was asked elsewhere. Read only.

Customer service comes from the platform's state of each session (kf_state); groups and one-to-one chats from the open
questions, which end when a person answers. Every list has a limit: a wall shows what is urgent, the lists behind it
show everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.platform import SessionState
from domain.talk import Author
from store.tables import (
    conversation,
    customer,
    delivery,
    group,
    handover,
    kf_servicer,
    kf_state,
    message,
    message_body,
    question,
    staff,
)

_WORDS = 120
# States of a move that is on its way (domain/delivery.py).
_ON_ITS_WAY = ("due", "claimed", "attempting", "held")


@dataclass(frozen=True, kw_only=True)
class LiveTalk:
    """A session of customer service that waits for a person or is with one.

    `waits_since`: in the pool since the wish for a person, with a person since the first message nobody has answered;
    None: nothing waits. `text`: the end of the talk, "" where it has none or was erased. `is_moving`: on its way to
    somebody. `handover_id`: of the open hand-over, None without one.
    """

    id: int
    account_id: str
    platform_id: str
    nickname: str
    state: SessionState
    servicer_id: str
    since: datetime
    waits_since: datetime | None
    text: str
    kind: str
    author: str
    line: str
    is_moving: bool
    handover_id: int | None


@dataclass(frozen=True, kw_only=True)
class AskedElsewhere:
    """An open question of a group or of a one-to-one chat. `place`: the group's name, "" for a chat."""

    id: int
    conversation_id: int | None
    group_id: int | None
    place: str
    asker_id: str
    asker_name: str
    duty: str
    text: str
    asked_at: datetime
    late_at: datetime | None


async def list_live(
    tx: AsyncConnection, *, servicers: Sequence[str] | None, accounts: Sequence[str], limit: int
) -> list[LiveTalk]:
    """Return sessions with people or in the pool, those who wait longest first.

    `servicers`: only what these serve, and the pools of `accounts`; None: all of them.
    """
    its = kf_state.c
    wanted = _LIVE.where(its.state.in_((int(SessionState.POOL), int(SessionState.SERVICER))))
    if servicers is not None:
        served = sa.and_(its.state == int(SessionState.SERVICER), its.servicer_id.in_(servicers))
        queued = sa.and_(its.state == int(SessionState.POOL), conversation.c.account_id.in_(accounts))
        wanted = wanted.where(sa.or_(served, queued))
    # A wall never shows more; with more than this in people's hands the newest are left to the list of conversations.
    rows = (await tx.execute(wanted.order_by(its.changed_at).limit(limit))).all()
    words = await _last_words(tx, [row.last_message_id for row in rows if row.last_message_id])
    found = [_live(row, words.get(row.last_message_id)) for row in rows]
    return sorted(found, key=lambda one: (one.waits_since is None, one.waits_since or one.since, one.id))


async def find_live(tx: AsyncConnection, conversation_id: int) -> LiveTalk | None:
    """Return one session that is with a person or in the pool, or None."""
    wanted = _LIVE.where(
        conversation.c.id == conversation_id,
        kf_state.c.state.in_((int(SessionState.POOL), int(SessionState.SERVICER))),
    )
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else _live(row, None)


async def count_with_bot(tx: AsyncConnection, since: datetime) -> int:
    """Return in how many sessions a customer wrote since then while the bot was speaking."""
    states = (int(SessionState.NEW), int(SessionState.ASSISTANT))
    wanted = (
        sa.select(sa.func.count())
        .select_from(conversation.outerjoin(kf_state, kf_state.c.conversation_id == conversation.c.id))
        .where(
            # The newest message is never older than the customer's, and has the index.
            conversation.c.last_message_at >= since,
            conversation.c.last_customer_message_at >= since,
            conversation.c.channel == "kf",
            sa.or_(kf_state.c.state.is_(None), kf_state.c.state.in_(states)),
        )
    )
    return int((await tx.execute(wanted)).scalar_one())


async def list_asked(
    tx: AsyncConnection, *, people: Sequence[str] | None, limit: int
) -> list[AskedElsewhere]:
    """Return open questions of groups and chats, the oldest first; `people`: only those they have to answer."""
    asker = customer.alias()
    wanted = (
        sa.select(
            question.c.id,
            question.c.conversation_id,
            question.c.group_id,
            question.c.asker,
            question.c.duty,
            question.c.text,
            question.c.asked_at,
            question.c.late_at,
            group.c.name.label("group_name"),
            asker.c.nickname,
        )
        .outerjoin(group, group.c.id == question.c.group_id)
        .outerjoin(asker, asker.c.platform_id == question.c.asker)
        .outerjoin(kf_state, kf_state.c.conversation_id == question.c.conversation_id)
        # Written out, so that the engine uses the index over open ones. What is in customer service stands there.
        .where(sa.text("question.state = 'open'"), kf_state.c.state.is_(None))
        .order_by(question.c.asked_at, question.c.id)
        .limit(limit)
    )
    if people is not None:
        wanted = wanted.where(question.c.duty.in_(people))
    return [
        AskedElsewhere(
            id=row.id,
            conversation_id=row.conversation_id,
            group_id=row.group_id,
            place=row.group_name or "",
            asker_id=row.asker,
            asker_name=row.nickname or "",
            duty=row.duty,
            text=row.text[:_WORDS],
            asked_at=row.asked_at,
            late_at=row.late_at,
        )
        for row in await tx.execute(wanted)
    ]


async def list_receiving_accounts(tx: AsyncConnection, servicer: str) -> list[str]:
    """Return the accounts this member takes sessions of now (接待中)."""
    wanted = sa.select(kf_servicer.c.account_id).where(
        kf_servicer.c.servicer_id == servicer, kf_servicer.c.is_receiving
    )
    return sorted((await tx.execute(wanted)).scalars())


async def find_staff_name(tx: AsyncConnection, platform_id: str) -> str:
    """Return what a member is called, "" for an unknown one."""
    wanted = sa.select(staff.c.name).where(staff.c.platform_id == platform_id)
    return str((await tx.execute(wanted)).scalar_one_or_none() or "")


def _newest(*conditions: sa.ColumnElement[bool]) -> Any:
    return (
        sa.select(sa.func.max(message.c.id))
        .where(message.c.conversation_id == conversation.c.id, *conditions)
        .correlate(conversation)
        .scalar_subquery()
    )


def _waiting_since() -> Any:
    """Return since when a customer waits for the next word of a person: the first message after that person's last."""
    answered = _newest(message.c.author == Author.SERVICER)
    later = message.alias()
    return (
        sa.select(sa.func.min(later.c.sent_at))
        .where(
            later.c.conversation_id == conversation.c.id,
            later.c.author == Author.CUSTOMER,
            later.c.id > sa.func.coalesce(answered, 0),
            # What was said before the session went to a person was the bot's to answer.
            later.c.sent_at >= sa.func.coalesce(handover.c.asked_at, kf_state.c.changed_at),
        )
        .correlate(conversation, handover, kf_state)
        .scalar_subquery()
    )


_MOVING = (
    sa.select(sa.literal(1))
    .where(
        delivery.c.conversation_id == conversation.c.id,
        delivery.c.act == "transfer",
        delivery.c.state.in_(_ON_ITS_WAY),
    )
    .correlate(conversation)
    .exists()
)
_LIVE = (
    sa.select(
        conversation.c.id,
        conversation.c.account_id,
        customer.c.platform_id,
        customer.c.nickname,
        kf_state.c.state,
        kf_state.c.servicer_id,
        kf_state.c.changed_at,
        handover.c.id.label("handover_id"),
        handover.c.asked_at,
        handover.c.line,
        _newest(message.c.author != Author.SYSTEM).label("last_message_id"),
        _waiting_since().label("waiting_since"),
        _MOVING.label("is_moving"),
    )
    .join(kf_state, kf_state.c.conversation_id == conversation.c.id)
    .join(customer, customer.c.id == conversation.c.customer_id)
    .outerjoin(
        handover,
        sa.and_(handover.c.conversation_id == conversation.c.id, sa.text("handover.state <> 'ended'")),
    )
)


async def _last_words(tx: AsyncConnection, message_ids: Sequence[int]) -> dict[int, Any]:
    wanted = (
        sa.select(message.c.id, message.c.kind, message.c.author, message_body.c.text)
        .join(message_body, message_body.c.message_id == message.c.id)
        .where(message.c.id.in_(message_ids))
    )
    return {row.id: row for row in (await tx.execute(wanted)).all()}


def _live(row: Any, said: Any) -> LiveTalk:
    state = SessionState(row.state)
    waits_since = row.waiting_since
    if state is SessionState.POOL:
        waits_since = row.asked_at or row.changed_at
    return LiveTalk(
        id=row.id,
        account_id=row.account_id,
        platform_id=row.platform_id,
        nickname=row.nickname or "",
        state=state,
        servicer_id=row.servicer_id or "",
        since=row.changed_at,
        waits_since=waits_since,
        text=said.text[:_WORDS] if said else "",
        kind=said.kind if said else "",
        author=said.author if said else "",
        line=row.line or "",
        is_moving=bool(row.is_moving),
        handover_id=row.handover_id,
    )

"""What is known of talks as far as periods of keeping ask, and which talks may be over their time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.retention import Matter, Standing
from store.tables import (
    case,
    conversation,
    customer,
    customer_fact,
    delivery,
    group,
    group_member,
    message,
    message_body,
    relation,
    session,
)

# Facts that say when a contract ends; their value is a date.
_ENDS = ("policy_due", "loan_due", "maturity_due")


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A conversation of a customer. `sender_id`: in a group only what this customer said is theirs; else ""."""

    conversation_id: int
    channel: str
    account_id: str
    sender_id: str


async def list_talks(tx: AsyncConnection, customer_id: int) -> list[Talk]:
    """Return the customer's own conversations and the groups the customer was in."""
    own = sa.select(conversation).where(conversation.c.customer_id == customer_id).order_by(conversation.c.id)
    found = [
        Talk(conversation_id=row.id, channel=row.channel, account_id=row.account_id, sender_id="")
        for row in (await tx.execute(own)).all()
    ]
    groups = (
        sa.select(conversation.c.id, conversation.c.account_id, group_member.c.member_platform_id)
        .join(group, group.c.chat_id == conversation.c.account_id)
        .join(group_member, group_member.c.group_id == group.c.id)
        .join(customer, customer.c.platform_id == group_member.c.member_platform_id)
        .where(conversation.c.channel == "group", customer.c.id == customer_id)
        .distinct()
        .order_by(conversation.c.id)
    )
    found += [
        Talk(
            conversation_id=row.id,
            channel="group",
            account_id=row.account_id,
            sender_id=row.member_platform_id,
        )
        for row in (await tx.execute(groups)).all()
    ]
    return found


async def list_old(tx: AsyncConnection, before: datetime, after_id: int, limit: int) -> list[int]:
    """Return conversations that ended before `before` and still have words, by id from `after_id` on."""
    has_words = sa.exists().where(
        message.c.conversation_id == conversation.c.id,
        message_body.c.message_id == message.c.id,
        message_body.c.erased_at.is_(None),
    )
    ended = sa.func.coalesce(conversation.c.last_message_at, conversation.c.opened_at)
    wanted = (
        sa.select(conversation.c.id)
        .where(conversation.c.id > after_id, ended < before, has_words)
        .order_by(conversation.c.id)
        .limit(limit)
    )
    return list((await tx.execute(wanted)).scalars())


async def list_standings(tx: AsyncConnection, conversation_ids: Sequence[int]) -> dict[int, Standing]:
    """Return what is known of these conversations, at most 500 of them."""
    ids = list(conversation_ids)
    rows = (await tx.execute(sa.select(conversation).where(conversation.c.id.in_(ids)))).all()
    people = {row.customer_id for row in rows if row.customer_id is not None}
    newest = await _newest(tx, ids)
    lines = await _lines(tx, ids)
    served = await _served(tx, people)
    ends = await _contract_ends(tx, people)
    by_talk, by_customer = await _matters(tx, ids, people)
    return {
        row.id: Standing(
            lines=frozenset(lines[row.id]),
            last_at=max(filter(None, (newest.get(row.id), row.last_message_at, row.opened_at))),
            is_served=row.customer_id in served,
            contract_ends_on=ends.get(row.customer_id),
            matters=(*by_talk[row.id], *by_customer[row.customer_id]),
        )
        for row in rows
    }


async def _newest(tx: AsyncConnection, ids: list[int]) -> dict[int, datetime]:
    wanted = (
        sa.select(message.c.conversation_id, sa.func.max(message.c.sent_at))
        .where(message.c.conversation_id.in_(ids))
        .group_by(message.c.conversation_id)
    )
    return {row[0]: row[1] for row in (await tx.execute(wanted)).all()}


async def _lines(tx: AsyncConnection, ids: list[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for table in (session, delivery):
        wanted = (
            sa.select(table.c.conversation_id, table.c.line)
            .where(table.c.conversation_id.in_(ids), table.c.line != "")
            .distinct()
        )
        for row in (await tx.execute(wanted)).all():
            found[row.conversation_id].add(row.line)
    return found


async def _served(tx: AsyncConnection, people: set[int]) -> set[int]:
    wanted = sa.select(relation.c.customer_id).where(
        relation.c.customer_id.in_(people), relation.c.to_at.is_(None)
    )
    return set((await tx.execute(wanted.distinct())).scalars())


async def _contract_ends(tx: AsyncConnection, people: set[int]) -> dict[int | None, date]:
    wanted = sa.select(customer_fact.c.customer_id, customer_fact.c.value).where(
        customer_fact.c.customer_id.in_(people), customer_fact.c.kind.in_(_ENDS)
    )
    found: dict[int | None, date] = {}
    for row in (await tx.execute(wanted)).all():
        try:
            day = date.fromisoformat(row.value)
        except ValueError:
            continue
        found[row.customer_id] = max(day, found.get(row.customer_id, day))
    return found


async def _matters(
    tx: AsyncConnection, ids: list[int], people: set[int]
) -> tuple[dict[int, list[Matter]], dict[int | None, list[Matter]]]:
    """Return cases by conversation, and those of a customer that name no conversation."""
    loose = sa.and_(case.c.conversation_id.is_(None), case.c.customer_id.in_(people))
    wanted = sa.select(case).where(sa.or_(case.c.conversation_id.in_(ids), loose))
    by_talk: dict[int, list[Matter]] = defaultdict(list)
    by_customer: dict[int | None, list[Matter]] = defaultdict(list)
    for row in (await tx.execute(wanted)).all():
        one = Matter(kind=row.kind, closed_at=row.closed_at)
        if row.conversation_id is not None:
            by_talk[row.conversation_id].append(one)
        else:
            by_customer[row.customer_id].append(one)
    return by_talk, by_customer

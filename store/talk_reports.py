"""The list of conversations for the pages.

Read only. Read by the index of the newest message from a place on; nothing is counted, so the ten-thousandth row costs
what the first does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.case import CaseState
from domain.platform import SessionState
from domain.talk import Author
from store import paging
from store.paging import Place
from store.tables import case, conversation, customer, delivery, kf_state, message, message_body, turn


@dataclass(frozen=True, kw_only=True)
class TalkFilter:
    """What of the conversations is wanted.

    `show`: "" all, "person" those that wait for one, "serving" those a person serves, "late" those with a late case.
    `search`: part of the customer's name, or the whole platform id.
    """

    show: str = ""
    account_id: str = ""
    search: str = ""
    now: datetime


@dataclass(frozen=True, kw_only=True)
class TalkRow:
    """One line of the list. `case_due_at`: of its most urgent open case; `delivery_state`: of its newest delivery."""

    id: int
    platform_id: str
    nickname: str
    account_id: str
    last_message_at: datetime
    state: SessionState
    servicer_id: str
    text: str
    kind: str
    author: str
    decision: str
    delivery_state: str
    open_cases: int
    case_due_at: datetime | None

    @property
    def place(self) -> Place:
        return Place(at=self.last_message_at, id=self.id)


async def list_talks(
    tx: AsyncConnection,
    wanted: TalkFilter,
    *,
    scope: frozenset[str] | None,
    before: Place | None,
    limit: int,
) -> list[TalkRow]:
    """Return conversations with a message, the newest first; `scope`: only those that these people serve or own."""
    select = _TALKS.order_by(conversation.c.last_message_at.desc(), conversation.c.id.desc()).limit(limit)
    for condition in _talk_conditions(wanted, scope, before):
        select = select.where(condition)
    rows = (await tx.execute(select)).all()
    texts = await _texts(tx, [row.last_message_id for row in rows if row.last_message_id])
    open_cases = await _open_cases(tx, [row.id for row in rows])
    return [_talk_row(row, texts, open_cases) for row in rows]


def own_talks(scope: frozenset[str]) -> sa.ColumnElement[bool]:
    """Return the condition for conversations that one of `scope` serves now or owns a case of, and their own chats."""
    serving = sa.select(kf_state.c.conversation_id).where(
        kf_state.c.state == int(SessionState.SERVICER), kf_state.c.servicer_id.in_(scope)
    )
    owning = sa.select(case.c.conversation_id).where(
        case.c.owner.in_(scope), case.c.conversation_id.is_not(None)
    )
    own = sa.and_(conversation.c.channel == "chat", conversation.c.account_id.in_(scope))
    return sa.or_(conversation.c.id.in_(serving), conversation.c.id.in_(owning), own)


def _talk_conditions(
    wanted: TalkFilter, scope: frozenset[str] | None, place: Place | None
) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [conversation.c.last_message_at.is_not(None)]
    if place is not None:
        conditions.append(paging.before(conversation.c.last_message_at, conversation.c.id, place))
    if scope is not None:
        conditions.append(own_talks(scope))
    if wanted.account_id:
        conditions.append(conversation.c.account_id == wanted.account_id)
    if wanted.search:
        named = customer.c.nickname.icontains(wanted.search, autoescape=True)
        conditions.append(sa.or_(named, customer.c.platform_id == wanted.search))
    if wanted.show == "person":
        pool = sa.select(kf_state.c.conversation_id).where(kf_state.c.state == int(SessionState.POOL))
        conditions.append(
            sa.or_(conversation.c.id.in_(pool), conversation.c.id.in_(_with_case(CaseState.OPEN)))
        )
    elif wanted.show == "serving":
        serving = sa.select(kf_state.c.conversation_id).where(kf_state.c.state == int(SessionState.SERVICER))
        conditions.append(conversation.c.id.in_(serving))
    elif wanted.show == "late":
        late = _with_case(CaseState.OPEN, CaseState.WORKING).where(case.c.due_at < wanted.now)
        conditions.append(conversation.c.id.in_(late))
    return conditions


def _with_case(*states: CaseState) -> sa.Select[Any]:
    return sa.select(case.c.conversation_id).where(
        case.c.state.in_(states), case.c.conversation_id.is_not(None)
    )


def _newest(column: sa.Column[Any], table: sa.Table, *conditions: sa.ColumnElement[bool]) -> Any:
    return (
        sa.select(column)
        .where(table.c.conversation_id == conversation.c.id, *conditions)
        .order_by(table.c.id.desc())
        .limit(1)
        .correlate(conversation)
        .scalar_subquery()
    )


_TALKS = (
    sa.select(
        conversation.c.id,
        conversation.c.account_id,
        conversation.c.last_message_at,
        customer.c.platform_id,
        customer.c.nickname,
        kf_state.c.state,
        kf_state.c.servicer_id,
        _newest(message.c.id, message, message.c.author != Author.SYSTEM).label("last_message_id"),
        _newest(turn.c.decision, turn).label("decision"),
        _newest(delivery.c.state, delivery).label("delivery_state"),
    )
    .join(customer, customer.c.id == conversation.c.customer_id)
    .outerjoin(kf_state, kf_state.c.conversation_id == conversation.c.id)
)


async def _texts(tx: AsyncConnection, message_ids: Sequence[int]) -> dict[int, Any]:
    wanted = (
        sa.select(message.c.id, message.c.kind, message.c.author, message_body.c.text)
        .join(message_body, message_body.c.message_id == message.c.id)
        .where(message.c.id.in_(message_ids))
    )
    return {row.id: row for row in (await tx.execute(wanted)).all()}


async def _open_cases(tx: AsyncConnection, conversation_ids: Sequence[int]) -> dict[int, Any]:
    wanted = (
        sa.select(
            case.c.conversation_id, sa.func.count().label("open"), sa.func.min(case.c.due_at).label("due_at")
        )
        .where(case.c.conversation_id.in_(conversation_ids), case.c.state != CaseState.CLOSED)
        .group_by(case.c.conversation_id)
    )
    return {row.conversation_id: row for row in (await tx.execute(wanted)).all()}


def _talk_row(row: Any, texts: dict[int, Any], open_cases: dict[int, Any]) -> TalkRow:
    said = texts.get(row.last_message_id)
    its_cases = open_cases.get(row.id)
    return TalkRow(
        id=row.id,
        platform_id=row.platform_id,
        nickname=row.nickname,
        account_id=row.account_id,
        last_message_at=row.last_message_at,
        state=SessionState(row.state or 0),
        servicer_id=row.servicer_id or "",
        text=said.text[:120] if said else "",
        kind=said.kind if said else "",
        author=said.author if said else "",
        decision=row.decision or "",
        delivery_state=row.delivery_state or "",
        open_cases=its_cases.open if its_cases else 0,
        case_due_at=its_cases.due_at if its_cases else None,
    )

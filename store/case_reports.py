"""The list of cases for the pages. Read only, by the index of state and date from a place on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.case import Case, CaseKind, CaseState
from store import paging
from store.paging import Place
from store.tables import case, case_entry, customer, message, message_body

# Reasons that cannot wait: danger to a person's life, and a fraud that may be going on (handlers/questions.py).
URGENT = ("crisis", "fraud")


@dataclass(frozen=True, kw_only=True)
class CaseFilter:
    """What of the cases is wanted. `show`: "open" (not closed), "late" or "closed"; `kind` "" is any.

    `owners`: only theirs; None is everybody's. `is_unowned`: only those nobody has. `search`: the number customers are
    told, whatever state the case is in, or a part of the customer's name.
    """

    show: str = "open"
    kind: str = ""
    owners: frozenset[str] | None = None
    is_unowned: bool = False
    search: str = ""
    now: datetime


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    """One line of the list. `is_urgent`: it stands before all others."""

    case: Case
    platform_id: str
    nickname: str
    is_urgent: bool = False

    @property
    def place(self) -> Place:
        return Place(at=self.case.due_at, id=self.case.id, is_urgent=self.is_urgent)


@dataclass(frozen=True, kw_only=True)
class Quote:
    """The message that opened a case. `text` is empty for a picture and the like, or once `erased_at` is set."""

    message_id: int
    kind: str
    text: str
    sent_at: datetime
    erased_at: datetime | None


async def list_cases(
    tx: AsyncConnection,
    wanted: CaseFilter,
    *,
    scope: frozenset[str] | None,
    after: Place | None,
    limit: int,
) -> list[CaseRow]:
    """Return cases by their date: urgent ones, then the most overdue; closed ones with the newest date first."""
    if wanted.show == "closed" or wanted.search:
        return await _list(tx, _case_conditions(wanted, scope, after), limit, wanted.show == "closed")
    # Urgent cases are due at once, so they stand in the overdue head of the index; two searches keep it in use.
    is_urgent = sa.and_(case.c.reason.in_(URGENT), case.c.due_at <= wanted.now)
    found: list[CaseRow] = []
    if after is None or after.is_urgent:
        conditions = [*_case_conditions(wanted, scope, after), is_urgent]
        found = [replace(row, is_urgent=True) for row in await _list(tx, conditions, limit)]
        after = None
    if len(found) < limit:
        conditions = [*_case_conditions(wanted, scope, after), sa.not_(is_urgent)]
        found += await _list(tx, conditions, limit - len(found))
    return found


async def _list(
    tx: AsyncConnection, conditions: list[sa.ColumnElement[bool]], limit: int, newest_first: bool = False
) -> list[CaseRow]:
    order = [case.c.due_at.desc(), case.c.id.desc()] if newest_first else [case.c.due_at, case.c.id]
    select = _CASES.where(*conditions).order_by(*order).limit(limit)
    return [_case_row(row) for row in (await tx.execute(select)).all()]


async def list_cases_of(tx: AsyncConnection, conversation_id: int, limit: int = 20) -> list[CaseRow]:
    """Return the newest cases of a conversation."""
    wanted = _CASES.where(case.c.conversation_id == conversation_id).order_by(case.c.id.desc()).limit(limit)
    return [_case_row(row) for row in (await tx.execute(wanted)).all()]


async def find_case_row(tx: AsyncConnection, case_id: int) -> CaseRow | None:
    """Return the case with its customer's name, or None."""
    row = (await tx.execute(_CASES.where(case.c.id == case_id))).one_or_none()
    return None if row is None else _case_row(row)


async def find_quote(tx: AsyncConnection, case_id: int) -> Quote | None:
    """Return the message that opened the case; None when nobody's words did."""
    wanted = (
        sa.select(
            message.c.id, message.c.kind, message.c.sent_at, message_body.c.text, message_body.c.erased_at
        )
        .join(case_entry, case_entry.c.message_id == message.c.id)
        .join(message_body, message_body.c.message_id == message.c.id)
        .where(case_entry.c.case_id == case_id)
        .order_by(case_entry.c.id)
        .limit(1)
    )
    row = (await tx.execute(wanted)).one_or_none()
    if row is None:
        return None
    return Quote(
        message_id=row.id, kind=row.kind, text=row.text, sent_at=row.sent_at, erased_at=row.erased_at
    )


def _case_conditions(
    wanted: CaseFilter, scope: frozenset[str] | None, place: Place | None
) -> list[sa.ColumnElement[bool]]:
    if wanted.search and (number := _number(wanted.search)) is not None:
        return [case.c.id == number, *([] if scope is None else [case.c.owner.in_(scope)])]
    is_closed = wanted.show == "closed"
    states = [CaseState.CLOSED] if is_closed else [CaseState.OPEN, CaseState.WORKING]
    conditions: list[sa.ColumnElement[bool]] = [case.c.state.in_(states)]
    if wanted.show == "late":
        conditions.append(case.c.due_at < wanted.now)
    if wanted.kind:
        conditions.append(case.c.kind == wanted.kind)
    if wanted.search:
        conditions.append(customer.c.nickname.icontains(wanted.search, autoescape=True))
    if wanted.is_unowned:
        conditions.append(case.c.owner == "")
    conditions += [case.c.owner.in_(people) for people in (wanted.owners, scope) if people is not None]
    if place is not None:
        conditions.append((paging.before if is_closed else paging.after)(case.c.due_at, case.c.id, place))
    return conditions


def _number(search: str) -> int | None:
    """Return the number of a case as a customer may read it out: 27, 000027, #000027 or № 27."""
    digits = search.lstrip("#＃№ ").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


_CASES = sa.select(case, customer.c.platform_id, customer.c.nickname).outerjoin(
    customer, customer.c.id == case.c.customer_id
)


def _case_row(row: Any) -> CaseRow:
    found = Case(
        id=row.id,
        kind=CaseKind(row.kind),
        customer_id=row.customer_id,
        conversation_id=row.conversation_id,
        reason=row.reason,
        owner=row.owner,
        state=CaseState(row.state),
        opened_at=row.opened_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
    )
    return CaseRow(case=found, platform_id=row.platform_id or "", nickname=row.nickname or "")

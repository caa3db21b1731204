"""The list of cases for the pages. Read only, by the index of state and date from a place on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.case import Case, CaseKind, CaseState
from store import paging
from store.paging import Place
from store.tables import case, customer


@dataclass(frozen=True, kw_only=True)
class CaseFilter:
    """What of the cases is wanted. `show`: "open" (not closed), "late" or "closed"; `kind` "" is any.

    `owners`: only theirs; None is everybody's. `is_unowned`: only those nobody has.
    """

    show: str = "open"
    kind: str = ""
    owners: frozenset[str] | None = None
    is_unowned: bool = False
    now: datetime


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    """One line of the list."""

    case: Case
    platform_id: str
    nickname: str

    @property
    def place(self) -> Place:
        return Place(at=self.case.due_at, id=self.case.id)


async def list_cases(
    tx: AsyncConnection,
    wanted: CaseFilter,
    *,
    scope: frozenset[str] | None,
    after: Place | None,
    limit: int,
) -> list[CaseRow]:
    """Return cases by their date: open ones with the most overdue first, closed ones with the newest date first."""
    is_closed = wanted.show == "closed"
    order = [case.c.due_at.desc(), case.c.id.desc()] if is_closed else [case.c.due_at, case.c.id]
    select = _CASES.order_by(*order).limit(limit)
    for condition in _case_conditions(wanted, scope, after):
        select = select.where(condition)
    return [_case_row(row) for row in (await tx.execute(select)).all()]


async def list_cases_of(tx: AsyncConnection, conversation_id: int, limit: int = 20) -> list[CaseRow]:
    """Return the newest cases of a conversation."""
    wanted = _CASES.where(case.c.conversation_id == conversation_id).order_by(case.c.id.desc()).limit(limit)
    return [_case_row(row) for row in (await tx.execute(wanted)).all()]


async def find_case_row(tx: AsyncConnection, case_id: int) -> CaseRow | None:
    """Return the case with its customer's name, or None."""
    row = (await tx.execute(_CASES.where(case.c.id == case_id))).one_or_none()
    return None if row is None else _case_row(row)


def _case_conditions(
    wanted: CaseFilter, scope: frozenset[str] | None, place: Place | None
) -> list[sa.ColumnElement[bool]]:
    is_closed = wanted.show == "closed"
    states = [CaseState.CLOSED] if is_closed else [CaseState.OPEN, CaseState.WORKING]
    conditions: list[sa.ColumnElement[bool]] = [case.c.state.in_(states)]
    if wanted.show == "late":
        conditions.append(case.c.due_at < wanted.now)
    if wanted.kind:
        conditions.append(case.c.kind == wanted.kind)
    if wanted.is_unowned:
        conditions.append(case.c.owner == "")
    conditions += [case.c.owner.in_(people) for people in (wanted.owners, scope) if people is not None]
    if place is not None:
        conditions.append((paging.before if is_closed else paging.after)(case.c.due_at, case.c.id, place))
    return conditions


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

"""Ended sessions that a person has to look at because of a case: a complaint, a dispute, a customer at risk."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import BOT, SessionEnd
from domain.review import ReviewKind
from store.tables import case, case_entry, review, session

# A matter may be brought again while its case is open; both are lines of the case's history.
_BROUGHT = ("opened", "again")
# A case may follow the talk it is about, as in store/sampling_plans.py.
_AFTER = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class MustSession:
    """A session nobody was asked about yet. `subjects`: the members who answered, the bot where nobody else did."""

    id: int
    subjects: tuple[str, ...]


async def list_unasked(
    tx: AsyncConnection,
    *,
    kinds: Collection[str],
    reasons: Collection[str],
    since: datetime,
    limit: int = 1_000,
) -> list[MustSession]:
    """Return the sessions begun since then, and over, in which such a matter was brought, or within a day after."""
    is_asked = sa.exists().where(review.c.session_id == session.c.id, review.c.kind == ReviewKind.MUST)
    wanted = (
        sa.select(session.c.id, session.c.ended_at, session.c.subjects, case_entry.c.at)
        .join(case, case.c.conversation_id == session.c.conversation_id)
        .join(case_entry, case_entry.c.case_id == case.c.id)
        .where(
            session.c.started_at >= since,
            session.c.state != SessionEnd.OPEN,
            session.c.merged_into.is_(None),
            sa.or_(case.c.kind.in_(sorted(kinds)), case.c.reason.in_(sorted(reasons))),
            case_entry.c.act.in_(_BROUGHT),
            case_entry.c.at >= session.c.started_at,
            ~is_asked,
        )
        .order_by(session.c.started_at.desc(), session.c.id)
        .limit(limit)
    )
    found: dict[int, MustSession] = {}
    for row in (await tx.execute(wanted)).all():
        if row.at <= row.ended_at + _AFTER:
            members = tuple(name for name in row.subjects if name != BOT)
            found[row.id] = MustSession(id=row.id, subjects=members or (BOT,))
    return list(found.values())

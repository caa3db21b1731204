"""What the pages of a group's week show from the store beside the enrolment: is the publication out, what was answered.

Called for every page that somebody opens, so it reads the few rows it needs and not a group's whole week.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.enrolment import DONE_STATES, OPEN_STATES, UNRELEASED_STATES, OccurrenceState, QuestionState
from store.tables import occurrence, question

_OUT = OPEN_STATES | DONE_STATES


@dataclass(frozen=True, kw_only=True)
class Publication:
    """How a group's publication stands. `is_out`: it was released, whoever still has to confirm it.

    `due_at`: when it is planned, or was; None when it is neither out nor planned.
    """

    is_out: bool
    due_at: datetime | None


async def find_publication(tx: AsyncConnection, enrolment_id: int, steps: Sequence[str]) -> Publication:
    """Return how the publication of an enrolment stands; `steps`: keys of the steps that publish."""
    wanted = (
        sa.select(occurrence.c.state, occurrence.c.due_at)
        .where(occurrence.c.enrolment_id == enrolment_id, occurrence.c.step.in_(steps))
        .order_by(occurrence.c.due_at.desc(), occurrence.c.id.desc())
    )
    rows = [(OccurrenceState(row.state), row.due_at) for row in (await tx.execute(wanted)).all()]
    released = [due_at for state, due_at in rows if state in _OUT]
    if released:
        return Publication(is_out=True, due_at=released[0])
    planned = [due_at for state, due_at in rows if state in UNRELEASED_STATES]
    return Publication(is_out=False, due_at=planned[0] if planned else None)


async def count_answered(tx: AsyncConnection, enrolment_id: int) -> int:
    """Return how many questions of a group were answered in this enrolment."""
    wanted = (
        sa.select(sa.func.count())
        .select_from(question)
        .where(question.c.enrolment_id == enrolment_id, question.c.state == str(QuestionState.ANSWERED))
    )
    return int((await tx.execute(wanted)).scalar_one())

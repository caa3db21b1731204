"""Who opened a page of a group's week and what was tapped there: a random number of the browser's, never a person.

One row for a visitor and page. A page takes `PAGE_ROWS` visitors at most, twice what a customer group holds (WeCom: 500
members), so that a flood fills no disk and keeps nobody from another page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.week_pages import WeekPage
from store import dialect
from store.columns import UtcTime
from store.tables import page_visit

PAGE_ROWS = 1000
# A line of text with a feedback; longer ones are cut before they come here.
NOTE_LIMIT_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True)
class PageCount:
    """How many visitors opened a page, and how many of them answered there (interested; gave feedback)."""

    visitors: int
    answers: int


@dataclass(frozen=True, kw_only=True)
class VisitorAnswer:
    """What a visitor said on a page. `answer`: "" when taken back; "yes", or "1" to "5". For staff: `note`."""

    answer: str
    note: str
    answered_at: datetime | None


async def record_visit(
    tx: AsyncConnection, enrolment_id: int, page: WeekPage, visitor: str, now: datetime
) -> bool:
    """Record a first visit; False when it is known already, or the page has as many visitors as it takes."""
    values = sa.select(
        sa.literal(enrolment_id),
        sa.literal(str(page)),
        sa.literal(visitor),
        sa.literal(now, UtcTime),
        sa.literal(""),
        sa.literal(""),
    ).where(_visitors(enrolment_id, page) < PAGE_ROWS)
    added = (
        dialect.insert(tx, page_visit)
        .from_select(["enrolment_id", "page", "visitor", "first_at", "answer", "note"], values)
        .on_conflict_do_nothing()
        .returning(page_visit.c.id)
    )
    return (await tx.execute(added)).scalar_one_or_none() is not None


async def record_answer(
    tx: AsyncConnection,
    enrolment_id: int,
    page: WeekPage,
    visitor: str,
    answer: str,
    now: datetime,
    *,
    note: str | None = None,
) -> bool:
    """Set what a visitor says on a page, in place of what they said before; False when the page takes no more visitors.

    `answer`: "" takes it back. `note`: a line of text; "" removes the one before, None leaves it.
    """
    await record_visit(tx, enrolment_id, page, visitor, now)
    values: dict[str, object] = {"answer": answer, "answered_at": now if answer else None}
    if note is not None:
        values["note"] = note[:NOTE_LIMIT_CHARACTERS]
    done = await tx.execute(sa.update(page_visit).where(_one(enrolment_id, page, visitor)).values(values))
    return done.rowcount == 1


async def find_answer(
    tx: AsyncConnection, enrolment_id: int, page: WeekPage, visitor: str
) -> VisitorAnswer | None:
    """Return what a visitor said on a page; None when they were not there."""
    wanted = sa.select(page_visit.c.answer, page_visit.c.note, page_visit.c.answered_at)
    row = (await tx.execute(wanted.where(_one(enrolment_id, page, visitor)))).one_or_none()
    return row and VisitorAnswer(answer=row.answer, note=row.note, answered_at=row.answered_at)


async def counts(tx: AsyncConnection, enrolment_id: int) -> Mapping[WeekPage, PageCount]:
    """Return the figures of every page of an enrolment, zeros included."""
    wanted = (
        sa.select(
            page_visit.c.page,
            sa.func.count().label("visitors"),
            sa.func.count(sa.case((page_visit.c.answer != "", 1))).label("answers"),
        )
        .where(page_visit.c.enrolment_id == enrolment_id)
        .group_by(page_visit.c.page)
    )
    found = {
        row.page: PageCount(visitors=row.visitors, answers=row.answers)
        for row in (await tx.execute(wanted)).all()
    }
    return {page: found.get(page, PageCount(visitors=0, answers=0)) for page in WeekPage}


async def count_readers(tx: AsyncConnection, enrolment_id: int) -> int:
    """Return how many visitors read the publication, when it came out or afterwards, each counted once."""
    read = (
        sa.select(sa.func.count(page_visit.c.visitor.distinct()))
        .where(page_visit.c.enrolment_id == enrolment_id)
        .where(page_visit.c.page.in_([str(WeekPage.ARTICLE), str(WeekPage.REPLAY)]))
    )
    return int((await tx.execute(read)).scalar_one())


async def find_feedback(tx: AsyncConnection, enrolment_id: int) -> float | None:
    """Return the average of the feedback, 1 to 5; None when nobody gave any."""
    wanted = sa.select(sa.func.avg(sa.cast(page_visit.c.answer, sa.Integer))).where(
        page_visit.c.enrolment_id == enrolment_id, *_FEEDBACK
    )
    found = (await tx.execute(wanted)).scalar_one_or_none()
    return None if found is None else float(found)


async def list_notes(tx: AsyncConnection, enrolment_id: int) -> list[VisitorAnswer]:
    """Return the feedback that came with a line of text, newest first; for staff only."""
    wanted = (
        sa.select(page_visit.c.answer, page_visit.c.note, page_visit.c.answered_at)
        .where(page_visit.c.enrolment_id == enrolment_id, page_visit.c.note != "", *_FEEDBACK)
        .order_by(page_visit.c.answered_at.desc(), page_visit.c.id.desc())
    )
    return [
        VisitorAnswer(answer=row.answer, note=row.note, answered_at=row.answered_at)
        for row in (await tx.execute(wanted)).all()
    ]


_FEEDBACK = (
    page_visit.c.page == str(WeekPage.FEEDBACK),
    page_visit.c.answer.in_([str(score) for score in range(1, 6)]),
)


def _one(enrolment_id: int, page: WeekPage, visitor: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        page_visit.c.enrolment_id == enrolment_id,
        page_visit.c.page == str(page),
        page_visit.c.visitor == visitor,
    )


def _visitors(enrolment_id: int, page: WeekPage) -> sa.ScalarSelect[int]:
    counted = page_visit.alias("counted")
    return (
        sa.select(sa.func.count())
        .select_from(counted)
        .where(counted.c.enrolment_id == enrolment_id, counted.c.page == str(page))
        .scalar_subquery()
    )

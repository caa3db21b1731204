"""What is new for open pages of the desk: messages, rounds of suggestions, whispers, steps. Ids only.

Ids grow, but on PostgreSQL a smaller one may become visible after a larger one; whoever reads again and again asks from
a little further back and drops what is known (bot/desk_watch.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.talk import Author
from store.tables import enrolment, enrolment_entry, message, suggestion_round, whisper

# More than this at one look is a backlog that was read; the pages then read their parts once.
_LIMIT = 500


class NewsKind(StrEnum):
    """What happened; the name of the event that pages get."""

    MESSAGE = "message"  # Somebody wrote in a conversation.
    ROUND = "round"  # Suggestions were found for somebody.
    WHISPER = "whisper"  # A supervisor whispered to somebody.
    STEP = "step"  # A step of a group's SOP moved.


@dataclass(frozen=True, kw_only=True)
class News:
    """One thing that happened. `subject`: the conversation, for a step the group; `number`: of the row.

    `staff`: whom alone it concerns, "" for everybody who follows the subject. `is_customer`: a customer wrote it.
    """

    kind: NewsKind
    subject: int | None
    number: int
    staff: str = ""
    is_customer: bool = False


@dataclass(frozen=True, kw_only=True)
class Marks:
    """How far the four kinds are known: the largest id of each."""

    message: int = 0
    round: int = 0
    whisper: int = 0
    step: int = 0

    def __str__(self) -> str:
        """Return the mark as it stands in an event's id: 12.3.0.44."""
        return f"{self.message}.{self.round}.{self.whisper}.{self.step}"


def read_marks(text: str) -> Marks | None:
    """Return what `str` of marks gave; None for anything else."""
    parts = text.split(".")
    if len(parts) != 4 or not all(one.isascii() and one.isdigit() and len(one) <= 18 for one in parts):
        return None
    known = [int(one) for one in parts]
    return Marks(message=known[0], round=known[1], whisper=known[2], step=known[3])


async def find_marks(tx: AsyncConnection) -> Marks:
    """Return the largest ids there are."""
    largest = [
        sa.select(sa.func.max(table.c.id)).scalar_subquery()
        for table in (message, suggestion_round, whisper, enrolment_entry)
    ]
    row = (await tx.execute(sa.select(*largest))).one()
    return Marks(message=row[0] or 0, round=row[1] or 0, whisper=row[2] or 0, step=row[3] or 0)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look found, oldest first, and how far it came."""

    news: tuple[News, ...]
    marks: Marks


async def look(
    tx: AsyncConnection,
    marks: Marks,
    *,
    conversations: Collection[int],
    people: Collection[str],
    groups: Collection[int],
) -> Look:
    """Return what came after `marks` in these conversations, for these people, in these groups."""
    said = await _messages(tx, marks.message, conversations) if conversations else []
    # By id alone and sifted here: the index by person would be read with that person's whole past.
    rounds = await _told(tx, suggestion_round, marks.round) if people else []
    whispers = await _told(tx, whisper, marks.whisper) if people else []
    steps = await _steps(tx, marks.step) if groups else []
    mine = [
        News(kind=kind, subject=row.conversation_id, number=row.id, staff=row.staff_platform_id)
        for kind, rows in ((NewsKind.ROUND, rounds), (NewsKind.WHISPER, whispers))
        for row in rows
        if row.staff_platform_id in people
    ]
    moved = [
        News(kind=NewsKind.STEP, subject=row.group_id, number=row.id)
        for row in steps
        if row.group_id in groups
    ]
    return Look(
        news=(*said, *mine, *moved),
        marks=Marks(
            message=max((one.number for one in said), default=marks.message),
            round=max((row.id for row in rounds), default=marks.round),
            whisper=max((row.id for row in whispers), default=marks.whisper),
            step=max((row.id for row in steps), default=marks.step),
        ),
    )


async def list_missed(
    tx: AsyncConnection, marks: Marks, *, conversations: Sequence[int], staff: str, group: int | None
) -> list[News]:
    """Return the latest of each kind and conversation that came after `marks`, for a page that was away."""
    missed: list[News] = []
    for number in conversations:
        its = message.c.conversation_id == number
        missed += await _latest(tx, NewsKind.MESSAGE, number, "", message.c.id, its, marks.message)
        for kind, table, mark in (
            (NewsKind.ROUND, suggestion_round, marks.round),
            (NewsKind.WHISPER, whisper, marks.whisper),
        ):
            its = sa.and_(table.c.conversation_id == number, table.c.staff_platform_id == staff)
            missed += await _latest(tx, kind, number, staff, table.c.id, its, mark)
    if group is not None:
        its = enrolment_entry.c.enrolment_id.in_(
            sa.select(enrolment.c.id).where(enrolment.c.group_id == group)
        )
        missed += await _latest(tx, NewsKind.STEP, group, "", enrolment_entry.c.id, its, marks.step)
    return missed


async def _latest(
    tx: AsyncConnection,
    kind: NewsKind,
    subject: int,
    staff: str,
    column: sa.Column[int],
    its: sa.ColumnElement[bool],
    after: int,
) -> list[News]:
    found: int | None = (await tx.execute(sa.select(sa.func.max(column)).where(its))).scalar_one()
    if found is None or found <= after:
        return []
    return [News(kind=kind, subject=subject, number=found, staff=staff)]


async def _messages(tx: AsyncConnection, after: int, conversations: Collection[int]) -> list[News]:
    wanted = (
        sa.select(message.c.id, message.c.conversation_id, message.c.author)
        .where(message.c.conversation_id.in_(sorted(conversations)), message.c.id > after)
        .order_by(message.c.id)
        .limit(_LIMIT)
    )
    return [
        News(
            kind=NewsKind.MESSAGE,
            subject=row.conversation_id,
            number=row.id,
            is_customer=row.author == Author.CUSTOMER,
        )
        for row in await tx.execute(wanted)
    ]


async def _told(tx: AsyncConnection, table: sa.Table, after: int) -> Sequence[Any]:
    wanted = (
        sa.select(table.c.id, table.c.conversation_id, table.c.staff_platform_id)
        .where(table.c.id > after)
        .order_by(table.c.id)
        .limit(_LIMIT)
    )
    return (await tx.execute(wanted)).all()


async def _steps(tx: AsyncConnection, after: int) -> Sequence[Any]:
    wanted = (
        sa.select(enrolment_entry.c.id, enrolment.c.group_id)
        .join(enrolment, enrolment.c.id == enrolment_entry.c.enrolment_id)
        .where(enrolment_entry.c.id > after)
        .order_by(enrolment_entry.c.id)
        .limit(_LIMIT)
    )
    return (await tx.execute(wanted)).all()

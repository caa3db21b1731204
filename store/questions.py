"""Questions of customers in groups and chats: who asked what, whose turn it is, when somebody else is told.

A question is recorded as it comes, whoever heard it: an advisor's mark, the archive, a KF talk that a person had to
take over. scheduler/question_watch.py then takes it up: who has duty, the timers, words that cannot wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.case import CaseKind, CaseWanted
from domain.enrolment import LIVE_STATES, Question, QuestionSource, QuestionState
from domain.groups import MemberKind
from domain.talk import Author
from store import cases, customers, dialect, notices
from store.columns import UtcTime
from store.tables import conversation, customer, enrolment, group_member, message, question

# The end of a question that a person's client may send; longer words are cut.
TEXT_LIMIT_CHARACTERS = 1000
# Why a case was opened for a question of a group (console/words.toml).
CASE_REASON = "group_question"
_LIVE = [str(state) for state in sorted(LIVE_STATES)]
_DUE = (
    sa.select(question)
    .where(question.c.next_at.is_not(None), question.c.next_at <= sa.bindparam("now"))
    .order_by(question.c.next_at, question.c.id)
    .limit(sa.bindparam("most"))
)


@dataclass(frozen=True, kw_only=True)
class QuestionCounts:
    """How the questions of a time were served; those that were none are not counted.

    `answered`: by a person, `ticketed`: given to a case, `open`: neither. `late`: answered or ticketed too late, or
    open and too late by now. `pending`: open and not late yet, so it says nothing of the rate.
    """

    asked: int = 0
    answered: int = 0
    ticketed: int = 0
    open: int = 0
    late: int = 0
    pending: int = 0

    @property
    def judged(self) -> int:
        """The denominator of the overdue rate."""
        return self.asked - self.pending


async def mark(
    tx: AsyncConnection,
    *,
    text: str,
    by: str,
    now: datetime,
    asker: str = "",
    group_id: int | None = None,
    conversation_id: int | None = None,
    asked_at: datetime | None = None,
) -> int:
    """Record a question that a member of staff marked; return its id.

    `asker`: the customer's platform id, "" when nobody said who. `asked_at`: when it was asked; now where unknown.
    """
    return await _add(
        tx,
        source=QuestionSource.MARK,
        text=text,
        asked_at=min(asked_at or now, now),
        now=now,
        asker=asker,
        group_id=group_id,
        conversation_id=conversation_id,
        marked_by=by[:64],
    )


async def record_heard(
    tx: AsyncConnection,
    *,
    text: str,
    asker: str,
    asked_at: datetime,
    now: datetime,
    group_id: int | None = None,
    conversation_id: int | None = None,
    message_id: int | None = None,
) -> int:
    """Record a question that was heard in a talk on record; return its id. The same message is one question."""
    return await _add(
        tx,
        source=QuestionSource.ARCHIVE,
        text=text,
        asked_at=asked_at,
        now=now,
        asker=asker,
        group_id=group_id,
        conversation_id=conversation_id,
        message_id=message_id,
    )


async def record_kf(
    tx: AsyncConnection, conversation_id: int, message_id: int, text: str, now: datetime
) -> int:
    """Record a KF question that the bot gave to a person; return its id.

    When its customer is in a group under way it counts for that group; of several, for that of the newest enrolment.
    While one of the conversation is open, what the customer adds belongs to it.
    """
    waiting = sa.select(question).where(
        question.c.conversation_id == conversation_id, sa.text("question.state = 'open'")
    )
    for row in (await tx.execute(waiting.order_by(question.c.id))).all():
        # Nobody looks at one again whose timers have run out, unless the audit reads its talk.
        answered = await find_servicer_answer(tx, _question(row))
        if answered is None:
            return int(row.id)
        await answer(tx, row.id, by=answered[0], now=answered[1])
    asker = (
        sa.select(customer.c.platform_id)
        .join(conversation, customer.c.id == conversation.c.customer_id)
        .where(conversation.c.id == conversation_id)
    )
    who = str((await tx.execute(asker)).scalar_one_or_none() or "")
    return await _add(
        tx,
        source=QuestionSource.KF,
        text=text,
        asked_at=now,
        now=now,
        asker=who,
        group_id=await _find_group(tx, who),
        conversation_id=conversation_id,
        message_id=message_id,
    )


async def answer(tx: AsyncConnection, question_id: int, *, by: str, now: datetime, faq_id: str = "") -> bool:
    """Record that a person answered; False when it had ended before. `faq_id`: the entry that was used."""
    changes: dict[str, Any] = {"answered_at": now, "answered_by": by[:64]}
    if faq_id:
        changes["faq_id"] = faq_id
    return await _end(tx, question_id, QuestionState.ANSWERED, changes)


async def drop(tx: AsyncConnection, question_id: int, *, by: str, now: datetime) -> bool:
    """Record that it was no question; False when it had ended before."""
    return await _end(tx, question_id, QuestionState.DROPPED, {"answered_at": now, "answered_by": by[:64]})


async def ticket(
    tx: AsyncConnection, question_id: int, *, by: str, due_at: datetime, now: datetime
) -> int | None:
    """Give a question to a case; return the case's id, None when it had ended before."""
    asked = await find(tx, question_id)
    if asked is None or asked.state is not QuestionState.OPEN:
        return None
    case_id = asked.case_id or await open_case(
        tx, asked, CaseWanted(kind=CaseKind.QUESTION, reason=CASE_REASON), by=by, due_at=due_at, now=now
    )
    changes = {"answered_at": now, "answered_by": by[:64], "case_id": case_id}
    return case_id if await _end(tx, question_id, QuestionState.TICKETED, changes) else None


async def open_case(
    tx: AsyncConnection, asked: Question, wanted: CaseWanted, *, by: str, due_at: datetime, now: datetime
) -> int:
    """Open a case for a question, or add to that of its conversation; return its id."""
    customer_id = (await customers.find_ids(tx, [asked.asker])).get(asked.asker) if asked.asker else None
    return await cases.open_or_add(
        tx,
        wanted,
        customer_id=customer_id,
        conversation_id=asked.conversation_id,
        actor=by,
        due_at=due_at,
        now=now,
        message_id=asked.message_id,
    )


async def claim_due(tx: AsyncConnection, now: datetime, limit: int) -> list[Question]:
    """Return up to `limit` open questions whose time has come, locked to this transaction, the longest due first."""
    rows = (await tx.execute(dialect.skip_locked(tx, _DUE), {"now": now, "most": limit})).all()
    return [_question(row) for row in rows]


async def list_due(tx: AsyncConnection, now: datetime, limit: int) -> list[Question]:
    """Return up to `limit` open questions whose time has come, the longest due first; nobody has them yet."""
    return [_question(row) for row in (await tx.execute(_DUE, {"now": now, "most": limit})).all()]


async def find_next(tx: AsyncConnection) -> datetime | None:
    """Return when a question has to be looked at next; None when none waits."""
    wanted = sa.select(sa.func.min(question.c.next_at)).where(question.c.next_at.is_not(None))
    found: datetime | None = (await tx.execute(wanted)).scalar_one_or_none()
    return found


async def save(tx: AsyncConnection, changed: Question) -> None:
    """Write what the timers change, while the question is open."""
    await tx.execute(
        sa.update(question)
        .where(question.c.id == changed.id, question.c.state == QuestionState.OPEN)
        .values(
            duty=changed.duty,
            faq_id=changed.faq_id,
            rung=changed.rung,
            next_at=changed.next_at,
            late_at=changed.late_at,
            case_id=changed.case_id,
        )
    )


async def stop_timers(tx: AsyncConnection, conversation_id: int) -> None:
    """Tell nobody any more of the open questions of a talk; they stay unanswered."""
    await tx.execute(
        sa.update(question)
        .where(question.c.conversation_id == conversation_id, sa.text("question.state = 'open'"))
        .values(next_at=None)
    )


async def find(tx: AsyncConnection, question_id: int) -> Question | None:
    """Return a question, or None."""
    row = (await tx.execute(sa.select(question).where(question.c.id == question_id))).one_or_none()
    return None if row is None else _question(row)


async def list_open_of_group(tx: AsyncConnection, group_id: int) -> list[Question]:
    """Return the open questions of a group, the oldest first."""
    wanted = sa.select(question).where(
        question.c.group_id == group_id, question.c.state == QuestionState.OPEN
    )
    return await _list(tx, wanted)


async def list_open_of(tx: AsyncConnection, duties: Sequence[str]) -> list[Question]:
    """Return the open questions that these people have to answer, the oldest first."""
    # The state is written out, so that SQLite uses the index over open ones.
    wanted = sa.select(question).where(sa.text("question.state = 'open'"), question.c.duty.in_(duties))
    return await _list(tx, wanted)


async def list_of_group(tx: AsyncConnection, group_id: int, since: datetime) -> list[Question]:
    """Return the questions asked in a group since `since`, the oldest first; not those that were none."""
    wanted = sa.select(question).where(
        question.c.group_id == group_id,
        question.c.asked_at >= since,
        question.c.state != QuestionState.DROPPED,
    )
    return await _list(tx, wanted)


async def count(
    tx: AsyncConnection, group_ids: Sequence[int], since: datetime, now: datetime
) -> Mapping[int, QuestionCounts]:
    """Return by group how the questions asked since `since` were served; groups without any are missing."""
    its = question.c
    is_open = its.state == QuestionState.OPEN
    end = sa.func.coalesce(its.answered_at, sa.literal(now, UtcTime))
    late = sa.and_(its.late_at.is_not(None), end > its.late_at)
    wanted = (
        sa.select(
            its.group_id,
            sa.func.count().label("asked"),
            _sum(its.state == QuestionState.ANSWERED).label("answered"),
            _sum(its.state == QuestionState.TICKETED).label("ticketed"),
            _sum(is_open).label("open"),
            _sum(late).label("late"),
            _sum(sa.and_(is_open, sa.not_(late))).label("pending"),
        )
        .where(its.group_id.in_(group_ids), its.asked_at >= since, its.state != QuestionState.DROPPED)
        .group_by(its.group_id)
    )
    return {
        row.group_id: QuestionCounts(
            asked=row.asked,
            answered=row.answered,
            ticketed=row.ticketed,
            open=row.open,
            late=row.late,
            pending=row.pending,
        )
        for row in (await tx.execute(wanted)).all()
    }


async def find_servicer_answer(tx: AsyncConnection, asked: Question) -> tuple[str, datetime] | None:
    """Return who first wrote in a question's talk after it was asked, and when; None when nobody did."""
    if asked.conversation_id is None:
        return None
    wanted = (
        sa.select(message.c.servicer_id, message.c.sent_at)
        .where(
            message.c.conversation_id == asked.conversation_id,
            message.c.id > (asked.message_id or 0),
            message.c.author == Author.SERVICER,
            message.c.sent_at >= asked.asked_at,
        )
        .order_by(message.c.id)
        .limit(1)
    )
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else (row.servicer_id, row.sent_at)


def _sum(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


async def _add(
    tx: AsyncConnection,
    *,
    source: QuestionSource,
    text: str,
    asked_at: datetime,
    now: datetime,
    asker: str,
    group_id: int | None = None,
    conversation_id: int | None = None,
    message_id: int | None = None,
    marked_by: str = "",
) -> int:
    values = {
        "source": source,
        "state": QuestionState.OPEN,
        "text": text[:TEXT_LIMIT_CHARACTERS],
        "asked_at": asked_at,
        "asker": asker[:64],
        "group_id": group_id,
        "enrolment_id": await _find_enrolment(tx, group_id),
        "conversation_id": conversation_id,
        "message_id": message_id,
        "marked_by": marked_by,
        "next_at": now,  # The watch takes it up.
    }
    added = dialect.insert(tx, question).values(values).on_conflict_do_nothing().returning(question.c.id)
    found = (await tx.execute(added)).scalar_one_or_none()
    if found is None:
        known = sa.select(question.c.id).where(question.c.message_id == message_id)
        found = (await tx.execute(known)).scalar_one()
    return int(found)


async def _find_group(tx: AsyncConnection, platform_id: str) -> int | None:
    """Return the group under way that a customer is in now; None without one."""
    wanted = (
        sa.select(enrolment.c.group_id)
        .join(group_member, enrolment.c.group_id == group_member.c.group_id)
        .where(
            group_member.c.member_platform_id == platform_id,
            group_member.c.quit_at.is_(None),
            group_member.c.kind == MemberKind.CUSTOMER,
            enrolment.c.state.in_(_LIVE),
        )
        .order_by(enrolment.c.id.desc())
        .limit(1)
    )
    found: int | None = (await tx.execute(wanted)).scalar_one_or_none()
    return found


async def _find_enrolment(tx: AsyncConnection, group_id: int | None) -> int | None:
    if group_id is None:
        return None
    newest = sa.select(sa.func.max(enrolment.c.id)).where(
        enrolment.c.group_id == group_id, enrolment.c.state.in_(_LIVE)
    )
    found: int | None = (await tx.execute(newest)).scalar_one_or_none()
    return found


async def _end(
    tx: AsyncConnection, question_id: int, state: QuestionState, changes: Mapping[str, Any]
) -> bool:
    done = await tx.execute(
        sa.update(question)
        .where(question.c.id == question_id, question.c.state == QuestionState.OPEN)
        .values(state=state, next_at=None, **changes)
    )
    if done.rowcount != 1:
        return False
    await notices.withdraw_of_question(tx, [question_id])
    return True


async def _list(tx: AsyncConnection, wanted: sa.Select[Any]) -> list[Question]:
    rows = (await tx.execute(wanted.order_by(question.c.asked_at, question.c.id))).all()
    return [_question(row) for row in rows]


def _question(row: Any) -> Question:
    return Question(
        id=row.id,
        source=QuestionSource(row.source),
        state=QuestionState(row.state),
        text=row.text,
        asked_at=row.asked_at,
        asker=row.asker,
        group_id=row.group_id,
        enrolment_id=row.enrolment_id,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        duty=row.duty,
        faq_id=row.faq_id,
        rung=row.rung,
        next_at=row.next_at,
        late_at=row.late_at,
        case_id=row.case_id,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        marked_by=row.marked_by,
    )

"""Questions of colleagues and their answers, from the moment one is stored until its answer was fetched.

An answer that nobody fetched while the platform asked for it lapses; whoever lapses it sends it by the late way.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.colleague import (
    ColleagueAnswer,
    Feedback,
    NewStaffQuestion,
    StaffQuestion,
    StaffQuestionState,
)
from domain.delivery import DeliveryState
from store import dialect
from store.tables import delivery, staff_question

# Written out, so that the partial index is used.
_IS_WORKING = sa.text("state = 'working'")


async def add(tx: AsyncConnection, new: NewStaffQuestion) -> StaffQuestion:
    """Keep a question and return it; one that the platform tells again is returned as it stands."""
    row = {
        "msgid": new.msgid,
        "stream_id": new.stream_id,
        "staff_platform_id": new.staff_id,
        "chat_id": new.chat_id,
        "asked": new.asked,
        "state": StaffQuestionState.WORKING,
        "response_url": new.response_url,
        "asked_at": new.asked_at,
    }
    await tx.execute(dialect.insert_new(tx, staff_question), [row])
    wanted = sa.select(staff_question).where(staff_question.c.msgid == new.msgid)
    return _question((await tx.execute(wanted)).one())


async def find_by_msgid(tx: AsyncConnection, msgid: str) -> StaffQuestion | None:
    """Return the question of a message, None when it was never stored."""
    wanted = sa.select(staff_question).where(staff_question.c.msgid == msgid)
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else _question(row)


async def find_by_stream(tx: AsyncConnection, stream_id: str) -> StaffQuestion | None:
    """Return the question whose answer grows under `stream_id`, None for an id that is not ours."""
    wanted = sa.select(staff_question).where(staff_question.c.stream_id == stream_id)
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else _question(row)


async def find_by_delivery(tx: AsyncConnection, delivery_key: str) -> StaffQuestion | None:
    """Return the question that a delivery answers, None for another delivery."""
    wanted = (
        sa.select(staff_question)
        .join(delivery, delivery.c.key == staff_question.c.delivery_key)
        .where(delivery.c.key == delivery_key, staff_question.c.staff_platform_id == delivery.c.recipient)
    )
    row = (await tx.execute(wanted)).one_or_none()
    return None if row is None else _question(row)


async def list_earlier(
    tx: AsyncConnection, staff_id: str, chat_id: str, *, since: datetime, door: str, limit: int = 5
) -> list[StaffQuestion]:
    """Return what this colleague was answered in this chat since then, the newest first. `door`: e.g. "aibot:"."""
    wanted = (
        sa.select(staff_question)
        .where(
            staff_question.c.staff_platform_id == staff_id,
            staff_question.c.chat_id == chat_id,
            staff_question.c.msgid.startswith(door, autoescape=True),
            staff_question.c.asked_at >= since,
            staff_question.c.answered_at.is_not(None),
        )
        .order_by(staff_question.c.id.desc())
        .limit(limit)
    )
    return [_question(row) for row in (await tx.execute(wanted)).all()]


async def record_answer(
    tx: AsyncConnection, question_id: int, answer: ColleagueAnswer, *, delivery_key: str, now: datetime
) -> StaffQuestion | None:
    """Write the answer down once and return the question; None when there is one. What has lapsed stays lapsed."""
    done = await tx.execute(
        sa.update(staff_question)
        .where(staff_question.c.id == question_id, staff_question.c.answered_at.is_(None))
        .values(
            answer=answer.text,
            faq_id=answer.faq_id,
            decision=answer.decision,
            delivery_key=delivery_key,
            answered_at=now,
        )
        .returning(*staff_question.c)
    )
    row = done.one_or_none()
    return None if row is None else _question(row)


async def change_answer(
    tx: AsyncConnection, question_id: int, answer: ColleagueAnswer, *, delivery_key: str
) -> None:
    """Put other words in the place of an answer that may not be said any more."""
    await tx.execute(
        sa.update(staff_question)
        .where(staff_question.c.id == question_id)
        .values(answer=answer.text, faq_id="", decision=answer.decision, delivery_key=delivery_key)
    )


async def set_done(tx: AsyncConnection, question_id: int, now: datetime) -> bool:
    """Record that the whole answer leaves now; False when the question has lapsed or was done before.

    Its late address is of no use any more, and forgotten.
    """
    done = await tx.execute(
        sa.update(staff_question)
        .where(staff_question.c.id == question_id, _IS_WORKING, staff_question.c.answered_at.is_not(None))
        .values(state=StaffQuestionState.DONE, shown_at=now, response_url="")
    )
    return done.rowcount == 1


async def list_overdue(tx: AsyncConnection, before: datetime, limit: int = 100) -> list[StaffQuestion]:
    """Return questions asked before then whose answer nobody fetched, the oldest first."""
    wanted = (
        sa.select(staff_question)
        .where(_IS_WORKING, staff_question.c.asked_at <= before)
        .order_by(staff_question.c.asked_at)
        .limit(limit)
    )
    return [_question(row) for row in (await tx.execute(wanted)).all()]


async def lapse(tx: AsyncConnection, question_id: int) -> StaffQuestion | None:
    """Give up waiting that an answer is fetched; return the question, None when somebody was quicker."""
    done = await tx.execute(
        sa.update(staff_question)
        .where(staff_question.c.id == question_id, _IS_WORKING)
        .values(state=StaffQuestionState.LAPSED)
        .returning(*staff_question.c)
    )
    row = done.one_or_none()
    return None if row is None else _question(row)


async def forget_address(tx: AsyncConnection, question_id: int) -> None:
    """Blank the late address of a question: it was used, or takes nothing any more."""
    await tx.execute(
        sa.update(staff_question).where(staff_question.c.id == question_id).values(response_url="")
    )


async def set_delivery(tx: AsyncConnection, question_id: int, delivery_key: str) -> None:
    """Record by which delivery the answer goes now."""
    await tx.execute(
        sa.update(staff_question).where(staff_question.c.id == question_id).values(delivery_key=delivery_key)
    )


async def rate(tx: AsyncConnection, stream_id: str, feedback: Feedback) -> bool:
    """Record how good an answer was; the last word counts. False for an answer that is not ours."""
    value = None if feedback is Feedback.WITHDRAWN else int(feedback)
    done = await tx.execute(
        sa.update(staff_question).where(staff_question.c.stream_id == stream_id).values(feedback=value)
    )
    return done.rowcount == 1


async def end_passive(
    tx: AsyncConnection,
    delivery_key: str,
    state: DeliveryState,
    now: datetime,
    *,
    outcome: str,
    receipt: str = "",
) -> bool:
    """Record the end of an answer that leaves in an HTTP response; False when its end is known."""
    done = await tx.execute(
        sa.update(delivery)
        .where(delivery.c.key == delivery_key, delivery.c.state.in_(["attempting", "unknown"]))
        .values(state=state, outcome=outcome, receipt=receipt, finished_at=now)
    )
    return done.rowcount == 1


def _question(row: Any) -> StaffQuestion:
    return StaffQuestion(
        id=row.id,
        msgid=row.msgid,
        stream_id=row.stream_id,
        staff_id=row.staff_platform_id,
        chat_id=row.chat_id,
        asked=row.asked,
        asked_at=row.asked_at,
        response_url=row.response_url,
        state=StaffQuestionState(row.state),
        answer=row.answer,
        faq_id=row.faq_id,
        decision=row.decision,
        delivery_key=row.delivery_key,
        answered_at=row.answered_at,
        shown_at=row.shown_at,
        feedback=None if row.feedback is None else Feedback(row.feedback),
    )

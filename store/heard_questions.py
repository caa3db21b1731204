"""Questions of talks on record: opened when somebody waits, ended when somebody answered.

Called by the audit's worker with what waits in each conversation it has just read; the same message is one question.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import Standing, TalkKind
from domain.enrolment import Question, QuestionSource
from domain.platform import SessionState
from store import questions
from store.tables import conversation, customer, group, kf_state, question

_WITH_PEOPLE = (int(SessionState.POOL), int(SessionState.SERVICER))


async def keep(tx: AsyncConnection, found: Sequence[Standing], now: datetime) -> None:
    """Bring the open questions of these conversations to what waits in them.

    In customer service only while a person has the session: what the bot is asked, the bot answers.
    """
    judged = [one for one in found if one.kind is not TalkKind.INTERNAL]
    if not judged:
        return
    places = await _places(tx, [one.conversation_id for one in judged if one.asked])
    known = await _open(tx, [one.conversation_id for one in judged])
    for one in judged:
        old = known.get(one.conversation_id, [])
        waits = {asked.message_id for asked in one.asked}
        askers = set()
        for row in old:
            if row.message_id in waits or (one.kind is TalkKind.KF and one.asked):
                askers.add(row.asker)
            else:
                await _end(tx, row, now)
        if one.asked:
            await _open_new(tx, one, places[one.conversation_id], askers, now)


async def _open_new(tx: AsyncConnection, one: Standing, place: Any, askers: set[str], now: datetime) -> None:
    if one.kind is TalkKind.KF:
        if not askers and place.state in _WITH_PEOPLE:
            first = one.asked[0]
            await questions.record_kf(tx, one.conversation_id, first.message_id, first.text, now)
        return
    for asked in one.asked:
        asker = asked.asker or place.customer or ""
        if asker in askers:
            continue
        askers.add(asker)
        await questions.record_heard(
            tx,
            text=asked.text,
            asker=asker,
            asked_at=asked.asked_at,
            now=now,
            group_id=place.group_id,
            conversation_id=one.conversation_id,
            message_id=asked.message_id,
        )


async def _end(tx: AsyncConnection, row: Any, now: datetime) -> None:
    """End a question that waits no more: answered by whoever wrote, none where it was taken back or closed itself."""
    asked = Question(
        id=row.id,
        source=QuestionSource(row.source),
        state=row.state,
        text=row.text,
        asked_at=row.asked_at,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
    )
    answered = await questions.find_servicer_answer(tx, asked)
    if answered is not None:
        await questions.answer(tx, row.id, by=answered[0], now=answered[1])
    elif row.source == QuestionSource.ARCHIVE:
        await questions.drop(tx, row.id, by="audit", now=now)


async def _open(tx: AsyncConnection, conversation_ids: Sequence[int]) -> dict[int, list[Any]]:
    # The state is written out, so that the engine uses the index over open ones.
    wanted = sa.select(question).where(
        sa.text("question.state = 'open'"),
        question.c.conversation_id.in_(conversation_ids),
        question.c.source.in_([QuestionSource.ARCHIVE, QuestionSource.KF]),
    )
    found: dict[int, list[Any]] = {}
    for row in (await tx.execute(wanted.order_by(question.c.id))).all():
        found.setdefault(row.conversation_id, []).append(row)
    return found


async def _places(tx: AsyncConnection, conversation_ids: Sequence[int]) -> dict[int, Any]:
    if not conversation_ids:
        return {}
    wanted = (
        sa.select(
            conversation.c.id,
            customer.c.platform_id.label("customer"),
            kf_state.c.state,
            group.c.id.label("group_id"),
        )
        .outerjoin(customer, customer.c.id == conversation.c.customer_id)
        .outerjoin(kf_state, kf_state.c.conversation_id == conversation.c.id)
        .outerjoin(
            group,
            sa.and_(conversation.c.channel == TalkKind.GROUP, group.c.chat_id == conversation.c.account_id),
        )
        .where(conversation.c.id.in_(conversation_ids))
    )
    return {row.id: row for row in (await tx.execute(wanted)).all()}

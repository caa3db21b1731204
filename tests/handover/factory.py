"""A hand-over with its note and a shift, for tests of pages."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.handover import HandoverNote, HandoverWanted, Promised
from domain.platform import SessionState
from domain.roster import NewShift
from store import conversations, handovers, roster
from store.database import Store


async def give(store: Store, clock: FrozenClock, talk: int, case: int, who: str = "zhangsan") -> int:
    """Give the talk's customer to `who`, who is on duty all week; return the hand-over's id."""
    now = clock.now()

    async def job(tx: AsyncConnection) -> int:
        for weekday in range(1, 8):
            shift = NewShift(
                staff_platform_id=who, weekday=weekday, from_minute=540, until_minute=1080, capacity=5
            )
            await roster.add(tx, shift, by="chen", now=now)
        note = HandoverNote(
            asked=("退保能拿回多少",),
            answered=("退保能拿回多少钱？",),
            promised=(Promised(what="question", case_id=case, due_at=now + timedelta(days=1)),),
        )
        wanted = HandoverWanted(reason="H1", line="insurance", note=note)
        given = await handovers.record_wish(
            tx, wanted, conversation_id=talk, turn_id=None, case_id=case, staff=who, now=now
        )
        await handovers.assign(tx, talk, who, now)
        await conversations.set_state(tx, talk, SessionState.SERVICER, servicer_id=who, now=now)
        return given

    return await store.write(job)

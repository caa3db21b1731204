"""What the advisor's desk keeps of a customer's words, emptied when those words are erased.

Called by store/erasures.py for single messages and by scheduler/erasing.py at the end of a whole talk. That a reply was
suggested, used, edited or refused stays, as does who took a customer and when; what quotes goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Act
from store import holds
from store.tables import (
    delivery,
    false_alarm,
    handover,
    own_wording,
    suggestion,
    suggestion_round,
    whisper,
)

# Words that an editor works on are the company's by then; they hold no figures and no names (content/suggesting).
_KEPT_WORDINGS = ("submitted", "approved")


async def blank_of_messages(tx: AsyncConnection, message_ids: Sequence[int], now: datetime) -> None:
    """Empty the rounds that answered these messages."""
    rounds = sa.select(suggestion_round.c.id).where(suggestion_round.c.message_id.in_(list(message_ids)))
    await _blank_rounds(tx, rounds, now)


async def blank_talk(tx: AsyncConnection, conversation_id: int, now: datetime) -> bool:
    """Empty all the desk keeps of a talk with one customer; False when a hold forbids it.

    Not for groups: there others have spoken too.
    """
    if conversation_id in await holds.list_held(tx, [conversation_id]):
        return False
    rounds = sa.select(suggestion_round.c.id).where(suggestion_round.c.conversation_id == conversation_id)
    await _blank_rounds(tx, rounds, now)
    own = sa.and_(
        own_wording.c.conversation_id == conversation_id, own_wording.c.state.not_in(_KEPT_WORDINGS)
    )
    await _set(tx, own_wording, own, text="", state="withdrawn")
    # A draft made from words that are kept leads to them, and no further.
    gone = {"asked": "", "conversation_id": None}
    await _set(tx, own_wording, own_wording.c.conversation_id == conversation_id, **gone)
    await _blank_alarms(tx, conversation_id)
    await _set(tx, whisper, whisper.c.conversation_id == conversation_id, text="")
    await _set(tx, handover, handover.c.conversation_id == conversation_id, note={})
    # In a session of customer service the words come back through the platform's log, under another name.
    sent = sa.and_(
        delivery.c.conversation_id == conversation_id,
        delivery.c.act == Act.BY_HAND,
        delivery.c.state.not_in(("due", "claimed", "attempting", "held")),
    )
    await _set(tx, delivery, sent, body={})
    return True


async def _blank_rounds(tx: AsyncConnection, rounds: sa.Select[Any], now: datetime) -> None:
    await _set(tx, suggestion, suggestion.c.round_id.in_(rounds), text="", reasons=[], note="")
    unblanked = sa.and_(suggestion_round.c.id.in_(rounds), suggestion_round.c.erased_at.is_(None))
    await _set(tx, suggestion_round, unblanked, asked="", erased_at=now)


async def _blank_alarms(tx: AsyncConnection, conversation_id: int) -> None:
    """Empty what advisors said the check was wrong about; which rules spoke stays."""
    its = false_alarm.c.conversation_id == conversation_id
    for row in (await tx.execute(sa.select(false_alarm.c.id, false_alarm.c.problems).where(its))).all():
        rules = [{**one, "said": ""} for one in row.problems]
        await _set(tx, false_alarm, false_alarm.c.id == row.id, text="", note="", problems=rules)


async def _set(tx: AsyncConnection, table: sa.Table, which: sa.ColumnElement[bool], **values: Any) -> None:
    await tx.execute(sa.update(table).where(which).values(values))

"""Whether an advisor has told a customer who they are: the registration number stands in what was said before."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.talk import Author
from store import by_hand
from store.tables import message, message_body

# The newest deliveries by hand to one recipient that are looked at; the introduction stood in the first.
_LOOKED_AT = 200


async def was_said(
    tx: AsyncConnection, staff_platform_id: str, number: str, *, conversation_id: int | None, recipient: str
) -> bool:
    """Say whether this member's messages here hold `number`, as far as their words are still on record.

    Looks at what the member said in the conversation and at what was sent by hand to `recipient`, also at what is on
    its way: until somebody reports that it did not leave, it counts.
    """
    if conversation_id is not None and await _in_talk(tx, staff_platform_id, number, conversation_id):
        return True
    texts = await by_hand.list_texts(tx, staff_platform_id, recipient, limit=_LOOKED_AT) if recipient else []
    return any(number in text for text in texts)


async def _in_talk(tx: AsyncConnection, staff_platform_id: str, number: str, conversation_id: int) -> bool:
    wanted = (
        sa.select(message.c.id)
        .join(message_body, message_body.c.message_id == message.c.id)
        .where(
            message.c.conversation_id == conversation_id,
            message.c.author == Author.SERVICER,
            message.c.servicer_id == staff_platform_id,
            message_body.c.text.contains(number, autoescape=True),
        )
        .limit(1)
    )
    return (await tx.execute(wanted)).first() is not None

"""The note for whoever takes a customer over: what was asked, answered and promised until then.

Composed when the hand-over is decided, from what is on record; nothing is made up or summed up.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from content import turns
from content.knowledge import Knowledge
from domain.handover import HandoverNote, Promised
from domain.talk import Conversation
from store import customer_reports, handovers, promises

_MOST_ASKED = 8
_MOST_ANSWERED = 6
_LENGTH = 200


async def compose(
    tx: AsyncConnection,
    knowledge: Knowledge,
    conversation: Conversation,
    *,
    also_answered: Iterable[str] = (),
) -> HandoverNote:
    """Return the note about the session that goes on now. `also_answered`: entries that are about to be said."""
    since = conversation.session_started_at
    said = await handovers.list_said(tx, conversation.id, since, 3 * _MOST_ASKED)
    entries = dict.fromkeys([*await handovers.list_answered(tx, conversation.id, since), *also_answered])
    known = [knowledge.faqs[faq_id].question for faq_id in entries if faq_id in knowledge.faqs]
    return HandoverNote(
        asked=tuple(asked(said)),
        answered=tuple(known[-_MOST_ANSWERED:]),
        promised=await _promised(tx, conversation),
    )


def asked(said: Iterable[str]) -> list[str]:
    """Return of what a customer said what tells something, in order, cut to a readable length. Pure."""
    told = [" ".join(text.split()) for text in said]
    kept = [text for text in told if text and not turns.is_wordless(text)]
    once = list(dict.fromkeys(kept))
    return [text if len(text) <= _LENGTH else text[: _LENGTH - 1] + "…" for text in once[-_MOST_ASKED:]]


async def _promised(tx: AsyncConnection, conversation: Conversation) -> tuple[Promised, ...]:
    cases = await customer_reports.list_open_cases(tx, conversation.customer.id)
    given = await promises.list_of_conversations(tx, [conversation.id])
    words = [
        Promised(what=one.object, due_at=one.due_at)
        for one in given.get(conversation.id, ())
        if one.kept_message_id is None
    ]
    return (*(Promised(what=one.kind, case_id=one.id, due_at=one.due_at) for one in cases), *words)

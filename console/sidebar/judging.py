"""May these words be said by this person, here, now? The server's own look, whatever the page showed before.

The page asks while somebody types (verdict_page.py); the same rules are asked again when words are handed over, and
only this answer counts. The rules are handlers/verdicts.py's and handlers/qualification.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from console.sidebar.visit import SidebarVisit
from domain.compliance import Audience, Problem
from domain.faq import Line
from handlers import qualification, verdicts
from store import registrations


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What holds for words. `refused`: a key of [desk_refused], "" when they may be said.

    `introduction`: what has to stand in front of them, as the first words about insurance of this person to a customer.
    `line`: what the words are about, as far as anybody can tell.
    """

    refused: str
    line: Line | None = None
    problems: Sequence[Problem] = ()
    introduction: str = ""


async def judge(
    visit: SidebarVisit,
    tx: AsyncConnection,
    text: str,
    *,
    line: Line | None,
    conversation_id: int | None,
    recipient: str,
    audience: Audience = Audience.CUSTOMER,
) -> Judged:
    """Return whether `text` may leave by this person's hand. `line`: None when nobody knows what it is about."""
    knowledge = visit.ctx.console.knowledge()
    line = line or verdicts.line_of(knowledge, text)
    if line is not None and line in knowledge.stopped:
        return Judged(refused="stopped", line=line)
    held = await registrations.list_of(tx, visit.me)
    if line is not None and not qualification.judged(knowledge, held, line, knowledge.today).is_qualified:
        return Judged(refused="unqualified", line=line)
    verdict = verdicts.check(
        knowledge, text, line=line, registrations=held, today=knowledge.today, audience=audience
    )
    if verdict.is_blocked:
        return Judged(refused="blocked", line=line, problems=verdict.blocking)
    introduction = await qualification.introduction(
        tx,
        knowledge,
        visit.ctx.facts,
        visit.me,
        conversation_id=conversation_id,
        recipient=recipient,
        line=line,
        today=knowledge.today,
    )
    return Judged(refused="", line=line, problems=verdict.problems, introduction=introduction)

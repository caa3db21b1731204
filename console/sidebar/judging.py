"""May these words be said by this person, here, now? The server's own look, whatever the page showed before.

The page asks while somebody types (verdict_page.py); the same rules are asked again when words are handed over, and
only this answer counts. What the words are about is read off the words: nothing a page says of them is believed. The
rules are handlers/verdicts.py's and handlers/qualification.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from console.sidebar.visit import SidebarVisit
from content.knowledge import Knowledge
from domain.compliance import Audience, Problem
from domain.faq import Line
from domain.suggestion import Round, Suggestion, SuggestionSource
from handlers import qualification, verdicts
from store import by_hand, registrations

# What a person sent so shortly before is read together with the next words, as the customer reads it.
RUN_WINDOW = timedelta(minutes=10)
_RUN_BEFORE = 2
# Somebody else approved these, with their line.
_APPROVED = frozenset({SuggestionSource.FAQ, SuggestionSource.QUICK, SuggestionSource.FIXED})


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What holds for words. `refused`: a key of [desk_refused], "" when they may be said.

    `introduction`: what has to stand in front of them, as the first words about insurance of this person to a customer.
    `line`: what the words are about, as far as anybody can tell; of several the one that refuses, or the first.
    """

    refused: str
    line: Line | None = None
    problems: Sequence[Problem] = ()
    introduction: str = ""


@dataclass(frozen=True, kw_only=True)
class About:
    """What is known of the line of words besides the words.

    `approved`: the line of an approved text that stands untouched. `otherwise`: of what the words came from, for words
    that name no line themselves.
    """

    approved: Line | None = None
    otherwise: Line | None = None


def about_offered(text: str, offered: tuple[Round, Suggestion] | None) -> About:
    """Return what a suggestion made for this person tells about the words that came from it."""
    if offered is None:
        return About()
    round_, one = offered
    is_approved = one.source in _APPROVED and is_untouched(text, one.text)
    return About(approved=one.line if is_approved else None, otherwise=one.line or round_.line)


def is_untouched(text: str, offered: str) -> bool:
    """Say whether the words stand as they were offered; spaces at the end of a line are no change."""
    return _normal(text) == _normal(offered)


def lines_for(knowledge: Knowledge, text: str, about: About) -> tuple[Line, ...]:
    """Return every line that words are about, the first the most: an approved text's own, else those they name."""
    if about.approved is not None:
        return (about.approved,)
    named = verdicts.lines_of(knowledge, text)
    return named or (() if about.otherwise is None else (about.otherwise,))


async def list_before(visit: SidebarVisit, tx: AsyncConnection, recipient: str) -> list[str]:
    """Return what this person sent to the recipient within the last minutes, the oldest first."""
    if not recipient:
        return []
    since = visit.ctx.console.clock.now() - RUN_WINDOW
    return await by_hand.list_texts(tx, visit.me, recipient, since=since, limit=_RUN_BEFORE)


async def judge(
    visit: SidebarVisit,
    tx: AsyncConnection,
    text: str,
    *,
    line: Line | None,
    conversation_id: int | None,
    recipient: str,
    audience: Audience = Audience.CUSTOMER,
    otherwise: Line | None = None,
) -> Judged:
    """Return whether `text` may leave by this person's hand.

    `line`: of an approved text that stands untouched, None for any other words; never what a page says. `otherwise`:
    the line of what the words came from, for words that name none.
    """
    knowledge = visit.ctx.console.knowledge()
    lines = lines_for(knowledge, text, About(approved=line, otherwise=otherwise))
    held = await registrations.list_of(tx, visit.me)
    for one in lines:
        if one in knowledge.stopped:
            return Judged(refused="stopped", line=one)
    for one in lines:
        if not qualification.judged(knowledge, held, one, knowledge.today).is_qualified:
            return Judged(refused="unqualified", line=one)
    verdict = verdicts.check(
        knowledge,
        text,
        lines=lines,
        registrations=held,
        today=knowledge.today,
        audience=audience,
        before=await list_before(visit, tx, recipient),
    )
    first = next(iter(lines), None)
    if verdict.is_blocked:
        return Judged(refused="blocked", line=first, problems=verdict.blocking)
    introduction = await qualification.introduction(
        tx,
        knowledge,
        visit.ctx.facts,
        visit.me,
        conversation_id=conversation_id,
        recipient=recipient,
        line=Line.INSURANCE if Line.INSURANCE in lines else None,
        today=knowledge.today,
    )
    return Judged(refused="", line=first, problems=verdict.problems, introduction=introduction)


def _normal(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())

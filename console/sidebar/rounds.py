"""The round of suggestions that belongs to what the page shows: the one on record, or a new one.

A round is made once for each last message of the customer; whoever opens the page again gets the same, with what was
put away left out. handlers/suggesting.py finds the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from console.sidebar.desk_access import SeenDesk
from console.sidebar.visit import SidebarVisit
from domain.suggestion import Round, RoundHow, Suggestion, SuggestionSource, SuggestionState
from domain.talk import Author
from handlers import offered
from handlers.suggesting import SuggestionWanted
from store import dialect, suggestions
from store.desk_talks import DeskLine

_ASKED_LIMIT = 1000
# What is shown: used ones are history, refused ones were put away.
_SHOWN = frozenset({SuggestionState.OFFERED})
# What was typed longer ago is not what the talk is about (handlers/suggesting.py reads topics so).
_TYPED_SPAN = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class ShownRound:
    """A round as the page shows it. `shown`: what is still offered. `is_answered`: one of it was sent."""

    round: Round
    shown: Sequence[Suggestion]
    is_answered: bool


def shown(found: Round | None) -> ShownRound | None:
    """Return what of a round the page shows."""
    if found is None:
        return None
    used = {SuggestionState.USED, SuggestionState.EDITED}
    return ShownRound(
        round=found,
        shown=[one for one in found.suggestions if one.state in _SHOWN],
        is_answered=any(one.state in used for one in found.suggestions),
    )


def unanswered(lines: Sequence[DeskLine]) -> DeskLine | None:
    """Return the customer's last words when no person has answered them yet; the bot's words do not count."""
    for line in reversed(lines):
        if line.author is Author.SERVICER:
            return None
        if line.author is Author.CUSTOMER:
            return line
    return None


async def find(
    visit: SidebarVisit, tx: AsyncConnection, desk: SeenDesk, lines: Sequence[DeskLine]
) -> Round | None:
    """Return the round that fits what was said last, None when there is none or nobody waits for an answer."""
    if desk.talk is None:
        return None
    latest = await suggestions.find_latest(tx, desk.talk.id, visit.me)
    return await _holding(visit, tx, latest, lines)


async def make(visit: SidebarVisit, desk: SeenDesk, lines: Sequence[DeskLine], now: datetime) -> Round | None:
    """Return a new round for the customer's last words, or the one that another page made meanwhile."""
    last = unanswered(lines)
    if desk.talk is None or last is None:
        return None
    return await _make(visit, desk.talk.id, lines, now, message_id=last.id)


async def ask(visit: SidebarVisit, conversation_id: int, asked: str, now: datetime) -> Round | None:
    """Return a new round for a question somebody typed or pasted."""
    return await _make(visit, conversation_id, None, now, asked=asked[:_ASKED_LIMIT])


async def _make(
    visit: SidebarVisit,
    conversation_id: int,
    lines: Sequence[DeskLine] | None,
    now: datetime,
    *,
    message_id: int | None = None,
    asked: str = "",
) -> Round | None:
    if visit.ctx.suggester is None:
        return None
    wanted = SuggestionWanted(
        conversation_id=conversation_id,
        staff_platform_id=visit.me,
        message_id=message_id,
        asked=asked,
        how=RoundHow.TYPED if asked else RoundHow.OPENED,
    )
    # Finding takes tens of milliseconds, for which nobody else who writes shall wait.
    async with visit.ctx.console.store.read() as tx:
        found = await visit.ctx.suggester.suggest(tx, wanted)

    async def record(tx: AsyncConnection) -> Round:
        # bot/desk_rounds.py takes the same lock.
        await dialect.lock_subjects(tx, "desk_round", [f"{conversation_id}.{visit.me}"])
        latest = await suggestions.find_latest(tx, conversation_id, visit.me)
        held = None if lines is None else await _holding(visit, tx, latest, lines)
        if held is not None:
            return held
        return await suggestions.record_round(tx, found, now)

    return await visit.write(record)


async def _holding(
    visit: SidebarVisit, tx: AsyncConnection, round_: Round | None, lines: Sequence[DeskLine]
) -> Round | None:
    """Return the round as it may still be shown; None when it does not fit, or some of its words are over.

    What a supervisor whispered stays when words beside it are over: nobody would find it again.
    """
    if round_ is None or not _fits(round_, lines, visit.ctx.console.clock.now()):
        return None
    offers = [one for one in round_.suggestions if one.state in _SHOWN]
    held = await offered.list_current(tx, visit.ctx.console.knowledge(), visit.me, offers)
    if len(held) == len(offers):
        return round_
    if not any(one.source is SuggestionSource.WHISPER for one in held):
        return None
    kept = (one for one in round_.suggestions if one.state not in _SHOWN or one in held)
    return replace(round_, suggestions=tuple(kept))


def _fits(round_: Round, lines: Sequence[DeskLine], now: datetime) -> bool:
    """Say whether a round answers what was said last; one somebody typed stays until the next words, for a while."""
    last = unanswered(lines)
    if round_.how is RoundHow.TYPED:
        is_fresh = now - round_.made_at <= _TYPED_SPAN
        return is_fresh and (not lines or round_.made_at >= lines[-1].sent_at)
    return last is not None and (round_.message_id or 0) >= last.id

"""Buttons on cards: done, later, problem. What a tap means for the step it is about.

`record` writes in the transaction of whoever works on the event (bot/card_events.py). Taps come twice, late, and after
somebody else ended the step; the card then says what is so.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from content.card_words import CardWords
from domain.attention import ANSWERABLE_KINDS, Card, CardAnswer
from domain.errors import ActRefused
from domain.platform import CardTapped
from store import cards, notices, occurrences

log = logging.getLogger(__name__)

# How long "later" is, at most: half of what is left of the step's window, so that there is time to do it then.
LATER = timedelta(hours=1)
_KEYS = frozenset(answer.value for answer in CardAnswer)


class StepActs(Protocol):
    """What a person can do with a step (scheduler/acts.py). Raise ActRefused when it cannot be done now."""

    async def done(self, tx: AsyncConnection, occurrence_id: int, *, by: str, now: datetime) -> Any:
        """Tick a step off."""
        ...

    async def postpone(
        self, tx: AsyncConnection, occurrence_id: int, *, by: str, until: datetime, reason: str, now: datetime
    ) -> Any:
        """Ask again at `until`."""
        ...

    async def problem(
        self, tx: AsyncConnection, occurrence_id: int, *, by: str, note: str, now: datetime
    ) -> Any:
        """Tell who leads that something is wrong."""
        ...


async def record(
    tx: AsyncConnection, event: CardTapped, acts: StepActs, words: CardWords, now: datetime
) -> str:
    """Do what a tap asks for and return what the card should say in place of its buttons.

    "": the card, its button or the person is none of ours; nothing was done.
    """
    held = await cards.find(tx, event.task_id)
    if held is None or held.recipient.casefold() != event.staff_id.casefold() or event.key not in _KEYS:
        log.warning("tap unknown", extra={"action": "card_tap_unknown", "task": event.task_id})
        return ""
    answer = CardAnswer(event.key)
    if held.answer in (CardAnswer.DONE, answer):
        return words.answered[held.answer]
    occurrence_id = await _find_step(tx, held)
    if occurrence_id is None:
        return words.state["gone"]
    try:
        # What an act wrote before it refused is taken back, the tap itself stays an event that ended well.
        async with tx.begin_nested():
            await _act(tx, answer, occurrence_id, held.recipient, acts, words, now)
    except ActRefused:
        return await _refusal(tx, occurrence_id, words)
    await cards.record_answer(tx, held, answer, by=held.recipient, now=now)
    log.info("card answered", extra={"action": "card_answered", "task": held.task_id, "answer": answer})
    return words.answered[answer]


async def _find_step(tx: AsyncConnection, held: Card) -> int | None:
    """Return the one step a card is about; None when it is about none or several, which have no buttons."""
    told = await notices.list_of_card(tx, held.id)
    steps = {one.occurrence_id for one in told if one.kind in ANSWERABLE_KINDS}
    return steps.pop() if len(steps) == 1 else None


async def _act(
    tx: AsyncConnection,
    answer: CardAnswer,
    occurrence_id: int,
    by: str,
    acts: StepActs,
    words: CardWords,
    now: datetime,
) -> None:
    if answer is CardAnswer.DONE:
        await acts.done(tx, occurrence_id, by=by, now=now)
    elif answer is CardAnswer.LATER:
        until = now + await _later(tx, occurrence_id, now)
        await acts.postpone(tx, occurrence_id, by=by, until=until, reason=words.note[answer], now=now)
    else:
        await acts.problem(tx, occurrence_id, by=by, note=words.note[answer], now=now)


async def _later(tx: AsyncConnection, occurrence_id: int, now: datetime) -> timedelta:
    found = await occurrences.find(tx, occurrence_id)
    left = found.window_end - now if found is not None else LATER
    return min(LATER, left / 2) if left > timedelta(0) else LATER


async def _refusal(tx: AsyncConnection, occurrence_id: int, words: CardWords) -> str:
    """Return how the step stands, in words; where it still goes on, the way to its page."""
    found = await occurrences.find(tx, occurrence_id)
    return words.state.get(found.state, words.state["refused"]) if found else words.state["gone"]

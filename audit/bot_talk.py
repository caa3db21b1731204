"""How the bot did in a session beside its score: answers, wrong ones, what it could not handle, the wait for a person.

Pure. An answer was wrong where the customer's next turn says so, asks the same again, or asks for a person. Judged by
the decisions the bot recorded (domain.audit.Said.decision); without them nothing is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from audit import items_resolution
from audit.turns import Turn
from domain import working_time
from domain.audit import Figures
from domain.hours import ServiceHours
from domain.talk import Author

_ANSWERS = frozenset({"answer", "menu"})
_UNHANDLED = frozenset({"clarify", "handover", "late", "holding", "silent"})
_HANDED = "handover"


def noted(
    figures: Figures, turns: Sequence[Turn], hours: ServiceHours, complains: Callable[[str], bool]
) -> Figures:
    """Return the bot's figures with what it answered, missed and handed over. `complains`: that it was no answer."""
    bot = [turn for turn in turns if turn.author is Author.BOT]
    decisions = [one.decision for turn in bot for one in turn.messages if one.decision]
    return replace(
        figures,
        bot_answers=sum(one in _ANSWERS for one in decisions),
        bot_wrong=sum(_is_wrong(turns, place, complains) for place in range(len(turns))),
        bot_unhandled=sum(one in _UNHANDLED for one in decisions),
        takeovers=_takeovers(turns, hours),
    )


def _is_wrong(turns: Sequence[Turn], place: int, complains: Callable[[str], bool]) -> bool:
    """Say whether the turn at `place` is an answer of the bot that the customer did not take for one."""
    turn = turns[place]
    if turn.author is not Author.BOT or not any(one.decision in _ANSWERS for one in turn.messages):
        return False
    asked = next((one for one in reversed(turns[:place]) if one.author is Author.CUSTOMER), None)
    later = next((one for one in turns[place + 1 :] if one.author is Author.CUSTOMER), None)
    if asked is None or later is None:
        return False
    return complains(later.text) or items_resolution.is_same_question(asked.text, later.text)


def _takeovers(turns: Sequence[Turn], hours: ServiceHours) -> tuple[timedelta, ...]:
    """Return how long customers waited for a person after each hand-over, in service hours."""
    waits: list[timedelta] = []
    since: datetime | None = None
    for turn in turns:
        handed = [one.sent_at for one in turn.messages if one.decision == _HANDED]
        if turn.author is Author.BOT and handed and since is None:
            since = handed[0]
        elif turn.author is Author.SERVICER and since is not None:
            waits.append(working_time.between(hours, since, turn.started_at))
            since = None
    return tuple(waits)

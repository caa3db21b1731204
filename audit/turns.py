"""Turns: what one speaker said in one go, and which of them ask (quality_audit.md §3).

Pure. Consecutive messages of one speaker less than 60 seconds apart are one turn. What the platform and what nobody
typed at that moment (welcome, mass send, scheduled post) are no turns and part none. Two customers of a group, or two
members of staff, are two speakers: each asks, and answers, for himself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.closings import Closings
from domain.audit import Said
from domain.talk import Author

MERGE_GAP = timedelta(seconds=60)
_RANK = {Author.SYSTEM: 0, Author.CUSTOMER: 1, Author.BOT: 2, Author.SERVICER: 3}


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's messages in a row. `asks`: a customer's that needs a reply."""

    author: Author
    speaker: str
    messages: tuple[Said, ...]
    asks: bool

    @property
    def started_at(self) -> datetime:
        return self.messages[0].sent_at

    @property
    def asked_at(self) -> datetime:
        """From when a wait for an answer counts: the first message that was not taken back."""
        return next((one.sent_at for one in self.messages if not one.is_recalled), self.started_at)

    @property
    def text(self) -> str:
        return "\n".join(one.text for one in self.messages if one.text and not one.is_recalled)


def in_order(messages: Iterable[Said]) -> list[Said]:
    """Return messages in order of time; in the same second a customer comes before whoever answers."""
    return sorted(messages, key=lambda one: (one.sent_at, _RANK[one.author], one.id))


def is_spoken(said: Said) -> bool:
    """Say whether somebody, or the bot as an answer, said this at that moment."""
    return said.author is not Author.SYSTEM and not said.is_scheduled


def is_answer(said: Said, closings: Closings) -> bool:
    """Say whether this answers what was asked before: a person's word, or the bot's unless it only held or handed over.

    What was taken back answers nothing.
    """
    if said.is_recalled or said.is_scheduled:
        return False
    if said.author is Author.SERVICER:
        return True
    return said.author is Author.BOT and said.decision not in closings.no_answer


def speaker_of(said: Said) -> str:
    """Return who spoke, as far as turns are told apart."""
    return said.staff_id or said.sender_id


def joins(last: Said, said: Said) -> bool:
    """Say whether a message belongs to the turn that ended with `last`."""
    return (
        last.author is said.author
        and said.sent_at - last.sent_at < MERGE_GAP
        and speaker_of(last) == speaker_of(said)
    )


def turns(messages: Iterable[Said], closings: Closings) -> list[Turn]:
    """Return the turns of messages that are in order."""
    found: list[Turn] = []
    bubbles: list[Said] = []
    for said in messages:
        if not is_spoken(said):
            continue
        if bubbles and not joins(bubbles[-1], said):
            found.append(_turn(bubbles, closings))
            bubbles = []
        bubbles.append(said)
    if bubbles:
        found.append(_turn(bubbles, closings))
    return found


def _turn(bubbles: list[Said], closings: Closings) -> Turn:
    author = bubbles[0].author
    is_customer = author is Author.CUSTOMER
    return Turn(
        author=author,
        speaker=speaker_of(bubbles[0]),
        messages=tuple(bubbles),
        asks=is_customer and not all(closings.asks_nothing(one) for one in bubbles),
    )

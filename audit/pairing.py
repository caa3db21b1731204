"""Who answered whom in a session: each turn that asked with its answer, rounds, messages (quality_audit.md §3).

Pure; the times are taken from it in audit/timing.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit import turns
from audit.closings import Closings
from audit.turns import Turn
from domain.audit import Said
from domain.talk import Author


@dataclass(frozen=True, slots=True)
class Pair:
    """A turn that asked, and the message that answered it. `asked_at`: from when the wait counts for `subject`."""

    turn: Turn
    answer: Said
    asked_at: datetime

    @property
    def subject(self) -> str:
        return self.answer.subject

    @property
    def wall(self) -> timedelta:
        return self.answer.sent_at - self.asked_at


@dataclass
class Heard:
    """What going through the turns of a session yields. Dicts are by subject.

    `anybody`, `people`: each turn that asked with the first answer of anybody, of a person; `bot`: with any word of the
    bot; `bot_answered`: how many of those it answered. `left`: turns that got no answer. `replied_to`: messages of
    customers by who spoke next; `unheard`: those nobody spoke after.
    """

    anybody: list[Pair] = field(default_factory=list)
    people: list[Pair] = field(default_factory=list)
    bot: list[Pair] = field(default_factory=list)
    bot_answered: int = 0
    left: list[Turn] = field(default_factory=list)
    last_asked: Turn | None = None
    rounds: dict[str, int] = field(default_factory=dict)
    said: dict[str, int] = field(default_factory=dict)
    replied_to: dict[str, int] = field(default_factory=dict)
    unheard: int = 0
    last_speaker: str = ""

    @property
    def is_unanswered(self) -> bool:
        """Whether the last question of the session got no answer."""
        return bool(self.left) and self.left[-1] is self.last_asked


def hear(spoken: Sequence[Turn], closings: Closings) -> Heard:
    """Go through the turns of a session once."""
    ear = _Ear(closings)
    for turn in spoken:
        standing = [one for one in turn.messages if not one.is_recalled]
        if not standing:
            continue
        if turn.author is Author.CUSTOMER:
            ear.customer(turn, len(standing))
        else:
            ear.staff(turn, standing)
    ear.heard.left = ear.waiting
    return ear.heard


class _Ear:
    """Remembers what waits: for anybody, for a person (and whether the bot answered), for any word of the bot."""

    def __init__(self, closings: Closings) -> None:
        self.heard = Heard()
        self.waiting: list[Turn] = []
        self._closings = closings
        self._for_people: list[tuple[Turn, bool]] = []
        self._for_bot: list[Turn] = []
        self._owes_round = False

    def customer(self, turn: Turn, count: int) -> None:
        self.heard.unheard += count
        self._owes_round = True
        if turn.asks:
            self.waiting.append(turn)
            self._for_people.append((turn, False))
            self._for_bot.append(turn)
            self.heard.last_asked = turn
        else:
            # A pure closing confirms what the bot answered.
            self._for_people = [one for one in self._for_people if not one[1]]

    def staff(self, turn: Turn, standing: Sequence[Said]) -> None:
        heard, name = self.heard, standing[0].subject
        heard.last_speaker = name
        heard.said[name] = heard.said.get(name, 0) + len(standing)
        heard.replied_to[name] = heard.replied_to.get(name, 0) + heard.unheard
        heard.unheard = 0
        heard.rounds[name] = heard.rounds.get(name, 0) + self._owes_round
        self._owes_round = False
        answer = next((one for one in standing if turns.is_answer(one, self._closings)), None)
        if turn.author is Author.BOT:
            heard.bot += [Pair(asked, standing[0], asked.asked_at) for asked in self._for_bot]
            heard.bot_answered += len(self._for_bot) if answer else 0
        self._for_bot = []
        if answer is not None:
            self._answer(turn, answer)

    def _answer(self, turn: Turn, answer: Said) -> None:
        self.heard.anybody += [Pair(asked, answer, asked.asked_at) for asked in self.waiting]
        self.waiting = []
        if turn.author is Author.BOT:
            self._for_people = [(asked, True) for asked, _ in self._for_people]
        else:
            self.heard.people += [Pair(asked, answer, asked.asked_at) for asked, _ in self._for_people]
            self._for_people = []

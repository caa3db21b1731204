"""How long customers waited in a session, and for whom (quality_audit.md §3, metrics.md §3).

Pure. The definitions, in the order of docs/audit.md:

* A customer's turn *asks* unless it is a pure closing or was taken back. An *answer* is the next word of a person, or
  of the bot unless it only held the customer or handed over. One answer answers every turn that asked before it; each
  is a pair of its own.
* For people, a turn that the bot answered is no question once the customer closed with a pure closing after it.
* The wait of a pair is from the first message of the turn that asked to the first message of the answer. It belongs to
  who answered. For who was given the talk meanwhile it runs from then.
* Late: longer than the limit, in working time for people, in wall time for the bot; or no answer at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit import pairing, turns
from audit.closings import Closings
from audit.pairing import Heard, Pair
from domain.audit import ASSIGNED, BOT, Figures, Slice
from domain.working_time import WorkingCalendar

WHOLE = ""  # The subject under which the figures of the session as a whole stand.
Given = Sequence[tuple[datetime, str]]  # When the talk was given to whom, in order of time.


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a customer may wait (quality_audit.md §3): for the first answer of a person, for each other one, for any
    while complaining, all in working time; for the bot in wall time."""

    first: timedelta = timedelta(minutes=3)
    other: timedelta = timedelta(minutes=5)
    complaint: timedelta = timedelta(minutes=2)
    bot: timedelta = timedelta(seconds=5)


def limits_of(limit: Callable[[str], float | None]) -> Limits:
    """Return the limits out of a scorecard's, by name; what it does not name is quality_audit.md's.

    Names: first_minutes, average_minutes, complaint_minutes, bot_seconds (content/rubric/advisor.toml).
    """
    usual = Limits()

    def length(name: str, unit: timedelta, otherwise: timedelta) -> timedelta:
        value = limit(name)
        return otherwise if value is None else value * unit

    minute = timedelta(minutes=1)
    return Limits(
        first=length("first_minutes", minute, usual.first),
        other=length("average_minutes", minute, usual.other),
        complaint=length("complaint_minutes", minute, usual.complaint),
        bot=length("bot_seconds", timedelta(seconds=1), usual.bot),
    )


def measure(
    piece: Slice,
    calendar: WorkingCalendar,
    limits: Limits,
    closings: Closings,
    *,
    complains: Callable[[str], bool] = lambda text: False,
) -> Mapping[str, Figures]:
    """Return the figures of everybody who spoke or should have, by subject, and of the session as a whole under WHOLE.

    People in the order in which they first spoke. `complains`: whether a customer's turn is a complaint, which has a
    limit of its own.
    """
    heard = pairing.hear(turns.turns(piece.messages, closings), closings)
    given = [(one.sent_at, one.staff_id) for one in piece.messages if one.decision == ASSIGNED]
    charged = _charged(piece, heard, given)
    ruler = _Ruler(calendar, limits, complains)
    found = {WHOLE: ruler.whole(heard)}
    for name in [*heard.said, *([charged] if charged and charged not in heard.said else [])]:
        if name == BOT:
            found[BOT] = ruler.bot(heard)
        else:
            found[name] = ruler.person(name, heard, given, is_charged=name == charged)
    return found


def _charged(piece: Slice, heard: Heard, given: Given) -> str:
    """Return who answers for what got no answer; "" for nobody in particular.

    Who was given the talk last; in a chat its member, in a group its owner; else the person who spoke last.
    """
    if not heard.left:
        return ""
    if given:
        return given[-1][1]
    people = [name for name in heard.said if name != BOT]
    if piece.staff_id or not people:
        return piece.staff_id
    return heard.last_speaker if heard.last_speaker != BOT else people[-1]


class _Ruler:
    """Measures pairs against calendar and limits."""

    def __init__(self, calendar: WorkingCalendar, limits: Limits, complains: Callable[[str], bool]) -> None:
        self._calendar = calendar
        self._limits = limits
        self._complains = complains

    def whole(self, heard: Heard) -> Figures:
        """The session: waits for anybody's answer; the first ones apart for people and for the bot."""
        first = heard.people[0] if heard.people else None
        found = heard.anybody
        first_place = next((place for place, pair in enumerate(found) if pair.subject != BOT), None)
        late = sum(self._is_late(pair, is_first=place == first_place) for place, pair in enumerate(found))
        return Figures(
            first_wall=first.wall if first else None,
            first_working=self._working(first) if first else None,
            bot_first_wall=heard.bot[0].wall if heard.bot else None,
            waits_wall=tuple(pair.wall for pair in found),
            waits_working=tuple(self._working(pair) for pair in found),
            asked=len(found) + len(heard.left),
            answered=len(found),
            late=late + len(heard.left),
            is_unanswered=heard.is_unanswered,
            rounds=sum(heard.rounds.values()),
            customer_messages=sum(heard.replied_to.values()) + heard.unheard,
            staff_messages=sum(heard.said.values()),
        )

    def person(self, name: str, heard: Heard, given: Given, *, is_charged: bool) -> Figures:
        """One person: the pairs they answered, and what nobody answered where they are charged with it."""
        own = list(_own(name, heard.people, given))
        left = len(heard.left) if is_charged else 0
        after = heard.unheard if name == heard.last_speaker or (is_charged and not heard.said) else 0
        return Figures(
            first_wall=own[0].wall if own else None,
            first_working=self._working(own[0]) if own else None,
            waits_wall=tuple(pair.wall for pair in own),
            waits_working=tuple(self._working(pair) for pair in own),
            asked=len(own) + left,
            answered=len(own),
            late=sum(self._is_late(pair, is_first=place == 0) for place, pair in enumerate(own)) + left,
            is_unanswered=is_charged and heard.is_unanswered,
            rounds=heard.rounds.get(name, 0),
            customer_messages=heard.replied_to.get(name, 0) + after,
            staff_messages=heard.said.get(name, 0),
        )

    def bot(self, heard: Heard) -> Figures:
        """The bot: every turn it said anything to; answered are those it did not hold or hand over."""
        waits = tuple(pair.wall for pair in heard.bot)
        working = tuple(self._working(pair) for pair in heard.bot)
        return Figures(
            first_wall=waits[0] if waits else None,
            first_working=working[0] if working else None,
            bot_first_wall=waits[0] if waits else None,
            waits_wall=waits,
            waits_working=working,
            asked=len(waits),
            answered=heard.bot_answered,
            late=sum(wait > self._limits.bot for wait in waits),
            rounds=heard.rounds.get(BOT, 0),
            customer_messages=heard.replied_to.get(BOT, 0)
            + (heard.unheard if heard.last_speaker == BOT else 0),
            staff_messages=heard.said.get(BOT, 0),
        )

    def _working(self, pair: Pair) -> timedelta:
        return self._calendar.between(pair.asked_at, pair.answer.sent_at)

    def _is_late(self, pair: Pair, *, is_first: bool) -> bool:
        if pair.subject == BOT:
            return pair.wall > self._limits.bot
        limit = self._limits.first if is_first else self._limits.other
        # Working time is never longer than wall time: most pairs are decided by that.
        if pair.wall <= min(limit, self._limits.complaint):
            return False
        if self._complains(pair.turn.text):
            limit = self._limits.complaint
        return self._working(pair) > limit


def _own(name: str, found: Sequence[Pair], given: Given) -> Iterator[Pair]:
    """Yield a person's pairs; where the talk was given to them while the question waited, from then."""
    for pair in found:
        if pair.subject == name:
            moments = [at for at, who in given if who == name and at <= pair.answer.sent_at]
            yield Pair(pair.turn, pair.answer, max([pair.asked_at, *moments[-1:]]))

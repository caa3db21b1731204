"""Cutting a talk into sessions (quality_audit.md §3).

Pure, and causal: what was said later never moves an earlier cut, so that a talk is cut again only from the session
before what is new. The order in which messages became known does not matter, only when they were said.

A session ends after 30 working minutes of silence without an open question, or after 4 hours of wall time without one.
An open question holds it, 24 working hours at most, counted from the last turn that asked; so no cut falls between a
question and an answer that came in that time. A message at the very moment of the end begins the next session. Silence
is broken by whoever spoke, the bot's answers included; what the platform says and what nobody typed at that moment
(welcome, mass send, scheduled post) breaks none, asks nothing and answers nothing. It lies in the session that runs
then, or opens one: the customer who reacts to it within the silence is in the same session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit import turns
from audit.closings import Closings
from domain.audit import Said, SessionEnd, Slice, TalkKind
from domain.talk import Author
from domain.working_time import WorkingCalendar

SILENCE = timedelta(minutes=30)  # Working time.
WALL = timedelta(hours=4)
HOLD = timedelta(hours=24)  # Working time.


@dataclass(frozen=True, kw_only=True)
class Ending:
    """When silence ends a session, and by which rule."""

    at: datetime
    end: SessionEnd


def cut(
    kind: TalkKind,
    messages: Iterable[Said],
    calendar: WorkingCalendar,
    now: datetime,
    closings: Closings,
    *,
    staff_id: str = "",
) -> tuple[Slice, ...]:
    """Return the sessions of a talk in order of time; the last one is OPEN while silence has not ended it by `now`.

    `messages`: from the beginning of the talk, or of one of its sessions. Every message is in exactly one session.
    Talks among colleagues have none. `staff_id`: see Slice.
    """
    if kind is TalkKind.INTERNAL:
        return ()
    found: list[Slice] = []
    running: _Running | None = None

    def close(done: _Running, end: SessionEnd) -> None:
        found.append(
            Slice(
                conversation_id=done.messages[0].conversation_id,
                kind=kind,
                messages=tuple(done.messages),
                end=end,
                staff_id=staff_id,
            )
        )

    for said in turns.in_order(messages):
        if running is not None and running.may_be_over(said.sent_at):
            ending = running.ending(calendar)
            if said.sent_at >= ending.at:
                close(running, ending.end)
                running = None
        if running is None:
            running = _Running(said, closings)
        else:
            running.take(said)
    if running is not None:
        ending = running.ending(calendar)
        close(running, ending.end if now >= ending.at else SessionEnd.OPEN)
    return tuple(found)


def ending_of(messages: Sequence[Said], calendar: WorkingCalendar, closings: Closings) -> Ending:
    """Return when and why a session of these messages ends if nothing more is said."""
    first, *rest = messages
    running = _Running(first, closings)
    for said in rest:
        running.take(said)
    return running.ending(calendar)


class _Running:
    """A session as far as it was heard."""

    __slots__ = ("_closings", "_turn", "_turn_asks", "active_at", "asked_at", "messages")

    def __init__(self, first: Said, closings: Closings) -> None:
        self._closings = closings
        self.messages: list[Said] = []
        # When somebody last spoke, and when the last question that is still open began.
        self.active_at = first.sent_at
        self.asked_at: datetime | None = None
        self._turn: tuple[datetime, Said] | None = None
        self._turn_asks = False
        self.take(first)

    def take(self, said: Said) -> None:
        self.messages.append(said)
        if not turns.is_spoken(said):
            return
        self.active_at = said.sent_at
        if self._turn is not None and turns.joins(self._turn[1], said):
            self._turn = (self._turn[0], said)
        else:
            self._turn, self._turn_asks = (said.sent_at, said), False
        if said.author is Author.CUSTOMER:
            self._turn_asks = self._turn_asks or not self._closings.asks_nothing(said)
            if self._turn_asks:
                self.asked_at = self._turn[0]
        elif turns.is_answer(said, self._closings):
            self.asked_at = None

    def may_be_over(self, at: datetime) -> bool:
        """Say quickly whether the end has to be worked out; working time is never longer than wall time."""
        if at - self.active_at < SILENCE:
            return False
        return self.asked_at is None or at - self.asked_at >= HOLD

    def ending(self, calendar: WorkingCalendar) -> Ending:
        quiet = Ending(at=calendar.after(self.active_at, SILENCE), end=SessionEnd.SILENCE)
        if self.active_at + WALL < quiet.at:
            quiet = Ending(at=self.active_at + WALL, end=SessionEnd.WALL)
        if self.asked_at is not None:
            held_until = calendar.after(self.asked_at, HOLD)
            if held_until > quiet.at:
                return Ending(at=held_until, end=SessionEnd.QUESTION)
        return quiet

"""How long customers waited for the first answer: spread, by hour of the day, by person. Pure.

One value a subject and session: the first human answer, in wall or in working time. A session in which somebody asked
and nobody answered has no value; it stands beside the bars, not in them. The bot's first answer is a figure of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from audit import spreads, timing
from audit.spreads import Waits
from content.rubric import Rubric
from domain.audit import BOT, TalkKind
from store.audit_reports import Scored

_K = TypeVar("_K")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a customer may wait for the first answer: of a person by kind of talk, of the bot."""

    first: Mapping[TalkKind, timedelta]
    bot: timedelta


class WaitClock(StrEnum):
    """Which clock a waiting time was taken with."""

    WORKING = "working"  # Runs in service hours only.
    WALL = "wall"  # Runs always.


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bar: waits of more than `over` and at most `up_to`; None has no such end."""

    key: str
    over: timedelta | None
    up_to: timedelta | None

    def holds(self, wait: timedelta) -> bool:
        return (self.over is None or wait > self.over) and (self.up_to is None or wait <= self.up_to)


def _buckets(*seconds: int) -> tuple[Bucket, ...]:
    edges = [timedelta(seconds=one) for one in seconds]
    pairs = zip([None, *edges], [*edges, None], strict=True)
    return tuple(
        Bucket(key=str(up_to.seconds if up_to else "more"), over=over, up_to=up_to) for over, up_to in pairs
    )


# Edges as vendors' examples have them (quality_audit.md §3); the keys are the upper ends in seconds.
BUCKETS = _buckets(30, 60, 180, 300, 600, 1800, 3600)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """How many waits fell into a bucket."""

    bucket: Bucket
    count: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """The waits of one hour or one person; `waits` None where nobody was answered."""

    key: str
    waits: Waits | None
    asked: int
    unanswered: int


@dataclass(frozen=True, kw_only=True)
class Board:
    """The whole board. `asked`: sessions in which a customer's turn needed a reply; `unanswered` of these."""

    waits: Waits | None
    bars: tuple[Bar, ...]
    asked: int
    unanswered: int
    hours: tuple[Row, ...]
    people: tuple[Row, ...]
    bot: Waits | None


def limits_of(rubric: Rubric) -> Limits:
    """Return the limits of the scorecard; a kind of talk may have its own."""
    return Limits(
        first={kind: timedelta(minutes=rubric.limit("first_minutes", kind)) for kind in TalkKind},
        bot=timing.limits_of(rubric.limits.get).bot,
    )


def first_of(one: Scored, clock: WaitClock) -> timedelta | None:
    """Return how long the customer waited for the first human answer."""
    return one.first_working if clock is WaitClock.WORKING else one.first_wall


def waits_of(rows: Iterable[Scored], clock: WaitClock, limits: Limits) -> Waits | None:
    """Return how first answers are spread, each against the limit of its kind of talk."""
    return spreads.waits_of(
        [(wait, limits.first[one.kind]) for one in rows if (wait := first_of(one, clock)) is not None]
    )


def waits_of_bot(rows: Iterable[Scored], limits: Limits) -> Waits | None:
    """Return how the bot's first answers are spread, in wall time."""
    return spreads.waits_of(
        [(one.bot_first, limits.bot) for one in rows if one.subject == BOT and one.bot_first is not None]
    )


def board_of(rows: Sequence[Scored], clock: WaitClock, limits: Limits, zone: ZoneInfo) -> Board:
    """Return the board of these rows. Hours are those of `zone` in which the session began."""
    human = [one for one in rows if one.subject != BOT]
    waits = [wait for one in human if (wait := first_of(one, clock)) is not None]
    hours = _grouped(human, lambda one: one.started_at.astimezone(zone).hour)
    people = _grouped(human, lambda one: one.subject)
    return Board(
        waits=waits_of(human, clock, limits),
        bars=tuple(Bar(bucket=one, count=sum(map(one.holds, waits))) for one in BUCKETS),
        asked=_asked(human),
        unanswered=_unanswered(human),
        hours=tuple(_row(str(hour), hours.get(hour, []), clock, limits) for hour in range(24)),
        people=tuple(_row(name, people[name], clock, limits) for name in sorted(people)),
        bot=waits_of_bot(rows, limits),
    )


def _row(key: str, rows: Sequence[Scored], clock: WaitClock, limits: Limits) -> Row:
    return Row(key=key, waits=waits_of(rows, clock, limits), asked=_asked(rows), unanswered=_unanswered(rows))


def _grouped(rows: Iterable[Scored], key: Callable[[Scored], _K]) -> dict[_K, list[Scored]]:
    found: dict[_K, list[Scored]] = {}
    for one in rows:
        found.setdefault(key(one), []).append(one)
    return found


def _asked(rows: Iterable[Scored]) -> int:
    return sum(one.asked > 0 for one in rows)


def _unanswered(rows: Iterable[Scored]) -> int:
    return sum(one.is_unanswered for one in rows)

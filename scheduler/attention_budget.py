"""Which notices of one person go on a card now: the budget of attention. Pure; who writes the card is attention.py.

What is due goes on one card, with what of the person's own work falls due within the slot. A card begins a slot, and
what falls due inside it waits for its end; where that is too late to be useful, or somebody waits, only for the least
gap. The last third of a day's cards is spread over what is left of the day, and some are kept for what may not wait.
Exempt notices are told at once, at night too, and count. What cannot be told today in time is listed: it stands on the
person's page, and on the next day's card while it is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.attention import PRESSING_KINDS, WORK_KINDS, Notice, NoticeKind, NoticeState

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class BudgetRules:
    """How much attention the program may take of one person ([sop] in docs/configuration.md).

    Quiet hours are local, `quiet_from` inclusive, `quiet_until` exclusive. `reserve`: cards kept for exempt notices in
    the morning, fewer as the day passes, at least `least_reserve`, none in its last two slots: publications come in the
    evening (content/sop), and with 4 and 2 an owner of 12 groups stays within 12 (tests/attention/test_busy_day.py).
    """

    zone: ZoneInfo
    cards_per_day: int = 12
    gap: timedelta = timedelta(minutes=10)
    slot: timedelta = timedelta(minutes=30)
    day_card_at: time = time(9)
    quiet_from: time = time(21)
    quiet_until: time = time(9)
    reserve: int = 4
    least_reserve: int = 2

    def __post_init__(self) -> None:
        """Refuse a day that ends before it begins."""
        if self.quiet_from <= max(self.quiet_until, self.day_card_at):
            raise ValueError(
                f"quiet hours from {self.quiet_from} until {self.day_begins} leave no day for cards"
            )

    @property
    def day_begins(self) -> time:
        """When cards begin: at the end of quiet hours, or with a day's card that the company wants earlier."""
        return min(self.quiet_until, self.day_card_at)

    def day_of(self, moment: datetime) -> date:
        """Return the local day."""
        return moment.astimezone(self.zone).date()

    def at(self, day: date, clock: time) -> datetime:
        """Return a local time in UTC."""
        return datetime.combine(day, clock, self.zone).astimezone(UTC)

    def next_opening(self, moment: datetime) -> datetime:
        """Return when quiet hours end next, strictly after `moment`."""
        opening = self.at(self.day_of(moment), self.day_begins)
        return opening if opening > moment else self.at(self.day_of(moment) + _DAY, self.day_begins)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do now. `card`: what one card tells, the urgent first; empty: no card now.

    `listed`: what only the page shows. `resting`: what is looked at again at `look_at`; None when nothing rests.
    """

    card: tuple[Notice, ...] = ()
    is_exempt: bool = False
    listed: tuple[Notice, ...] = ()
    resting: tuple[Notice, ...] = ()
    look_at: datetime | None = None


def plan(notices: Sequence[Notice], cards: Sequence[datetime], now: datetime, rules: BudgetRules) -> Plan:
    """Return what becomes of one person's notices now.

    `notices`: all that wait, due or not, and those listed since the last day's card. `cards`: when cards went to this
    person, at least those of today and the last one before.
    """
    waiting = [one for one in notices if one.state is NoticeState.WAITING]
    useless = [one for one in waiting if one.is_useless(now)]
    useful = [one for one in waiting if not one.is_useless(now)]
    due = _Due(
        exempt=[one for one in useful if one.is_exempt and one.due_at <= now],
        ordinary=[one for one in useful if not one.is_exempt and one.due_at <= now],
        later=[one for one in useful if one.due_at > now],
        listed=[one for one in notices if one.state is NoticeState.LISTED and not one.is_useless(now)],
    )
    today = _Today(rules, cards, now, due)
    found = _plan_exempt(due, today) if due.exempt else _plan_ordinary(due, today)
    return Plan(
        card=found.card,
        is_exempt=found.is_exempt,
        listed=(*useless, *found.listed),
        resting=found.resting,
        look_at=found.look_at,
    )


@dataclass(frozen=True, kw_only=True)
class _Due:
    """One person's notices, by what is to be decided of them."""

    exempt: list[Notice] = field(default_factory=list)
    ordinary: list[Notice] = field(default_factory=list)
    later: list[Notice] = field(default_factory=list)
    listed: list[Notice] = field(default_factory=list)


class _Today:
    """What is left of a person's day."""

    def __init__(self, rules: BudgetRules, cards: Sequence[datetime], now: datetime, due: _Due) -> None:
        self.rules = rules
        self.now = now
        day = rules.day_of(now)
        self.begins = rules.at(day, rules.day_begins)
        self.ends = rules.at(day, rules.quiet_from)
        # From here on, the last two slots of the day, nothing is kept back: a free card is better used than saved.
        self._free = self.ends - 2 * rules.slot
        # With few cards a day not all of them are kept back.
        self._reserve = min(rules.reserve, rules.cards_per_day // 3)
        self._reserved = max(self._free - self.begins, rules.slot)
        self.last = max(cards, default=None)
        self._used = sum(rules.day_of(sent) == day for sent in cards)
        self._urgent = {one.due_at for one in due.later if one.is_exempt and one.due_at < self.ends}

    @property
    def is_quiet(self) -> bool:
        return not self.begins <= self.now < self.ends

    def room(self, at: datetime) -> int:
        """Return how many more ordinary cards there may be at `at`, if none is sent before."""
        kept = -((at - self._free) * self._reserve // self._reserved)
        if kept > 0:
            kept = max(kept, min(self.rules.least_reserve, self._reserve))
        urgent = sum(moment > at for moment in self._urgent)
        return self.rules.cards_per_day - self._used - max(kept, urgent, 0)

    def next_room(self) -> datetime | None:
        """Return when the reserve lets an ordinary card go; None: not today."""
        kept = range(self._reserve)
        freed = {self._free - self._reserved * count / self._reserve for count in kept} | self._urgent
        # A moment later, whatever was rounded.
        times = sorted(at + timedelta.resolution for at in freed)
        return next((at for at in times if self.now < at < self.ends and self.room(at) > 0), None)

    def distances(self) -> list[timedelta]:
        """Return how far apart cards should be, the best first; the last is the least."""
        rules, room = self.rules, max(self.room(self.now), 1)
        least = [max(rules.slot, rules.gap), rules.gap]
        if self.last is None or room > rules.cards_per_day // 3:
            return least
        spread = (self.ends - max(self.last, self.begins)) / (room + 1)
        return [spread, *least] if spread > least[0] else least


def _plan_exempt(due: _Due, today: _Today) -> Plan:
    """Tell what may not wait; by day with whatever else is due."""
    if not today.is_quiet:
        return Plan(card=_card(due, today), is_exempt=True)
    at_night = _plan_quiet(due, today)
    return Plan(
        card=_ordered(due.exempt),
        is_exempt=True,
        listed=at_night.listed,
        resting=at_night.resting,
        look_at=at_night.look_at,
    )


def _plan_quiet(due: _Due, today: _Today) -> Plan:
    opening = today.rules.next_opening(today.now)
    resting = tuple(one for one in due.ordinary if not one.is_useless(opening))
    listed = tuple(one for one in due.ordinary if one.is_useless(opening))
    return Plan(listed=listed, resting=resting, look_at=opening if resting else None)


def _plan_ordinary(due: _Due, today: _Today) -> Plan:
    if not due.ordinary:
        return Plan()
    if today.is_quiet:
        return _plan_quiet(due, today)
    if today.room(today.now) <= 0:
        return _plan_spent(due, today)
    distances = today.distances()
    times = [(one, _time_of(one, distances, today)) for one in due.ordinary]
    if any(at is not None and at <= today.now for _, at in times):
        return Plan(card=_card(due, today))
    listed = tuple(one for one, at in times if at is None)
    look_at = min((at for _, at in times if at is not None), default=None)
    return Plan(listed=listed, resting=tuple(one for one, at in times if at is not None), look_at=look_at)


def _plan_spent(due: _Due, today: _Today) -> Plan:
    """Wait for what the reserve gives back, while that is useful; list the rest."""
    room_at = today.next_room()
    if room_at is None:
        return Plan(listed=tuple(due.ordinary))
    resting = tuple(one for one in due.ordinary if not one.is_useless(room_at))
    listed = tuple(one for one in due.ordinary if one.is_useless(room_at))
    return Plan(listed=listed, resting=resting, look_at=room_at if resting else None)


def _time_of(one: Notice, distances: Sequence[timedelta], today: _Today) -> datetime | None:
    """Return when a card for this notice should go; None when none can in time."""
    if today.last is None:
        return today.now
    if one.kind in PRESSING_KINDS:
        distances = distances[-1:]
    # Whoever is told needs a moment to act.
    latest = today.ends if one.latest_at is None else min(one.latest_at - today.rules.gap, today.ends)
    times = [today.last + distance for distance in distances]
    fitting = next((at for at in times if at <= latest and at < today.ends), times[-1])
    if fitting >= today.ends:
        fitting = today.rules.next_opening(today.now)
    return None if fitting > today.now and one.is_useless(fitting) else fitting


def _card(due: _Due, today: _Today) -> tuple[Notice, ...]:
    """Return what goes along when a card goes now."""
    until = today.now + today.rules.slot
    ahead = [one for one in due.later if one.kind in WORK_KINDS and not one.is_exempt and one.due_at < until]
    together = [*due.exempt, *due.ordinary, *ahead]
    if any(one.kind is NoticeKind.DAY for one in together):
        together += due.listed
    return _ordered(together)


def _ordered(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """Return the urgent first, the day's own summary last, by time between."""
    return tuple(
        sorted(notices, key=lambda one: (not one.is_exempt, one.kind is NoticeKind.DAY, one.due_at, one.id))
    )

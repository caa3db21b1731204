"""Plays days of one person's attention: notices come, the budget decides, cards go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from domain.attention import Notice, NoticeState
from scheduler import attention_budget
from scheduler.attention_budget import BudgetRules
from tests.attention import factory

_TICK = timedelta(minutes=1)
RULES = BudgetRules(zone=factory.SHANGHAI)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A card that went."""

    at: datetime
    is_exempt: bool
    told: tuple[Notice, ...]


@dataclass
class Days:
    """What became of everything: the cards, and when which notice was listed."""

    cards: list[Sent] = field(default_factory=list)
    listed: dict[str, datetime] = field(default_factory=dict)
    waiting: dict[str, Notice] = field(default_factory=dict)

    def told_at(self) -> dict[str, datetime]:
        """Return when each notice was told, by its key."""
        return {one.key: card.at for card in self.cards for one in card.told}

    def count(self, rules: BudgetRules = RULES, *, ordinary: bool = False) -> dict[date, int]:
        """Return how many cards went on each local day; `ordinary`: without the exempt ones."""
        days = [rules.day_of(card.at) for card in self.cards if not (ordinary and card.is_exempt)]
        return {day: days.count(day) for day in days}


def play(notices: Iterable[Notice], until: datetime, rules: BudgetRules = RULES) -> Days:
    """Let the minutes pass until `until` in which something comes or has to be looked at."""
    coming = sorted(notices, key=lambda one: (one.created_at, one.id))
    played = Days()
    looks = {one.key: one.due_at for one in coming}
    now = coming[0].created_at if coming else until
    while now < until:
        while coming and coming[0].created_at <= now:
            one = coming.pop(0)
            played.waiting[one.key] = one
        if any(looks[key] <= now for key in played.waiting if _waits(played, key)):
            _look(played, looks, now, rules)
        times = [looks[key] for key in played.waiting if _waits(played, key)]
        times += [coming[0].created_at] if coming else []
        now = max(_minute(min(times, default=until)), now + _TICK)
    return played


def _waits(played: Days, key: str) -> bool:
    return played.waiting[key].state is NoticeState.WAITING


def _look(played: Days, looks: dict[str, datetime], now: datetime, rules: BudgetRules) -> None:
    held: Sequence[Notice] = list(played.waiting.values())
    plan = attention_budget.plan(held, [card.at for card in played.cards], now, rules)
    if plan.card:
        played.cards.append(Sent(at=now, is_exempt=plan.is_exempt, told=plan.card))
    for one in plan.card:
        del played.waiting[one.key]
    for one in plan.listed:
        played.listed.setdefault(one.key, now)
        played.waiting[one.key] = replace(one, state=NoticeState.LISTED)
    for one in plan.resting:
        assert plan.look_at is not None
        assert plan.look_at > now, "nothing is looked at for ever"
        looks[one.key] = plan.look_at
    decided = {one.key for one in (*plan.card, *plan.listed, *plan.resting)}
    left = [one for one in held if one.due_at <= now and one.state is NoticeState.WAITING]
    assert {one.key for one in left} <= decided, "what is due is decided on"


def _minute(moment: datetime) -> datetime:
    """Return the first tick that is not before `moment`."""
    floor = moment.replace(second=0, microsecond=0)
    return floor if floor == moment else floor + _TICK

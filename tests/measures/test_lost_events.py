"""Quit rates with a fifth of the events lost are, to the member, those of perfect events.

A week of a group is told to the house twice: with every event, and with a fifth of them lost. Besides what events ask
for, the house looks at the group when a member's hour has come (scheduler/gate_watch.py) and once a day, as it does in
earnest. What no look can tell is named: the platform keeps no history, so somebody whose coming was lost and who left
before anybody looked leaves no time of coming, and nobody but the event tells who was removed.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.channels.wecom import external
from bot.clock import FrozenClock
from domain import cohorts
from domain.groups import GroupMember, GroupSight, JoinScene, QuitScene
from domain.platform import GroupChange, GroupChanged
from domain.stays import Joined
from handlers import groups as group_events
from scheduler.gate_watch import EVERY_SECONDS, GateWatch
from store import group_members, groups, tables
from store.database import Store
from tests.measures import place as places
from tests.measures.factory import START

OWNER = "zhangsan"
DAYS = 11
SEEDS = range(2)


@dataclass
class Week:
    """What really happens in one group: who comes and goes when. `inside`: who is in it now, and since when."""

    chat_id: str
    dice: random.Random
    inside: dict[str, datetime] = field(default_factory=lambda: {OWNER: START})
    version: int = 0

    def happenings(self) -> list[tuple[datetime, str, bool]]:
        """Return comings (True) and goings by time; some come back, some come late."""
        found: list[tuple[datetime, str, bool]] = []
        for number in range(16):
            came = START + timedelta(minutes=self.dice.randint(1, 3 * 24 * 60))
            found.append((came, f"wmC{number}", True))
            if self.dice.random() < 0.6:
                went = came + timedelta(minutes=_minutes_away_from_gates(self.dice))
                found.append((went, f"wmC{number}", False))
                if self.dice.random() < 0.3:
                    found.append((went + timedelta(minutes=self.dice.randint(5, 900)), f"wmC{number}", True))
        return sorted(found)

    def event(self, at: datetime, who: str, is_joining: bool) -> GroupChanged:
        """Let it happen and return the event of it."""
        if is_joining:
            self.inside[who] = at
        else:
            del self.inside[who]
        self.version += 1
        return GroupChanged(
            receiver="contacts",
            kind="change_external_chat/update",
            created_at=at,
            chat_id=self.chat_id,
            change=GroupChange.JOINED if is_joining else GroupChange.QUIT,
            members=(who,),
            scene=JoinScene.SCANNED if is_joining else QuitScene.LEFT,
            last_version=f"v{self.version - 1}",
            version=f"v{self.version}",
        )

    def sight(self, at: datetime) -> GroupSight:
        """Return the whole group as it is at `at`."""
        return GroupSight(
            chat_id=self.chat_id,
            name="群",
            notice="",
            owner_platform_id=OWNER,
            created_at=START,
            member_version=f"v{self.version}",
            members={
                who: (external.kind_of(who), Joined(at=since, is_exact=True, scene=JoinScene.SCANNED))
                for who, since in self.inside.items()
            },
            at=at,
        )


def _minutes_away_from_gates(dice: random.Random) -> int:
    """Return how long somebody stays; a quarter of an hour about each gate is LOOK_SLACK, where a look is no judge."""
    while True:
        minutes = dice.choice([dice.randint(20, 30 * 60), dice.randint(20, 9 * 24 * 60)])
        if all(abs(minutes - gate * 60) > 20 for gate in cohorts.GATES):
            return minutes


def _ticks(happenings: list[tuple[datetime, str, bool]]) -> Iterator[datetime]:
    """Return the rounds of the gate watch that may find something, and one walk a day."""
    every = timedelta(seconds=EVERY_SECONDS)
    for came in {at for at, _, is_joining in happenings if is_joining}:
        for gate in cohorts.GATES:
            due = came + timedelta(hours=gate)
            yield START + every * -(-(due - START) // every)
    yield from (START + timedelta(days=day, hours=17) for day in range(DAYS))


async def live(store: Store, week: Week, lost: float) -> tuple[set[str], set[str]]:
    """Tell the house of the week; return whose coming was lost and who went before anybody looked, and lost quits."""
    lost_quits: set[str] = set()
    clock = FrozenClock(START)
    watch = GateWatch(store, clock)
    happenings = week.happenings()
    silent = _silent(happenings, random.Random(len(happenings)), lost)
    queue: list[tuple[datetime, int, str, bool]] = [(at, 0, who, is_in) for at, who, is_in in happenings]
    if lost:
        queue += [(at, 1, "", False) for at in _ticks(happenings)]
    heapq.heapify(queue)
    unseen: set[str] = set()
    untraceable: set[str] = set()
    while queue:
        at, kind, who, is_joining = heapq.heappop(queue)
        clock.advance(max(at - clock.now(), timedelta(0)))
        if kind == 1:
            await watch.watch_due()
            is_daily = at.hour == (START + timedelta(hours=17)).hour and not at.minute
        else:
            event = week.event(at, who, is_joining)
            is_daily = False
            if (at, who, is_joining) in silent:
                if is_joining:
                    unseen.add(who)
                    continue
                lost_quits.add(who)
                if who in unseen:
                    untraceable.add(who)
                continue
            if not is_joining and who in unseen:
                untraceable.add(who)
            await store.write(
                lambda tx, e=event: group_events.record(tx, e, e.created_at, kind_of=external.kind_of)
            )
        if is_daily or await _is_wanted(store):
            await store.write(lambda tx: groups.record_sight(tx, week.sight(clock.now()), clock.now()))
            await store.write(lambda tx: tx.execute(sa.delete(tables.lookup)))
            unseen.clear()
    return untraceable, lost_quits


def _silent(
    happenings: list[tuple[datetime, str, bool]], dice: random.Random, share: float
) -> set[tuple[datetime, str, bool]]:
    """Return whose events are lost: so many of all, two goings at least among them."""
    number = round(len(happenings) * share)
    while number:
        chosen = set(dice.sample(happenings, number))
        if sum(1 for _, _, is_joining in chosen if not is_joining) >= 2:
            return chosen
    return set()


async def _is_wanted(store: Store) -> bool:
    async with store.read() as tx:
        return (await tx.execute(sa.select(tables.lookup.c.id))).first() is not None


async def stays_of(store: Store, place: places.Place) -> list[GroupMember]:
    async with store.read() as tx:
        return await group_members.list_of_group(tx, place.group_id)


def without(stays: list[GroupMember], who: set[str]) -> list[GroupMember]:
    return [one for one in stays if one.member_platform_id not in who]


@pytest.mark.parametrize("seed", SEEDS)
async def test_with_a_fifth_of_the_events_lost_quit_rates_are_the_same_to_the_member(
    store: Store, seed: int
) -> None:
    perfect = await places.founded(store, staff_members=(OWNER,))
    lossy = await places.founded(store, staff_members=(OWNER,))
    first, second = Week(perfect.chat_id, random.Random(seed)), Week(lossy.chat_id, random.Random(seed))

    assert await live(store, first, 0.0) == (set(), set())
    untraceable, lost_quits = await live(store, second, 0.2)

    exact, found = await stays_of(store, perfect), await stays_of(store, lossy)
    assert first.inside.keys() == second.inside.keys()
    assert {one.member_platform_id for one in found if one.quit_at is None} == set(second.inside)
    assert len(untraceable) <= 3  # The few whom no look ever met.
    now = START + timedelta(days=DAYS)
    for hours in cohorts.GATES:
        one = cohorts.quit_rate(without(exact, untraceable), hours, now)
        other = cohorts.quit_rate(without(found, untraceable), hours, now)
        assert (other.left, other.uncertain) == (one.left, ())
        assert other.members == one.members
        assert other.rate == one.rate
    assert lost_quits - untraceable


async def test_without_looks_at_the_hour_the_rate_has_bounds_that_hold(store: Store) -> None:
    place = await places.founded(store, staff_members=(OWNER,))
    week = Week(place.chat_id, random.Random(5))
    truth: dict[str, float] = {}
    for number in range(10):
        week.inside[f"wmC{number}"] = START
    await store.write(lambda tx: groups.record_sight(tx, week.sight(START + timedelta(hours=1)), START))
    for number in range(5):
        del week.inside[f"wmC{number}"]
        truth[f"wmC{number}"] = 20 + number * 2  # 20, 22, 24, 26 and 28 hours; nobody tells.
    later = START + timedelta(hours=36)
    await store.write(lambda tx: groups.record_sight(tx, week.sight(later), later))

    rate = cohorts.quit_rate(await stays_of(store, place), 24, START + timedelta(hours=40))

    really = sum(1 for hours in truth.values() if hours <= 24) / 10
    assert rate.rate is not None
    assert rate.highest is not None
    assert rate.rate <= really <= rate.highest
    assert rate.uncertain == tuple(sorted(truth))


async def test_whose_removal_was_lost_counts_as_left(store: Store) -> None:
    place = await places.founded(store, staff_members=(OWNER,))
    week = Week(place.chat_id, random.Random(1), inside={OWNER: START, "wmA": START})
    await store.write(lambda tx: groups.record_sight(tx, week.sight(START + timedelta(hours=1)), START))
    del week.inside["wmA"]  # The owner removed her; the event is lost.
    await store.write(lambda tx: groups.record_sight(tx, week.sight(START + timedelta(hours=2)), START))

    rate = cohorts.quit_rate(await stays_of(store, place), 24, START + timedelta(hours=30))

    assert (rate.left, rate.removed) == (("wmA",), ())

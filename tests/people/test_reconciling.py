"""Whatever happens to a group's events, after a look at the whole list the records are those of perfect events.

A story is told to the house twice, as two groups: once with every event in its order, once shuffled, doubled or with a
fifth of them lost. What the house asks for by a lookup is read as it is then, as bot/directory.py would.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.channels.wecom import external
from domain.groups import GroupMember, GroupSight, JoinScene, MemberKind, QuitScene
from domain.people import RelationEnd, RelationSight
from domain.platform import FriendAdded, FriendRemoved, GroupChange, GroupChanged
from domain.stays import Joined
from handlers import groups as group_events
from handlers import people as people_events
from store import group_members, groups, relations, tables
from store.database import Store

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PEOPLE = ["zhangsan", "lisi", *(f"wmC{number}" for number in range(6)), "woB1"]
SEEDS = range(12)
_numbers = itertools.count(1)


@dataclass
class Story:
    """What really happens in one group. `inside`: who is in it and since when."""

    chat_id: str
    now: datetime = START
    inside: dict[str, datetime] = field(default_factory=dict)
    version: int = 0
    owner: str = "zhangsan"

    def tell(self, dice: random.Random, length: int) -> Iterator[GroupChanged]:
        """Let things happen and yield the event of each."""
        self.inside = {"zhangsan": START}
        yield self._event(GroupChange.CREATED, (), "")
        for _ in range(length):
            self.now += timedelta(seconds=dice.randint(90, 5_000))
            outside = [one for one in PEOPLE if one not in self.inside]
            leaving = [one for one in self.inside if one != self.owner]
            if outside and (not leaving or dice.random() < 0.6):
                who = tuple(dice.sample(outside, dice.randint(1, min(3, len(outside)))))
                self.inside |= dict.fromkeys(who, self.now)
                yield self._event(
                    GroupChange.JOINED, who, dice.choice([JoinScene.INVITED, JoinScene.SCANNED])
                )
            else:
                who = tuple(dice.sample(leaving, 1))
                for one in who:
                    del self.inside[one]
                yield self._event(GroupChange.QUIT, who, dice.choice([QuitScene.LEFT, QuitScene.REMOVED]))

    def sight(self) -> GroupSight:
        """Return the whole group as it is now."""
        return GroupSight(
            chat_id=self.chat_id,
            name="群",
            notice="",
            owner_platform_id=self.owner,
            created_at=START,
            member_version=f"v{self.version}",
            members={
                who: (external.kind_of(who), Joined(at=since, is_exact=True, scene=JoinScene.DIRECT))
                for who, since in self.inside.items()
            },
            at=self.now + timedelta(seconds=3),
        )

    def _event(self, change: GroupChange, members: tuple[str, ...], scene: str) -> GroupChanged:
        last = f"v{self.version}"
        self.version += bool(members)
        return GroupChanged(
            receiver="contacts",
            kind="change_external_chat/update",
            created_at=self.now,
            chat_id=self.chat_id,
            change=change,
            members=members,
            scene=scene,
            last_version=last if members else "",
            version=f"v{self.version}" if members else "",
        )


async def hear(store: Store, event: GroupChanged, now: datetime) -> bool:
    """Take up an event; say whether the house asks for the whole group."""
    await store.write(lambda tx: group_events.record(tx, event, now, kind_of=external.kind_of))
    async with store.read() as tx:
        return (await tx.execute(sa.select(tables.lookup.c.id))).first() is not None


async def look(store: Store, sight: GroupSight) -> None:
    """Read the whole group, as a lookup or a walk does."""
    await store.write(lambda tx: groups.record_sight(tx, sight, sight.at))
    await store.write(lambda tx: tx.execute(sa.delete(tables.lookup)))


async def stays_of(store: Store, chat_id: str) -> list[GroupMember]:
    async with store.read() as tx:
        known = await groups.find(tx, chat_id)
        assert known is not None
        return await group_members.list_of_group(tx, known.id)


def shape(stays: list[GroupMember], *, exactly: bool) -> list[tuple[object, ...]]:
    """Return what must be equal: who, since when, gone or not, and with `exactly` when and how."""
    rows = [
        (one.member_platform_id, one.joined_at, one.quit_at is None)
        + ((one.quit_at, one.quit_scene, one.kind) if exactly else ())
        for one in stays
    ]
    return sorted(rows, key=lambda row: (row[0], row[1] or START - timedelta(days=1), str(row)))


async def tell_perfectly(store: Store, seed: int) -> list[GroupMember]:
    story = Story(chat_id=f"wrPerfect{next(_numbers)}")
    for event in story.tell(random.Random(seed), 14):
        if await hear(store, event, story.now):
            await look(store, story.sight())
    await look(store, story.sight())
    return await stays_of(store, story.chat_id)


@pytest.mark.parametrize("seed", SEEDS)
async def test_shuffled_and_doubled_events_come_to_the_same_as_perfect_ones(store: Store, seed: int) -> None:
    perfect = await tell_perfectly(store, seed)
    dice = random.Random(seed + 1000)
    story = Story(chat_id=f"wrShuffled{next(_numbers)}")
    events = list(story.tell(random.Random(seed), 14))
    events += dice.sample(events, 5)
    dice.shuffle(events)

    for event in events:
        await hear(store, event, story.now)
        if dice.random() < 0.2:  # The platform shows the end of the story at any time after it.
            await look(store, story.sight())
    await look(store, story.sight())

    assert shape(await stays_of(store, story.chat_id), exactly=True) == shape(perfect, exactly=True)


@pytest.mark.parametrize("seed", SEEDS)
async def test_with_a_fifth_of_the_events_lost_membership_and_quits_are_the_same(
    store: Store, seed: int
) -> None:
    perfect = await tell_perfectly(store, seed)
    dice = random.Random(seed + 2000)
    story = Story(chat_id=f"wrLossy{next(_numbers)}")
    untraced: set[str] = set()

    for event in story.tell(random.Random(seed), 14):
        if dice.random() < 0.2:
            untraced |= set(event.members)
            continue
        if await hear(store, event, story.now):
            await look(store, story.sight())
    await look(store, story.sight())

    lossy = await stays_of(store, story.chat_id)
    assert {one.member_platform_id for one in lossy if one.quit_at is None} == set(story.inside)
    exact = shape(perfect, exactly=False)
    for one in shape(lossy, exactly=False):
        who, joined_at, _ = one
        # A coming that nobody told leaves its time open; everything else is as it was.
        assert one in exact or (
            joined_at is None and any(who == other[0] and not other[2] for other in exact)
        )
    # Only a stay whose coming and going were both lost, with no look in between, can be missing.
    missing = [one for one in exact if one not in shape(lossy, exactly=False)]
    assert {one[0] for one in missing} <= untraced
    for one in lossy:
        if one.quit_at is not None and one.quit_known != "event":
            assert one.quit_after is not None
            assert one.quit_after <= one.quit_at


async def test_a_late_older_event_changes_nothing_that_is_known_newer(store: Store) -> None:
    story = Story(chat_id="wrLate")
    created, joined, *_ = story.tell(random.Random(1), 3)
    await look(store, story.sight())
    before = await stays_of(store, "wrLate")

    asks = [await hear(store, event, story.now + timedelta(hours=1)) for event in (joined, created)]

    assert asks == [False, False]
    assert shape(await stays_of(store, "wrLate"), exactly=False) == shape(before, exactly=False)


@pytest.mark.parametrize("seed", SEEDS)
async def test_relations_too_come_to_the_same_in_any_order(store: Store, seed: int) -> None:
    dice = random.Random(seed)
    now, events, since = START, [], None
    for number in range(dice.randint(1, 6)):
        now += timedelta(seconds=dice.randint(120, 9_000))
        since = now if number % 2 == 0 else None
        events.append(_friend(now, is_added=number % 2 == 0))
    perfect = await _relations(store, "perfect", events, now, since)

    shuffled = [*events, *dice.sample(events, len(events) // 2)]
    dice.shuffle(shuffled)

    assert await _relations(store, "shuffled", shuffled, now, since) == perfect
    assert (perfect[-1][1] is None) is (since is not None)


def _friend(at: datetime, *, is_added: bool) -> FriendAdded | FriendRemoved:
    head = {"receiver": "contacts", "created_at": at, "staff_id": "", "customer_id": ""}
    if is_added:
        return FriendAdded(kind="add", state="", welcome_code="", is_half=False, **head)  # type: ignore[arg-type]
    return FriendRemoved(kind="del", reason=RelationEnd.ADVISOR_DELETED, **head)  # type: ignore[arg-type]


async def _relations(
    store: Store,
    advisor: str,
    events: list[FriendAdded | FriendRemoved],
    end: datetime,
    since: datetime | None,
) -> list[tuple[datetime | None, datetime | None]]:
    """Tell the events, list the advisor's customers, and return from when to when."""
    for event in events:
        told = type(event)(**{**vars(event), "staff_id": advisor, "customer_id": f"wm{advisor}"})
        await store.write(lambda tx, told=told: people_events.record(tx, told, end))
    at = end + timedelta(minutes=5)
    customer = f"wm{advisor}"
    sights = [_relation_sight(advisor, customer, since)] if since else []
    await store.write(lambda tx: relations.record_sights(tx, sights, at, at))
    await store.write(lambda tx: relations.record_listed(tx, advisor, [customer] if since else [], at, at))
    async with store.read() as tx:
        return [(one.from_at, one.to_at) for one in await relations.list_of_customer(tx, customer)]


def _relation_sight(advisor: str, customer: str, since: datetime) -> RelationSight:
    return RelationSight(
        staff_platform_id=advisor,
        customer_platform_id=customer,
        nickname="",
        avatar_url="",
        joined=Joined(at=since, is_exact=True),
        add_way="1",
        state="",
        remark="",
        description="",
        tags=(),
    )


def test_whose_side_a_member_is_on_shows_in_the_id() -> None:
    assert [external.kind_of(one) for one in ("zhangsan", "wmC1", "woB1")] == [
        MemberKind.STAFF,
        MemberKind.CUSTOMER,
        MemberKind.OTHER,
    ]

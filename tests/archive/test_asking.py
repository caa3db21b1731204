"""Who is archived and who is asked about, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.archive import ConsentSource, ConsentStatus, ConsentWord
from domain.groups import GroupSight, MemberKind
from domain.people import RelationSight
from domain.stays import Joined
from store import archives, consents, groups, relations
from store.database import Store
from tests.archive.library import NOW

WEEK = timedelta(days=7)


def sight(member: str, customer: str) -> RelationSight:
    return RelationSight(
        staff_platform_id=member,
        customer_platform_id=customer,
        nickname="",
        avatar_url="",
        joined=Joined(at=NOW, is_exact=True),
        add_way="",
        state="",
        remark="",
        description="",
        tags=(),
    )


def group(chat_id: str, owner: str, *customers: str) -> GroupSight:
    told = {who: (MemberKind.CUSTOMER, Joined(at=NOW, is_exact=True)) for who in customers}
    return GroupSight(
        chat_id=chat_id,
        name="",
        notice="",
        owner_platform_id=owner,
        created_at=NOW,
        member_version="",
        members={**told, owner: (MemberKind.STAFF, Joined(at=NOW, is_exact=True))},
        at=NOW,
    )


async def test_contacts_without_a_known_word_are_asked_about_in_order(store: Store) -> None:
    async def fill(tx: AsyncConnection) -> None:
        await relations.record_sights(
            tx, [sight("a", "wm1"), sight("a", "wm2"), sight("b", "wm1"), sight("out", "wm1")], NOW, NOW
        )
        await archives.record_permitted(tx, ["a", "b"], NOW)
        asked = ConsentWord(customer_id="wm2", staff_id="a", status=ConsentStatus.AGREE, changed_at=NOW)
        await consents.add(tx, [asked], source=ConsentSource.CHECK, policy_version="", now=NOW)

    await store.write(fill)

    assert await _pairs(store, NOW - WEEK) == [("a", "wm1"), ("b", "wm1")]
    assert await _pairs(store, NOW - WEEK, after=("a", "wm1")) == [("b", "wm1")]
    assert await _pairs(store, NOW + WEEK) == [("a", "wm1"), ("a", "wm2"), ("b", "wm1")]


async def test_groups_with_a_customer_whose_word_is_unknown_are_asked_about(store: Store) -> None:
    async def fill(tx: AsyncConnection) -> None:
        for one in (group("wr1", "a", "wm1"), group("wr2", "a", "wm1", "wm2"), group("wr3", "out", "wm1")):
            await groups.ensure(tx, [one.chat_id], NOW)
            await groups.record_sight(tx, one, NOW)
        await archives.record_permitted(tx, ["a"], NOW)
        words = [
            ConsentWord(customer_id="wm1", chat_id=chat, status=ConsentStatus.AGREE, changed_at=NOW)
            for chat in ("wr1", "wr2")
        ]
        await consents.add(tx, words, source=ConsentSource.CHECK, policy_version="", now=NOW)

    await store.write(fill)

    async with store.read() as tx:
        assert await consents.list_unknown_groups(tx, after="", limit=10) == ["wr2"]
        assert await consents.list_unknown_groups(tx, after="wr2", limit=10) == []


async def test_who_leaves_the_range_is_known_with_the_time_and_may_come_back(store: Store) -> None:
    days = [NOW + timedelta(days=number) for number in range(3)]
    for day, members in zip(days, (["a", "b"], ["a"], ["a", "b"]), strict=True):
        await store.write(lambda tx, members=members, day=day: archives.record_permitted(tx, members, day))
        async with store.read() as tx:
            assert await archives.list_permitted(tx) == members


async def _pairs(store: Store, before: datetime, after: tuple[str, str] = ("", "")) -> list[tuple[str, str]]:
    async with store.read() as tx:
        return await consents.list_unknown_pairs(tx, after=after, limit=100, before=before)

"""Customer groups through the doors: what people do in the sandbox is what the house has on record."""

from __future__ import annotations

from domain.groups import MemberKind
from domain.stays import EndKnown
from sandbox import faults
from sandbox import groups as acts
from store import group_members, groups, tables
from tests.people.village import CUSTOMERS, Village

ANNA, BEN, CLARA, DAN, *_ = CUSTOMERS


async def test_a_group_and_its_members_are_known_from_events(village: Village) -> None:
    chat_id = acts.create(village.world, "zhangsan", "理财新手营", [ANNA], members=["lisi"]).chat_id
    await village.quiet()
    await village.advance(minutes=5)
    acts.join(village.world, chat_id, [BEN], scene=acts.BY_CODE, state="jw_07")
    await village.quiet()

    stays = {one.member_platform_id: one for one in await village.stays(chat_id)}

    assert {name: one.kind for name, one in stays.items()} == {
        "zhangsan": MemberKind.STAFF,
        "lisi": MemberKind.STAFF,
        ANNA: MemberKind.CUSTOMER,
        BEN: MemberKind.CUSTOMER,
    }
    assert (stays[ANNA].join_scene, stays[ANNA].inviter_platform_id) == ("direct", "zhangsan")
    assert stays[BEN].join_scene == "scanned"
    assert stays[BEN].customer_id is not None


async def test_owner_name_and_notice_follow_and_a_group_can_end(village: Village) -> None:
    chat_id = acts.create(village.world, "zhangsan", "旧名", [ANNA], members=["lisi"]).chat_id
    await village.quiet()

    acts.change_owner(village.world, chat_id, "lisi")
    acts.rename(village.world, chat_id, "新名")
    acts.set_notice(village.world, chat_id, "请看群规")
    await village.quiet()
    (group,) = await village.rows(tables.group)
    assert (group.owner_platform_id, group.name, group.notice) == ("lisi", "新名", "请看群规")

    acts.dismiss(village.world, chat_id)
    await village.quiet()
    (group,) = await village.rows(tables.group)
    assert group.dismissed_at is not None


async def test_who_leaves_and_comes_back_has_two_stays(village: Village) -> None:
    chat_id = acts.create(village.world, "zhangsan", "群", [ANNA, BEN]).chat_id
    await village.quiet()
    await village.advance(minutes=10)
    acts.quit_group(village.world, chat_id, [ANNA])
    await village.quiet()
    await village.advance(minutes=10)
    acts.join(village.world, chat_id, [ANNA])
    await village.quiet()

    first, second = [one for one in await village.stays(chat_id) if one.member_platform_id == ANNA]

    assert (first.quit_known, first.quit_scene) == (EndKnown.EVENT, "left")
    assert second.quit_at is None
    assert await village.present(chat_id) == {"zhangsan", ANNA, BEN}


async def test_what_was_lost_is_found_by_a_walk_with_the_time_between_two_sights(village: Village) -> None:
    chat_id = acts.create(village.world, "zhangsan", "群", [ANNA, BEN], members=["lisi"]).chat_id
    await village.quiet()
    village.lose_events()
    await village.advance(hours=1)
    seen_before = (await village.rows(tables.group))[0].seen_at
    acts.quit_group(village.world, chat_id, [ANNA], scene=acts.REMOVED)
    acts.join(village.world, chat_id, [CLARA])
    acts.change_owner(village.world, chat_id, "lisi")
    other = acts.create(village.world, "wangwu", "没听说过的群", [DAN]).chat_id
    await village.box.postman.drained()

    await village.reconcile()

    assert await village.present(chat_id) == {"zhangsan", "lisi", BEN, CLARA}
    assert await village.present(other) == {"wangwu", DAN}
    (gone,) = [one for one in await village.stays(chat_id) if one.member_platform_id == ANNA]
    assert gone.quit_known is EndKnown.BETWEEN
    assert gone.quit_after == seen_before
    assert gone.quit_at is not None
    owners = {one.chat_id: one.owner_platform_id for one in await village.rows(tables.group)}
    assert owners[chat_id] == "lisi"


async def test_a_dismissal_that_nobody_told_is_found(village: Village) -> None:
    chat_id = acts.create(village.world, "zhangsan", "群", [ANNA]).chat_id
    await village.quiet()
    village.lose_events()
    acts.dismiss(village.world, chat_id)

    await village.reconcile()

    (group,) = await village.rows(tables.group)
    assert group.dismissed_at is not None


async def test_doubled_and_reordered_events_change_nothing(village: Village) -> None:
    for kind in (faults.FaultKind.DUPLICATE, faults.FaultKind.REORDER):
        village.box.faults.add(faults.Fault(kind=kind, match="contacts", probability=0.5))
    chat_id = acts.create(village.world, "zhangsan", "群", [ANNA]).chat_id
    for name in (BEN, CLARA, DAN):
        await village.advance(minutes=2)
        acts.join(village.world, chat_id, [name])
    await village.advance(minutes=2)
    acts.quit_group(village.world, chat_id, [BEN])
    await village.quiet()

    stays = {one.member_platform_id: one for one in await village.stays(chat_id)}

    assert len(stays) == len(await village.stays(chat_id)) == 5
    assert {name for name, one in stays.items() if one.quit_at is None} == {"zhangsan", ANNA, CLARA, DAN}
    assert stays[BEN].quit_known is EndKnown.EVENT


async def test_a_person_in_several_groups_is_known(village: Village) -> None:
    acts.create(village.world, "zhangsan", "甲", [ANNA, BEN])
    acts.create(village.world, "lisi", "乙", [ANNA])
    await village.quiet()

    async with village.house.store.read() as tx:
        assert await group_members.list_in_several(tx) == {ANNA: 2}
        assert len(await group_members.list_of_member(tx, ANNA)) == 2


async def test_the_platforms_own_figures_are_kept_by_owner_and_day(village: Village) -> None:
    acts.create(village.world, "zhangsan", "群", [ANNA, BEN])
    await village.quiet()
    await village.advance(days=1)
    await village.reconcile()

    async with village.house.store.read() as tx:
        days = await groups.list_days(tx, "zhangsan")

    assert (days[-1].new_chats, days[-1].members) == (1, 2)

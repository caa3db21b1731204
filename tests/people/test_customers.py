"""Advisors and their customers through the doors: relations, tags, the welcome."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from domain.people import RelationEnd
from domain.stays import EndKnown
from sandbox import faults, tags
from sandbox import relations as acts
from store import relations, tables
from tests.people import village as villages
from tests.people.village import CUSTOMERS, Village

ANNA, BEN, *_ = CUSTOMERS


async def test_a_new_contact_is_welcomed_once_within_twenty_seconds(village: Village) -> None:
    village.box.faults.add(faults.Fault(kind=faults.FaultKind.DUPLICATE, match="contacts"))
    added_at = village.house.clock.now()

    acts.add_friend(village.world, "zhangsan", ANNA, state="cw_sop01")
    await village.quiet()

    lines = village.world.corp.relations["zhangsan", ANNA].lines
    (welcome,) = [line for line in lines if line.via == "welcome"]
    assert "张三" in welcome.body["content"]
    assert "示例信息服务有限公司" in welcome.body["content"]
    (delivery,) = await village.rows(tables.delivery)
    assert delivery.state == "accepted"
    assert delivery.finished_at - added_at < timedelta(seconds=20)
    assert (await village.rows(tables.relation))[0].state == "cw_sop01"


async def test_a_welcome_that_could_not_leave_in_time_is_not_sent(village: Village) -> None:
    village.box.faults.add(
        faults.Fault(
            fault_id="busy", kind=faults.FaultKind.ERRCODE, match="externalcontact/send_welcome_msg", code=-1
        )
    )
    acts.add_friend(village.world, "zhangsan", ANNA)

    async def is_waiting() -> bool:
        return any("send_welcome_msg" in (one.error or "") for one in await village.rows(tables.delivery))

    await village.eventually(is_waiting, "a first try")
    await village.advance(seconds=25)
    village.box.faults.remove("busy")
    await village.quiet()

    (delivery,) = await village.rows(tables.delivery)
    assert (delivery.state, delivery.outcome) == ("refused", "expired")
    assert village.world.corp.relations["zhangsan", ANNA].lines == []


async def test_the_pilot_welcomes_only_for_its_advisors(tmp_path: Path, database_url: str) -> None:
    async with villages.village(tmp_path, database_url, pilot={"advisors": ["lisi"]}) as village:
        acts.add_friend(village.world, "zhangsan", ANNA)
        acts.add_friend(village.world, "lisi", BEN)
        await village.quiet()

        assert [one.recipient for one in await village.rows(tables.delivery)] == [BEN]


async def test_a_relation_is_closed_and_never_overwritten(village: Village) -> None:
    acts.add_friend(village.world, "zhangsan", ANNA, add_way=3)
    await village.quiet()
    await village.advance(hours=1)
    acts.member_deletes(village.world, "zhangsan", ANNA)
    await village.quiet()
    await village.advance(hours=1)
    acts.add_friend(village.world, "zhangsan", ANNA, add_way=1)
    await village.quiet()

    async with village.house.store.read() as tx:
        first, second = await relations.list_of_customer(tx, ANNA)

    assert (first.end_reason, first.end_known) == (RelationEnd.ADVISOR_DELETED, EndKnown.EVENT)
    assert (first.add_way, second.add_way, second.to_at) == ("3", "1", None)


async def test_a_customer_who_deleted_the_advisor_stays_gone_though_the_list_still_names_him(
    village: Village,
) -> None:
    acts.add_friend(village.world, "zhangsan", ANNA)
    await village.quiet()
    await village.advance(hours=1)
    acts.customer_deletes(village.world, "zhangsan", ANNA)
    await village.quiet()
    await village.reconcile()
    async with village.house.store.read() as tx:
        (relation,) = await relations.list_of_customer(tx, ANNA)
    assert relation.end_reason == RelationEnd.CUSTOMER_DELETED

    await village.advance(hours=1)
    acts.add_friend(village.world, "zhangsan", ANNA)
    await village.quiet()
    await village.reconcile()
    await village.advance(days=1)
    await village.reconcile()

    async with village.house.store.read() as tx:
        before, now = await relations.list_of_customer(tx, ANNA)
    assert before.to_at is not None
    assert now.to_at is None


async def test_edited_words_and_tags_are_read_and_our_own_are_followed(village: Village) -> None:
    cars, houses = tags.add(village.world, "意向", ["车贷", "房贷"]).tags
    acts.add_friend(village.world, "zhangsan", ANNA)
    await village.quiet()

    acts.edit(village.world, "zhangsan", ANNA, remark="安娜-车贷", tag_ids=[cars])
    await village.quiet()
    async with village.house.store.read() as tx:
        (relation,) = await relations.list_of_customer(tx, ANNA)
    assert (relation.remark, relation.tags) == ("安娜-车贷", (cars,))
    assert {one.name for one in await village.rows(tables.tag)} == {"车贷", "房贷"}

    external = village.house.external
    assert external is not None
    await external.mark_tags("zhangsan", ANNA, added=[houses], removed=[cars])
    now = village.house.clock.now()
    await village.house.store.write(
        lambda tx: relations.set_tags(tx, ("zhangsan", ANNA), added=[houses], removed=[cars], at=now)
    )
    async with village.house.store.read() as tx:
        (relation,) = await relations.list_of_customer(tx, ANNA)
    assert relation.tags == (houses,)


async def test_lost_relations_are_found_by_a_walk(village: Village) -> None:
    acts.add_friend(village.world, "zhangsan", ANNA)
    await village.quiet()
    village.lose_events()
    await village.advance(hours=1)
    acts.member_deletes(village.world, "zhangsan", ANNA)
    acts.add_friend(village.world, "lisi", BEN)
    await village.box.postman.drained()

    await village.reconcile()

    async with village.house.store.read() as tx:
        (gone,) = await relations.list_of_customer(tx, ANNA)
        (come,) = await relations.list_of_customer(tx, BEN)
    assert gone.end_known is EndKnown.BETWEEN
    assert (come.staff_platform_id, come.to_at) == ("lisi", None)
    assert {one.platform_id: one.nickname for one in await village.rows(tables.customer)}[BEN] == "客户1"

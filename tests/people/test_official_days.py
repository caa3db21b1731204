"""The platform's own daily figures: read once a day, only what is new, whoever is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bot.official_days import OfficialDays, ready_since
from domain.official import OfficialKind
from sandbox import faults, sessions
from sandbox import relations as acts
from store import tables
from tests.people.village import CUSTOMERS, Village
from tests.scenarios.town import ACCOUNT, CUSTOMER, town

ANNA, BEN, *_ = CUSTOMERS
SERVICER = "zhangsan"


def reader(village: Village) -> OfficialDays:
    house = village.house
    return OfficialDays(
        house.store, house.clock, house.contact_statistics, house.kf_statistics, owner=house.owner
    )


def calls(village: Village) -> int:
    return int(village.box.protocol.counts["externalcontact/get_user_behavior_data", 0])


def test_a_days_figures_are_there_from_seven_in_china() -> None:
    before = datetime(2026, 11, 23, 22, 59, tzinfo=UTC)  # 06:59 on the 24th
    after = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)

    assert ready_since(before) == datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
    assert ready_since(after) == after


async def test_contact_figures_are_kept_by_member_and_day_and_read_once_5(village: Village) -> None:
    acts.add_friend(village.world, "zhangsan", ANNA)
    acts.add_friend(village.world, "zhangsan", BEN)
    await village.quiet()
    await village.advance(days=1)

    await reader(village).read_due()
    asked = calls(village)
    await reader(village).read_due()

    rows = await village.rows(tables.official_day)
    told = {row.day: row.body for row in rows if row.subject == "zhangsan"}
    assert {row.kind for row in rows} == {OfficialKind.CONTACTS}
    assert len(told) == 30
    assert told[max(told)]["new_contact_cnt"] == 2
    assert "avg_reply_time" not in told[max(told)]
    assert calls(village) == asked > 0


async def test_a_round_that_broke_off_goes_on_where_it_stopped_5(village: Village) -> None:
    await village.advance(days=1)
    village.box.faults.add(
        faults.Fault(
            fault_id="busy", kind=faults.FaultKind.RESET, match="externalcontact/get_user_behavior_data"
        )
    )
    await reader(village).read_due()
    (walk,) = await village.rows(tables.walk, tables.walk.c.name == "official_days")
    assert (walk.finished_at, walk.lease_owner) == (None, None)

    village.box.faults.remove("busy")
    await reader(village).read_due()

    (walk,) = await village.rows(tables.walk, tables.walk.c.name == "official_days")
    assert walk.finished_at is not None


async def test_figures_of_customer_service_are_kept_by_account_and_servicer_5(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, service={"duty": [SERVICER]}) as here:
        here.world.customer_says(CUSTOMER, "转人工", open_kfid=ACCOUNT)
        await here.heard()
        await here.quiet()
        sessions.says(here.world, SERVICER, CUSTOMER, "您好，请讲", ACCOUNT)
        await here.quiet()
        await here.advance(days=1)
        house = here.house

        await OfficialDays(
            house.store, house.clock, house.contact_statistics, house.kf_statistics, owner=house.owner
        ).read_due()

        rows = await here.rows(tables.official_day)
        last = max(row.day for row in rows)
        told = {(row.kind, row.subject): row.body for row in rows if row.day == last}
        assert told["kf_account", ACCOUNT]["session_cnt"] == 1
        assert told["kf_servicer", SERVICER]["reply_rate"] == 100

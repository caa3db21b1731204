"""A KF question that a person has to answer counts for the group its customer is in."""

from __future__ import annotations

from pathlib import Path

from store import tables
from tests.measures import place as places
from tests.scenarios.town import ACCOUNT, CUSTOMER, town


async def test_a_hand_over_in_kf_becomes_a_question_of_the_customers_group(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        place = await places.founded(here.house.store)
        await places.joined(place, CUSTOMER)

        here.world.customer_says(CUSTOMER, "转人工，我的保单怎么还没生效", open_kfid=ACCOUNT)
        await here.heard()
        await here.quiet()

        (row,) = await here.rows(tables.question)
        assert (row.source, row.asker, row.group_id) == ("kf", CUSTOMER, place.group_id)


async def test_a_hand_over_in_kf_waits_three_five_and_fifteen_minutes_for_those_on_duty_5(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.customer_says(CUSTOMER, "转人工，我的保单怎么还没生效", open_kfid=ACCOUNT)
        await here.heard()
        await here.quiet()

        (row,) = await here.rows(tables.question)
        assert (row.source, row.asker, row.group_id) == ("kf", CUSTOMER, None)

"""The same through the doors: people act in the sandbox, events are lost, and the house has the true quit rates."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain import cohorts
from sandbox import groups as acts
from scheduler.gate_watch import GateWatch
from store import cohort_reports, groups
from tests.measures import place as places
from tests.people import village as villages
from tests.people.village import CUSTOMERS, MORNING, Village


@pytest.fixture
async def village(tmp_path: Path, database_url: str) -> AsyncIterator[Village]:
    """A village with three members and six customers."""
    async with villages.village(tmp_path, database_url) as made:
        yield made


async def _until(village: Village, hours: float) -> None:
    target = MORNING + timedelta(hours=hours)
    await village.advance(seconds=(target - village.house.clock.now()).total_seconds())


async def test_quit_rates_are_the_true_ones_though_every_fifth_event_was_lost(village: Village) -> None:
    anna, ben, clara, dan, eve, fred = CUSTOMERS
    watch = GateWatch(village.house.store, village.house.clock)
    chat_id = acts.create(village.world, "zhangsan", "群", [anna, ben]).chat_id
    await village.quiet()
    async with village.house.store.read() as tx:
        known = await groups.find(tx, chat_id)
    assert known is not None
    await village.house.store.write(lambda tx: places.enrol(tx, known.id, "zhangsan", "finance_week1"))

    async def happen(hours: float, act: object, *, is_heard: bool = True) -> None:
        await _until(village, hours)
        if not is_heard:
            village.lose_events()
        act()  # type: ignore[operator]
        await village.box.postman.drained()
        village.hear_events()
        await village.quiet()

    async def look(hours: float) -> None:
        await _until(village, hours)
        await watch.watch_due()
        await village.quiet()

    await happen(1, lambda: acts.join(village.world, chat_id, [clara]))
    await happen(2, lambda: acts.join(village.world, chat_id, [dan]), is_heard=False)
    await happen(3, lambda: acts.join(village.world, chat_id, [eve, fred]))
    await happen(6, lambda: acts.quit_group(village.world, chat_id, [anna]))
    await happen(22, lambda: acts.quit_group(village.world, chat_id, [ben]), is_heard=False)
    for hours in (24.1, 25.1, 26.1, 27.1):
        await look(hours)
    await happen(40, lambda: acts.quit_group(village.world, chat_id, [dan]))
    await happen(45, lambda: acts.quit_group(village.world, chat_id, [eve]), is_heard=False)
    for hours in (49.1, 51.1, 73.1, 75.1):
        await look(hours)

    async with village.house.store.read() as tx:
        found = (await cohort_reports.list_quits(tx, [known.id], village.house.clock.now()))[known.id]
        stays = (await cohort_reports.list_stays(tx, [known.id]))[known.id]
    second = cohorts.quit_rate(stays, 48, village.house.clock.now())
    assert await village.present(chat_id) == {"zhangsan", clara, fred}
    assert (found.joined, found.left, found.present) == (6, 4, 2)
    assert found.rates[24].left == tuple(sorted([anna, ben]))
    assert second.left == tuple(sorted([anna, ben, dan, eve]))
    assert (found.rates[72].left, found.rates[72].members) == (second.left, 6)
    assert all(not rate.uncertain and not rate.unseen for rate in found.rates.values())

"""What a pilot lets SOPs do: only its groups, and nothing by itself where it only suggests. Issue 4."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from domain.enrolment import MassTaskState, OccurrenceState
from store import tables
from tests.weeks.valley import Valley, local, on_one_engine, valley


def limited(v: Valley, *chats: str) -> Any:
    """Return the settings of a pilot with these groups."""
    pilot = v.settings.pilot.model_copy(update={"groups": chats})
    return v.settings.model_copy(update={"pilot": pilot})


@on_one_engine
async def test_only_the_pilots_groups_are_walked_and_the_others_go_on_after_it_4(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url) as v:
        inside, one = await v.open_group("试点的群")
        _, other = await v.open_group("别的群")
        before = await v.steps(other.id)
        unlimited = v.settings

        await v.stop()
        v.settings = limited(v, inside)
        await v.start()
        await v.step_due(local("11-27 10:00"))

        assert [task.targets for task in await v.tasks()] == [(inside,)]
        assert (await v.steps(one.id))["opening"].state is OccurrenceState.WAITING_OWNER
        left_alone = await v.steps(other.id)
        assert left_alone == before

        await v.stop()
        v.settings = unlimited
        await v.start()
        await v.until(v.now + timedelta(hours=1, minutes=1))
        assert await v.steps(other.id) != before


@on_one_engine
async def test_pilot_that_only_suggests_sends_nothing_by_itself_4(tmp_path: Path, database_url: str) -> None:
    async with valley(tmp_path, database_url, pilot={"suggest_only": True}) as v:
        chat, one = await v.open_group("只给建议的群")
        await v.until(local("11-27 10:02"))
        async with v.house.store.read() as tx:
            wanted = sa.select(tables.delivery.c.act, tables.delivery.c.state, tables.delivery.c.outcome)
            kept = {tuple(row) for row in (await tx.execute(wanted)).all()}

        assert {act for act, *_ in kept} >= {"mass_send", "card"}
        assert {(state, outcome) for _, state, outcome in kept} == {("held", "suggest_only")}
        assert v.world.corp.mass_tasks == {}
        assert v.said(chat, "mass") == []

        # A step that nobody did ends like any other, and what was kept for it with it.
        kept_task = await v.task_of(one.id, "opening")
        await v.until(local("11-28 09:00"))
        assert (await v.steps(one.id))["opening"].state is not OccurrenceState.SENT
        ended = next(task for task in await v.tasks() if task.id == kept_task.id)
        assert ended.state is MassTaskState.CANCELLED

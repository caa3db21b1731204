"""Restarts, clock jumps and two workers: every step once, and nothing fired in a burst afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa

from domain.enrolment import EnrolmentState, OccurrenceState
from scheduler import walking
from store import tables
from store.database import Store
from tests.weeks.valley import CO_OWNER, local, valley

SELDOM = {"poll_seconds": 300}


async def test_restart_while_a_task_waits_makes_nothing_twice_and_a_week_away_fires_no_burst(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, sop=SELDOM) as v:
        chat, one = await v.open_group("重启的群")
        await v.step_due(local("11-27 10:00"))
        task = await v.task_of(one.id, "opening")

        await v.stop()
        v.confirm(task.msgid)
        await v.start()
        await v.until(local("11-27 10:08"))

        assert (await v.steps(one.id))["opening"].state is OccurrenceState.SENT
        assert (len(v.said(chat, "mass")), len(v.world.corp.mass_tasks)) == (1, 1)
        cues = [key for key in await v.steps(one.id) if key.startswith("cue_")]
        assert len(cues) == 5

        # Away for eight days: what was missed is judged by its window; the score comes, and it is weak.
        await v.stop()
        await v.at_rest(local("12-05 12:00"))
        await v.start()
        await v.until(local("12-05 12:05"))

        found = await v.steps(one.id)
        released = [key for key, each in found.items() if each.released_at == v.now]
        assert len(v.world.corp.mass_tasks) == 1
        assert released == []
        assert {found[key].state for key in ("notice", "publication", "review")} == {OccurrenceState.MISSED}
        assert v.said(chat, "sidebar") == []
        ended = await v.enrolment(one.id)
        assert ended.state is EnrolmentState.COMPLETED
        assert ended.score is not None
        assert ended.score < 60
        assert (await v.enrolment(ended.moved_to_id or 0)).template == "group_repair"
        assert CO_OWNER in v.world.members


async def test_double_worker_makes_each_step_once(tmp_path: Path, database_url: str) -> None:
    async with valley(tmp_path, database_url, owners=["zhaoliu", "qianqi"], sop=SELDOM) as v:
        made = [
            (await v.open_group(f"{owner}的{number}号群", owner=owner))[1]
            for owner in ("zhaoliu", "qianqi")
            for number in range(2)
        ]
        sops = v.house.settings
        store = await Store.open(database_url) if database_url.startswith("postgresql") else v.house.store
        second = walking.Walker(
            store,
            v.house.clock,
            v.house.library.shelf,
            v.house.library.knowledge,
            walking.WalkRules(batch=1, company={}, public_url=sops.server.public_url, internal_chat=""),
        )

        async def work() -> None:
            while True:
                await second.walk_due()
                await asyncio.sleep(0)

        worker = asyncio.create_task(work())
        await v.step_due(local("11-27 10:00"))
        for one in made:
            await v.confirm_step(one.id, "opening")
        await v.until(local("11-27 10:40"))
        worker.cancel()
        await asyncio.wait([worker])
        if store is not v.house.store:
            await store.close()

        assert len(v.world.corp.mass_tasks) == len(made)
        async with v.house.store.read() as tx:
            twice = sa.select(tables.notice.c.key).group_by(tables.notice.c.key).having(sa.func.count() > 1)
            assert (await tx.execute(twice)).all() == []
            keys = sa.select(tables.occurrence.c.enrolment_id, tables.occurrence.c.step)
            found = (await tx.execute(keys.where(tables.occurrence.c.step.like("cue_%")))).all()
        assert len(found) == len(set(found)) == 5 * len(made)

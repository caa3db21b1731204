"""Lines that are stopped, and groups that people pause, move, end or dismiss, with the whole house."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from domain.enrolment import EnrolmentState, MassTaskState, OccurrenceState
from domain.errors import ActRefused
from domain.faq import Line
from sandbox import groups, mass_sending
from scheduler import acts
from store import lines
from tests.weeks.valley import OWNER, SUPERVISOR, Valley, local, on_one_engine, valley

FAST, PAUSED, MOVED = "zhaoliu", "qianqi", "sunba"
SELDOM = {"poll_seconds": 300}


async def stop(v: Valley, line: Line) -> None:
    await v.act(lambda tx: lines.stop(tx, line, by="wangwu", reason="舆情", now=v.now))


async def resume(v: Valley, line: Line) -> None:
    await v.act(lambda tx: lines.resume(tx, line, by="wangwu", now=v.now))


async def test_negative_event_stops_the_line_cancels_what_waits_and_resume_judges_by_the_window(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, owners=[FAST], sop=SELDOM) as v:
        chat, one = await v.open_group("停用的群")
        _, sent = await v.open_group("已经确认的群", owner=FAST)
        await v.step_due(local("11-27 10:00"))
        first = await v.task_of(one.id, "opening")
        near = await v.task_of(sent.id, "opening")
        v.confirm(near.msgid, FAST)

        await stop(v, Line.INSURANCE)
        await v.until(local("11-27 10:04"))

        assert mass_sending.get(v.world, first.msgid).cancelled_at is not None
        assert [(await v.enrolment(each.id)).state for each in (one, sent)] == [EnrolmentState.PAUSED] * 2
        assert (await v.steps(one.id))["opening"].state is OccurrenceState.PLANNED
        # What its owner had confirmed before the stop is in the group, and is known to be.
        assert (await v.steps(sent.id))["opening"].state is OccurrenceState.SENT

        await v.at(local("11-27 10:40"))
        await resume(v, Line.INSURANCE)
        await v.house.library.take_up_stops()
        await v.until(local("11-27 10:42"))
        anew = await v.task_of(one.id, "opening")
        assert (anew.id != first.id, anew.state) == (True, MassTaskState.WAITING)
        await v.confirm_step(one.id, "opening")
        assert len(v.said(chat, "mass")) == 1

        # Stopped over the notice's whole window: it is not fired afterwards, it moves to its next slot.
        await v.at(local("11-28 20:00"))
        await stop(v, Line.LOAN)
        await v.at(local("11-29 18:00"))
        before = len(v.world.corp.mass_tasks)
        await resume(v, Line.LOAN)
        await v.until(local("11-29 20:00"))
        assert len(v.world.corp.mass_tasks) == before
        assert (await v.steps(one.id))["notice"].due_at == local("11-30 10:00")


async def test_people_pause_resume_move_and_end_a_group(tmp_path: Path, database_url: str) -> None:
    async with valley(tmp_path, database_url, owners=[PAUSED, MOVED], sop=SELDOM) as v:
        ended_chat, ended = await v.open_group("提前结束的群")
        _, paused = await v.open_group("暂停的群", owner=PAUSED)
        _, moved = await v.open_group("改期的群", owner=MOVED)
        await v.act(lambda tx: acts.move(tx, moved.id, opens_on=date(2026, 12, 1), by=SUPERVISOR, now=v.now))
        await v.step_due(local("11-27 10:00"))
        tasks = {one.id: await v.task_of(one.id, "opening") for one in (ended, paused)}

        await v.act(lambda tx: acts.pause(tx, paused.id, by=SUPERVISOR, note="等法务", now=v.now))
        await v.act(lambda tx: acts.end_early(tx, ended.id, by=SUPERVISOR, note="不开了", now=v.now))
        await v.until(local("11-27 10:05"))

        assert all(mass_sending.get(v.world, one.msgid).cancelled_at is not None for one in tasks.values())
        assert (await v.enrolment(ended.id)).state is EnrolmentState.CANCELLED
        with pytest.raises(ActRefused):
            await v.act(lambda tx: acts.resume(tx, ended.id, by=SUPERVISOR, note="", now=v.now))
        await v.act(lambda tx: acts.resume(tx, paused.id, by=SUPERVISOR, note="好了", now=v.now))
        await v.until(v.now + timedelta(seconds=10))
        assert (await v.task_of(paused.id, "opening")).msgid not in ("", tasks[paused.id].msgid)
        plan = await v.steps(moved.id)
        assert (plan["opening"].due_at, plan["notice"].due_at) == (local("12-01 10:00"), local("12-03 10:00"))
        assert v.said(ended_chat, "mass") == []


@on_one_engine
async def test_dismissed_group_ends_and_its_mass_send_is_stopped(tmp_path: Path, database_url: str) -> None:
    async with valley(tmp_path, database_url, sop=SELDOM) as v:
        chat, one = await v.open_group("解散的群")
        await v.step_due(local("11-27 10:00"))
        task = await v.task_of(one.id, "opening")

        groups.dismiss(v.world, chat)
        await v.until(local("11-27 10:05"))

        ended = await v.enrolment(one.id)
        assert (ended.state, ended.reason) == (EnrolmentState.ENDED_EARLY, "dismissed")
        assert mass_sending.get(v.world, task.msgid).cancelled_at is not None
        assert OWNER in v.world.members

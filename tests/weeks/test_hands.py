"""Sending by hand without a report, moving and putting off, with the whole house (issue 4)."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from domain.enrolment import DONE_STATES, EvidenceKind, OccurrenceState
from domain.errors import ActRefused
from sandbox import mass_sending
from scheduler import acts
from scheduler.bundles import Reason
from tests.weeks.valley import CO_OWNER, OWNER, SUPERVISOR, local, on_one_engine, valley

# Only once a day, so that a test looks at what it asks for.
SELDOM = {"poll_seconds": 60}


@on_one_engine
async def test_words_perhaps_sent_by_hand_wait_for_a_word_issue_4(tmp_path: Path, database_url: str) -> None:
    async with valley(tmp_path, database_url, sop=SELDOM) as v:
        chat, one = await v.open_group("报告丢了的群")
        await v.step_due(local("11-27 10:00"))
        await v.until(local("11-27 10:35"))
        handed = (await v.steps(one.id))["opening"]
        await v.by_hand(handed, chat, CO_OWNER, reports=False)
        with pytest.raises(ActRefused):
            await v.act(
                lambda tx: acts.move(tx, one.id, opens_on=date(2026, 12, 1), by=SUPERVISOR, now=v.now)
            )
        begun_at = v.now

        await v.until(local("11-27 11:30"))
        doubted = (await v.steps(one.id))["opening"]
        await v.act(lambda tx: acts.done(tx, doubted.id, by=CO_OWNER, now=v.now))

        said = (await v.steps(one.id))["opening"]
        assert (doubted.state, doubted.reason) == (OccurrenceState.ESCALATED, Reason.UNKNOWN)
        assert said.state in DONE_STATES
        assert said.sent_at == begun_at
        assert said.evidence is not None
        assert said.evidence.kind is EvidenceKind.TOLD
        assert (await v.enrolment(one.id)).opened_at == begun_at
        assert len([task for task in await v.tasks() if task.chat_type == "group"]) == 1


@on_one_engine
async def test_words_are_given_to_nobody_at_night_or_after_their_time_issue_4(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, sop=SELDOM) as v:
        _, one = await v.open_group("夜里的群")
        await v.step_due(local("11-27 10:00"))
        await v.until(local("11-27 10:35"))
        handed = (await v.steps(one.id))["opening"]

        def begin(moment: str) -> object:
            return v.act(
                lambda tx: acts.begin_by_hand(tx, handed.id, by=CO_OWNER, now=local(f"11-27 {moment}"))
            )

        for moment, why in (("11:05", "时间已经过了"), ("08:55", "安静时段")):
            with pytest.raises(ActRefused, match=why):
                await begin(moment)  # type: ignore[misc]
        assert (await v.steps(one.id))["opening"].state is OccurrenceState.ESCALATED


@on_one_engine
async def test_opening_moved_while_it_is_out_is_stopped_and_finds_a_free_day_issue_4(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, sop=SELDOM) as v:
        chat, one = await v.open_group("改期的群")
        for name in ("满员一群", "满员二群"):
            await v.enrol(await v.group(name), opens_on=date(2026, 12, 1))
        await v.step_due(local("11-27 10:00"))
        task = await v.task_of(one.id, "opening")

        day = await v.act(
            lambda tx: acts.move(tx, one.id, opens_on=date(2026, 12, 1), by=SUPERVISOR, now=v.now)
        )
        await v.until(local("11-27 10:10"))

        assert day == date(2026, 12, 2)
        assert mass_sending.get(v.world, task.msgid).cancelled_at is not None
        plan = await v.steps(one.id)
        assert (plan["opening"].state, plan["opening"].due_at) == (
            OccurrenceState.PLANNED,
            local("12-02 10:00"),
        )
        assert plan["notice"].due_at == local("12-04 10:00")
        assert v.said(chat, "mass") == []


@on_one_engine
async def test_step_put_off_keeps_its_task_and_climbs_later_issue_4(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, sop=SELDOM) as v:
        _, one = await v.open_group("稍后的群")
        await v.step_due(local("11-27 10:00"))
        opening = (await v.steps(one.id))["opening"]

        await v.act(
            lambda tx: acts.postpone(
                tx, opening.id, by=OWNER, until=local("11-27 10:25"), reason="在开会", now=v.now
            )
        )
        await v.until(local("11-27 10:24"))
        before = (await v.steps(one.id))["opening"]
        task = await v.task_of(one.id, "opening")
        await v.until(local("11-27 10:24") + timedelta(minutes=2))

        assert (before.rung, before.later_at) == (0, local("11-27 10:25"))
        assert (task.state, task.reminds) == ("waiting", ())
        assert (await v.steps(one.id))["opening"].rung > 0

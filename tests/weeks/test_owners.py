"""Owners who do not confirm, confirm late, leave or hand over, and tasks that are lost: rows of docs/sop.md."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from domain.enrolment import EvidenceKind, MassTaskState, OccurrenceState
from domain.sop import DeliveryCode
from sandbox import address_book, groups, mass_sending
from sandbox.faults import Fault, FaultKind, When
from tests.weeks.valley import CO_OWNER, OWNER, SUPERVISOR, Valley, local, on_one_engine, valley

PROMPT, LEAVING, HANDING, STOPPED = "zhaoliu", "qianqi", "sunba", "zhoujiu"
MINUTE = timedelta(minutes=1)
# Asked about so seldom that a day has few events; what is wanted of the platform is done at once all the same.
SELDOM = {"poll_seconds": 300}
MAKES = "externalcontact/add_msg_template"


def reminders(v: Valley, msgid: str) -> int:
    """Return how often the platform reminded of a task."""
    return len(mass_sending.get(v.world, msgid).reminded)


@on_one_engine
async def test_owner_has_not_confirmed_a_time_critical_step_the_co_owner_sends_after_30_minutes(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, sop=SELDOM, owners=[PROMPT]) as v:
        chat, slow = await v.open_group("慢一点的群")
        other, just_in_time = await v.open_group("正好的群", owner=PROMPT)
        await v.step_due(local("11-27 10:00"))
        waiting = await v.task_of(slow.id, "opening")
        near = await v.task_of(just_in_time.id, "opening")

        await v.until(local("11-27 10:29"))
        assert [reminders(v, one.msgid) for one in (waiting, near)] == [1, 1]
        await v.at(local("11-27 10:30") - timedelta(seconds=1))
        v.confirm(near.msgid, PROMPT)
        await v.until(local("11-27 10:32"))

        # The owner who made it in time is not doubled; of the other the task is stopped and the co-owner has it.
        assert (await v.steps(just_in_time.id))["opening"].state is OccurrenceState.SENT
        assert len(v.said(other, "mass")) == 1
        assert mass_sending.get(v.world, waiting.msgid).cancelled_at is not None
        given = (await v.steps(slow.id))["opening"]
        assert (given.delivery, given.executor) == (DeliveryCode.SIDEBAR, CO_OWNER)
        told = {who: await v.told(who) for who in (OWNER, CO_OWNER, SUPERVISOR)}
        kinds = [one.split()[0] for one in told[OWNER]]
        assert [one for one in kinds if one in ("step", "reminder")] == ["step", "reminder"]
        assert any(one.startswith("hand_over") for one in told[CO_OWNER])
        assert any(one.startswith("tell") for one in told[SUPERVISOR])

        await v.by_hand(given, chat, CO_OWNER)

        sent = (await v.steps(slow.id))["opening"]
        assert (sent.state, sent.evidence and sent.evidence.kind) == (
            OccurrenceState.SENT,
            EvidenceKind.SIDEBAR,
        )
        assert v.said(chat, "sidebar") == [sent.text]
        opened = (await v.enrolment(slow.id)).opened_at
        cues = [one for key, one in (await v.steps(slow.id)).items() if key.startswith("cue_")]
        assert opened is not None
        assert len(cues) == 5
        assert min(one.due_at for one in cues) == opened + 5 * MINUTE


@on_one_engine
async def test_owner_has_not_confirmed_is_reminded_thrice_then_stopped_and_the_co_owner_sends(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, sop=SELDOM) as v:
        chat, one = await v.open_group("一直不确认的群", rhythm="full")
        await v.step_due(local("11-27 10:00"))
        await v.confirm_step(one.id, "opening")
        await v.step_due(local("11-28 10:00"))
        task = await v.task_of(one.id, "misread")

        counted = {}
        for clock in ("10:40", "11:02", "12:02", "13:59", "14:02", "15:58"):
            await v.until(local(f"11-28 {clock}"))
            counted[clock] = reminders(v, task.msgid)
        assert list(counted.values()) == [0, 1, 2, 2, 3, 3]
        assert "tell 需要您留意：「一直不确认的群」" in await v.told(CO_OWNER)
        assert "tell 需要您留意：「一直不确认的群」" in await v.told(SUPERVISOR)

        await v.until(local("11-28 16:03"))
        assert mass_sending.get(v.world, task.msgid).cancelled_at is not None
        given = (await v.steps(one.id))["misread"]
        assert (given.delivery, given.executor, given.state) == (
            DeliveryCode.SIDEBAR,
            CO_OWNER,
            OccurrenceState.WAITING_OWNER,
        )
        await v.by_hand(given, chat, CO_OWNER)
        assert v.said(chat, "sidebar")[-1] == given.text


@on_one_engine
async def test_owner_confirmed_late_is_written_so_and_what_could_not_be_confirmed_moves_a_day(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, sop=SELDOM, owners=[PROMPT]) as v:
        late_chat, late = await v.open_group("晚确认的群")
        _, moved = await v.open_group("改天的群", owner=PROMPT)
        await v.step_due(local("11-27 10:00"))
        for one in (late, moved):
            await v.confirm_step(one.id, "opening")
        await v.step_due(local("11-29 10:00"))
        first = await v.task_of(late.id, "notice")
        await v.at(local("11-29 15:59"))
        v.box.faults.add(
            Fault(kind=FaultKind.ERRCODE, code=60020, match="externalcontact/cancel_groupmsg_send")
        )

        # The stop at 16:00 does not get through, and the owner confirms.
        await v.until(local("11-29 16:00") + timedelta(seconds=20))
        v.confirm(first.msgid, OWNER)
        v.box.faults.clear()
        await v.until(local("11-29 16:01"))

        found = await v.steps(late.id)
        assert found["notice"].state is OccurrenceState.SENT_LATE
        assert found["publication"].due_at == local("12-01 19:30")
        assert len(v.said(late_chat, "mass")) == 2
        again = (await v.steps(moved.id))["notice"]
        assert (again.state, again.due_at) == (OccurrenceState.PLANNED, local("11-30 10:00"))


async def test_owner_left_or_group_transferred_while_open_the_step_follows(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, sop=SELDOM, owners=[LEAVING, HANDING, STOPPED]) as v:
        left_chat, left = await v.open_group("群主离职的群", owner=LEAVING)
        handed_chat, handed = await v.open_group("转让的群", owner=HANDING)
        _, stopped = await v.open_group("任务被停的群", owner=STOPPED)
        await v.step_due(local("11-27 10:00"))
        tasks = {one.id: await v.task_of(one.id, "opening") for one in (left, handed, stopped)}

        address_book.remove_member(v.world, LEAVING)
        groups.change_owner(v.world, handed_chat, CO_OWNER)
        mass_sending.cancel(v.world, mass_sending.get(v.world, tasks[stopped.id].msgid))
        await v.until(local("11-27 10:21"))

        # Owner left: by the co-owner's hand.
        given = (await v.steps(left.id))["opening"]
        assert (given.delivery, given.executor) == (DeliveryCode.SIDEBAR, CO_OWNER)
        await v.by_hand(given, left_chat, CO_OWNER)
        assert (await v.steps(left.id))["opening"].state is OccurrenceState.SENT
        # Group transferred: stopped, and made anew for the new owner.
        anew = await v.task_of(handed.id, "opening")
        assert (anew.sender, anew.state) == (CO_OWNER, MassTaskState.WAITING)
        assert mass_sending.get(v.world, tasks[handed.id].msgid).cancelled_at is not None
        assert (await v.enrolment(handed.id)).owner_platform_id == CO_OWNER
        # Stopped by somebody else: made anew once.
        again = await v.task_of(stopped.id, "opening")
        assert again.msgid != tasks[stopped.id].msgid
        assert again.state is MassTaskState.WAITING
        assert "task_cancelled opening" in await v.history(stopped.id)


async def test_unknown_after_a_lost_answer_is_found_again_or_stays_unknown_and_is_never_sent_twice(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, sop=SELDOM) as v:
        chat, one = await v.open_group("回音丢了的群")
        v.box.faults.add(Fault(kind=FaultKind.RESET, match=MAKES, count=1, when=When.AFTER))
        await v.step_due(local("11-27 10:00"))
        await v.until(local("11-27 10:05"))
        found = await v.task_of(one.id, "opening")

        # It was made, and the list of the platform tells so.
        assert (found.state, bool(found.msgid)) == (MassTaskState.WAITING, True)
        await v.confirm_step(one.id, "opening")
        assert (await v.steps(one.id))["opening"].state is OccurrenceState.SENT

        v.box.faults.add(Fault(kind=FaultKind.RESET, match=MAKES, count=1, when=When.BEFORE))
        await v.step_due(local("11-29 10:00"))
        await v.until(local("11-29 16:02"))

        # It was not made, and nobody can know that: the supervisor is told, and it is not made again.
        assert (await v.steps(one.id))["notice"].state is OccurrenceState.MISSED
        assert "unknown notice" in await v.history(one.id)
        assert any(line.startswith("tell") for line in await v.told(SUPERVISOR))
        mine = [task for task in v.world.corp.mass_tasks.values() if chat in str(task.parts)]
        assert len(mine) == 1

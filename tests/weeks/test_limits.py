"""A group that had its share of mass sends, counted by the platform: a row of docs/sop.md in all three modes."""

from __future__ import annotations

from pathlib import Path

from domain.enrolment import EvidenceKind, OccurrenceState, TargetResult
from domain.sop import DeliveryCode
from sandbox import mass_sending
from sandbox.settings import MassLimit
from tests.weeks.valley import OWNER, local, valley

MODES = {"monthly": (MassLimit.MONTH, 30), "weekly": (MassLimit.WEEK, 7), "daily": (MassLimit.DAY, 1)}


async def test_limit_reached_by_sends_of_the_owner_the_step_goes_by_hand_in_every_mode(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, owners=list(MODES), sop={"poll_seconds": 300}) as v:
        made = {owner: await v.open_group(f"{owner}的群", owner=owner) for owner in MODES}
        await v.step_due(local("11-27 10:00"))

        for owner, (mode, most) in MODES.items():
            chat, one = made[owner]
            object.__setattr__(v.world.settings, "mass_limit", mode)
            for number in range(most):
                mass_sending.member_sends(v.world, owner, "group", [chat], f"自己发的第{number}条")
            v.confirm((await v.task_of(one.id, "opening")).msgid, owner)
        await v.until(local("11-27 10:06"))

        for owner, (chat, one) in made.items():
            found = (await v.steps(one.id))["opening"]
            assert (found.delivery, found.executor, found.reason) == (DeliveryCode.SIDEBAR, owner, "limit")
            await v.by_hand(found, chat, owner)
            sent = (await v.steps(one.id))["opening"]
            assert sent.state is OccurrenceState.SENT
            assert sent.evidence is not None
            assert sent.evidence.kind is EvidenceKind.SIDEBAR
        results = [set(task.results.values()) for task in await v.tasks()]
        assert results == [{TargetResult.LIMITED}] * 3
        assert OWNER not in made

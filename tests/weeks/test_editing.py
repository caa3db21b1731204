"""Files that change and words that nobody approved, while groups are on their way."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

from domain.enrolment import OccurrenceState
from domain.login import Role
from store import contents, logins, staff
from tests.weeks.valley import OPENS_ON, Valley, local, on_one_engine, valley

SHIPPED = Path(__file__).resolve().parents[2] / "content"
SELDOM = {"poll_seconds": 300}
COMPLIANCE = "zhaoliu"


def copied(folder: Path) -> Path:
    """Copy the shipped words to a folder that a test may write to."""
    target = folder / "content"
    shutil.copytree(SHIPPED, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return target


async def taken_up(v: Valley) -> None:
    """Look until a change of files was taken up."""
    for _ in range(3):
        await v.house.library.look()


@on_one_engine
async def test_rule_edited_while_running_leaves_the_group_on_its_version(
    tmp_path: Path, database_url: str
) -> None:
    folder = copied(tmp_path)
    steps = folder / "sop" / "finance_week1" / "steps.toml"
    async with valley(
        tmp_path, database_url, owners=["qianqi"], content={"folder": str(folder)}, sop=SELDOM
    ) as v:
        chat, one = await v.open_group("先开的群")
        text = steps.read_text("utf-8")
        steps.write_text(text.replace('schedule = "day(2, 10:00)"', 'schedule = "day(2, 11:00)"'), "utf-8")
        await taken_up(v)
        newer = await v.enrol(await v.group("后开的群", owner="qianqi"), opens_on=OPENS_ON)

        plans = [(await v.steps(each.id))["notice"].due_at for each in (one, newer)]
        assert plans == [local("11-29 10:00"), local("11-29 11:00")]
        assert one.sop_version_id != newer.sop_version_id

        # A broken file changes nothing, nor does one that is gone.
        steps.write_text("[[step]]\nid = 'was soll das'\n", "utf-8")
        await taken_up(v)
        await v.step_due(local("11-27 10:00"))
        await v.confirm_step(one.id, "opening")
        shutil.rmtree(folder / "sop" / "finance_week1")
        await taken_up(v)
        await v.step_due(local("11-29 10:00"))
        await v.confirm_step(one.id, "notice")
        assert (await v.steps(one.id))["notice"].state is OccurrenceState.SENT
        assert len(v.said(chat, "mass")) == 2


@on_one_engine
async def test_words_that_nobody_approved_block_their_step_until_compliance_approves(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(
        tmp_path, database_url, owners=[COMPLIANCE], content={"serve_samples": False}, sop=SELDOM
    ) as v:

        async def officer(tx: Any) -> None:
            found = await staff.find(tx, COMPLIANCE)
            assert found is not None
            await logins.add_login(
                tx,
                name="compliance",
                display_name="合规",
                password_hash="",
                roles=[Role.COMPLIANCE],
                by="test",
                now=v.now,
                staff_id=found.id,
            )

        await v.act(officer)
        _, one = await v.open_group("还没审完的群")
        await v.step_due(local("11-26 17:00"))
        await v.step_due(local("11-27 10:00"))

        blocked = [key for key, each in (await v.steps(one.id)).items() if each.reason == "unapproved"]
        assert {"approval", "binding"} <= set(blocked)
        assert any(line.startswith("alarm") for line in await v.told(COMPLIANCE))
        assert (await v.enrolment(one.id)).opens_on > OPENS_ON
        assert v.world.corp.mass_tasks == {}

        async def approve(tx: Any) -> None:
            versions = await contents.list_versions(tx, ["sop"])
            await contents.approve(tx, [each.id for each in versions], by="赵六", now=v.now)

        await v.act(approve)
        await v.house.library.refresh()
        await v.step_due(local("11-28 10:00"))
        await v.confirm_step(one.id, "opening")
        assert (await v.steps(one.id))["opening"].state is OccurrenceState.SENT
        assert (await v.enrolment(one.id)).opens_on == date(2026, 11, 28)

"""What happens before and at an opening: readiness, binding, room among the owner's openings, enough members."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from domain.enrolment import OPEN_STATES, EnrolmentState, OccurrenceState
from sandbox import groups
from scheduler import acts
from tests.weeks.valley import OPENS_ON, SUPERVISOR, Valley, local, on_one_engine, valley

UNREADY, UNBOUND, SMALL, TINY, BUSY = "zhaoliu", "qianqi", "sunba", "zhoujiu", "wushi"


async def tick(v: Valley, enrolment_id: int, points: int) -> None:
    for point in range(points):
        await v.act(
            lambda tx, point=point: acts.tick(  # type: ignore[misc]  # bound now
                tx, enrolment_id, point=point, is_on=True, by=SUPERVISOR, now=v.now
            )
        )


@on_one_engine
async def test_readiness_below_60_points_or_a_missing_binding_opens_nothing(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, owners=[UNREADY, UNBOUND], sop={"poll_seconds": 300}) as v:
        unready = await v.enrol(await v.group("没准备好的群", owner=UNREADY), opens_on=OPENS_ON)
        unbound = await v.enrol(await v.group("没绑欢迎语的群", owner=UNBOUND), opens_on=OPENS_ON)
        await tick(v, unready.id, 3)
        await tick(v, unbound.id, 9)
        await v.act(lambda tx: acts.bind_welcome(tx, unready.id, by=UNREADY, now=v.now))
        await v.until(local("11-27 10:01"))

        cancelled = await v.enrolment(unready.id)
        assert (cancelled.state, cancelled.reason) == (EnrolmentState.CANCELLED, "readiness")
        assert any(line.startswith("alarm") and "没准备好的群" in line for line in await v.told(SUPERVISOR))
        moved = await v.enrolment(unbound.id)
        assert (moved.state, moved.opens_on) == (EnrolmentState.RUNNING, date(2026, 11, 28))
        assert any(line.startswith("alarm") and "没绑欢迎语的群" in line for line in await v.told(SUPERVISOR))
        assert v.world.corp.mass_tasks == {}

        await v.act(lambda tx: acts.bind_welcome(tx, unbound.id, by=UNBOUND, now=v.now))
        await v.step_due(local("11-28 10:00"))
        await v.confirm_step(unbound.id, "opening")
        assert (await v.steps(unbound.id))["opening"].state is OccurrenceState.SENT


@on_one_engine
async def test_too_few_members_wait_until_15_and_a_third_opening_of_an_owner_is_staggered(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, owners=[SMALL, TINY, BUSY], sop={"poll_seconds": 300}) as v:
        small_chat, small = await v.open_group("人少的群", owner=SMALL, customers=8)
        tiny_chat, tiny = await v.open_group("人很少的群", owner=TINY, customers=4)
        days = [(await v.open_group(f"第{n}个群", owner=BUSY))[1].opens_on for n in range(5)]
        await v.step_due(local("11-27 10:00"))

        assert days == [OPENS_ON, OPENS_ON, date(2026, 11, 28), date(2026, 11, 28), date(2026, 11, 29)]
        states = [(await v.steps(one.id))["opening"].state for one in (small, tiny)]
        assert states == [OccurrenceState.DUE] * 2

        await v.at(local("11-27 11:05"))
        new = [v.world.add_customer(f"新客{number}", simulated=True).external_userid for number in range(3)]
        groups.join(v.world, small_chat, new)
        await v.until(local("11-27 11:31"))
        assert (await v.steps(small.id))["opening"].state in OPEN_STATES
        await v.until(local("11-27 15:01"))
        assert (await v.enrolment(tiny.id)).opens_on == date(2026, 11, 28)
        assert v.said(tiny_chat, "mass") == []

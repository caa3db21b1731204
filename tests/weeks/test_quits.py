"""Members who leave: the paragraph "Quits" of docs/sop.md and its rows, with events of the pretend platform."""

from __future__ import annotations

from pathlib import Path

from domain.enrolment import EnrolmentState, OccurrenceState
from sandbox import groups
from scheduler import acts
from tests.weeks.valley import SUPERVISOR, Valley, local, valley

FILTERED, BURST, FAILING = "zhaoliu", "qianqi", "sunba"


def customers(v: Valley, chat: str) -> list[str]:
    return [one for one in groups.get(v.world, chat).members if one not in v.world.members]


async def leave(v: Valley, chat: str, count: int) -> None:
    """Let so many customers leave, one after the other."""
    for one in customers(v, chat)[:count]:
        groups.quit_group(v.world, chat, [one])
    await v.quiet()


async def test_member_quits_inside_24h_never_pause_a_burst_alerts_and_only_24_72h_rates_hold_mass_sends(
    tmp_path: Path, database_url: str
) -> None:
    owners = [FILTERED, BURST, FAILING]
    async with valley(tmp_path, database_url, owners=owners, sop={"poll_seconds": 300}) as v:
        chats, ids = {}, {}
        for owner in owners:
            chats[owner], one = await v.open_group(f"{owner}的群", owner=owner, customers=30)
            ids[owner] = one.id

        # Inside 24 hours: a third of the group, slowly; nothing is paused and nobody is told off.
        for clock in ("12:00", "13:00", "14:00", "15:00", "16:00"):
            await v.at(local(f"11-26 {clock}"))
            await leave(v, chats[FILTERED], 2)
        await v.step_due(local("11-27 10:00"))
        for owner in owners:
            await v.confirm_step(ids[owner], "opening")

        # Three within ten minutes: told, and no pause.
        await v.at(local("11-27 12:00"))
        await leave(v, chats[BURST], 3)
        assert any(line.startswith("alarm") and BURST in line for line in await v.told(SUPERVISOR))

        # 24 to 72 hours: 5 of 30 members of that age.
        for clock in ("12:00", "13:00", "14:00", "15:00", "16:00"):
            await v.at(local(f"11-28 {clock}"))
            await leave(v, chats[FAILING], 1)
        await v.step_due(local("11-29 10:00"))

        states = {owner: (await v.steps(ids[owner]))["notice"].state for owner in owners}
        assert states[FILTERED] is states[BURST] is OccurrenceState.WAITING_OWNER
        assert states[FAILING] is OccurrenceState.DUE
        held = await v.enrolment(ids[FAILING])
        assert held.state is EnrolmentState.RUNNING
        assert held.paused_until is not None
        assert local("11-29 12:00") <= held.paused_until <= local("11-29 16:10")
        told = await v.told(SUPERVISOR)
        assert any(line.startswith("alarm") and FAILING in line for line in told)
        assert not any(line.startswith("alarm") and FILTERED in line for line in told)

        # The supervisor may let it go on at once.
        await v.act(lambda tx: acts.resume(tx, ids[FAILING], by=SUPERVISOR, note="看过了", now=v.now))
        await v.until(local("11-29 10:02"))
        assert (await v.steps(ids[FAILING]))["notice"].state is OccurrenceState.WAITING_OWNER

"""Days off, two sends on a day and quiet hours: rows of docs/sop.md."""

from __future__ import annotations

from pathlib import Path

from domain.enrolment import OccurrenceState
from domain.faq import Line
from domain.sop import DeliveryCode
from store import lines
from tests.weeks.test_editing import copied
from tests.weeks.valley import CO_OWNER, OPENS_ON, local, on_one_engine, valley

# The day after the opening is a holiday of the company's own list.
CALENDAR = """
[[year]]
year = 2026
holidays = [2026-11-28]
names = ["节日"]
make_up = []
source = "示例"
"""
STEP = """
[[step]]
id = "{key}"
stage = "understanding"
title = "{key}"
anchor = "group_opened"
schedule = "{schedule}"
window = "{window}"
days = "not_holiday"
calendar_policy = "{policy}"
min_gap = "0"
executor = "owner"
delivery = ["{code}"]
content = ["light"]
success = ["muted == 0"]
ladder = "{ladder}"
optional = true
"""
POLICIES = {"send": "11-28 14:00", "shift_next": "11-29 14:00", "shift_prev": "11-27 14:00", "skip": ""}


@on_one_engine
async def test_holiday_each_policy_and_two_sends_on_one_day_after_shifting(
    tmp_path: Path, database_url: str
) -> None:
    folder = copied(tmp_path)
    (folder / "sop" / "calendar.toml").write_text(CALENDAR, "utf-8")
    steps = folder / "sop" / "finance_week1" / "steps.toml"
    by_hand = {"schedule": "day(1, 14:00)", "window": "3h", "code": "S", "ladder": "by_hand"}
    made = [STEP.format(key=f"on_{name}", policy=name, **by_hand) for name in POLICIES]
    # The mass send of the holiday shifts to the notice's day.
    shifts = 'schedule = "day(1, 10:00)"\ndays = "not_holiday"\ncalendar_policy = "shift_next"\nwindow = "6h"'
    text = steps.read_text("utf-8").replace('schedule = "day(1, 10:00)"\nwindow = "6h"', shifts)
    steps.write_text(text + "".join(made), "utf-8")
    async with valley(tmp_path, database_url, content={"folder": str(folder)}) as v:
        assert not v.house.library.mistakes, "\n".join(v.house.library.mistakes)
        one = await v.enrol(await v.group("放假的群"), rhythm="full", opens_on=OPENS_ON)
        found = await v.steps(one.id)

    for name, moment in POLICIES.items():
        step = found[f"on_{name}"]
        if moment:
            assert step.due_at == local(moment)
        else:
            assert (step.state, step.reason) == (OccurrenceState.SKIPPED, "holiday")
    # Never two on a day: the later one moves on, and the publication stays a day behind the notice.
    assert found["misread"].due_at == local("11-29 10:00")
    assert found["notice"].due_at == local("11-30 10:00")
    assert "second_mass_send" in found["notice"].shifts
    sends = [each.due_at.date() for each in found.values() if each.delivery is DeliveryCode.MASS_SEND]
    assert len(sends) == len(set(sends))
    assert found["publication"].due_at >= local("12-01 10:00")


@on_one_engine
async def test_quiet_hours_what_is_due_at_night_waits_until_the_morning(
    tmp_path: Path, database_url: str
) -> None:
    async with valley(tmp_path, database_url, sop={"poll_seconds": 300}) as v:
        _, one = await v.open_group("夜里恢复的群", rhythm="full")
        await v.step_due(local("11-27 10:00"))
        await v.confirm_step(one.id, "opening")
        await v.at(local("11-28 09:30"))
        await v.act(lambda tx: lines.stop(tx, Line.LOAN, by="wangwu", reason="", now=v.now))
        await v.at(local("11-28 22:00"))
        await v.act(lambda tx: lines.resume(tx, Line.LOAN, by="wangwu", now=v.now))

        await v.until(local("11-29 08:59"))
        assert (await v.steps(one.id))["misread"].state is OccurrenceState.PLANNED
        await v.until(local("11-29 09:01"))

        found = (await v.steps(one.id))["misread"]
        assert (found.state, found.executor) == (OccurrenceState.WAITING_OWNER, CO_OWNER)

"""Checks of a template's order: references, cycles, distances, quiet hours, one mass-send a day.

Called by content/sop_files.py once per rhythm. Places are nominal: as if nothing were shifted by a holiday and every
step were done when due; what really happens is scheduler/timetable.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta

from content import tables
from domain.sop import (
    AnchorKind,
    Day,
    DeliveryCode,
    DeliveryPolicy,
    Every,
    Monthly,
    Offset,
    QuietPolicy,
    RungAct,
    SopClock,
    SopGuard,
    Stage,
    Step,
    StepPart,
    Weekly,
)

NOTICE_DISTANCE = timedelta(hours=24)  # From notice to publication (sop.md §2, step 3.1).
# Anchors whose day 0 is the group's own.
_GROUP_ANCHORS = (AnchorKind.GROUP_OPENED, AnchorKind.GROUP_CREATED, AnchorKind.STAGE_ENTERED)
_MAY_RUN = frozenset([DeliveryCode.SYSTEM, DeliveryCode.WELCOME, DeliveryCode.KF])
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A step with the table it was written in."""

    step: Step
    table: tables.Table


def check_order(
    placed: Sequence[Placed],
    stages: Mapping[str, Stage],
    policies: Mapping[str, DeliveryPolicy],
    guard: SopGuard,
) -> None:
    """Note every mistake of the order of one rhythm."""
    steps = {one.step.key: one for one in placed}
    for one in placed:
        _check_references(one, steps, stages, policies)
    if _check_cycles(steps):
        return  # Distances in a circle mean nothing.
    begins = {key: nominal_place(one.step, steps) for key, one in steps.items()}
    for one in placed:
        _check_window(one, guard)
        _check_policy(one, policies)
        _check_quiet(one, begins[one.step.key], guard)
        _check_stage(one, begins[one.step.key], stages)
        _check_distances(one, steps, begins)
        _check_part(one, steps)
        _check_welcome(one)
    _check_one_mass_send_a_day(placed, begins)


def nominal_place(step: Step, steps: Mapping[str, Placed]) -> timedelta | None:
    """Return where a step of the group's clock lies, from the midnight that begins D0; None when on no one day."""
    if isinstance(step.schedule, Day) and step.anchor.kind in _GROUP_ANCHORS:
        return timedelta(days=step.schedule.day) + _since_midnight(step.schedule.at)
    if step.anchor.kind is AnchorKind.PREVIOUS_STEP_DONE and step.anchor.step in steps:
        base = nominal_place(steps[step.anchor.step].step, steps)
        if base is None:
            return None
        if isinstance(step.schedule, Offset):
            return base + step.schedule.after
        if isinstance(step.schedule, Day):
            return timedelta(days=base.days + step.schedule.day) + _since_midnight(step.schedule.at)
    return None


def _check_references(
    one: Placed,
    steps: Mapping[str, Placed],
    stages: Mapping[str, Stage],
    policies: Mapping[str, DeliveryPolicy],
) -> None:
    step, table = one.step, one.table
    if step.stage and step.stage not in stages:
        hint = tables.nearest(step.stage, stages)
        table.wrong(f"has an unknown stage {step.stage!r}{hint}", "stage", f"的阶段 {step.stage} 不存在")
    for needed in step.depends_on:
        if needed.step not in steps:
            hint = tables.nearest(needed.step, steps)
            table.wrong(
                f"depends on an unknown step {needed.step!r}{hint}",
                "depends_on",
                f"依赖的步骤 {needed.step} 不存在",
            )
    if step.anchor.step and step.anchor.step not in steps:
        hint = tables.nearest(step.anchor.step, steps)
        table.wrong(
            f"has an unknown anchor_step {step.anchor.step!r}{hint}",
            "anchor_step",
            f"的 anchor_step {step.anchor.step} 不存在",
        )
    if step.policy and step.policy not in policies:
        hint = tables.nearest(step.policy, policies)
        table.wrong(f"has an unknown ladder {step.policy!r}{hint}", "ladder", f"的阶梯 {step.policy} 不存在")


def before(step: Step) -> list[str]:
    """Return the steps that must come before a step."""
    return [needed.step for needed in step.depends_on] + ([step.anchor.step] if step.anchor.step else [])


def _check_cycles(steps: Mapping[str, Placed]) -> bool:
    """Note the first circle of depends_on and anchor_step; say whether there is one."""
    done: set[str] = set()
    for start in steps:
        trail = _circle(start, steps, [], done)
        if trail:
            shown = " → ".join(trail)
            steps[trail[0]].table.wrong(
                f"waits for itself: {shown}; take one of them out",
                "depends_on",
                f"在等自己：{shown}，请去掉其中一个依赖",
            )
            return True
    return False


def _circle(key: str, steps: Mapping[str, Placed], trail: list[str], done: set[str]) -> list[str]:
    if key in trail:
        return [*trail[trail.index(key) :], key]
    if key in done or key not in steps:
        return []
    for earlier in before(steps[key].step):
        found = _circle(earlier, steps, [*trail, key], done)
        if found:
            return found
    done.add(key)
    return []


def _check_window(one: Placed, guard: SopGuard) -> None:
    step, table = one.step, one.table
    if step.window.length <= timedelta(0):
        table.wrong(
            'has no time to be done in; write e.g. window = "1h"',
            "window",
            '没有时间可做，请写 window = "1h" 这样的时间窗',
        )
    if step.window.expire_after < step.window.length:
        table.wrong(
            "expires before its window ends; make expire_after at least as long as window",
            "expire_after",
            "的 expire_after 比时间窗还短，请写得不短于 window",
        )
    waking = _since_midnight(guard.quiet_from) - _since_midnight(guard.quiet_until)
    if isinstance(step.schedule, Every) and step.schedule.interval < step.window.length:
        table.wrong(
            "comes again before its window ends; shorten window",
            "window",
            "还没做完又到下一次了，请缩短 window",
        )
    if step.is_mass_send and step.window.length > waking:
        table.wrong(
            f"has a window longer than a day without quiet hours ({waking})",
            "window",
            "的时间窗比一天里可以发消息的时间还长，请缩短 window",
        )


def _check_policy(one: Placed, policies: Mapping[str, DeliveryPolicy]) -> None:
    step, table = one.step, one.table
    if step.is_mass_send and not step.policy:
        table.wrong(
            "is a mass-send without a ladder; add ladder: what happens when the owner does not confirm",
            "ladder",
            "是群发却没有 ladder：群主没确认时怎么办，请写上",
        )
    policy = policies.get(step.policy)
    if policy is None:
        return
    if policy.length > step.window.length:
        table.wrong(
            f"has a ladder of {told(policy.length)} in a window of {told(step.window.length)}; "
            "shorten the ladder or lengthen window",
            "ladder",
            f"的阶梯要 {told(policy.length)}，时间窗只有 {told(step.window.length)}，请换短的阶梯或加长 window",
        )
    if not step.is_mass_send and any(rung.act is RungAct.REMIND for rung in policy.rungs):
        table.wrong(
            "is no mass-send; the official reminder exists for mass-sends only, take another ladder",
            "ladder",
            "不是群发，官方提醒只能用于群发，请换一个阶梯",
        )


def _check_quiet(one: Placed, place: timedelta | None, guard: SopGuard) -> None:
    step, table = one.step, one.table
    if step.quiet_policy is QuietPolicy.RUN:
        if step.deliveries[0] not in _MAY_RUN:
            table.wrong(
                f"may not run in quiet hours by {step.deliveries[0]}; write quiet_policy = \"wait\"",
                "quiet_policy",
                f"用 {step.deliveries[0]} 触达，不能在安静时段执行，请写 quiet_policy = \"wait\"",
            )  # fmt: skip
        return
    at = _local_time(step, place)
    if at is None:
        return
    if not guard.quiet_until <= at < guard.quiet_from:
        table.wrong(
            f"falls into quiet hours ({guard.quiet_from:%H:%M}-{guard.quiet_until:%H:%M}) at {at:%H:%M}",
            "schedule",
            f"在 {at:%H:%M}，正是安静时段（{guard.quiet_from:%H:%M}–{guard.quiet_until:%H:%M}），请改时间",
        )
    elif (
        _since_midnight(at) + step.window.length > _since_midnight(guard.quiet_from) and step.speaks_in_group
    ):
        table.wrong(
            f"has a window that runs into quiet hours; end it by {guard.quiet_from:%H:%M}",
            "window",
            f"的时间窗伸进了安静时段，请在 {guard.quiet_from:%H:%M} 以前结束",
        )


def _check_stage(one: Placed, place: timedelta | None, stages: Mapping[str, Stage]) -> None:
    step, table = one.step, one.table
    stage = stages.get(step.stage)
    if stage is None:
        return
    is_member = stage.clock is SopClock.MEMBER
    if is_member != (step.anchor.kind is AnchorKind.MEMBER_JOINED):
        table.wrong(
            f"counts from {step.anchor.kind} in a stage of the {stage.clock}'s clock",
            "anchor",
            f"的起点 {step.anchor.kind} 和阶段的时钟 {stage.clock} 不一致",
        )
        return
    if is_member and isinstance(step.schedule, Offset):
        place = step.schedule.after
    elif is_member and isinstance(step.schedule, Day):
        place = timedelta(days=step.schedule.day)
    if place is not None and not stage.begins <= place <= stage.ends:
        table.wrong(
            f"lies outside its stage ({told(stage.begins)} to {told(stage.ends)})",
            "schedule",
            f"的时间不在阶段之内（{told(stage.begins)} 到 {told(stage.ends)}）",
        )


def _check_distances(
    one: Placed, steps: Mapping[str, Placed], begins: Mapping[str, timedelta | None]
) -> None:
    place = begins[one.step.key]
    for needed in one.step.depends_on:
        before = begins.get(needed.step)
        if place is None or before is None:
            continue
        if place - before < needed.gap or place < before:
            one.table.wrong(
                f"comes {told(place - before)} after {needed.step}, which needs {told(needed.gap)}",
                "depends_on",
                f"离 {needed.step} 只有 {told(place - before)}，至少要 {told(needed.gap)}",
            )


def _check_part(one: Placed, steps: Mapping[str, Placed]) -> None:
    """Note what breaks the order of the event and the ceremony, whatever the times are."""
    step, table = one.step, one.table

    def needed(part: StepPart) -> list[timedelta]:
        found = [each for each in step.depends_on if each.step in steps]
        return [each.gap for each in found if steps[each.step].step.part is part]

    if step.part is StepPart.PUBLICATION and not any(
        gap >= NOTICE_DISTANCE for gap in needed(StepPart.NOTICE)
    ):
        table.wrong(
            'is published without a notice 24 hours before; add depends_on = ["NOTICE + 24h"]',
            "depends_on",
            '没有提前 24 小时预告，请加上 depends_on = ["预告步骤的 id + 24h"]',
        )
    if step.part is StepPart.RECAP and not needed(StepPart.PUBLICATION):
        table.wrong(
            "is a recap that does not wait for the publication; add it to depends_on",
            "depends_on",
            "是回顾，却没有等活动发布，请在 depends_on 里写上发布步骤",
        )
    if step.part is StepPart.CUE:
        base = steps.get(step.anchor.step)
        if base is None or base.step.part is not StepPart.OPENING:
            table.wrong(
                "is a cue that does not wait for the confirmed opening; anchor it there",
                "anchor",
                '是仪式提示，要在开群确认以后：anchor = "previous_step_done"，anchor_step 写开群步骤',
            )


def _check_welcome(one: Placed) -> None:
    """Note a group welcome at another time: the platform says it when somebody joins, and only then."""
    is_welcome = DeliveryCode.WELCOME in one.step.deliveries
    if is_welcome and one.step.anchor.kind is not AnchorKind.MEMBER_JOINED:
        one.table.wrong(
            'is a group welcome; the platform says it on joining, write anchor = "member_joined"',
            "anchor",
            '是入群欢迎语，只在入群时由平台发出，请写 anchor = "member_joined"',
        )


def _check_one_mass_send_a_day(placed: Sequence[Placed], begins: Mapping[str, timedelta | None]) -> None:
    taken: dict[int | str, Step] = {}
    for one in placed:
        if not one.step.is_mass_send:
            continue
        place = begins[one.step.key]
        days: list[int | str] = [] if place is None else [place.days]
        if isinstance(one.step.schedule, Weekly):
            days = [f"weekday {day}" for day in one.step.schedule.weekdays]
        for day in days:
            first = taken.setdefault(day, one.step)
            if first is not one.step:
                one.table.wrong(
                    f"is a second mass-send on the day of {first.key}; move it, or send it by hand (S)",
                    "schedule",
                    f"和 {first.key} 在同一天群发，一个群一天只能一次，请换一天或改成 S",
                )


def _local_time(step: Step, place: timedelta | None) -> time | None:
    if isinstance(step.schedule, (Day, Weekly, Monthly)):
        return step.schedule.at
    if isinstance(step.schedule, Every):
        return step.schedule.opens
    if place is not None:
        minutes = int(place % _DAY / timedelta(minutes=1))
        return time(minutes // 60, minutes % 60)
    return None


def _since_midnight(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute)


def told(length: timedelta) -> str:
    """Return a duration as it is written in the files."""
    if length < timedelta(0):
        return f"-{told(-length)}"
    minutes = int(length.total_seconds() // 60)
    days, minutes = divmod(minutes, 1440)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{amount}{unit}" for amount, unit in ((days, "d"), (hours, "h"), (minutes, "m")) if amount]
    return "".join(parts) or "0"

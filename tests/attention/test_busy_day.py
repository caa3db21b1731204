"""An advisor with 800 customers and 12 groups in different weeks of the shipped templates, for two weeks."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from domain.attention import Notice, NoticeKind
from domain.sop import AnchorKind, DeliveryCode, SopRole, StepPart
from scheduler import timetable
from scheduler.timetable import Planned
from tests.attention import factory
from tests.attention.days import RULES, play
from tests.sop import factory as sops

MONDAY = date(2026, 11, 23)
FORTNIGHT = 14
# Two openings of one owner a day at most (scheduler/openings.py); the older groups are in the weeks after the first.
FIRST_WEEKS = (-6, -4, -2, 0, 0, 2, 5, 7)
LATER_WEEKS = (("finance_weekly", -9), ("finance_weekly", -5), ("finance_weekly", -2), ("group_repair", -8))
OF_THE_OWNER = {SopRole.OWNER, SopRole.CO_OWNER, SopRole.ADVISOR, SopRole.TEACHER}
SILENT = {DeliveryCode.SYSTEM, DeliveryCode.WELCOME, DeliveryCode.KF, DeliveryCode.INTERNAL}
TIME_CRITICAL = {StepPart.OPENING, StepPart.PUBLICATION}


def groups() -> Iterator[tuple[int, str, date]]:
    """Give number, template and opening day of each of the twelve groups."""
    for number, days in enumerate(FIRST_WEEKS):
        yield number, "finance_week1", MONDAY + timedelta(days=days)
    for number, (name, days) in enumerate(LATER_WEEKS, start=len(FIRST_WEEKS)):
        yield number, name, MONDAY + timedelta(days=days)


def of_group(number: int, name: str, rhythm: str, opens_on: date) -> list[Notice]:
    """Return what the advisor has to be told of one group: every turn, and the ladder of every second confirmation."""
    template = sops.template(name)
    anchor = timetable.opening_anchor(opens_on, factory.SHANGHAI)
    anchors = {AnchorKind.GROUP_OPENED: anchor, AnchorKind.STAGE_ENTERED: anchor}
    planned = timetable.plan(template.steps[rhythm], anchors, sops.rules(), until=anchor + timedelta(days=30))
    found = []
    for one in planned:
        step = one.step
        if one.skipped is not None or one.delivery in SILENT or step.executor not in OF_THE_OWNER:
            continue
        found.append(told(one, f"{number}", one.due_at, NoticeKind.STEP))
        if step.policy and number % 2:
            rungs = template.policies[step.policy].rungs
            found += [
                told(one, f"{number}", one.due_at + rung.after, NoticeKind.REMINDER)
                for rung in rungs
                if rung.role is SopRole.OWNER
            ]
    return found


def told(one: Planned, group: str, at: datetime, kind: NoticeKind) -> Notice:
    return factory.notice(
        at,
        kind=kind,
        title=one.step.title,
        text=group,
        is_exempt=one.step.part in TIME_CRITICAL,
        latest_at=max(one.window_end, at + timedelta(minutes=1)),
        created_at=at,
    )


@functools.cache
def fortnight(rhythm: str) -> list[Notice]:
    """Return everything of the two weeks, the day's cards and a customer's question now and then included."""
    begins = RULES.at(MONDAY, RULES.quiet_until)
    ends = begins + timedelta(days=FORTNIGHT)
    found = [one for group in groups() for one in of_group(group[0], group[1], rhythm, group[2])]
    for day in range(FORTNIGHT):
        morning = begins + timedelta(days=day)
        found.append(factory.notice(morning, kind=NoticeKind.DAY, created_at=morning - timedelta(minutes=30)))
        # 800 customers: five questions in groups a day that wait too long.
        for hours in (2.5, 4.1, 5.2, 8.4, 10.3):
            asked = morning + timedelta(hours=hours)
            found.append(
                factory.notice(asked, kind=NoticeKind.QUESTION, latest_at=asked + timedelta(hours=2))
            )
    return [one for one in found if begins <= one.due_at < ends]


@pytest.mark.parametrize("rhythm", ["calm", "full"])
def test_an_advisor_with_twelve_groups_gets_at_most_twelve_cards_a_day(rhythm: str) -> None:
    days = play(fortnight(rhythm), RULES.at(MONDAY + timedelta(days=FORTNIGHT), RULES.quiet_until))

    assert max(days.count().values()) <= 12
    assert len(days.count()) == FORTNIGHT


@pytest.mark.parametrize("rhythm", ["calm", "full"])
def test_every_time_critical_step_is_told_before_it_is_too_late(rhythm: str) -> None:
    found = fortnight(rhythm)
    told_at = play(found, RULES.at(MONDAY + timedelta(days=FORTNIGHT), RULES.quiet_until)).told_at()

    critical = [one for one in found if one.is_exempt]
    assert len(critical) >= 12
    for one in critical:
        assert one.latest_at is not None
        assert told_at[one.key] < one.latest_at


@pytest.mark.parametrize("rhythm", ["calm", "full"])
def test_the_budget_hides_next_to_nothing_of_a_busy_fortnight(rhythm: str) -> None:
    found = fortnight(rhythm)
    days = play(found, RULES.at(MONDAY + timedelta(days=FORTNIGHT), RULES.quiet_until))

    assert len(days.told_at()) >= 0.95 * len(found)

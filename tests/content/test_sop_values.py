"""How SOP files write distances, schedules, measures and audiences."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import sop_audience, sop_order, sop_values
from domain.sop import (
    AllOf,
    AnyOf,
    Dates,
    Day,
    Dependency,
    Every,
    Measure,
    Monthly,
    Negation,
    Offset,
    Rung,
    RungAct,
    SopRole,
    Term,
    Weekly,
)

HOURS = timedelta(hours=1)
NEW_YEARS_EVE = datetime(2026, 12, 31, 10)  # noqa: DTZ001  Local in the template's zone.


@given(st.integers(0, 100_000))
def test_duration_written_and_read_is_the_same(minutes: int) -> None:
    length = timedelta(minutes=minutes)

    assert sop_values.parse_duration(sop_order.told(length)) == length


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("day(2, 10:00)", Day(day=2, at=time(10))),
        ("day(-3, 09:30)", Day(day=-3, at=time(9, 30))),
        ("offset(24h)", Offset(after=24 * HOURS)),
        ("offset(0)", Offset(after=timedelta(0))),
        ("weekly(thu mon, 10:00)", Weekly(weekdays=(0, 3), at=time(10))),
        ("monthly(31, 10:00)", Monthly(day=31, at=time(10))),
        ("every(4h, 10:00-18:00)", Every(interval=4 * HOURS, opens=time(10), closes=time(18))),
        (
            "calendar(2027-01-20 10:00, 2026-12-31 10:00)",
            Dates(moments=(NEW_YEARS_EVE, NEW_YEARS_EVE + timedelta(days=20))),
        ),
    ],
)
def test_schedule_is_read(text: str, schedule: object) -> None:
    assert sop_values.parse_schedule(text) == schedule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "day(2)",
        "day(2, 25:00)",
        "day(99999999999, 10:00)",
        "offset(99999999999w)",
        "weekly(fri8, 10:00)",
        "monthly(32, 10:00)",
        "every(0, 10:00-18:00)",
        "every(1h, 18:00-10:00)",
        "at(tomorrow)",
        "yearly(1, 10:00)",
    ],
)
def test_schedule_that_cannot_be_read_shows_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match="day\\(2, 10:00\\)"):
        sop_values.parse_schedule(text)


def test_measures_dependencies_and_rungs_are_read() -> None:
    assert sop_values.parse_measure("speakers >= 5 within 2h") == Measure(
        name="speakers", comparison=">=", value=5, within=2 * HOURS, text="speakers >= 5 within 2h"
    )
    assert sop_values.parse_measure("confirm_time <= 30m").value == 1800
    assert sop_values.parse_measure("opened_rate >= 30%").value == pytest.approx(0.3)
    assert sop_values.parse_dependency("notice + 24h") == Dependency(step="notice", gap=24 * HOURS)
    assert sop_values.parse_rung("30m hand_over co_owner") == Rung(
        after=HOURS / 2, act=RungAct.HAND_OVER, role=SopRole.CO_OWNER
    )
    for wrong in ("30m shout owner", "30m remind owner", "remind"):
        with pytest.raises(ValueError):
            sop_values.parse_rung(wrong)


def test_audience_binds_not_before_and_before_or() -> None:
    silent, asked = Term(name="silent"), Term(name="asked")

    rule = sop_audience.parse_audience('friend and not silent or tag("新客") and (asked or age >= 24h)')

    assert rule.expression == AnyOf(
        parts=(
            AllOf(parts=(Term(name="friend"), Negation(part=silent))),
            AllOf(
                parts=(
                    Term(name="tag", comparison="==", value="新客"),
                    AnyOf(parts=(asked, Term(name="age", comparison=">=", value=24 * HOURS))),
                )
            ),
        )
    )


@pytest.mark.parametrize(
    "text",
    ["friend and", "not", "(friend", "friends", "tag(", "age > soon", "friend friend", "rfm", "friend & x"],
)
def test_audience_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(sop_audience.AudienceUnreadable):
        sop_audience.parse_audience(text)

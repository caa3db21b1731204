"""Openings are staggered: never more than a few of one owner on one day."""

from __future__ import annotations

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from domain.sop import CalendarPolicy, SopDays
from scheduler import calendars, openings
from scheduler.openings import OpeningWanted

CALENDAR = calendars.packaged()
MONDAY = date(2026, 11, 23)
DAYS = st.dates(date(2026, 9, 20), date(2026, 12, 1))
wishes = st.lists(
    st.builds(OpeningWanted, group_id=st.text("ab12", min_size=1), owner_id=st.sampled_from("xyz"), on=DAYS),
    max_size=30,
    unique_by=lambda one: one.group_id,
)


@given(wishes, st.integers(1, 3))
def test_no_owner_opens_more_than_allowed_and_nobody_opens_early(
    wanted: list[OpeningWanted], per_owner: int
) -> None:
    found = openings.staggered(
        wanted, CALENDAR, per_owner=per_owner, days=SopDays.WORKDAY, policy=CalendarPolicy.SHIFT_NEXT
    )

    assert {one.wanted.group_id for one in found} == {one.group_id for one in wanted}
    assert all(one.waits >= 0 and CALENDAR.is_on(one.on, SopDays.WORKDAY) for one in found)
    counts = Counter((one.wanted.owner_id, one.on) for one in found)
    assert max(counts.values(), default=0) <= per_owner
    again = openings.staggered(
        reversed(wanted), CALENDAR, per_owner=per_owner, days=SopDays.WORKDAY, policy=CalendarPolicy.SHIFT_NEXT
    )  # fmt: skip
    assert again == found


def test_third_group_of_an_owner_opens_a_day_later_and_shows_it() -> None:
    wanted = [OpeningWanted(group_id=name, owner_id="zhang", on=MONDAY) for name in "abc"]

    found = openings.staggered(wanted, CALENDAR, per_owner=2, taken={("zhang", date(2026, 11, 24)): 1})

    assert [(one.wanted.group_id, one.on.day, one.waits) for one in found] == [
        ("a", 23, 0),
        ("b", 23, 0),
        ("c", 24, 1),
    ]

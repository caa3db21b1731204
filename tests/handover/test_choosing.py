"""Who gets a customer: the laws of the roster and of the choice."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import roster
from domain.hours import Period, ServiceHours
from domain.people import Staff, StaffStatus
from domain.roster import NewShift, Servicer
from scheduler import rostering

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=ZONE)
NAMES = ("ann", "bob", "cai", "dan", "eve")
START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def shift(name: str, **changes: Any) -> NewShift:
    usual: dict[str, Any] = {"weekday": 1, "from_minute": 9 * 60, "until_minute": 18 * 60, "capacity": 3}
    if "on_date" in changes:
        usual["weekday"] = None
    return NewShift(**(usual | {"staff_platform_id": name} | changes))


def member(name: str, *, away: bool = False, deputy: str = "") -> Staff:
    day = MONDAY.date()
    return Staff(
        id=1,
        platform_id=name,
        name=name,
        departments=(),
        leader_platform_id="boss",
        status=StaffStatus.ACTIVE,
        team="",
        co_owner_platform_id="",
        deputy_platform_id=deputy,
        leave_from=day if away else None,
        leave_until=day if away else None,
    )


shifts = st.lists(
    st.builds(
        shift,
        st.sampled_from(NAMES),
        weekday=st.integers(1, 7),
        from_minute=st.integers(0, 700),
        until_minute=st.integers(701, 1440),
        capacity=st.integers(1, 4),
    ),
    max_size=8,
)
people = st.fixed_dictionaries(
    {
        name: st.builds(
            member, st.just(name), away=st.booleans(), deputy=st.sampled_from(("", "new", *NAMES))
        )
        for name in NAMES
    }
)
moments = st.integers(0, 7 * 24 * 60).map(lambda minutes: MONDAY + timedelta(minutes=minutes))
servicers = st.lists(
    st.builds(
        Servicer,
        platform_id=st.sampled_from(NAMES),
        is_receiving=st.booleans(),
        load=st.integers(0, 5),
        lines=st.sets(st.sampled_from(("loan", "insurance", "wealth"))).map(frozenset),
        last_given_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    ),
    unique_by=lambda one: one.platform_id,
)
seatings = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 5))


@given(planned=shifts, known=people, local=moments)
def test_nobody_has_a_seat_who_is_away_or_off_duty(
    planned: list[NewShift], known: dict[str, Staff], local: datetime
) -> None:
    seats = roster.seats(planned, known, local)

    on_duty = [one for one in planned if one.covers(local)]
    for who, capacity in seats.items():
        assert who in known
        assert known[who].is_at_work(local.date())
        assert capacity <= max(one.capacity for one in on_duty)
        stood_in = {roster.standing_in(known, one.staff_platform_id, local.date()) for one in on_duty}
        assert who in stood_in


@given(seats=seatings, those=servicers, line=st.sampled_from(("", "loan", "insurance")))
def test_who_is_chosen_has_room_receives_is_on_duty_and_qualified(
    seats: dict[str, int], those: list[Servicer], line: str
) -> None:
    chosen = rostering.choose(seats, those, line=line, restricted={"insurance"}, without={"eve"})

    by_name = {one.platform_id: one for one in those}
    for name in chosen.servicers:
        one = by_name[name]
        assert name in seats.keys() - {"eve"}
        assert one.is_receiving
        assert one.load < seats[name] == chosen.room[name]
        assert line != "insurance" or "insurance" in one.lines
    assert chosen.may_queue or not chosen.servicers


@given(seats=seatings, those=servicers, rounds=st.integers(0, 30))
def test_giving_again_and_again_never_fills_anybody_beyond_capacity(
    seats: dict[str, int], those: list[Servicer], rounds: int
) -> None:
    load = {one.platform_id: min(one.load, seats.get(one.platform_id, 5)) for one in those}
    receiving = {one.platform_id for one in those if one.is_receiving}

    for number in range(rounds):
        now = [Servicer(platform_id=name, is_receiving=name in receiving, load=load[name]) for name in load]
        chosen = rostering.choose(seats, now)
        if not chosen.servicers:
            assert all(load[name] >= seats[name] for name in load if name in seats and name in receiving)
            break
        load[chosen.servicers[0]] += 1
        assert number < rounds

    assert all(load[name] <= seats[name] for name in load if name in seats)


@given(count=st.integers(0, 40), capacity=st.integers(20, 40))
def test_equal_people_get_equally_many(count: int, capacity: int) -> None:
    seats = dict.fromkeys(("ann", "bob", "cai"), capacity)
    load, last = dict.fromkeys(seats, 0), dict[str, datetime]()

    for number in range(count):
        now = [
            Servicer(platform_id=name, is_receiving=True, load=load[name], last_given_at=last.get(name))
            for name in seats
        ]
        taken = rostering.choose(seats, now).servicers[0]
        load[taken] += 1
        last[taken] = START + timedelta(minutes=number)

    assert max(load.values()) - min(load.values()) <= 1


def test_who_ends_sessions_fast_does_not_get_every_next_customer() -> None:
    seats, last, got = {"ann": 5, "bob": 5}, dict[str, datetime](), dict.fromkeys(("ann", "bob"), 0)

    for number in range(10):  # Nobody has anybody when the next one comes.
        now = [Servicer(platform_id=name, is_receiving=True, last_given_at=last.get(name)) for name in seats]
        taken = rostering.choose(seats, now).servicers[0]
        got[taken] += 1
        last[taken] = START + timedelta(minutes=number)

    assert got == {"ann": 5, "bob": 5}


def test_the_deputy_has_the_seat_while_somebody_is_away_and_never_two() -> None:
    known = {"ann": member("ann", away=True, deputy="bob"), "bob": member("bob")}

    seats = roster.seats([shift("ann", capacity=4), shift("bob", capacity=2)], known, MONDAY)

    assert seats == {"bob": 4}


def test_deputies_that_name_each_other_leave_the_seat_empty() -> None:
    known = {
        "ann": member("ann", away=True, deputy="bob"),
        "bob": member("bob", away=True, deputy="ann"),
    }

    assert roster.seats([shift("ann"), shift("bob")], known, MONDAY) == {}


def test_a_shift_on_a_date_replaces_the_weekly_ones_of_that_day_only() -> None:
    planned = [
        shift("ann"),
        shift("ann", on_date=date(2026, 11, 23), from_minute=13 * 60, until_minute=15 * 60),
    ]

    assert roster.seats(planned, {}, MONDAY) == {}
    assert roster.seats(planned, {}, MONDAY.replace(hour=14)) == {"ann": 3}
    assert roster.seats(planned, {}, MONDAY + timedelta(days=7)) == {"ann": 3}


def test_the_last_minute_of_a_shift_belongs_to_the_next() -> None:
    planned = [shift("ann"), shift("bob", from_minute=18 * 60, until_minute=24 * 60)]

    assert list(roster.seats(planned, {}, MONDAY.replace(hour=18))) == ["bob"]
    assert list(roster.seats(planned, {}, MONDAY.replace(hour=23, minute=59))) == ["bob"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"weekday": 8},
        {"weekday": None},
        {"weekday": 1, "on_date": date(2026, 11, 23)},
        {"from_minute": 600, "until_minute": 600},
        {"until_minute": 1441},
        {"capacity": 0},
        {"staff_platform_id": ""},
    ],
)
def test_a_shift_that_no_day_has_is_refused(wrong: dict[str, Any]) -> None:
    usual = {
        "weekday": 1,
        "on_date": None,
        "from_minute": 1,
        "until_minute": 2,
        "capacity": 1,
        "staff_platform_id": "ann",
    }
    with pytest.raises(ValueError, match=r"shift|weekday|minutes|capacity"):
        NewShift(**(usual | wrong))  # type: ignore[arg-type]


def test_closing_time_is_before_and_in_a_long_break_and_not_at_noon_6() -> None:
    periods = tuple(
        Period(weekday=weekday, opens=time(opens), closes=time(closes))
        for weekday in range(5)
        for opens, closes in ((9, 12), (13, 18))
    )
    hours = ServiceHours(zone=ZONE, periods=periods)
    found = {
        (hour, minute): rostering.is_closing(hours, MONDAY.replace(hour=hour, minute=minute))
        for hour, minute in ((11, 55), (12, 30), (17, 49), (17, 50), (18, 0), (23, 0), (10, 0))
    }

    assert [at for at, is_closing in found.items() if is_closing] == [(17, 50), (18, 0), (23, 0)]

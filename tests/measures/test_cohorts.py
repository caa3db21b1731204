"""Quit rates as defined: the own hour of joining, only those old enough, nobody twice, bounds where it is uncertain."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import cohorts
from domain.cohorts import Activity, AlarmKind, GateClass, Source, SourceKind
from domain.groups import GroupMember, MemberKind
from domain.stays import EndKnown
from tests.measures.factory import at, stay


def crowd(number: int, quits: Sequence[float] = (), prefix: str = "wm") -> list[GroupMember]:
    """Return `number` customers who joined at the beginning; the first of them leave at `quits`."""
    return [
        stay(f"{prefix}{place}", 0, quits[place] if place < len(quits) else None) for place in range(number)
    ]


def test_everybody_is_counted_by_his_own_hour_of_joining() -> None:
    stays = [stay("early", 0, 23), stay("late", 30, 53), stay("longer", 0, 25), stay("young", 40, 41)]

    rate = cohorts.quit_rate(stays, 24, at(60))

    assert rate.members == 3  # The young one left at once, but is not a day old.
    assert rate.left == ("early", "late")
    assert rate.young == 1
    assert rate.rate == pytest.approx(2 / 3)
    assert rate.retained == 1


def test_a_quit_at_the_very_hour_counts_and_a_second_later_does_not() -> None:
    stays = [stay("on", 0, 24), stay("after", 0, 24 + 1 / 3600)]

    assert cohorts.quit_rate(stays, 24, at(24)).left == ("on",)


def test_staff_others_unknown_joins_and_returns_are_left_out_and_counted() -> None:
    stays = [
        stay("zhangsan", 0, kind=MemberKind.STAFF),
        stay("woOther", 0, 2, kind=MemberKind.OTHER),
        stay("wmGhost", None, 5),
        stay("wmBack", 0, 2),
        stay("wmBack", 10),
        stay("wmStays", 0),
    ]

    rate = cohorts.quit_rate(stays, 24, at(50))

    assert (rate.members, rate.left) == (2, ("wmBack",))
    assert rate.left_out == cohorts.LeftOut(staff=1, others=1, unknown_join=1, returned=1)


def test_who_was_removed_stays_in_the_denominator_and_apart() -> None:
    rate = cohorts.quit_rate([stay("a", 0, 3, scene="removed"), stay("b", 0, 3, scene="left")], 24, at(30))

    assert (rate.members, rate.left, rate.removed) == (2, ("b",), ("a",))


def test_a_quit_between_two_looks_on_both_sides_of_the_hour_widens_the_bounds() -> None:
    stays = [stay("wide", 0, 30, after=20), stay("before", 0, 22, after=10), stay("past", 0, 40, after=25)]

    rate = cohorts.quit_rate(stays, 24, at(50))

    assert (rate.left, rate.uncertain) == (("before",), ("wide",))
    assert (rate.rate, rate.highest) == (pytest.approx(1 / 3), pytest.approx(2 / 3))


def test_a_look_shortly_after_the_hour_tells_enough() -> None:
    stays = [stay("missed", 0, 24.2, after=3), stay("seen", 0, 40, after=23.9)]

    rate = cohorts.quit_rate(stays, 24, at(50))

    assert (rate.left, rate.uncertain) == (("missed",), ())


def test_members_nobody_has_looked_at_since_their_hour_are_told() -> None:
    stays = [stay("a", 0), stay("b", 10), stay("c", 0, 3)]

    assert cohorts.quit_rate(stays, 24, at(50)).unseen == 2
    assert cohorts.quit_rate(stays, 24, at(50), seen_at=at(25)).unseen == 1
    assert cohorts.quit_rate(stays, 24, at(50), seen_at=at(34)).unseen == 0


def test_a_cohort_of_a_time_leaves_those_before_it_out_returns_too() -> None:
    stays = [stay("old", 0, 2), stay("old", 20), stay("new", 15, 16)]

    rate = cohorts.quit_rate(stays, 24, at(60), since=at(10))

    assert (rate.members, rate.left) == (1, ("new",))


def test_nobody_old_enough_has_no_rate() -> None:
    rate = cohorts.quit_rate([stay("a", 0, 1)], 24, at(2))

    assert (rate.members, rate.rate, rate.highest) == (0, None, None)


def test_the_curve_counts_customers_who_are_in() -> None:
    stays = [stay("a", 0, 5), stay("b", 0), stay("a", 7), stay("zhangsan", 0, kind=MemberKind.STAFF)]

    points = cohorts.curve([*stays, stay("ghost", None, 3)])

    assert [(point.at, point.present, point.joined, point.left) for point in points] == [
        (at(0), 2, 2, 0),
        (at(5), 1, 2, 1),
        (at(7), 2, 3, 1),
    ]


@pytest.mark.parametrize(
    ("activity", "expected"),
    [
        (Activity(asked=True, spoke=False), GateClass.ASKED),
        (Activity(spoke=True, interacted=True), GateClass.SPOKE),
        (Activity(interacted=True), GateClass.INTERACTED),
        (Activity(spoke=False), GateClass.SILENT),
        (Activity(), GateClass.UNKNOWN),
        (
            Activity(asked=False),
            GateClass.UNKNOWN,
        ),  # That nobody marked a question says nothing about silence.
    ],
)
def test_what_was_not_measured_of_a_member_is_not_silence(activity: Activity, expected: GateClass) -> None:
    assert cohorts.classify(stay("a"), 24, activity) is expected


def test_a_member_who_went_is_told_by_how_he_went() -> None:
    assert cohorts.classify(stay("a", 0, 3), 24, Activity(asked=True)) is GateClass.LEFT
    assert cohorts.classify(stay("a", 0, 3, scene="removed"), 24, Activity()) is GateClass.REMOVED
    assert cohorts.classify(stay("a", 0, 30, after=3), 24, Activity()) is GateClass.UNCERTAIN
    assert cohorts.classify(stay("a", 0, 30), 24, Activity(spoke=True)) is GateClass.SPOKE


def test_three_quits_within_ten_minutes_are_one_burst_and_no_pause() -> None:
    quits = [1.0, 1.05, 1.15, 1.2]

    found = cohorts.find_alarms(crowd(30, quits), at(3))

    assert [(alarm.kind, alarm.quits, alarm.pauses) for alarm in found] == [(AlarmKind.BURST, 4, False)]
    assert found[0].at == at(1.2)
    assert cohorts.find_alarms(crowd(30, [1.0, 1.05, 1.2]), at(3)) == []


def test_removals_and_quits_found_by_a_look_are_no_burst() -> None:
    removed = [stay(f"r{place}", 0, 1, scene="removed") for place in range(5)]
    found = [stay(f"f{place}", 0, 1, after=0) for place in range(5)]

    assert cohorts.find_alarms([*removed, *found], at(3)) == []


def test_a_burst_keeps_its_key_when_a_late_event_moves_its_beginning() -> None:
    first = cohorts.bursts(crowd(9, [1.0, 1.05, 1.1]))[0]
    again = cohorts.bursts(crowd(9, [1.0, 1.02, 1.05, 1.1]))[0]
    other = cohorts.bursts(crowd(9, [5.0, 5.05, 5.1]))[0]

    assert again.key == first.key != other.key


def test_quits_of_the_first_day_never_pause() -> None:
    quits = [float(hour) for hour in range(1, 21)]

    assert cohorts.find_alarms(crowd(30, quits), at(30)) == []


def test_quits_from_a_day_to_three_days_pause_from_five_of_twenty_on() -> None:
    def kinds(members: int, quits: Sequence[float]) -> list[AlarmKind]:
        return [alarm.kind for alarm in cohorts.find_alarms(crowd(members, quits), at(71))]

    assert kinds(30, [25, 30, 35, 40, 45]) == [AlarmKind.RATE_24_72]
    assert kinds(30, [25, 30, 35, 40]) == []  # Four are too few,
    assert kinds(19, [25, 30, 35, 40, 45]) == []  # nineteen members too,
    assert kinds(40, [25, 30, 35, 40, 45]) == []  # and five of forty are under the line.
    assert kinds(24, [1, 2, 3, 4, 5, 25, 30, 35, 40, 45]) == []  # Those who stayed a day are nineteen.


def test_a_week_over_the_line_warns_and_does_not_pause() -> None:
    found = cohorts.find_alarms(crowd(30, [80, 90, 100, 110, 120]), at(169))

    assert [(alarm.kind, alarm.pauses, alarm.quits, alarm.members) for alarm in found] == [
        (AlarmKind.RATE_7D, False, 5, 30)
    ]


def test_the_report_by_source_counts_each_source_the_worst_first() -> None:
    good = Source(kind=SourceKind.WAY, name="branch")
    bad = Source(kind=SourceKind.WAY, name="fair")
    inviter = Source(kind=SourceKind.INVITER, name="zhangsan")
    stays = [stay("a", 0, 2), stay("b", 0), stay("c", 0), stay("young", 40)]
    sources = dict(zip([one.id for one in stays], [(bad, inviter), (bad,), (good,), (good,)], strict=True))

    report = cohorts.by_source(stays, at(50), sources)

    rows = {one.source: (one.joined, one.members, one.left, one.rate) for one in report}
    assert rows == {bad: (2, 2, 1, 0.5), good: (2, 1, 0, 0.0), inviter: (1, 1, 1, 1.0)}
    ways = [one.source for one in report if one.source.kind is SourceKind.WAY]
    assert ways == [bad, good]
    assert cohorts.added_up([report, report])[0].joined == 2 * report[0].joined
    so_far = cohorts.by_source([*stays, stay("x", 0)], at(1), sources, hours=None)
    assert [(one.members, one.left) for one in so_far if one.source == bad] == [(2, 1)]


KNOWN = st.sampled_from([EndKnown.EVENT, EndKnown.BETWEEN, EndKnown.RETURN])


@st.composite
def stays_of_a_group(draw: st.DrawFn) -> list[GroupMember]:
    found: list[GroupMember] = []
    for place in range(draw(st.integers(0, 12))):
        joined = draw(st.none() | st.integers(0, 200))
        length = draw(st.none() | st.integers(0, 200))
        if joined is None and length is None:
            continue
        left = None if length is None else (joined or 0) + length
        known = draw(KNOWN) if joined is not None else EndKnown.EVENT
        after = None if left is None or known is EndKnown.EVENT else (joined or 0)
        kind = draw(st.sampled_from(list(MemberKind)))
        scene = draw(st.sampled_from(["", "left", "removed"])) if known is EndKnown.EVENT else ""
        who = f"wm{draw(st.integers(0, 6))}" if kind is MemberKind.CUSTOMER else f"{kind}{place}"
        found.append(stay(who, joined, left, after=after, known=known, kind=kind, scene=scene))
    return found


@given(stays_of_a_group(), st.sampled_from(cohorts.GATES), st.integers(0, 500), st.randoms())
def test_every_stay_is_counted_once_or_left_out_once_in_any_order(
    stays: list[GroupMember], hours: int, now: int, dice: object
) -> None:
    rate = cohorts.quit_rate(stays, hours, at(now))
    shuffled = list(stays)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]

    out = rate.left_out
    counted = rate.members + rate.young + out.staff + out.others + out.unknown_join + out.returned
    assert counted == len(stays)
    assert len(rate.left) + len(rate.uncertain) + len(rate.removed) <= rate.members
    assert not set(rate.left) & set(rate.uncertain)
    assert cohorts.quit_rate(shuffled, hours, at(now)) == rate


@given(stays_of_a_group(), st.integers(0, 500))
def test_of_one_and_the_same_cohort_more_have_left_at_every_later_gate(
    stays: list[GroupMember], now: int
) -> None:
    rates = [cohorts.quit_rate(stays, hours, at(now + 400)) for hours in cohorts.GATES]

    for earlier, later in itertools.pairwise(rates):
        assert later.members <= earlier.members
        if later.members == earlier.members:
            assert set(earlier.left) <= set(later.left)


@given(stays_of_a_group())
def test_the_curve_is_never_negative_and_ends_with_those_who_are_in(stays: list[GroupMember]) -> None:
    points = cohorts.curve(stays)

    assert all(point.present >= 0 and point.present == point.joined - point.left for point in points)
    present = [
        one for one in stays if one.kind is MemberKind.CUSTOMER and one.joined_at and one.quit_at is None
    ]
    assert (points[-1].present if points else 0) == len(present)


@given(stays_of_a_group(), st.integers(0, 500))
def test_below_five_quitters_or_twenty_members_no_rate_alarms(stays: list[GroupMember], now: int) -> None:
    kinds = {alarm.kind for alarm in cohorts.find_alarms(stays, at(now))}

    assert kinds <= {AlarmKind.BURST}  # At most seven members here.

"""Stays: whatever is lost, doubled or out of order, after a look at the whole list they are the right ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.stays import Ended, EndKnown, Evidence, Joined, Missing, Seen, Stay, compare, settle

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def test_who_comes_back_has_two_stays() -> None:
    told = [Joined(at=at(0)), Ended(at=at(10), reason="left"), Joined(at=at(20))]

    first, second = settle(told)

    assert (first.joined_at, first.ended_at, first.reason) == (at(0), at(10), "left")
    assert (second.joined_at, second.is_open) == (at(20), True)


def test_a_leaving_that_nobody_told_lies_between_two_sights_and_says_so() -> None:
    joined = Joined(at=at(0), is_exact=True)

    (stay,) = settle([Seen(at=at(60), joined=joined), Missing(at=at(120))])

    assert (stay.ended_after, stay.ended_at, stay.end_known) == (at(60), at(120), EndKnown.BETWEEN)


def test_a_late_word_narrows_what_was_found_out_before() -> None:
    joined = Joined(at=at(0), is_exact=True)
    (found,) = settle([Seen(at=at(60), joined=joined), Missing(at=at(120))])

    (told,) = settle([*found.unfold(), Ended(at=at(70), reason="removed")])

    assert (told.ended_at, told.end_known, told.reason) == (at(70), EndKnown.EVENT, "removed")


def test_coming_back_shows_that_the_earlier_stay_had_ended() -> None:
    first, second = settle(
        [Joined(at=at(0)), Seen(at=at(60), joined=Joined(at=at(30), is_exact=True, scene="scanned"))]
    )

    assert (first.ended_after, first.ended_at, first.end_known) == (at(0), at(30), EndKnown.RETURN)
    assert (second.joined_at, second.scene, second.is_open) == (at(30), "scanned", True)


def test_an_event_and_the_list_tell_of_one_join_though_seconds_apart() -> None:
    exact = Joined(at=at(0), is_exact=True, scene="link")

    (stay,) = settle([Joined(at=at(0.05), scene="invited"), Seen(at=at(5), joined=exact)])

    assert (stay.joined_at, stay.scene) == (at(0), "link")


def test_a_list_that_is_behind_ends_no_stay_for_good() -> None:
    exact = Joined(at=at(0), is_exact=True)
    closed = settle([Joined(at=at(0)), Missing(at=at(1))])

    (opened,) = settle([*closed[0].unfold(), Seen(at=at(5), joined=exact)])

    assert closed[0].end_known is EndKnown.BETWEEN
    assert opened.is_open


def test_who_has_just_come_may_be_missing_from_the_list() -> None:
    (stay,) = settle([Joined(at=at(0)), Missing(at=at(0) + timedelta(seconds=3))])

    assert stay.is_open


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Evidence], list[Evidence]]:
    """Return what happened to one person as events, and what whole lists at times in between showed."""
    gaps = draw(st.lists(st.integers(10, 300), max_size=8))
    moments, now = [], 0
    for gap in gaps:
        now += gap
        moments.append(now)
    events: list[Evidence] = [
        Joined(at=at(moment)) if number % 2 == 0 else Ended(at=at(moment), reason="left")
        for number, moment in enumerate(moments)
    ]
    looks = sorted(draw(st.sets(st.integers(0, now + 100), max_size=4)) | {now + 200})
    return events, [_look(events, look) for look in looks if all(look != moment for moment in moments)]


def _look(events: list[Evidence], minute: int) -> Evidence:
    before = [one for one in events if one.at <= at(minute)]
    if before and isinstance(before[-1], Joined):
        return Seen(at=at(minute), joined=Joined(at=before[-1].at, is_exact=True))
    return Missing(at=at(minute))


def _heard(evidence: list[Evidence]) -> tuple[Stay, ...]:
    """Take evidence in one by one, keeping nothing but stays in between."""
    stays: tuple[Stay, ...] = ()
    for one in evidence:
        stays = settle([*(word for stay in stays for word in stay.unfold()), one])
    return stays


@given(lives(), st.data())
def test_any_order_and_any_doubling_of_all_events_gives_the_same(
    life: tuple[list[Evidence], list[Evidence]], data: st.DataObject
) -> None:
    events, _ = life
    doubled = [*events, *data.draw(st.lists(st.sampled_from(events), max_size=4) if events else st.just([]))]

    told = _heard(data.draw(st.permutations(doubled)))

    assert told == settle(events)
    assert [(stay.joined_at, stay.ended_at) for stay in told] == [
        (events[n].at, events[n + 1].at if n + 1 < len(events) else None) for n in range(0, len(events), 2)
    ]


@given(lives(), st.data())
def test_after_a_look_at_the_list_every_stay_that_left_a_trace_is_there(
    life: tuple[list[Evidence], list[Evidence]], data: st.DataObject
) -> None:
    events, looks = life
    kept = [one for one in events if data.draw(st.booleans())]

    told = _heard([*data.draw(st.permutations([*kept, *looks[:-1]])), looks[-1]])

    perfect = settle(events)
    is_there = bool(perfect) and perfect[-1].is_open
    assert (bool(told) and told[-1].is_open) == is_there
    if is_there:
        assert told[-1].joined_at == perfect[-1].joined_at
    # Nobody is made to leave who never did, nor more often than they did.
    assert len(told) <= len(perfect)
    for stay in told:
        if stay.end_known is EndKnown.EVENT:
            assert any(stay.ended_at == one.ended_at for one in perfect)


@given(lives())
def test_comparing_with_itself_changes_nothing(life: tuple[list[Evidence], list[Evidence]]) -> None:
    events, looks = life
    stays = settle([*events, *looks])

    changes = compare(list(enumerate(stays)), stays)

    assert (changes.deleted, changes.updated, changes.added) == ((), (), ())

"""The clock's own pace: fast while nothing happens, slower when something reaches a member, and where it stops."""

from __future__ import annotations

import pytest

from sandbox.clock import WorldClock
from sandbox.pace import BUSY_RATE, BUSY_SECONDS, LEVELS, Pace, PaceMode
from tests.sandbox.caller import Caller

# A Tuesday, three in the afternoon and eleven at night in Beijing.
AFTERNOON, NIGHT = 1_795_503_600.0, 1_795_532_400.0


class Watch:
    """Real seconds that pass when a test says so."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def pace_at(moment: float) -> tuple[WorldClock, Pace, Watch]:
    clock, watch = WorldClock(), Watch()
    clock.set_rate(0)
    clock.jump(moment - clock.now())
    return clock, Pace(clock, watch), watch


def test_by_hand_the_rate_is_left_alone() -> None:
    clock, pace, _ = pace_at(AFTERNOON)

    pace.look()
    pace.arrived()

    assert clock.rate == 0


def test_without_a_hint_days_go_slower_than_nights() -> None:
    rates = {}
    for moment in (AFTERNOON, NIGHT):
        clock, pace, _ = pace_at(moment)
        pace.begin(PaceMode.AUTO)
        rates[moment] = clock.rate

    assert BUSY_RATE < rates[AFTERNOON] < rates[NIGHT] == LEVELS[-1]


def test_what_arrives_slows_the_clock_down_for_a_while() -> None:
    clock, pace, watch = pace_at(NIGHT)
    pace.begin(PaceMode.AUTO)

    pace.arrived()
    assert clock.rate == BUSY_RATE

    watch.seconds += BUSY_SECONDS + 0.01
    pace.look()
    assert clock.rate == LEVELS[-1]


def test_next_stops_at_the_first_thing_that_arrives() -> None:
    clock, pace, _ = pace_at(AFTERNOON)
    told = []
    pace.on_change = lambda: told.append(clock.rate)
    pace.begin(PaceMode.NEXT)

    pace.arrived()

    assert (clock.rate, pace.mode) == (1, PaceMode.HAND)
    assert told[-1] == 1


@pytest.mark.parametrize(("ahead", "rate"), [(3600, 14_400), (600, 3600), (120, 1200), (20, 360), (-5, 360)])
def test_the_clock_slows_down_before_a_hint(ahead: float, rate: float) -> None:
    clock, pace, _ = pace_at(AFTERNOON)
    pace.begin(PaceMode.AUTO)
    clock.set_rate(0)

    pace.hint(clock.now() + ahead)

    assert clock.rate == rate


def test_an_old_hint_counts_for_nothing() -> None:
    clock, pace, watch = pace_at(AFTERNOON)
    pace.begin(PaceMode.AUTO)
    clock.set_rate(0)
    pace.hint(clock.now() + 24 * 3600)

    watch.seconds += 60
    pace.look()

    assert clock.rate < LEVELS[-1]


def test_the_clock_does_not_run_past_what_a_member_will_do() -> None:
    clock, pace, _ = pace_at(NIGHT)
    pace.begin(PaceMode.AUTO)
    clock.set_rate(0)

    pace.expect(clock.now() + 20)
    pace.look()

    assert clock.rate == BUSY_RATE


async def test_the_pace_is_set_and_ended_by_the_control_api(app: Caller) -> None:
    world = app.box.world

    begun = await app.control("clock/pace", mode="auto")
    assert (begun["pace"], begun["rate"] > 1) == ("auto", True)

    ended = await app.control("clock/rate", rate=0)
    assert (ended["pace"], ended["rate"]) == ("hand", 0)
    assert world.pace.mode is PaceMode.HAND


async def test_a_pace_nobody_knows_is_refused(app: Caller) -> None:
    assert (await app.control("clock/pace", mode="warp"))["status"] == 400

"""Whatever people, the platform and the machine do, a group's way keeps the laws of docs/sop.md (tests/sop/walk.py)."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.enrolment import MassTaskState, Occurrence, TargetResult
from domain.faq import Line
from scheduler.bundles import Alarm, People
from tests.sop.walk import CO_OWNER, OWNER, SUPERVISOR, Walk, utc

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_BEGINS, _ENDS = utc("11-26 09:30"), utc("12-12 09:30")


def _delay(dice: random.Random, most: timedelta) -> Callable[[Occurrence], timedelta | None]:
    """People who do it at once, late, at the last moment, or never."""

    def takes(one: Occurrence) -> timedelta | None:
        kind = dice.choice(["soon", "soon", "late", "rung", "window", "never"])
        if kind == "never":
            return None
        if kind == "soon":
            return dice.randint(1, 600) * timedelta(seconds=1)
        if kind == "rung":
            # Around the moments at which the ladder acts.
            return dice.choice([10, 20, 30, 60, 120, 240]) * MINUTE + dice.randint(-90, 90) * timedelta(
                seconds=1
            )
        if kind == "window":
            return max(one.window_end - one.due_at + dice.randint(-120, 120) * timedelta(seconds=1), MINUTE)
        return dice.random() * most

    return takes


def _moment(dice: random.Random) -> datetime:
    return _BEGINS + dice.random() * (_ENDS - _BEGINS)


def _stir(walk: Walk, dice: random.Random) -> None:
    """Let things happen around the group: owners change or go on leave, lines stop, members leave, words expire."""

    def change_owner(owner: str, can_send: bool) -> None:
        walk.people = People(owner=owner, co_owner=CO_OWNER, supervisor=SUPERVISOR, can_owner_send=can_send)
        walk.poke()

    def stop(lines: frozenset[Line]) -> None:
        walk.stopped = lines
        walk.poke()

    def alarm(number: int) -> None:
        walk.alarms = (Alarm(key=f"rate{number}", title="退群", text="退群", pauses=True),)
        walk.poke()

    def cancel() -> None:
        waiting = [number for number, task in walk.tasks.items() if task.state is MassTaskState.WAITING]
        for number in waiting:
            walk.cancelled_by_somebody(number)

    def unsay(words: dict[str, str]) -> None:
        walk.unsayable = words

    acts: list[Callable[[], None]] = [
        lambda: change_owner(dice.choice([OWNER, "zhaoliu"]), dice.random() < 0.7),
        cancel,
        lambda: alarm(dice.randint(0, 3)),
        walk.poke,
    ]
    for _ in range(dice.randint(0, 6)):
        walk.at(_moment(dice), dice.choice(acts))
    if dice.random() < 0.3:
        begins = _moment(dice)
        walk.at(begins, lambda: stop(frozenset([Line.LOAN])))
        walk.at(begins + dice.random() * 3 * DAY, lambda: stop(frozenset()))
    if dice.random() < 0.3:
        begins, block = _moment(dice), dice.choice(["opening", "notice", "publication", "recap", "review"])
        walk.at(begins, lambda: unsay({block: "unapproved"}))
        walk.at(begins + dice.random() * 2 * DAY, lambda: unsay({}))


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(["calm", "full"]))
def test_a_group_keeps_the_laws_whatever_people_the_platform_and_the_machine_do(
    dice: random.Random, rhythm: str
) -> None:
    outages = tuple(
        (begins, begins + dice.choice([5 * MINUTE, HOUR, 12 * HOUR, 7 * DAY]) * dice.random())
        for begins in (_moment(dice) for _ in range(dice.randint(0, 3)))
    )
    walk = Walk(
        rhythm=rhythm,
        confirms=_delay(dice, 30 * HOUR),
        taps=_delay(dice, 8 * HOUR),
        result=lambda one: dice.choice([TargetResult.SENT] * 6 + [TargetResult.LIMITED]),
        makes=lambda one: dice.choice(
            [MassTaskState.WAITING] * 12 + [MassTaskState.FAILED, MassTaskState.UNKNOWN]
        ),
        polled=dice.choice([1, 60, 600]) * timedelta(seconds=1),
        size=dice.choice([12, 12, 12, 5]),
        score=dice.choice([80.0, 40.0, None]),
        outages=outages,
        friends=("wmA", "wmB")[: dice.randint(0, 2)],
    )
    _stir(walk, dice)

    walk.run()

    walk.check()

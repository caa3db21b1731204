"""Whose day has which work, on both engines."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.enrolment import OccurrenceState
from scheduler.day_work import GroupWork
from scheduler.enrolling import Version
from store import occurrences
from store.database import Store
from tests.attention.factory import at
from tests.measures import place
from tests.sop import factory as sops


async def version(_tx: AsyncConnection, version_id: int) -> Version:
    return Version(id=version_id, template=sops.template())


def row(enrolment_id: int, step: str, clock: str, **changes: Any) -> dict[str, Any]:
    """Return the columns of a step of the shipped template, due on Monday."""
    found = next(one for one in sops.template().steps["calm"] if one.key == step)
    due_at = at(clock)
    usual = occurrences.row_of(
        enrolment_id,
        step=step,
        n=0,
        delivery=found.deliveries[0],
        wanted_at=due_at,
        due_at=due_at,
        window_end=found.window.ends_at(due_at),
        expires_at=due_at + found.window.expire_after,
    )
    return {**usual, "executor": "", **changes}


async def test_work_is_whose_role_it_will_be_and_whose_hand_it_is_in(store: Store) -> None:
    await place.staffed(store)
    group = await place.founded(store)
    number = group.enrolment.id
    rows = [
        row(number, "opening", "10:00"),
        row(number, "open_questions", "14:00", state=OccurrenceState.WAITING_OWNER, executor=place.CO_OWNER),
        row(number, "readiness", "15:00"),
        row(number, "gate_24h", "16:00"),
        row(number, "publication", "22:30"),
    ]
    await store.write(lambda tx: occurrences.add(tx, rows))

    async with store.read() as tx:
        found = await GroupWork(version)(tx, at("09:00"), at("21:00"))

    titles = {step.key: step.title for step in sops.template().steps["calm"]}
    name = f"群 {group.chat_id}"
    assert {who: [one.title for one in lines] for who, lines in found.items()} == {
        place.OWNER: [f"{titles['opening']} · {name}"],
        place.CO_OWNER: [f"{titles['open_questions']} · {name}"],
        place.LEADER: [f"{titles['readiness']} · {name}"],
    }


async def test_a_day_without_groups_has_no_work(store: Store) -> None:
    async with store.read() as tx:
        assert await GroupWork(version)(tx, at("09:00"), at("21:00")) == {}

"""Who speaks with a customer for the first time: told only where the talk is known from its first word on."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.audit import TalkKind
from store import audit_marks, tables
from store.database import Store
from tests.audit import factory
from tests.audit.factory import START, Line, Talk
from tests.audit.test_judging import basis
from tests.audit.test_running import run

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

UNNAMED: list[Line] = [(0, "C", "提前还款怎么算？"), (1, "A", "您好，以合同为准。"), (2, "C", "好的")]
DAY = 24 * 60


async def met(tx: AsyncConnection, talk: Talk, at: datetime | None, *, is_exact: bool = True) -> None:
    """Let advisor and customer of a chat have met then."""
    who = tables.conversation.c
    row = (
        await tx.execute(
            sa.select(who.customer_id, tables.staff.c.id)
            .join(tables.staff, tables.staff.c.platform_id == who.account_id)
            .where(who.id == talk.id)
        )
    ).one()
    values = {"customer_id": row.customer_id, "staff_id": row.id, "tags": [], "from_at": at}
    ended = {"to_at": START} if at is None else {}
    await tx.execute(sa.insert(tables.relation).values(**values, **ended, is_from_exact=is_exact))


async def costs(store: Store) -> list[str]:
    """Return the rules of A2 by which points were taken, one for each session."""
    row = tables.finding.c
    async with store.read() as tx:
        wanted = sa.select(row.rule_id).where(row.item == "A2", row.state != "gone")
        return list((await tx.execute(wanted)).scalars())


@pytest.mark.parametrize(
    ("met_days_before", "is_exact", "expected"),
    [
        (0.1, True, ["A2.no_identity"]),
        (0.1, False, []),
        (400.0, True, []),
        (None, False, []),
        ("nobody told", True, []),
    ],
)
async def test_a_chat_is_a_first_contact_only_near_the_day_the_two_met_5(
    store: Store,
    frozen_clock: FrozenClock,
    met_days_before: float | str | None,
    is_exact: bool,
    expected: list[str],
) -> None:
    async def fill(tx: AsyncConnection) -> None:
        talk = await factory.talk(tx, TalkKind.CHAT, UNNAMED)
        if isinstance(met_days_before, float):
            await met(tx, talk, START - timedelta(days=met_days_before), is_exact=is_exact)
        if met_days_before is None:
            await met(tx, talk, None, is_exact=False)
            await met(tx, talk, START)

    await store.write(fill)
    frozen_clock.advance(timedelta(hours=9))

    await run(store, frozen_clock, basis())

    assert await costs(store) == expected


@pytest.mark.parametrize(("kind", "expected"), [(TalkKind.KF, ["A2.no_identity"]), (TalkKind.GROUP, [])])
async def test_customer_service_knows_new_customers_and_a_group_knows_nobody_5(
    store: Store, frozen_clock: FrozenClock, kind: TalkKind, expected: list[str]
) -> None:
    await store.write(lambda tx: factory.talk(tx, kind, UNNAMED))
    frozen_clock.advance(timedelta(hours=9))

    await run(store, frozen_clock, basis())

    assert await costs(store) == expected


async def test_what_was_said_before_the_audit_began_is_no_first_contact_5(
    store: Store, frozen_clock: FrozenClock
) -> None:
    later: list[Line] = [(minutes + 2 * DAY, who, text) for minutes, who, text in UNNAMED]

    async def fill(tx: AsyncConnection) -> None:
        talk = await factory.talk(tx, TalkKind.CHAT, [*UNNAMED, *later])
        await met(tx, talk, START)

    await store.write(fill)
    frozen_clock.advance(timedelta(days=3))

    done = await run(store, frozen_clock, basis(), from_at=START + timedelta(days=1))

    assert sum(one.sessions for one in done) == 1
    assert await costs(store) == []


async def test_looking_at_a_first_contact_again_changes_nothing_5(
    store: Store, frozen_clock: FrozenClock
) -> None:
    later: list[Line] = [(minutes + 2 * DAY, who, text) for minutes, who, text in UNNAMED]

    async def fill(tx: AsyncConnection) -> Talk:
        talk = await factory.talk(tx, TalkKind.CHAT, [*UNNAMED, *later])
        await met(tx, talk, START)
        return talk

    talk = await store.write(fill)
    frozen_clock.advance(timedelta(days=3))
    await run(store, frozen_clock, basis())
    assert await costs(store) == ["A2.no_identity"]

    async def again(tx: AsyncConnection, at: datetime) -> None:
        await audit_marks.mark(tx, {talk.id: at}, frozen_clock.now())

    for from_at in (talk.at(0), talk.at(2 * DAY)):
        await store.write(functools.partial(again, at=from_at))
        done = await run(store, frozen_clock, basis())
        assert sum(one.sessions for one in done) == 0

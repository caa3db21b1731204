"""Outages: what lay in the outbox and in the turns when the program went away. Found by bench/soak.py."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import tables
from tests.scenarios.town import ACCOUNT, CUSTOMER, town

QUESTIONS = ("提前还款要违约金吗", "退保能拿回多少", "理赔要多久")


async def test_an_answer_that_may_have_left_before_an_outage_is_not_said_again_in_other_words(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url) as here:
        here.world.customer_says(CUSTOMER, QUESTIONS[0], open_kfid=ACCOUNT)
        await here.delivery_in("accepted")
        await here.advance(hours=6)
        # As a kill between the call and the record of its end leaves it.
        long_ago = here.house.clock.wall() - timedelta(days=1)
        await here.house.store.write(lambda tx: _forget_the_end(tx, long_ago))

        await here.delivery_in("accepted")
        await here.quiet()

        assert len(here.said()) == 1
        assert [row.outcome for row in await here.rows(tables.delivery)] == ["repeat"]


async def test_answers_that_never_left_before_an_outage_become_one_apology(
    tmp_path: Path, database_url: str
) -> None:
    async with town(tmp_path, database_url, pilot={"suggest_only": True}) as here:
        for question in QUESTIONS:
            here.world.customer_says(CUSTOMER, question, open_kfid=ACCOUNT)
        await here.quiet()
        assert len(await here.rows(tables.delivery, tables.delivery.c.state == "held")) == 3
        await here.advance(hours=6)
        due = tables.delivery.update().values(state="due", outcome="", due_at=here.house.clock.now())
        await here.house.store.write(lambda tx: tx.execute(due))

        await here.quiet()

        turns = await here.rows(tables.turn)
        assert {row.decision for row in turns} == {"late"}
        # In this house nothing leaves by itself, so the one apology lies where a person sees it.
        assert len(await here.rows(tables.delivery, tables.delivery.c.state == "held")) == 1


async def _forget_the_end(tx: AsyncConnection, lease_until: datetime) -> None:
    """Take the record that the answer was sent out of the database."""
    spoken = sa.select(tables.message.c.id).where(tables.message.c.author == "bot")
    await tx.execute(tables.message_body.delete().where(tables.message_body.c.message_id.in_(spoken)))
    await tx.execute(tables.message.delete().where(tables.message.c.author == "bot"))
    cut = tables.delivery.update().values(state="attempting", lease_until=lease_until, finished_at=None)
    await tx.execute(cut)

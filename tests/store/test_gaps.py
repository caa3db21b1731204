"""Questions without a sure answer, on both databases: which count, since when, and what was erased."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.delivery import Act
from store import gaps, tables
from store.database import Store
from tests.console import factory


async def since(store: Store, moment: datetime) -> list[gaps.QuestionRow]:
    async with store.read() as tx:
        return await gaps.list_since(tx, moment)


async def test_questions_back_menus_left_alone_and_second_misses_are_gaps_and_nothing_else(
    store: Store, frozen_clock: FrozenClock
) -> None:
    async def fill(tx: AsyncConnection) -> None:
        make = factory.Maker(tx, frozen_clock.now())
        anna, bert = await make.talk("wmAnna"), await make.talk("wmBert")
        await make.decides(anna, await make.says(anna, "续保有优惠吗"), "clarify", ("loan.prepay", 0.2, []))
        turn = await make.decides(anna, await make.says(anna, "就是那个优惠"), "handover")
        await make.sends(anna, "转给同事。", turn=turn, act=Act.TEXT)
        await tx.execute(sa.update(tables.delivery).values(reply_id="unknown_handover"))
        await make.decides(bert, await make.says(bert, "怎么换卡"), "menu", ("loan.prepay", 0.4, []))
        await make.says(bert, "提前还款", menu_id="faq_loan_prepay")
        await make.decides(bert, await make.says(bert, "保单丢了"), "menu", ("loan.prepay", 0.4, []))
        await make.decides(bert, await make.says(bert, "转人工"), "handover")
        await make.decides(bert, await make.says(bert, "提前还"), "answer", ("loan.prepay", 0.9, []))

    await store.write(fill)

    found = await since(store, frozen_clock.now())

    assert [row.text for row in found] == ["保单丢了", "就是那个优惠", "续保有优惠吗"]
    assert [row.decision for row in found] == ["menu", "handover", "clarify"]
    assert [row.faq_id for row in found] == ["loan.prepay", "", "loan.prepay"]
    assert len({row.customer_id for row in found}) == 2


async def test_only_the_asked_period_counts_and_erased_words_are_gone(
    store: Store, frozen_clock: FrozenClock
) -> None:
    async def fill(tx: AsyncConnection) -> int:
        for days in (40, 20, 1):
            make = factory.Maker(tx, frozen_clock.now() - timedelta(days=days))
            talk = await make.talk("wmAnna")
            message = await make.says(talk, f"{days}天前的问题")
            await make.decides(talk, message, "clarify")
        return message

    newest = await store.write(fill)
    month = frozen_clock.now() - timedelta(days=30)

    assert [row.text for row in await since(store, month)] == ["1天前的问题", "20天前的问题"]

    async def erase(tx: AsyncConnection) -> None:
        its = tables.message_body.c.message_id == newest
        await tx.execute(sa.update(tables.message_body).where(its).values(erased_at=frozen_clock.now()))

    await store.write(erase)
    assert [row.text for row in await since(store, month)] == ["20天前的问题"]

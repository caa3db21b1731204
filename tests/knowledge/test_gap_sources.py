"""What counts as a gap, from every door, on both engines; and what was asked, for trials."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.delivery import Act, Body, NewDelivery, Purpose, SendClass
from domain.suggestion import NewRound, NewSuggestion, RoundHow, SuggestionSource, SuggestionState
from domain.talk import Author
from store import deliveries, knowledge_gaps, questions, suggestions
from store.database import Store
from store.knowledge_gaps import GapSource
from tests.console import factory


def suggested(conversation_id: int) -> NewRound:
    offered = NewSuggestion(
        source=SuggestionSource.FAQ,
        source_id="loan.prepay",
        question="提前还款",
        text="可以提前还。",
        line=None,
        score=0.7,
        reasons=(),
    )
    return NewRound(
        conversation_id=conversation_id,
        staff_platform_id="zhangsan",
        message_id=None,
        question_id=None,
        asked="能提前还吗，手续麻烦不",
        question_key="k",
        line=None,
        how=RoundHow.TYPED,
        needs_qualified=None,
        suggestions=(offered, offered),
    )


async def test_gaps_come_from_the_bot_from_rewritten_suggestions_and_from_groups_with_who_answered(
    store: Store, frozen_clock: FrozenClock
) -> None:
    now = frozen_clock.now()

    async def fill(tx: AsyncConnection) -> None:
        make = factory.Maker(tx, now - timedelta(hours=3))
        talk = await make.talk("wm1")
        asked = await make.says(talk, "宠物医疗险能报销多少")
        await make.decides(talk, asked, "clarify", ("loan.prepay", 0.2, ["x"]))
        await make.says(talk, "看条款里的比例。", author=Author.SERVICER, servicer="lisi")
        answered = await make.says(talk, "提前还款要违约金吗")
        await make.decides(talk, answered, "answer", ("loan.prepay", 0.9, ["x"]))
        made = await suggestions.record_round(tx, suggested(talk.conversation), now)
        sent = NewDelivery(
            key="by-hand-1",
            act=Act.BY_HAND,
            send_class=SendClass.REPORTED,
            purpose=Purpose.SERVICE,
            channel="sidebar",
            conversation_id=talk.conversation,
            body=Body(text="可以提前还，三步就好。"),
            due_at=now,
        )
        await deliveries.add(tx, [sent], now)
        first, second = made.suggestions
        await suggestions.decide(tx, first.id, SuggestionState.EDITED, now=now, delivery_key=sent.key)
        await suggestions.decide(tx, second.id, SuggestionState.REFUSED, now=now)
        await questions.mark(tx, text="群里几点直播", by="lisi", now=now, asker="wm2")

    await store.write(fill)

    async with store.read() as tx:
        found = await knowledge_gaps.list_since(tx, now - timedelta(days=1))
        later = await knowledge_gaps.list_since(tx, now + timedelta(hours=1))
        asked = await knowledge_gaps.list_asked(tx, now - timedelta(days=1))
    told = {one.source: (one.text, one.answered_by, one.answer, one.nearest) for one in found}
    assert told == {
        GapSource.BOT: ("宠物医疗险能报销多少", "lisi", "看条款里的比例。", "loan.prepay"),
        GapSource.EDITED: ("能提前还吗，手续麻烦不", "zhangsan", "可以提前还，三步就好。", "loan.prepay"),
        GapSource.GROUP: ("群里几点直播", "", "", ""),
    }
    assert len(found) == 3
    assert later == []
    assert {one.text for one in asked} == {"宠物医疗险能报销多少", "提前还款要违约金吗", "群里几点直播"}

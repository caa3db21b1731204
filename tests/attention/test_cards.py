"""From notices to cards in the outbox, on both engines."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

import sqlalchemy as sa

from domain.attention import NoticeKind, NoticeState
from domain.delivery import Act, DeliveryState, SendClass
from domain.faq import Line
from scheduler.attention import DayLine
from store import cards, lines, notices
from store.database import Store
from store.tables import delivery
from tests.attention import factory
from tests.attention.factory import at
from tests.attention.office import LEAVE, Office


async def test_a_due_notice_becomes_a_card_in_the_outbox_once(office: Office) -> None:
    await office.add(factory.new(at("09:05"), key="step", title="开群仪式", url="/sidebar/steps/7"))

    await office.pass_until(at("09:20"))

    (card,) = await office.cards()
    assert (card.act, card.send_class, card.channel) == (Act.CARD, SendClass.CHECKED, "app")
    assert (card.recipient, card.due_at) == ("wang", at("09:05"))
    assert card.body.card is not None
    assert card.body.card.title == "开群仪式"
    assert card.body.card.url == "https://bot.example.com/sidebar/steps/7"
    assert card.body.card.task_id == card.key
    assert await office.states() == {"step": NoticeState.CARDED}


async def test_the_notice_remembers_its_card_and_the_card_its_notices(office: Office) -> None:
    await office.add(factory.new(at("09:00")), factory.new(at("09:00")))

    await office.pass_until(at("09:00"))

    (sent,) = await office.cards()
    async with office.store.read() as tx:
        (card,) = await cards.list_of_day(tx, "wang", at("09:00").date())
        assert await cards.list_of_day(tx, "wang", at("09:00", "2026-11-24").date()) == []
        assert await cards.find(tx, sent.key) == card
        assert len(await notices.list_of_card(tx, card.id)) == 2
    assert card.delivery_key == sent.key


async def test_a_withdrawn_notice_is_never_told(office: Office) -> None:
    await office.add(factory.new(at("09:05"), key="done"))

    async def withdraw(tx: object) -> None:
        await tx.execute(sa.text("UPDATE notice SET state = 'withdrawn'"))  # type: ignore[attr-defined]

    await office.store.write(withdraw)
    await office.pass_until(at("10:00"))

    assert await office.cards() == []


async def test_cards_keep_their_distance_and_join_what_waits(office: Office) -> None:
    await office.add(factory.new(at("09:00")))
    await office.pass_until(at("09:00"))
    await office.add(factory.new(at("09:03")), factory.new(at("09:07")))

    await office.pass_until(at("10:00"))

    assert [card.due_at for card in await office.cards()] == [at("09:00"), at("09:30")]


async def test_work_follows_the_deputy_and_is_told_in_the_deputys_budget(office: Office) -> None:
    await office.hire("wang", "li", **LEAVE)
    await office.add(factory.new(at("09:01"), recipient="wang", key="of wang"))
    await office.add(factory.new(at("09:01"), recipient="li", key="of li"))

    await office.pass_until(at("09:10"))

    (card,) = await office.cards()
    assert card.recipient == "li"
    assert await office.states("li") == {"of wang": NoticeState.CARDED, "of li": NoticeState.CARDED}
    assert [one.told for one in await office.notices("wang")] == ["li"]


async def test_while_a_line_is_stopped_nobody_is_asked_for_its_work(office: Office) -> None:
    await office.store.write(
        lambda tx: lines.stop(tx, Line.WEALTH, by="li", reason="news", now=office.clock.now())
    )
    await office.add(
        factory.new(at("09:00"), key="work", line="wealth", is_exempt=True, latest_at=at("09:30")),
        factory.new(at("09:00"), key="alarm", line="wealth", kind=NoticeKind.ALARM),
    )

    await office.pass_until(at("10:00"))

    assert await office.states() == {"work": NoticeState.LISTED, "alarm": NoticeState.CARDED}


async def test_the_day_begins_with_one_card_of_its_work(office: Office) -> None:
    office.work["wang"] = [
        DayLine(at=at("15:00"), title="收集问题 · 二群"),
        DayLine(at=at("10:00"), title="开群仪式 · 一群"),
    ]
    office.work["zhao"] = [DayLine(at=at("10:00", "2026-11-24"), title="明天的事")]
    worker = office.worker()
    await office.add(factory.new(at("21:30", "2026-11-22"), title="昨晚的事"))

    await worker.prepare_day()
    await office.worker().prepare_day()
    await office.pass_until(at("12:00"), worker)

    (card,) = await office.cards()
    assert (card.recipient, card.due_at) == ("wang", at("09:00"))
    assert card.body.card is not None
    assert card.body.card.title == "今天 3 件事"
    assert card.body.card.rows == (
        ("21:30", "昨晚的事"),
        ("10:00", "开群仪式 · 一群"),
        ("15:00", "收集问题 · 二群"),
    )


async def test_a_day_without_work_begins_without_a_card(office: Office) -> None:
    await office.pass_until(at("09:30"))

    assert await office.cards() == []


async def test_a_program_that_starts_at_night_prepares_nothing_that_is_over(office: Office) -> None:
    office.work["wang"] = [DayLine(at=at("10:00"), title="开群仪式")]
    office.go_to(at("22:00"))

    await office.worker().prepare_day()

    assert await office.notices() == []


async def test_the_next_day_brings_what_was_only_listed_if_it_is_still_open(office: Office) -> None:
    await office.add(factory.new(at("09:00")), factory.new(at("10:00")))
    await office.pass_until(at("10:00"))
    listed = factory.new(at("10:01"), key="listed", title="没办的事")
    await office.add(listed)
    office.budget = type(office.budget)(zone=factory.SHANGHAI, cards_per_day=1, reserve=0)
    await office.pass_until(at("10:02"))
    assert (await office.states())["listed"] is NoticeState.LISTED

    office.go_to(at("08:40", "2026-11-24"))
    await office.pass_until(at("09:10", "2026-11-24"))

    card = (await office.cards())[-1].body.card
    assert card is not None
    assert card.rows == (("10:01", "没办的事"),)
    assert (await office.states())["listed"] is NoticeState.CARDED


async def test_a_card_that_did_not_arrive_leaves_its_notices_on_the_page(office: Office) -> None:
    await office.add(factory.new(at("09:00"), key="lost"))
    worker = office.worker()
    await office.pass_until(at("09:00"), worker)
    await worker.take_back()
    assert await office.states() == {"lost": NoticeState.CARDED}

    refused = sa.update(delivery).values(state=DeliveryState.REFUSED)

    async def refuse(tx: object) -> None:
        await tx.execute(refused)  # type: ignore[attr-defined]

    await office.store.write(refuse)
    await worker.take_back()

    assert await office.states() == {"lost": NoticeState.LISTED}


async def test_a_card_is_not_delivered_when_what_it_tells_is_over(office: Office) -> None:
    await office.add(factory.new(at("09:00"), latest_at=at("09:40")))
    await office.add(factory.new(at("09:00"), recipient="li"))

    await office.pass_until(at("09:00"))

    expires = {card.recipient: card.expires_at for card in await office.cards()}
    assert expires == {"wang": at("09:40"), "li": at("21:00")}


async def test_many_workers_make_one_card_of_one_notice(office: Office, database_url: str) -> None:
    others = [office.store]
    if not office.store.dialect.is_sqlite:
        others.append(await Store.open(database_url))
    people = [f"advisor{number}" for number in range(30)]
    for minute in range(0, 120, 7):
        await office.add(
            *(factory.new(at("09:00") + timedelta(minutes=minute), recipient=name) for name in people)
        )

    office.go_to(at("09:00"))
    workers = [office.worker(store) for store in others for _ in range(2)]
    while office.clock.now() < at("11:10"):
        await asyncio.gather(*(worker.send_due() for worker in workers))
        office.clock.advance(timedelta(minutes=5))
    for store in others[1:]:
        await store.close()

    sent = await office.cards()
    for name in people:
        times = [card.due_at for card in sent if card.recipient == name]
        assert all(later - earlier >= timedelta(minutes=10) for earlier, later in itertools.pairwise(times))
        assert set((await office.states(name)).values()) == {NoticeState.CARDED}
    async with office.store.read() as tx:
        told = [card for name in people for card in await cards.list_since(tx, name, at("09:00").date())]
    assert len(told) == len(sent) == len({card.key for card in sent})

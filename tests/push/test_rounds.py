"""Suggestions that appear by themselves on an open page, and the card when none is open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.clock import FrozenClock
from bot.desk_rounds import DeskRounds
from console.streams import Bye, Stream, Streams, Wanted
from domain.suggestion import RoundHow
from handlers.context import Rules
from handlers.suggesting import Suggester
from scheduler.question_watch import QuestionRules, QuestionWatch
from store import presence, questions, suggestions, tables
from store.database import Store
from store.desk_news import NewsKind
from tests.console.factory import knowledge
from tests.measures.test_question_watch import HOURS
from tests.push import factory

ADVISOR = "zhangsan"
PREPAY = "提前还款要违约金吗"


def desk_of(store: Store, clock: FrozenClock, streams: Streams) -> DeskRounds:
    rules = Rules(hours=HOURS, facts={}, institutions={}, duty={})
    suggester = Suggester(knowledge, rules, clock)
    desk = DeskRounds(store, clock, streams)
    desk.suggester = suggester
    return desk


def opened(streams: Streams, conversation: int, who: str = ADVISOR) -> Stream:
    stream = streams.open(Wanted(staff=who, session="s", conversations=(conversation,)), lambda: False)
    assert not isinstance(stream, Bye)
    return stream


async def test_who_serves_gets_one_round_for_the_last_of_several_bubbles(
    store: Store, frozen_clock: FrozenClock
) -> None:
    streams = Streams()
    talk = await factory.begin_talk(store, frozen_clock, "wmOne", servicer=ADVISOR)
    mine, others = opened(streams, talk), opened(streams, talk, "linzhuguan")
    desk = desk_of(store, frozen_clock, streams)
    first = await factory.say(store, frozen_clock, talk, "在吗")
    last = await factory.say(store, frozen_clock, talk, PREPAY)

    for message in (first, last):
        desk.want(talk, message)
    await desk.make_due()
    desk.want(talk, last)
    await desk.make_due()

    async with store.read() as tx:
        found = await suggestions.find_latest(tx, talk, ADVISOR)
        count = (
            await tx.execute(sa.select(sa.func.count()).select_from(tables.suggestion_round))
        ).scalar_one()
    assert found is not None
    assert (found.message_id, found.how, count) == (last, RoundHow.PUSHED, 1)
    told = await mine.next()
    assert told is not None
    assert f'"{NewsKind.ROUND}": {found.id}' in told.decode()
    assert others.marks.round == 0


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("is_open", [False, True])
async def test_a_closed_page_gets_one_card_instead_of_the_first_timer_and_an_open_one_none(
    store: Store, frozen_clock: FrozenClock, is_open: bool
) -> None:
    rules = QuestionRules(hours=HOURS, on_duty=(ADVISOR,), tells_at_once=True)
    watch = QuestionWatch(store, frozen_clock, knowledge, rules)
    talk = await factory.begin_talk(store, frozen_clock, "wmOne", servicer=ADVISOR)
    if is_open:
        wall = frozen_clock.wall()
        await store.write(lambda tx: presence.add(tx, "k", ADVISOR, talk, process="p", wall=wall))
    message = await factory.say(store, frozen_clock, talk, PREPAY)
    now = frozen_clock.now()
    await store.write(lambda tx: questions.record_kf(tx, talk, message, PREPAY, now))

    async def notices() -> list[Any]:
        while await watch.watch_due() == 0:
            pass
        async with store.read() as tx:
            return list((await tx.execute(sa.select(tables.notice))).all())

    at_once = await notices()
    frozen_clock.advance(timedelta(minutes=4))
    later = await notices()

    assert len(at_once) == (0 if is_open else 1)
    (told,) = later
    assert (told.recipient, told.is_exempt) == (ADVISOR, False)
    assert told.url == "/sidebar/customer?external_userid=wmOne"
    assert PREPAY not in told.title + told.text

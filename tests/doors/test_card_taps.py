"""Taps on cards go to whoever works on cards, once each; without anybody they are kept as unhandled."""

from __future__ import annotations

from typing import Any, cast

from bot.clock import FrozenClock
from bot.inbox import Inbox
from bot.metrics import Metrics
from domain import platform
from store import events, tables
from store.database import Store
from store.events import StoredEvent

TAP = (
    b"<xml><FromUserName>zhangsan</FromUserName><CreateTime>1763700000</CreateTime><MsgType>event</MsgType>"
    b"<Event>template_card_event</Event><EventKey>done</EventKey><TaskId>sop-1</TaskId>"
    b"<ResponseCode>RC1</ResponseCode></xml>"
)


class Desk:
    """Writes down what is tapped."""

    def __init__(self, store: Store, clock: FrozenClock) -> None:
        self._store, self._clock = store, clock
        self.seen: list[platform.CardTapped] = []

    async def process(self, stored: StoredEvent, event: platform.CardTapped) -> None:
        self.seen.append(event)
        await self._store.write(lambda tx: events.finish(tx, [stored.id], self._clock.now()))


async def states_after_a_tap(store: Store, clock: FrozenClock, desk: Desk | None) -> list[str]:
    deciding = cast(Any, None)  # No event of a session comes.
    inbox = Inbox(
        store, clock, None, deciding, Metrics(), owner="test", went_live_at=clock.now(), card_events=desk
    )
    for _ in range(2):
        await inbox.accept(key="k1", receiver="assistant", kind="template_card_event", body=TAP)
    while await inbox.process_due() is not None:
        await inbox.finish()
    async with store.read() as tx:
        return [row.state for row in (await tx.execute(tables.event.select())).all()]


async def test_a_tap_is_worked_on_once(store: Store, frozen_clock: FrozenClock) -> None:
    desk = Desk(store, frozen_clock)

    assert await states_after_a_tap(store, frozen_clock, desk) == ["done"]
    assert [(tap.staff_id, tap.task_id, tap.key, tap.code) for tap in desk.seen] == [
        ("zhangsan", "sop-1", "done", "RC1")
    ]


async def test_a_tap_nobody_works_on_is_kept(store: Store, frozen_clock: FrozenClock) -> None:
    assert await states_after_a_tap(store, frozen_clock, None) == ["unhandled"]

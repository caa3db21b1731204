"""The queue and the roster in the console, and giving a customer back from the sidebar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.delivery import Act
from domain.handover import HandoverNote, HandoverWanted, Promised
from domain.hours import Period, ServiceHours
from domain.login import Role
from domain.platform import SessionState
from domain.talk import Author
from scheduler.rostering import RosterRules
from store import accounts, conversations, deliveries, handovers, messages, tables
from store.database import Store
from store.deliveries import Delivery
from tests.console import factory
from tests.console.conftest import Pages, Serve

# Fixtures of the console's tests.
from tests.console.conftest import scene as scene
from tests.console.conftest import serve as serve

CSRF = {"csrf": "csrf-of-the-test"}
HOURS = ServiceHours(
    zone=ZoneInfo("Asia/Shanghai"),
    periods=tuple(Period(weekday=weekday, opens=time(9), closes=time(21)) for weekday in range(7)),
)


@pytest.fixture
def engine() -> str:
    return "sqlite"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The console of a supervisor; `queued` and `served` are hand-overs."""

    pages: Pages
    store: Store
    cookies: dict[str, str]
    queued: int
    served: int
    talk: int

    async def read(self, path: str) -> str:
        answer = await self.pages.client.get(path, cookies=self.cookies)
        assert answer.status == 200, path
        return await answer.text()

    async def act(self, path: str, **fields: str | list[str]) -> str:
        """Post a form and return what the browser is told."""
        data = [("csrf", "csrf-of-the-test")]
        for name, value in fields.items():
            data += [(name, each) for each in ([value] if isinstance(value, str) else value)]
        answer = await self.pages.client.post(path, data=data, cookies=self.cookies, allow_redirects=False)
        assert answer.status == 303, path
        return answer.headers["Location"].partition("?")[2]

    async def moves(self) -> list[Delivery]:
        async with self.store.read() as tx:
            due = await deliveries.list_by_state(tx, ["due"])
        return [one for one in due if one.act in (Act.TRANSFER, Act.END)]


@pytest.fixture
async def desk(serve: Serve, scene: factory.Scene, store: Store, frozen_clock: FrozenClock) -> Desk:
    pages = await serve(hours=HOURS, roster=RosterRules(hours=HOURS, duty=("zhangsan", "lisi")))
    now = frozen_clock.now()

    async def job(tx: AsyncConnection) -> tuple[int, int]:
        for account in await accounts.list_all(tx):
            for who in ("zhangsan", "lisi"):
                await accounts.set_servicer(tx, account.id, who, is_receiving=True, now=now)
            await accounts.set_servicer(tx, account.id, "wangwu", is_receiving=False, now=now)
        note = HandoverNote(
            asked=("退保能拿回多少<b>",),
            answered=("退保能拿回多少钱？",),
            promised=(Promised(what="question", case_id=scene.own_case, due_at=now + timedelta(days=1)),),
        )
        ids = []
        for talk in (scene.other_talk, scene.own_talk):
            wanted = HandoverWanted(reason="H1", line="insurance", note=note)
            ids.append(
                await handovers.record_wish(
                    tx,
                    wanted,
                    conversation_id=talk,
                    turn_id=None,
                    case_id=scene.own_case,
                    staff="",
                    now=now - timedelta(minutes=7),
                )
            )
        await conversations.set_state(tx, scene.other_talk, SessionState.POOL, now=now)
        await conversations.set_state(
            tx, scene.own_talk, SessionState.SERVICER, servicer_id="zhangsan", now=now
        )
        await handovers.assign(tx, scene.own_talk, "zhangsan", now - timedelta(minutes=6))
        return ids[0], ids[1]

    queued, served = await store.write(job)
    cookies = await factory.sign_in(store, pages.names[Role.SUPERVISOR], frozen_clock)
    return Desk(pages=pages, store=store, cookies=cookies, queued=queued, served=served, talk=scene.own_talk)


async def ask(desk: Desk, text: str, clock: FrozenClock) -> None:
    """Let the served customer say something."""
    said = messages.NewMessage(
        conversation_id=desk.talk,
        source="kf:x",
        msgid=text,
        author=Author.CUSTOMER,
        kind="text",
        sent_at=clock.now(),
        text=text,
    )
    await desk.store.write(lambda tx: messages.add(tx, [said], clock.now()))


async def test_the_queue_says_who_waits_how_long_and_who_serves(
    desk: Desk, frozen_clock: FrozenClock
) -> None:
    await ask(desk, "还在吗？", frozen_clock)
    frozen_clock.advance(timedelta(minutes=4))

    page = await desk.read("/console/handovers")

    assert page.index("排队中") < page.index("4 分钟前")
    assert "11 分钟前" in page
    assert "要求人工" in page
    assert "1/10" in page


async def test_the_note_is_read_in_full_and_as_words(desk: Desk) -> None:
    page = await desk.read(f"/console/handovers/{desk.served}")

    assert "退保能拿回多少&lt;b&gt;" in page
    assert "退保能拿回多少钱？" in page
    assert "/console/cases/" in page
    async with desk.store.read() as tx:
        opened = (await tx.execute(sa.select(tables.access_log.c.subject))).scalars().all()
    assert f"conversation:{desk.talk}" in opened


async def test_a_customer_is_moved_to_somebody_with_room_and_once_only(desk: Desk) -> None:
    told = [
        await desk.act(f"/console/handovers/{desk.served}/move", who=who)
        for who in ("wangwu", "zhangsan", "lisi", "lisi")
    ]

    assert told == [
        "wrong=handover_full",
        "wrong=handover_full",
        "done=handover_moves",
        "wrong=handover_moving",
    ]
    (move,) = await desk.moves()
    assert (move.act, move.body.servicers, move.body.taken_from) == (Act.TRANSFER, ("lisi",), "zhangsan")
    assert await desk.act(f"/console/handovers/{desk.queued}/move", who="zhangsan") == "done=handover_moves"
    assert {move.body.taken_from for move in await desk.moves()} == {"zhangsan", ""}


async def test_giving_back_asks_how_it_was_only_who_waits_for_nothing(
    desk: Desk, frozen_clock: FrozenClock
) -> None:
    await ask(desk, "好的谢谢", frozen_clock)
    assert await desk.act(f"/console/handovers/{desk.queued}/give-back") == "wrong=handover_over"
    assert await desk.act(f"/console/handovers/{desk.served}/give-back") == "done=handover_back"
    (rated,) = await desk.moves()
    await desk.store.write(lambda tx: deliveries.cancel_unsent(tx, rated.key, frozen_clock.now(), "test"))

    await ask(desk, "还有一个问题，利率多少", frozen_clock)
    frozen_clock.advance(timedelta(minutes=1))
    assert await desk.act(f"/console/handovers/{desk.served}/give-back") == "done=handover_back"

    (plain,) = await desk.moves()
    assert [one.id for one in rated.body.menu] == ["sat_4", "sat_3", "sat_2", "sat_1"]
    assert [one.id for one in plain.body.menu] == ["act_human"]
    assert (plain.act, plain.body.taken_from) == (Act.END, "zhangsan")


async def test_a_roster_is_made_shown_and_ended(desk: Desk) -> None:
    assert "还没有排班" in await desk.read("/console/roster")
    form = {"who": "lisi", "account": "", "since": "09:00", "until": "18:00", "capacity": "3"}

    told = [
        await desk.act("/console/roster/add", **form),
        await desk.act("/console/roster/add", **form, weekday=["1", "2"]),
        await desk.act("/console/roster/add", **form, weekday=["2"]),
        await desk.act("/console/roster/add", **form | {"who": "nobody"}, weekday=["1"]),
        await desk.act("/console/roster/add", **form | {"since": "19:00"}, weekday=["1"]),
        await desk.act("/console/roster/add", **form | {"capacity": "0"}, weekday=["1"]),
        await desk.act("/console/roster/add", **form | {"until": "00:00"}, on_date="2026-12-01"),
    ]

    assert told == [
        "wrong=bad_shift",
        "done=shift_added",
        "wrong=shift_there",
        "wrong=unknown_person",
        "wrong=bad_shift",
        "wrong=bad_shift",
        "done=shift_added",
    ]
    page = await desk.read("/console/roster")
    assert page.count("09:00–18:00") == 2
    assert "09:00–24:00" in page
    assert "2026-12-01" in page
    rows = await rows_of(desk.store)
    assert [(row.weekday, row.on_date, row.until_minute) for row in rows] == [
        (1, None, 1080),
        (2, None, 1080),
        (None, date(2026, 12, 1), 1440),
    ]
    # 张三 is on service.duty, but the roster counts from now on.
    queue = await desk.read("/console/handovers")
    assert "0/3" in queue
    assert await desk.act(f"/console/roster/{rows[0].id}/end") == "done=shift_ended"
    assert await desk.act(f"/console/roster/{rows[0].id}/end") == "wrong=changed"


async def rows_of(store: Store) -> list[sa.Row[tuple[object, ...]]]:
    async with store.read() as tx:
        return list((await tx.execute(sa.select(tables.duty_shift).order_by(tables.duty_shift.c.id))).all())

"""Hand-overs and the roster as both engines keep them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.handover import HandoverChoice, HandoverEnd, HandoverNote, HandoverState, HandoverWanted, Promised
from domain.hours import ServiceHours
from domain.platform import SessionState
from domain.reply import Transfer
from domain.roster import NewShift
from domain.talk import Author, Conversation
from scheduler import handing
from scheduler.handover_watch import Care, WatchRules, care_for
from scheduler.rostering import RosterRules
from store import accounts, conversations, customers, deliveries, handovers, messages, roster, staff, tables
from store.database import Store
from store.messages import NewMessage

NOTE = HandoverNote(asked=("利率多少",), answered=("利率怎么算？",), promised=(Promised(what="发合同"),))


async def talk_with(tx: AsyncConnection, customer: str, clock: FrozenClock) -> Conversation:
    now = clock.now()
    ids = await customers.ensure(tx, [customer], now)
    await accounts.ensure(tx, "wkA", now)
    return (await conversations.ensure(tx, "kf", "wkA", list(ids.values()), now))[ids[customer]]


async def say(tx: AsyncConnection, talk: Conversation, author: Author, text: str, clock: FrozenClock) -> None:
    said = NewMessage(
        conversation_id=talk.id,
        source="kf:wkA",
        msgid=f"{author} {text}",
        author=author,
        kind="text",
        sent_at=clock.now(),
        text=text,
        servicer_id="zhangsan" if author is Author.SERVICER else "",
    )
    await messages.add(tx, [said], clock.now())


async def wish(tx: AsyncConnection, talk: Conversation, clock: FrozenClock, **changes: Any) -> int:
    usual: dict[str, Any] = {"turn_id": None, "case_id": None, "staff": "", "now": clock.now()}
    wanted = HandoverWanted(reason="H1", line="loan", note=NOTE)
    return await handovers.record_wish(tx, wanted, conversation_id=talk.id, **(usual | changes))


async def test_a_hand_over_goes_its_way_and_is_one_at_a_time(store: Store, frozen_clock: FrozenClock) -> None:
    async def job(tx: AsyncConnection) -> None:
        talk = await talk_with(tx, "wmA", frozen_clock)
        first = await wish(tx, talk, frozen_clock, staff="lisi")
        assert await wish(tx, talk, frozen_clock, staff="zhangsan") == first
        assert await roster.count_load(tx, ["zhangsan", "lisi"], frozen_clock.now()) == {"zhangsan": 1}
        await say(tx, talk, Author.CUSTOMER, "在吗", frozen_clock)
        frozen_clock.advance(timedelta(minutes=1))
        served = await handovers.assign(tx, talk.id, "zhangsan", frozen_clock.now())
        assert (served.state, served.note) == (HandoverState.SERVING, NOTE)
        assert [one.text for one in await handovers.list_unanswered(tx, served)] == ["在吗"]
        await say(tx, talk, Author.SERVICER, "您好", frozen_clock)
        await handovers.record_reply(tx, talk.id, frozen_clock.now(), frozen_clock.now())
        await say(tx, talk, Author.CUSTOMER, "利率呢", frozen_clock)
        assert [one.text for one in await handovers.list_unanswered(tx, served)] == ["利率呢"]
        (opened,) = await handovers.list_open(tx)
        assert (opened.is_moving, opened.talk.id) == (False, talk.id)
        assert await handovers.end(tx, talk.id, HandoverEnd.IDLE, frozen_clock.now()) == first
        assert await handovers.end(tx, talk.id, HandoverEnd.DONE, frozen_clock.now()) is None
        assert await handovers.set_choice(tx, talk.id, HandoverChoice.CALL_BACK)
        kept = await handovers.find(tx, first)
        assert kept is not None
        assert (kept.end, kept.choice) == (HandoverEnd.IDLE, HandoverChoice.CALL_BACK)
        assert kept.apologised_at is None  # Nothing was said yet (_6).
        await handovers.set_apologised(tx, talk.id, frozen_clock.now())
        kept = await handovers.find(tx, first)
        assert kept is not None
        assert kept.apologised_at == frozen_clock.now()
        assert [one.id for one in await handovers.list_ended(tx, frozen_clock.now())] == [first]

    await store.write(job)


async def test_the_database_itself_keeps_a_second_open_one_out(
    store: Store, frozen_clock: FrozenClock
) -> None:
    async def job(tx: AsyncConnection) -> None:
        talk = await talk_with(tx, "wmA", frozen_clock)
        await wish(tx, talk, frozen_clock)
        row = {
            "conversation_id": talk.id,
            "reason": "H1",
            "asked_at": frozen_clock.now(),
            "state": "waiting",
            "note": {},
        }
        await tx.execute(sa.insert(tables.handover).values(row))

    with pytest.raises(IntegrityError):
        await store.write(job)


async def test_seats_filled_meanwhile_send_the_next_one_to_the_pool(
    store: Store, frozen_clock: FrozenClock
) -> None:
    transfer = Transfer(servicers=("zhangsan",), notice="来了", room=(1,), waiting="请等")

    async def ask(customer: str) -> Transfer | None:
        async def job(tx: AsyncConnection) -> Transfer | None:
            await staff.ensure(tx, ["zhangsan"], frozen_clock.now())
            talk = await talk_with(tx, customer, frozen_clock)
            wanted = HandoverWanted(reason="H1")
            return await handing.record_wish(
                tx, talk, wanted, transfer, turn_id=None, case_id=None, now=frozen_clock.now()
            )

        return await store.write(job)

    first, second = await ask("wmA"), await ask("wmB")

    assert first is not None
    assert second is not None
    assert (first.servicers, first.notice) == (("zhangsan",), "来了")
    assert (second.servicers, second.notice) == ((), "请等")


async def test_a_roster_of_ones_own_account_stands_before_that_for_all(
    store: Store, frozen_clock: FrozenClock
) -> None:
    async def job(tx: AsyncConnection) -> None:
        now = frozen_clock.now()
        await talk_with(tx, "wmA", frozen_clock)
        usual: dict[str, Any] = {"from_minute": 540, "until_minute": 1080, "capacity": 2}
        old = NewShift(staff_platform_id="lisi", on_date=date(2026, 11, 1), **usual)
        for one in (
            NewShift(staff_platform_id="zhangsan", weekday=1, **usual),
            NewShift(staff_platform_id="lisi", weekday=1, account_id="wkA", **usual),
            old,
        ):
            await roster.add(tx, one, by="chen", now=now)
        today = date(2026, 11, 23)
        assert [one.staff_platform_id for one in await roster.list_for(tx, "wkA", today)] == ["lisi"]
        assert [one.staff_platform_id for one in await roster.list_for(tx, "wkB", today)] == ["zhangsan"]
        assert len(await roster.list_current(tx)) == 3
        # A swap of one account on one day leaves everybody else's shifts alone (_6).
        swap = NewShift(staff_platform_id="lisi", on_date=date(2026, 12, 24), account_id="wkB", **usual)
        await roster.add(tx, swap, by="chen", now=now)
        held = [one.staff_platform_id for one in await roster.list_for(tx, "wkB", today)]
        assert held == ["zhangsan", "lisi"]
        await accounts.set_servicer(tx, "wkA", "lisi", is_receiving=True, now=now)
        talk = await talk_with(tx, "wmB", frozen_clock)
        await conversations.set_state(tx, talk.id, SessionState.SERVICER, servicer_id="lisi", now=now)
        (lisi,) = await roster.list_servicers(tx, "wkA", ["lisi"], today, now=now)
        assert (lisi.is_receiving, lisi.load, lisi.last_given_at) == (True, 1, None)

    await store.write(job)


async def test_an_end_that_is_heard_of_late_ends_no_newer_hand_over_6(
    store: Store, frozen_clock: FrozenClock
) -> None:
    async def job(tx: AsyncConnection) -> None:
        talk = await talk_with(tx, "wmA", frozen_clock)
        ended_at = frozen_clock.now()
        frozen_clock.advance(timedelta(seconds=3))
        newer = await wish(tx, talk, frozen_clock)
        await handing.end_handover(tx, talk.id, HandoverEnd.IDLE, frozen_clock.now(), heard_at=ended_at)
        kept = await handovers.find_open(tx, talk.id)
        assert kept is not None
        assert kept.id == newer
        await handing.end_handover(
            tx, talk.id, HandoverEnd.DONE, frozen_clock.now(), heard_at=frozen_clock.now()
        )
        assert await handovers.find_open(tx, talk.id) is None

    await store.write(job)


async def test_nobody_is_taken_back_by_a_log_that_was_not_read_6(
    store: Store, frozen_clock: FrozenClock
) -> None:
    hours = ServiceHours(zone=ZoneInfo("Asia/Shanghai"), periods=())
    rules = WatchRules(roster=RosterRules(hours=hours))

    async def job(tx: AsyncConnection) -> None:
        talk = await talk_with(tx, "wmA", frozen_clock)
        asked_at = frozen_clock.now()
        await handovers.assign(tx, talk.id, "zhangsan", asked_at)
        await conversations.set_state(
            tx, talk.id, SessionState.SERVICER, servicer_id="zhangsan", now=asked_at
        )

        async def care(read_at: datetime | None) -> Care:
            """Return what is done after the log was read, to its end at `read_at`."""
            now = frozen_clock.now()
            held = await accounts.claim_cursor(tx, "wkA", wall=now, owner="o", lease=timedelta(seconds=30))
            assert held is not None
            assert await accounts.set_cursor(tx, held, "" if read_at else "place", read_at)
            (one,) = await handovers.list_open(tx)
            return care_for(one, asked_at, False, rules, now)

        frozen_clock.advance(timedelta(minutes=45))
        found = [
            await care(None),
            await care(asked_at + timedelta(minutes=4)),
            await care(asked_at + timedelta(minutes=6)),
            await care(asked_at + timedelta(minutes=31)),
        ]
        assert found == [Care.NOTHING, Care.NOTHING, Care.MOVE_ON, Care.TAKE_BACK]
        held = await accounts.claim_cursor(
            tx, "wkA", wall=frozen_clock.now(), owner="o", lease=timedelta(seconds=30)
        )
        assert held is not None
        assert held.cursor == "place"

    await store.write(job)


async def test_sessions_that_ran_out_take_no_room_and_transfers_on_their_way_do_6(
    store: Store, frozen_clock: FrozenClock
) -> None:
    async def job(tx: AsyncConnection) -> None:
        async def load() -> dict[str, int]:
            return await roster.count_load(tx, ["zhangsan", "lisi"], frozen_clock.now())

        talk = await talk_with(tx, "wmA", frozen_clock)
        await handovers.assign(tx, talk.id, "zhangsan", frozen_clock.now())
        await conversations.set_state(
            tx, talk.id, SessionState.SERVICER, servicer_id="zhangsan", now=frozen_clock.now()
        )
        served = await conversations.get(tx, talk.id)
        move = handing.give(served, ("lisi",), nonce="1", now=frozen_clock.now())
        await deliveries.add(tx, [move], frozen_clock.now())
        assert await load() == {"zhangsan": 1, "lisi": 1}
        await deliveries.cancel_unsent(tx, move.key, frozen_clock.now(), "test")
        frozen_clock.advance(timedelta(hours=49))
        assert await load() == {}

    await store.write(job)

"""Sends by hand and mass sends on the one record, counted once where the archive tells of them too."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bot import told_sends
from bot.clock import FrozenClock
from domain.delivery import Act, Body, DeliveryState, NewDelivery, Purpose, SendClass
from domain.enrolment import MassTaskState, TargetResult
from store import deliveries, mass_tasks
from store.database import Store
from store.tables import mass_task, message, message_twin
from store.told_sends import ToldSend
from tests.archive import office
from tests.archive.library import NOW, milliseconds
from tests.archive.library import message as archived
from tests.archive.office import MemoryReader

GROUP = "wrGroup1"
SENT_AT = NOW - timedelta(minutes=30)


def by_hand(
    text: str = "明天上午十点开讲", *, at: datetime = SENT_AT, key: str = "k1", target: str = GROUP
) -> ToldSend:
    return ToldSend(source="sidebar", msgid=key, by="zhangsan", target=target, sent_at=at, text=text)


def heard(number: int, text: str, at: datetime, **more: object) -> dict[str, object]:
    fields = {"roomid": GROUP, "tolist": ["wmCustomer1"], "msgtime": milliseconds(at)}
    return archived(number, text, **fields | more)


async def pairs(store: Store) -> list[tuple[str, str]]:
    """Return (source of the twin, msgid of what counts)."""
    twin, counts = message.alias(), message.alias()
    wanted = (
        sa.select(twin.c.msgid, counts.c.msgid)
        .select_from(message_twin)
        .join(twin, twin.c.id == message_twin.c.twin_id)
        .join(counts, counts.c.id == message_twin.c.message_id)
        .order_by(twin.c.msgid)
    )
    return [(one[0], one[1]) for one in await office.rows(store, wanted)]


@pytest.mark.parametrize("is_archive_first", [True, False])
async def test_the_same_words_from_two_sources_count_once(records: Store, is_archive_first: bool) -> None:
    reader = MemoryReader([heard(1, "明天上午１０点开讲 \n", SENT_AT + timedelta(minutes=2))])
    send = by_hand("明天上午10点开讲")

    if is_archive_first:
        await office.pull_all(records, reader)
    await records.write(lambda tx: told_sends.record(tx, [send], NOW))
    await records.write(lambda tx: told_sends.record(tx, [send], NOW))
    await office.pull_all(records, reader)

    assert await pairs(records) == [("k1", "m1_external")]
    assert len(await office.said(records)) == 2


async def test_other_words_another_author_place_or_time_are_no_twin(records: Store) -> None:
    bag = [
        heard(1, "别的话", SENT_AT),
        heard(2, "明天上午十点开讲", SENT_AT, **{"from": "lisi"}),
        heard(3, "明天上午十点开讲", SENT_AT, roomid="wrOther"),
        heard(4, "明天上午十点开讲", SENT_AT - timedelta(minutes=11)),
    ]

    await records.write(lambda tx: told_sends.record(tx, [by_hand()], NOW))
    await office.pull_all(records, MemoryReader(bag))

    assert await pairs(records) == []


async def test_each_message_has_one_twin_at_most_the_nearest(records: Store) -> None:
    bag = [heard(n, "好的", SENT_AT + timedelta(minutes=n)) for n in (1, 4)]
    sends = [by_hand("好的", at=SENT_AT + timedelta(minutes=n), key=f"k{n}") for n in (0, 3, 9)]

    await office.pull_all(records, MemoryReader(bag))
    await records.write(lambda tx: told_sends.record(tx, sends, NOW))

    assert await pairs(records) == [("k0", "m1_external"), ("k3", "m4_external")]


async def test_reported_and_confirmed_sends_are_recorded_once(store: Store) -> None:
    await store.write(_add_sends)
    recorder = told_sends.ToldSends(store, FrozenClock(NOW))

    await recorder.record_due()
    await recorder.record_due()

    told = {
        (one.source, one.channel, one.account_id, one.customer): (one.text, one.servicer_id, one.author)
        for one in await office.said(store)
    }
    assert told == {
        ("sidebar", "group", GROUP, None): ("明天上午十点开讲", "zhangsan", "servicer"),
        ("mass", "chat", "lisi", "wmCustomer1"): ("节日快乐", "lisi", "servicer"),
    }


async def _add_sends(tx: object) -> None:
    await deliveries.add(
        tx,  # type: ignore[arg-type]
        [
            _delivery("hand1", "sidebar", GROUP, "明天上午十点开讲", by="zhangsan"),
            _delivery("hand2", "sidebar", GROUP, "没有发出的", by="zhangsan"),
            _delivery("mass1", "mass", "lisi", "节日快乐"),
        ],
        SENT_AT,
    )
    await deliveries.end_by_hand(tx, "hand1", is_sent=True, now=SENT_AT, by="zhangsan")  # type: ignore[arg-type]
    number = await mass_tasks.add(
        tx,  # type: ignore[arg-type]
        delivery_key="mass1",
        chat_type="single",
        sender="lisi",
        targets=["wmCustomer1", "wmCustomer2"],
        until=NOW,
        now=SENT_AT,
    )
    results = {"wmCustomer1": TargetResult.SENT, "wmCustomer2": TargetResult.NO_FRIEND}
    await tx.execute(  # type: ignore[attr-defined]
        sa.update(mass_task)
        .where(mass_task.c.id == number)
        .values(state=MassTaskState.CONFIRMED, confirmed_at=SENT_AT, results=results)
    )


def _delivery(key: str, channel: str, recipient: str, text: str, by: str = "") -> NewDelivery:
    return NewDelivery(
        key=key,
        act=Act.BY_HAND if channel == "sidebar" else Act.MASS_SEND,
        send_class=SendClass.REPORTED if channel == "sidebar" else SendClass.ONCE,
        purpose=Purpose.CARE,
        channel=channel,
        conversation_id=None,
        recipient=recipient,
        body=Body(text=text, targets=(recipient,), servicers=(by,) if by else ()),
        due_at=SENT_AT,
        state=DeliveryState.ATTEMPTING,
    )

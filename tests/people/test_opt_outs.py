"""Opt-outs: by words, by a tap, by an advisor; in force at once for everything but service."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession

from domain.delivery import Act, Body, NewDelivery, Purpose, SendClass
from domain.people import OptOutSource, OptOutWanted
from domain.platform import SessionState
from scheduler import keys
from store import customers, deliveries, opt_outs, tables
from store.database import Store
from tests.plugins.clock import MONDAY_MORNING
from tests.scenarios import town as towns
from tests.scenarios.town import ACCOUNT, CUSTOMER, Town
from tests.sidebar import doors


def says(town: Town, text: str) -> None:
    """Let the customer write."""
    town.world.customer_says(CUSTOMER, text, open_kfid=ACCOUNT)


async def push(town: Town, purpose: Purpose, text: str, *, due_at: datetime | None = None) -> None:
    """Put a text for the customer into the outbox, due now if not said otherwise."""
    now = town.house.clock.now()
    talk = (await town.rows(tables.conversation))[0]
    new = NewDelivery(
        key=keys.key_of("test", purpose, text),
        act=Act.TEXT,
        send_class=SendClass.KEYED,
        purpose=purpose,
        channel="kf",
        conversation_id=talk.id,
        body=Body(text=text),
        due_at=due_at or now,
    )
    await town.house.store.write(lambda tx: deliveries.add(tx, [new], now))


async def test_words_stop_everything_but_service_at_once(tmp_path: Path, database_url: str) -> None:
    async with towns.town(tmp_path, database_url) as town:
        says(town, "别再给我发广告了")
        (confirmed,) = await town.heard()
        assert "不再发" in confirmed

        await push(town, Purpose.CARE, "祝您节日快乐")
        await push(town, Purpose.SERVICE, "您的工单有了新进展")
        await town.heard(2)
        await town.quiet()

        assert town.said()[1:] == ["您的工单有了新进展"]
        refused = await town.rows(tables.delivery, tables.delivery.c.state == "refused")
        assert [(one.purpose, one.outcome) for one in refused] == [("care", "opted_out")]
        assert await town.rows(tables.case) == []
        (record,) = await town.rows(tables.opt_out)
        assert (record.source, record.evidence, record.message_id is not None) == ("words", "opt_out", True)
        (customer,) = await town.rows(tables.customer)
        assert customer.opted_out_at == record.at
        assert customer.opt_out_evidence == "words: opt_out"


async def test_a_question_beside_it_is_answered_and_confirmed(tmp_path: Path, database_url: str) -> None:
    async with towns.town(tmp_path, database_url) as town:
        says(town, "不要给我推销了，提前还款有违约金吗")
        first, confirmed = await town.heard(2)

        assert "提前" in first
        assert "不再发" in confirmed
        assert len(await town.rows(tables.opt_out)) == 1


async def test_it_counts_while_a_person_serves_and_the_bot_stays_silent(
    tmp_path: Path, database_url: str
) -> None:
    async with towns.town(tmp_path, database_url) as town:
        says(town, "转人工")
        await town.quiet()
        assert (await town.rows(tables.kf_state))[0].state in (SessionState.POOL, SessionState.SERVICER)
        said = len(town.said())

        says(town, "退订")
        await town.quiet()

        assert len(town.said()) == said
        assert len(await town.rows(tables.opt_out)) == 1


async def test_an_advisors_tap_stops_what_was_planned_and_leaves_service(
    tmp_path: Path, database_url: str
) -> None:
    async with towns.town(tmp_path, database_url) as town:
        says(town, "你好")
        await town.heard()
        store, clock = town.house.store, town.house.clock
        await doors.befriend(store, clock, "zhangsan", CUSTOMER)
        later = clock.now() + timedelta(hours=1)
        await push(town, Purpose.EDUCATION, "本周一课：怎么看年化", due_at=later)
        await push(town, Purpose.CARE, "祝您节日快乐", due_at=later)
        await push(town, Purpose.SERVICE, "您的工单有了新进展", due_at=later)

        async with ClientSession(cookies=await doors.sign_in(store, clock, "zhangsan")) as session:
            address = f"{town.address}/sidebar/customer/opt-out?external_userid={CUSTOMER}"
            note = {"csrf": doors.CSRF, "note": "电话里说别再发了"}
            answer = await session.post(address, data=note, allow_redirects=False)
        before = len(town.said())
        await town.advance(hours=1, minutes=1)
        await town.heard(before + 1)
        await town.quiet()

        assert (answer.status, "done=opted_out" in answer.headers["Location"]) == (303, True)
        assert town.said()[before:] == ["您的工单有了新进展"]
        refused = await town.rows(tables.delivery, tables.delivery.c.state == "refused")
        assert {(one.purpose, one.outcome) for one in refused} == {
            ("education", "opted_out"),
            ("care", "opted_out"),
        }


async def test_an_advisors_note_counts_and_can_be_withdrawn(store: Store) -> None:
    wanted = OptOutWanted(source=OptOutSource.ADVISOR, evidence="客户在门店说的")
    ids = await store.write(lambda tx: customers.ensure(tx, ["wmC1"], MONDAY_MORNING))
    who = ids["wmC1"]

    for _ in range(2):
        await store.write(lambda tx: opt_outs.record(tx, who, wanted, actor="zhangsan", at=MONDAY_MORNING))
    assert await store.write(lambda tx: opt_outs.withdraw(tx, who, by="zhangsan", at=MONDAY_MORNING))

    async with store.read() as tx:
        records = await opt_outs.list_of(tx, who)
    assert [(one.actor, one.withdrawn_by) for one in records] == [("zhangsan", "zhangsan")] * 2
    assert not await store.write(lambda tx: opt_outs.withdraw(tx, who, by="zhangsan", at=MONDAY_MORNING))


@pytest.mark.parametrize("recipient", ["wmC1", "wmC2"])
async def test_it_holds_for_who_is_known_by_the_platforms_id_only(store: Store, recipient: str) -> None:
    ids = await store.write(lambda tx: customers.ensure(tx, ["wmC1", "wmC2"], MONDAY_MORNING))
    wanted = OptOutWanted(source=OptOutSource.MENU, evidence="act_opt_out")
    await store.write(
        lambda tx: opt_outs.record(tx, ids["wmC1"], wanted, actor="customer", at=MONDAY_MORNING)
    )
    new = NewDelivery(
        key="k",
        act=Act.TEXT,
        send_class=SendClass.ONCE,
        purpose=Purpose.MARKETING,
        channel="external",
        conversation_id=None,
        recipient=recipient,
        body=Body(text="新活动"),
        due_at=MONDAY_MORNING,
    )
    await store.write(lambda tx: deliveries.add(tx, [new], MONDAY_MORNING))

    (held,) = await store.write(
        lambda tx: deliveries.claim_due(
            tx,
            now=MONDAY_MORNING,
            wall=MONDAY_MORNING,
            owner="test",
            lease=MONDAY_MORNING - MONDAY_MORNING,
            limit=1,
        )
    )

    assert held.has_opted_out is (recipient == "wmC1")

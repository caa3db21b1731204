"""Who may speak for a line today, who else may, and the introduction before the first words about insurance."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import FrozenClock
from domain.delivery import Act, Body, DeliveryState, NewDelivery, Purpose, SendClass
from domain.faq import Line
from domain.people import StaffOverride
from handlers import qualification
from scheduler import acts
from store import deliveries, registrations, staff
from store.database import Store
from tests.verdicts import factory

CUSTOMER = "wmCustomer1"


@pytest.fixture
async def company(store: Store, frozen_clock: FrozenClock) -> Store:
    """lisi is registered, wangwu was, sunqi is and goes on leave today."""

    async def job(tx: AsyncConnection) -> None:
        now = frozen_clock.now()
        await factory.add_staff(tx, "lisi", [factory.ENDED, factory.REGISTERED], now, known_as="李四")
        await factory.add_staff(tx, "wangwu", [factory.ENDED], now, known_as="王五")
        held = dataclasses.replace(factory.REGISTERED, number="S7")
        await factory.add_staff(tx, "sunqi", [held], now, known_as="孙七")
        leave = StaffOverride(platform_id="sunqi", leave_from=factory.TODAY, registrations=(held,))
        await staff.set_overrides(tx, [leave], now)

    await store.write(job)
    return store


async def introduced(store: Store, who: str, line: Line | None = Line.INSURANCE, **more: object) -> str:
    facts = more.get("facts", factory.FACTS)
    assert isinstance(facts, dict)
    async with store.read() as tx:
        return await qualification.introduction(
            tx,
            factory.knowledge(),
            facts,
            who,
            conversation_id=None,
            recipient=CUSTOMER,
            line=line,
            today=factory.TODAY,
        )


async def test_the_registration_that_holds_longest_counts(company: Store) -> None:
    """Also on both engines: what is read here was written by set_all."""
    async with company.read() as tx:
        known = factory.knowledge()
        lisi = await qualification.standing(tx, known, "lisi", Line.INSURANCE, factory.TODAY)
        wangwu = await qualification.standing(tx, known, "wangwu", Line.INSURANCE, factory.TODAY)
        loan = await qualification.standing(tx, known, "wangwu", Line.LOAN, factory.TODAY)
        last_day = await qualification.standing(tx, known, "lisi", Line.INSURANCE, date(2028, 6, 30))
        after = await qualification.standing(tx, known, "lisi", Line.INSURANCE, date(2028, 7, 1))

    assert (lisi.is_qualified, lisi.number, lisi.problems) == (True, factory.NUMBER, ())
    assert not wangwu.is_qualified
    assert [one.rule_id for one in wangwu.problems] == ["registration.ended"]
    assert loan.is_qualified
    assert last_day.is_qualified
    assert not after.is_qualified


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_colleagues_are_those_at_work_who_may_speak(company: Store) -> None:
    async with company.read() as tx:
        found = await qualification.find_colleagues(tx, factory.knowledge(), Line.INSURANCE, factory.TODAY)

    assert found == ["lisi"]


async def test_what_was_struck_out_of_the_file_holds_no_longer(
    company: Store, frozen_clock: FrozenClock
) -> None:
    longer = dataclasses.replace(factory.REGISTERED, valid_until=date(2029, 1, 1))

    changed = await company.write(
        lambda tx: registrations.set_all(tx, {"lisi": [longer], "stranger": [factory.REGISTERED]})
    )
    again = await company.write(lambda tx: registrations.set_all(tx, {"lisi": [longer]}))

    async with company.read() as tx:
        assert await registrations.list_of(tx, "lisi") == [longer]
        assert await registrations.list_of(tx, "wangwu") == []
    assert (changed, again) == (5, 0)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_the_first_words_about_insurance_say_who_speaks(company: Store) -> None:
    said = await introduced(company, "lisi")

    assert said == f"您好，我是示例金融服务有限公司的李四，执业登记编号：{factory.NUMBER}。"
    assert await introduced(company, "wangwu") == ""
    assert await introduced(company, "lisi", Line.LOAN) == ""
    assert await introduced(company, "lisi", facts={"company": ""}) == ""


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_it_is_said_once_also_while_it_is_on_its_way_and_again_when_it_did_not_leave_6(
    company: Store, frozen_clock: FrozenClock
) -> None:
    text = qualification.introduced(await introduced(company, "lisi"), "等待期是90天。")
    now = frozen_clock.now()
    new = NewDelivery(
        key="k1",
        act=Act.BY_HAND,
        send_class=SendClass.REPORTED,
        purpose=Purpose.SERVICE,
        channel=acts.CHANNEL,
        conversation_id=None,
        recipient=CUSTOMER,
        reply_id="typed.1",
        line=str(Line.INSURANCE),
        body=Body(text=text, targets=(CUSTOMER,), servicers=("lisi",)),
        due_at=now,
        state=DeliveryState.ATTEMPTING,
    )
    await company.write(lambda tx: deliveries.add(tx, [new], now))
    again = dataclasses.replace(new, key="k2")
    assert await introduced(company, "lisi") == ""
    await company.write(lambda tx: deliveries.end_by_hand(tx, "k1", is_sent=False, now=now, by="lisi"))
    assert await introduced(company, "lisi")

    await company.write(lambda tx: deliveries.add(tx, [again], now))
    await company.write(lambda tx: deliveries.end_by_hand(tx, "k2", is_sent=True, now=now, by="lisi"))

    assert await introduced(company, "lisi") == ""
    # A colleague is somebody else to the customer.
    assert "孙七" in await introduced(company, "sunqi")


def test_words_that_introduce_themselves_are_not_introduced_twice() -> None:
    once = qualification.introduced("您好，我是李四。", "等待期是90天。")

    assert once == "您好，我是李四。\n等待期是90天。"
    assert qualification.introduced("您好，我是李四。", once) == once
    assert qualification.introduced("", "x") == "x"

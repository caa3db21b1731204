"""What a person sends by one tap: never by the outbox, and unknown only when its time has passed without a report."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.delivery import Act, DeliveryState, NewDelivery, SendClass
from store import deliveries
from tests.outbox.office import OWNER, Office, delivery

TEN_MINUTES = timedelta(minutes=10)


def by_hand(office: Office) -> NewDelivery:
    return delivery(
        "mass",
        Act.BY_HAND,
        SendClass.REPORTED,
        {"text": "今晚八点上课。"},
        key="hand-1",
        state=DeliveryState.ATTEMPTING,
        expires_at=office.clock.now() + TEN_MINUTES,
    )


async def end(office: Office, *, is_sent: bool, error: str = "") -> bool:
    now = office.clock.now()
    return await office.store.write(
        lambda tx: deliveries.end_by_hand(tx, "hand-1", is_sent=is_sent, now=now, by=OWNER, error=error)
    )


async def reap(office: Office) -> DeliveryState:
    await office.outbox.reap(everything=True)
    return (await office.get("hand-1")).state


async def test_it_is_known_when_it_was_given_to_the_person(office: Office) -> None:
    given = await office.send(by_hand(office))

    assert (given.state, given.attempted_at) == (DeliveryState.ATTEMPTING, office.clock.now())


async def test_a_restart_neither_repeats_nor_ends_it_before_its_time(office: Office) -> None:
    await office.put(by_hand(office))

    states = [await reap(office)]
    await office.lapse(minutes=9, seconds=59)
    states.append(await reap(office))
    await office.lapse(seconds=1)
    states.append(await reap(office))

    assert states == [DeliveryState.ATTEMPTING, DeliveryState.ATTEMPTING, DeliveryState.UNKNOWN]


async def test_it_does_not_leave_even_when_somebody_made_it_due(office: Office) -> None:
    await office.put(by_hand(office))
    await office.change(deliveries.delivery, deliveries.delivery.c.key == "hand-1", state="due")

    assert (await office.sent("hand-1")).state is DeliveryState.DUE


@pytest.mark.parametrize(
    ("is_sent", "state", "receipt", "error"),
    [(True, DeliveryState.ACCEPTED, OWNER, ""), (False, DeliveryState.FAILED, "", "cancel")],
)
async def test_what_the_client_reports_ends_it_once(
    office: Office, is_sent: bool, state: DeliveryState, receipt: str, error: str
) -> None:
    await office.put(by_hand(office))

    assert await end(office, is_sent=is_sent, error=error)
    assert not await end(office, is_sent=not is_sent)
    ended = await office.get("hand-1")
    assert (ended.state, ended.receipt, ended.error) == (state, receipt, error)


async def test_a_late_report_still_counts(office: Office) -> None:
    await office.put(by_hand(office))
    await office.lapse(minutes=11)
    lost = await reap(office)

    assert lost is DeliveryState.UNKNOWN
    assert await end(office, is_sent=True)
    assert (await office.get("hand-1")).state is DeliveryState.ACCEPTED

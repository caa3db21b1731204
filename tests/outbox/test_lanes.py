"""A customer's words never wait behind what goes to staff and groups."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from domain.delivery import Act, Delivery, DeliveryState, NewDelivery, Receipt, SendClass
from domain.platform import SessionStatus
from tests.outbox.office import CUSTOMER, Office, delivery, mass_send


class Gate:
    """A way out that takes its time, until the gate opens."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.opens = asyncio.Event()

    async def send(self, delivery: Delivery, *, account_id: str, customer: str) -> Receipt:
        self.waiting.append(delivery.key)
        await self.opens.wait()
        return Receipt(msgid=f"of {delivery.key}")

    async def session_status(self, account_id: str, customer: str) -> SessionStatus:
        return SessionStatus(state=None, servicer_id=None)


def welcome(number: int) -> NewDelivery:
    body = {"text": "您好，很高兴认识您。", "code": f"WC{number}"}
    return delivery("quick", Act.TEXT, SendClass.ONCE, body, recipient=CUSTOMER, key=f"quick-{number}")


async def test_slow_mass_sends_leave_room_for_customers(office: Office) -> None:
    slow, quick = Gate(), Gate()
    quick.opens.set()
    office.channels |= {"mass": slow, "quick": quick}
    for number in range(6):
        await office.put(mass_send(key=f"mass-{number}"))
    await send_until(office, lambda: len(slow.waiting) == 2)

    for number in range(6):
        await office.put(welcome(number))
    await send_until(office, lambda: len(quick.waiting) == 6)

    assert len(slow.waiting) == 2
    slow.opens.set()
    await send_until(office, lambda: len(slow.waiting) == 6)
    await office.outbox.finish()
    assert {(await office.get(f"mass-{n}")).state for n in range(6)} == {DeliveryState.ACCEPTED}


async def send_until(office: Office, holds: Callable[[], bool]) -> None:
    """Let what is due leave, again and again, until `holds()`."""
    for _ in range(2000):
        await office.outbox.send_due()
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("waited in vain")

"""The whole house: with its receivers it has every way out, and what is due leaves by itself."""

from __future__ import annotations

from pathlib import Path

from domain.delivery import DeliveryState, NewDelivery
from sandbox import groups, mass_sending
from store import deliveries
from tests.outbox.office import OWNER, card, mass_send
from tests.people import village as villages
from tests.people.village import AES_KEY, CUSTOMERS, SECRET, TOKEN, Village, village

RECEIVER = {"secret": SECRET, "token": TOKEN, "aes_key": AES_KEY, "agent_id": 1000002}


async def ended(here: Village, one: NewDelivery) -> DeliveryState:
    await here.house.store.write(lambda tx: deliveries.add(tx, [one], here.house.clock.now()))
    await here.quiet()
    async with here.house.store.read() as tx:
        found = await deliveries.find(tx, one.key)
    assert found is not None
    return found.state


async def test_a_card_and_a_mass_send_leave_and_can_be_asked_about(tmp_path: Path, database_url: str) -> None:
    wecom = {"corp_id": villages.CORP, "receivers": {"contacts": RECEIVER, "assistant": RECEIVER}}
    async with village(tmp_path, database_url, wecom=wecom) as here:
        group = groups.create(here.world, OWNER, "营07", [CUSTOMERS[0]])
        house, due_at = here.house, here.house.clock.now()
        send = mass_send(body={"targets": (group.chat_id,)}, due_at=due_at)

        assert await ended(here, send) is DeliveryState.ACCEPTED
        assert await ended(here, card(due_at=due_at)) is DeliveryState.ACCEPTED

        [task] = here.world.corp.mass_tasks.values()
        mass_sending.confirm(here.world, task.msgid, OWNER)
        await here.advance(seconds=5)
        assert house.mass is not None
        assert (await house.mass.state(task.msgid, OWNER)).confirmed_at is not None
        assert house.web_login is not None
        assert house.app_chats is not None


async def test_without_the_app_for_staff_a_card_is_refused(tmp_path: Path, database_url: str) -> None:
    async with village(tmp_path, database_url) as here:
        assert here.house.app_messages is None
        assert await ended(here, card(due_at=here.house.clock.now())) is DeliveryState.REFUSED

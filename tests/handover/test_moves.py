"""Every move of a session from every state, against the sandbox: only what the platform names is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.channels.wecom.channel import KfChannel
from bot.channels.wecom.kf import Kf
from bot.clock import FrozenClock
from domain import handover
from domain.delivery import Act, Body, Delivery, Purpose, Receipt, SendClass
from domain.errors import ServicerRefused, SessionRefused
from domain.platform import SessionState
from sandbox import server, sessions
from sandbox import settings as sandbox
from sandbox.faults import Fault, FaultKind
from store.database import Store
from tests.wecom import edge

ACCOUNT = "wkA"
START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SETTINGS = sandbox.Settings(
    corp_id="ww1",
    apps=(sandbox.AppSettings(agent_id=7, name="客服", secret="s"),),
    accounts=(sandbox.AccountSettings(open_kfid=ACCOUNT, name="顾问台"),),
    servicers=(
        sandbox.ServicerSettings(userid="zhangsan", name="张三"),
        sandbox.ServicerSettings(userid="lisi", name="李四"),
        sandbox.ServicerSettings(userid="wangwu", name="王五", receiving=False),
    ),
    customers=tuple(
        sandbox.CustomerSettings(external_userid=f"wm{number}", nickname=f"客户{number}")
        for number in range(40)
    ),
)
# The table of WeCom doc 94669; (0, 1) happens by answering, which is no move of ours.
YES = {(0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (3, 3), (3, 4)}


@dataclass
class Desk:
    """A channel to the sandbox; `tried`: the calls to move a session, with what they got."""

    box: server.Box
    channel: KfChannel
    tried: list[str] = field(default_factory=list)

    def bring(self, customer: str, state: int) -> None:
        """Bring the customer's session to a state."""
        world = self.box.world
        chat = world.chat(customer, ACCOUNT)
        if state != 4:
            world.customer_says(customer, "在吗", open_kfid=ACCOUNT)
        if state in (1, 2, 3):
            world.set_state(chat, sessions.SessionState(state), "zhangsan" if state == 3 else "")
        assert int(chat.state) == state

    def state(self, customer: str) -> tuple[int, str]:
        chat = self.box.world.chat(customer, ACCOUNT)
        return int(chat.state), chat.servicer_userid

    async def move(self, customer: str, act: Act, *, attempt: int = 1, **body: Any) -> Receipt:
        wanted = delivery(act, attempt=attempt, **body)
        return await self.channel.send(wanted, account_id=ACCOUNT, customer=customer)


def delivery(act: Act, *, attempt: int, **body: Any) -> Delivery:
    return Delivery(
        id=1,
        attempt=attempt,
        created_at=START,
        key="k",
        act=act,
        send_class=SendClass.ONCE,
        purpose=Purpose.SERVICE,
        channel="kf",
        conversation_id=1,
        body=Body(**body),
        due_at=START,
        expires_at=START + timedelta(minutes=2),
    )


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
async def desk(store: Store, frozen_clock: FrozenClock) -> AsyncIterator[Desk]:
    tried: list[str] = []

    def observe(endpoint: str, result: str) -> None:
        if endpoint == "kf/service_state/trans":
            tried.append(result)

    async with (
        server.running(SETTINGS) as box,
        edge.caller(box.url, store, frozen_clock, observe=observe) as client,
    ):
        yield Desk(box=box, channel=KfChannel(Kf(client, frozen_clock)), tried=tried)


def test_the_moves_are_those_of_the_platforms_page() -> None:
    found = {
        (int(now), int(wanted))
        for now in SessionState
        for wanted in SessionState
        if handover.may_move(now, wanted)
    }

    assert found == YES
    assert not any(handover.may_move(None, wanted) for wanted in SessionState)


async def test_every_case_of_the_table_is_made_or_not_even_tried(desk: Desk) -> None:
    acts: dict[int, tuple[Act, dict[str, Any]]] = {
        2: (Act.TRANSFER, {}),
        3: (Act.TRANSFER, {"servicers": ("lisi",)}),
        4: (Act.END, {}),
    }
    wrong = []

    for number, (start, target) in enumerate((a, b) for a in range(5) for b in acts):
        customer = f"wm{number}"
        desk.bring(customer, start)
        act, body = acts[target]
        taken_from = "zhangsan" if start == 3 else ""
        before = len(desk.tried)
        try:
            await desk.move(customer, act, taken_from=taken_from, **body)
        except SessionRefused:
            happened = "refused"
        else:
            happened = "moved"
        calls = len(desk.tried) - before
        expected = ("moved", 1, target) if (start, target) in YES else ("refused", 0, start)
        if (happened, calls, desk.state(customer)[0]) != expected:
            wrong.append(f"{start} to {target}: {happened} in {calls} calls, expected {expected}")

    assert not wrong, "\n".join(wrong)
    assert set(desk.tried) == {"0"}


async def test_a_session_is_never_given_to_who_has_it_nor_taken_from_who_has_not(desk: Desk) -> None:
    desk.bring("wm1", 3)

    for body in (
        {"servicers": ("lisi",)},  # Decided while nobody served.
        {"servicers": ("lisi",), "taken_from": "lisi"},  # Somebody else has it by now.
    ):
        with pytest.raises(SessionRefused):
            await desk.move("wm1", Act.TRANSFER, **body)
    with pytest.raises(SessionRefused):
        await desk.move("wm1", Act.END, taken_from="lisi")
    assert (desk.tried, desk.state("wm1")) == ([], (3, "zhangsan"))


async def test_who_cannot_take_a_customer_is_passed_over_and_named(desk: Desk) -> None:
    desk.bring("wm1", 1)

    receipt = await desk.move("wm1", Act.TRANSFER, servicers=("wangwu", "nobody", "lisi"))

    assert (receipt.servicer, receipt.unreached) == ("lisi", ("wangwu", "nobody"))
    assert receipt.msg_code
    assert desk.tried == ["95019", "95014", "0"]


async def test_when_none_can_take_the_customer_the_session_stays_where_it_was(desk: Desk) -> None:
    desk.bring("wm1", 0)

    with pytest.raises(ServicerRefused):
        await desk.move("wm1", Act.TRANSFER, servicers=("wangwu", "nobody"))

    assert desk.state("wm1") == (0, "")


async def test_an_end_overtaken_between_asking_and_moving_is_a_refusal_of_the_session(desk: Desk) -> None:
    for code in (95013, 95016):
        customer = f"wm{code}"
        desk.box.world.add_customer("x", external_userid=customer)
        desk.bring(customer, 3)
        desk.box.faults.add(Fault(kind=FaultKind.ERRCODE, match="kf/service_state/trans", count=1, code=code))
        with pytest.raises(SessionRefused) as caught:
            await desk.move(customer, Act.END, taken_from="zhangsan")
        assert caught.value.errcode == code


async def test_a_repeat_after_a_lost_answer_asks_first_and_moves_nothing_twice(desk: Desk) -> None:
    desk.bring("wm1", 1)
    await desk.move("wm1", Act.TRANSFER, servicers=("zhangsan",))
    again = await desk.move("wm1", Act.TRANSFER, servicers=("zhangsan",), attempt=2)
    await desk.move("wm1", Act.TRANSFER, servicers=("lisi",), taken_from="zhangsan")
    passed_on = await desk.move("wm1", Act.TRANSFER, servicers=("lisi",), taken_from="zhangsan", attempt=2)
    await desk.move("wm1", Act.END, taken_from="lisi")
    ended = await desk.move("wm1", Act.END, taken_from="lisi", attempt=2)

    assert [one.was_repeat for one in (again, passed_on, ended)] == [True, True, True]
    assert (again.servicer, passed_on.servicer) == ("zhangsan", "lisi")
    assert desk.tried == ["0", "0", "0"]

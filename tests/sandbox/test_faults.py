"""Faults of API calls: before and after the act, by probability and count, and repeatable."""

from __future__ import annotations

import aiohttp
import pytest

from sandbox.faults import Fault, FaultBox, FaultKind, When
from tests.sandbox.caller import CUSTOMER, Caller


async def send_raw(app: Caller, msgid: str) -> int:
    """The HTTP status of a send."""
    body = {
        "touser": CUSTOMER,
        "open_kfid": "wkA1",
        "msgid": msgid,
        "msgtype": "text",
        "text": {"content": "答"},
    }
    url = f"{app.box.url}/cgi-bin/kf/send_msg"
    async with app.session.post(url, params={"access_token": app.token}, json=body) as answer:
        return answer.status


@pytest.mark.parametrize(("when", "repeat"), [(When.BEFORE, 0), (When.AFTER, 95100)])
async def test_server_error_before_or_after_the_act(app: Caller, when: When, repeat: int) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    app.box.faults.add(Fault(kind=FaultKind.HTTP, match="kf/send_msg", code=503, count=1, when=when))
    status = await send_raw(app, "t1")
    again = await app.send(msgid="t1")

    assert status == 503
    assert again["errcode"] == repeat
    assert len(app.box.world.received(CUSTOMER)) == 1


@pytest.mark.parametrize(("when", "copies"), [(When.BEFORE, 0), (When.AFTER, 1)])
async def test_connection_breaks_before_or_after_the_act(app: Caller, when: When, copies: int) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    app.box.faults.add(Fault(kind=FaultKind.RESET, match="kf/*", count=1, when=when))
    with pytest.raises(aiohttp.ClientError):
        await send_raw(app, "t1")

    assert len(app.box.world.received(CUSTOMER)) == copies
    assert app.box.protocol.counts["kf/send_msg", -599] == 1


@pytest.mark.parametrize("code", [-1, 45009, 45033, 60020, 48002])
async def test_errcodes_on_demand_do_not_act(app: Caller, code: int) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    await app.control("faults", kind="errcode", match="kf/send_msg", code=code, count=1)
    refused = await app.send()
    accepted = await app.send()

    assert refused["errcode"] == code
    assert accepted["errcode"] == 0
    assert len(app.box.world.received(CUSTOMER)) == 1


async def test_errcode_after_the_act_hides_a_success(app: Caller) -> None:
    app.box.world.customer_says(CUSTOMER, "在吗")
    app.box.faults.add(Fault(kind=FaultKind.ERRCODE, code=-1, when=When.AFTER, count=1))
    refused = await app.send(msgid="t1")

    assert refused["errcode"] == -1
    assert len(app.box.world.received(CUSTOMER)) == 1


def test_probability_is_kept_and_repeatable() -> None:
    def strikes() -> list[bool]:
        box = FaultBox(seed=7)
        box.add(Fault(kind=FaultKind.ERRCODE, probability=0.3))
        return [box.strike(FaultKind.ERRCODE, "kf/sync_msg") is not None for _ in range(1000)]

    assert strikes() == strikes()
    assert 250 < sum(strikes()) < 350


async def test_faults_are_listed_counted_and_removed(app: Caller) -> None:
    added = await app.control("faults", kind="errcode", match="getcallbackip", code=45009)
    await app.get("getcallbackip")
    listed = (await app.read("state"))["faults"][0]
    await app.control("faults/remove", fault_id=added["fault_id"])
    healthy = await app.get("getcallbackip")

    assert (listed["kind"], listed["struck"]) == ("errcode", 1)
    assert healthy["errcode"] == 0


async def test_impossible_fault_is_refused(app: Caller) -> None:
    good = await app.control("faults", kind="delay", seconds=0.001)
    unknown = await app.control("faults", kind="earthquake")
    mistyped = await app.control("faults", kind="delay", second=3)

    assert good["status"] == 200
    assert (unknown["status"], mistyped["status"]) == (400, 400)

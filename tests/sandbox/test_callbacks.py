"""Callbacks: the envelope, the deadline, retries, faults, address checks and passive replies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox import envelope
from sandbox.callbacks import judge_reply, xml_of
from sandbox.faults import Fault, FaultKind
from tests import shared
from tests.sandbox import caller
from tests.sandbox.caller import CUSTOMER, KFID, Caller

POSITIVE = ("url_verify", "post_xml", "passive_reply_xml", "aibot_post_json", "aibot_reply_json")


def vectors() -> list[dict[str, Any]]:
    found = json.loads(shared.path("wecom/vectors.json").read_text("utf-8"))["vectors"]
    return [one for one in found if "encoding_aes_key" in one]


def sealed(vector: dict[str, Any]) -> str:
    return str(vector.get("encrypt") or vector.get("echostr"))


def test_published_vectors_open_and_seal_to_the_same_bytes() -> None:
    positive = [one for one in vectors() if one["kind"] in POSITIVE]
    for one in positive:
        parts = (one["token"], one["timestamp"], one["nonce"], sealed(one))
        plain = envelope.unseal(one["encoding_aes_key"], one["receiveid"], sealed(one))
        head = one["random16"].encode()

        assert envelope.signature_of(*parts) == one["msg_signature"], one["id"]
        assert plain.decode() == one["expected_plaintext"], one["id"]
        assert envelope.seal(one["encoding_aes_key"], one["receiveid"], plain, head=head) == sealed(one)
    assert len(positive) == 8


def test_negative_vectors_are_refused() -> None:
    wrong = {one["id"]: one for one in vectors() if one["kind"] == "negative"}
    signature = wrong["neg-bad-signature"]
    other = wrong["neg-wrong-receiveid"]
    parts = (signature["token"], signature["timestamp"], signature["nonce"], sealed(signature))

    assert not envelope.is_signed(signature["msg_signature"], *parts)
    with pytest.raises(envelope.EnvelopeError) as caught:
        envelope.unseal(other["encoding_aes_key"], other["receiveid"], sealed(other))
    assert caught.value.code == -40005


@pytest.mark.parametrize(("content", "code"), [("!!", -40010), ("QUJD", -40007), ("", -40007)])
def test_garbage_is_refused_with_the_librarys_code(content: str, code: int) -> None:
    with pytest.raises(envelope.EnvelopeError) as caught:
        envelope.unseal(caller.KEY, "ww1", content)

    assert caught.value.code == code


async def test_message_is_announced_by_a_callback_whose_token_reads_it(app: Caller) -> None:
    async with caller.hooked(app.box) as hook:
        app.box.world.customer_says(CUSTOMER, "在吗")
        await app.box.postman.drained()
        found = await app.sync(token=hook.field("Token"))

    assert (hook.field("Event"), hook.field("OpenKfId")) == ("kf_msg_or_event", KFID)
    assert "FromUserName" not in hook.plain[0]
    assert "在吗" not in hook.plain[0]
    assert found["msg_list"][0]["text"]["content"] == "在吗"


async def test_failed_callback_is_tried_again_with_the_same_content(app: Caller) -> None:
    async with caller.hooked(app.box) as hook:
        hook.statuses = [500, 404]
        app.box.world.customer_says(CUSTOMER, "在吗")
        await app.box.postman.drained()
    stats = app.box.postman.stats["kf"]

    assert len(hook.plain) == 1
    assert (stats.delivered, stats.failed_attempts, stats.given_up, stats.last_error) == (1, 2, 0, "")


async def test_callback_is_given_up_after_three_retries(app: Caller) -> None:
    async with caller.hooked(app.box) as hook:
        hook.statuses = [503] * 10
        app.box.world.customer_says(CUSTOMER, "在吗")
        await app.box.postman.drained()
    stats = app.box.postman.stats["kf"]

    assert hook.refused == 4
    assert (stats.delivered, stats.given_up, stats.last_error) == (0, 1, "HTTP 503")


async def test_application_that_is_down_is_retried_until_it_is_up(app: Caller) -> None:
    app.box.postman.point("kf", "http://127.0.0.1:1/callback")
    app.box.world.customer_says(CUSTOMER, "在吗")
    async with caller.hooked(app.box) as hook:
        await app.box.postman.drained()

    assert len(hook.plain) == 1


@pytest.mark.parametrize(
    ("kind", "copies"), [(FaultKind.DUPLICATE, 2), (FaultKind.DROP, 0), (FaultKind.LATE, 1)]
)
async def test_callback_faults_on_demand(app: Caller, kind: FaultKind, copies: int) -> None:
    async with caller.hooked(app.box) as hook:
        app.box.faults.add(Fault(kind=kind, match="kf", count=1, seconds=0.01))
        app.box.world.customer_says(CUSTOMER, "一")
        await app.box.postman.drained()
        faulty = len(hook.plain)
        app.box.world.customer_says(CUSTOMER, "二")
        await app.box.postman.drained()

    assert faulty == copies
    assert len(hook.plain) == copies + 1


async def test_reordered_callback_arrives_after_the_next(app: Caller) -> None:
    async with caller.hooked(app.box) as hook:
        app.box.faults.add(Fault(kind=FaultKind.REORDER, count=1))
        app.box.postman.post_fields("kf", {"Event": "first"})
        app.box.postman.post_fields("kf", {"Event": "second"})
        await app.box.postman.drained()

    assert [hook.field("Event", number) for number in (0, 1)] == ["second", "first"]


async def test_bad_signature_is_one_of_the_attempts(app: Caller) -> None:
    async with caller.hooked(app.box) as hook:
        app.box.faults.add(Fault(kind=FaultKind.BAD_SIGNATURE, count=1))
        app.box.world.customer_says(CUSTOMER, "在吗")
        await app.box.postman.drained()

    assert (hook.refused, len(hook.plain)) == (1, 1)


async def test_address_check_wants_the_echo_and_nothing_else(app: Caller) -> None:
    async with caller.hooked(app.box) as hook:
        good = await app.control("callbacks/verify", receiver="kf")
        app.box.postman.point("kf", f"{hook.url}/elsewhere")
        bad = await app.control("callbacks/verify", receiver="kf")

    assert good["good"] is True
    assert bad["good"] is False
    assert "404" in bad["problem"]


async def test_member_message_reaches_the_app_and_its_passive_reply_is_judged(app: Caller) -> None:
    async with caller.hooked(app.box, "assistant") as hook:
        plain = xml_of({"ToUserName": "zhangsan", "FromUserName": "ww", "MsgType": "text", "Content": "收到"})
        encrypted = envelope.seal(caller.KEY, hook.corp_id, plain)
        signature = envelope.signature_of("appToken", "1", "2", encrypted)
        good: dict[str, str | int | list[str]] = {
            "Encrypt": encrypted,
            "MsgSignature": signature,
            "TimeStamp": 1,
            "Nonce": "2",
        }
        hook.reply = xml_of(good).decode()
        await app.control("member/says", receiver="assistant", userid="zhangsan", content="今日任务")
        await app.box.postman.drained()
        replies = app.box.postman.replies

    assert (hook.field("Content"), hook.field("AgentID")) == ("今日任务", "1000002")
    assert [reply.code for reply in replies] == [0]
    assert "收到" in replies[0].text


def test_wrong_passive_replies_get_the_librarys_codes() -> None:
    receiver = caller.USUAL.receivers[1]
    forged = xml_of({"Encrypt": "eA==", "MsgSignature": "0", "TimeStamp": 1, "Nonce": "2"})

    assert judge_reply(receiver, "ww1", forged).code == -40001
    assert judge_reply(receiver, "ww1", b"not xml").code == -40002
    assert judge_reply(receiver, "ww1", b'<!DOCTYPE x [<!ENTITY a "b">]><xml/>').code == -40002
    assert judge_reply(caller.USUAL.receivers[0], "ww1", b"<xml/>").code == -40008
